// The powers `g^e`, `0 <= e < 2^log_len`, of a generator of the subgroup of that size, as products of an entry for the low
// bits of `e` and one for the others, which stand behind them. The module binds the table as `roots`.

fn root(exponent: u32, log_low: u32) -> Felt {
    let low = roots[exponent & ((1u << log_low) - 1u)];
    return felt_mul(roots[(1u << log_low) + (exponent >> log_low)], low);
}

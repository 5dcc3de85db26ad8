// The DEEP quotient around one point.
#pragma once
#include "felt.cuh"

struct Term {
    Felt coefficient;
    const Felt* column;
};

// The terms with one denominator: `(sum coefficient * column - constant) / (x - z g^offset)`.
struct Fraction {
    Felt constant;
    u64 offset;
    u32 first_term, end_term;
};

// Adds the fractions to `out` on every row; entry `i` of `inverses` is `1 / (x_i - z)`, and the
// coefficients hold `g^-offset`.
KERNEL(256, deep_quotient, const Fraction* fractions, u32 n_fractions, const Term* terms, const Felt* inverses,
       Felt* out, u64 n_rows) {
    const u64 row = thread_index();
    if (row >= n_rows) return;
    Felt sum = out[row];
    for (u32 f = 0; f < n_fractions; f++) {
        const Fraction fraction = fractions[f];
        Felt numerator = felt_sub(felt_zero(), fraction.constant);
        for (u32 t = fraction.first_term; t < fraction.end_term; t++) {
            numerator = felt_add_lazy(numerator, felt_mul(terms[t].coefficient, terms[t].column[row]));
            // Every term adds p at most.
            if (t % 16 == 15) numerator = felt_reduce(numerator);
        }
        sum = felt_add(sum, felt_mul(numerator, inverses[(row - fraction.offset) & (n_rows - 1)]));
    }
    out[row] = sum;
}

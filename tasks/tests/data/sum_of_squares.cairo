//! The sum of the squares of the values, and their number.

#[executable]
fn main(values: Array<u64>) -> (u64, u32) {
    let mut sum = 0;
    let n = values.len();
    for value in values {
        sum += value * value;
    }
    (sum, n)
}

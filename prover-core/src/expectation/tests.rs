//! The whole proofs behind these checks are in `tests/claims.rs`.

use super::*;

#[test]
fn the_default_asks_for_a_whole_run_and_80_bits() {
    let default = Expectation::default();
    assert_eq!((default.run, default.min_security_bits), (RunMode::Whole, 80));
    let any = Expectation::any();
    assert_eq!((any.run, any.min_security_bits), (RunMode::Any, 0));
}

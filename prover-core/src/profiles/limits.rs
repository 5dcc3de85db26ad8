//! The limits of verifiers, as data.

use crate::cairo::run::RunMode;
use crate::parameters::Parameters;
use std::ops::RangeInclusive;

/// What a verifier accepts.
#[derive(Debug)]
pub struct Limits {
    /// The verifier's name.
    pub verifier: &'static str,
    /// The layouts that it supports; `None` for all.
    pub layouts: Option<&'static [&'static str]>,
    /// Whether it accepts other hashes and another form of the public input than the profile's.
    pub any_hashes: bool,
    /// Whether it accepts public memory with continuous pages.
    pub continuous_pages: bool,
    /// The runs that it accepts: those of any of these modes.
    pub runs: &'static [RunMode],
    /// The first FRI step.
    pub first_fri_step: RangeInclusive<u64>,
    /// Each other FRI step.
    pub fri_step: RangeInclusive<u64>,
    /// The number of FRI layers: the length of the step list.
    pub n_fri_layers: RangeInclusive<u64>,
    /// The logarithm of the last layer's degree bound.
    pub log_last_layer: RangeInclusive<u64>,
    /// The number of queries.
    pub n_queries: RangeInclusive<u64>,
    /// Bits of proof of work.
    pub proof_of_work_bits: RangeInclusive<u64>,
    /// The minimum security that it requires, in bits.
    pub min_security_bits: u64,
    /// Whether `main` of the program must declare all builtins.
    pub all_builtins: bool,
    /// Which programs it accepts proofs of, if not all.
    pub programs: Option<&'static str>,
}

/// Integrity 2.1, the verifier on Starknet. FRI: the bounds in its configuration checks, which swiftness shares
/// (`fri/config`: 2 to 15 layers, steps 1 to 4 after a first 0, last layer up to 2^15). Proof of work: Integrity's
/// `assert_in_range(n_bits, 20, 50)` excludes 50. Layouts: its published settings. It reads no page headers.
pub(super) const INTEGRITY: Limits = Limits {
    verifier: "Integrity 2.1",
    layouts: Some(&[
        "dex",
        "recursive",
        "recursive_with_poseidon",
        "small",
        "starknet",
        "starknet_with_keccak",
    ]),
    any_hashes: false,
    continuous_pages: false,
    runs: &[RunMode::Strict, RunMode::Relaxed, RunMode::Cairo1],
    first_fri_step: 0..=0,
    fri_step: 1..=4,
    n_fri_layers: 2..=15,
    log_last_layer: 0..=15,
    n_queries: ANY,
    proof_of_work_bits: 20..=49,
    min_security_bits: 0,
    all_builtins: false,
    programs: None,
};

/// StarkWare's verifiers in Cairo 0 (cairo-lang 0.14, `starkware/cairo/stark_verifier`): `core/config.cairo`,
/// `core/fri/config.cairo`, `core/proof_of_work.cairo` and `cairo_verifier`. Layouts: those of the compiled programs
/// that Quarry brings.
pub(super) const CAIRO_VERIFIER: Limits = Limits {
    verifier: "StarkWare's Cairo verifiers",
    layouts: Some(&[
        "dex",
        "dynamic",
        "recursive",
        "recursive_with_poseidon",
        "small",
        "starknet",
        "starknet_with_keccak",
    ]),
    // They require that `main` declares all builtins; those that the layout lacks get 0.
    runs: &[RunMode::Relaxed],
    n_queries: 1..=48,
    proof_of_work_bits: 30..=50,
    min_security_bits: 96,
    all_builtins: true,
    ..INTEGRITY
};

/// Ethereum's contracts behind SHARP: the CPU verifier of one layout, behind a registry of programs. FRI, queries and
/// the upper bound of the proof of work: the published contracts' own checks (first step 0, others 2 to 4, last layer
/// up to 2^10, 48 queries, 50 bits). 96 bits of security and 30 of proof of work: the contracts' state.
pub(super) const SHARP: Limits = Limits {
    verifier: "SHARP's contracts on Ethereum",
    layouts: Some(&["recursive_large_output"]),
    any_hashes: false,
    continuous_pages: true,
    // SHARP's bootloaders declare all builtins; those that the layout lacks get 0.
    runs: &[RunMode::Relaxed],
    first_fri_step: 0..=0,
    fri_step: 2..=4,
    n_fri_layers: 2..=10,
    log_last_layer: 0..=10,
    n_queries: 1..=48,
    proof_of_work_bits: 30..=50,
    min_security_bits: 96,
    all_builtins: false,
    programs: Some("accept only proofs of registered bootloader programs"),
};

/// Stone's own verifier: accepts everything that its parameter file can express.
pub(super) const STONE: Limits = Limits {
    verifier: "Stone's verifier",
    layouts: None,
    any_hashes: true,
    continuous_pages: true,
    runs: &[RunMode::Any],
    first_fri_step: ANY,
    fri_step: ANY,
    n_fri_layers: ANY,
    log_last_layer: ANY,
    n_queries: ANY,
    proof_of_work_bits: ANY,
    min_security_bits: 0,
    all_builtins: false,
    programs: None,
};

const ANY: RangeInclusive<u64> = 0..=u64::MAX;

impl Limits {
    /// The numbers outside the limits, in words.
    pub(super) fn objections(&self, parameters: &Parameters) -> Vec<String> {
        let fri = &parameters.fri;
        let log_last_layer = fri.last_layer_degree_bound.checked_ilog2().unwrap_or(0);
        let steps = fri.fri_step_list.iter().map(|&step| u64::from(step));
        let named = steps.enumerate().map(|(i, step)| {
            let limit = if i == 0 {
                &self.first_fri_step
            } else {
                &self.fri_step
            };
            (format!("fri_step_list[{i}]"), step, limit)
        });
        let n_layers = fri.fri_step_list.len() as u64;
        let values = [
            ("length of fri_step_list", n_layers, &self.n_fri_layers),
            (
                "log2(last_layer_degree_bound)",
                log_last_layer.into(),
                &self.log_last_layer,
            ),
            ("n_queries", fri.n_queries as u64, &self.n_queries),
            (
                "proof_of_work_bits",
                fri.proof_of_work_bits.into(),
                &self.proof_of_work_bits,
            ),
            (
                "bits of security",
                parameters.security_bits(),
                &(self.min_security_bits..=u64::MAX),
            ),
        ];
        values
            .into_iter()
            .map(|(name, value, limit)| (name.to_owned(), value, limit))
            .chain(named)
            .filter(|(_, value, limit)| !limit.contains(value))
            .map(|(name, value, limit)| match (*limit.start(), *limit.end()) {
                (min, u64::MAX) => format!("{name} is {value}, at least {min} is required"),
                (min, max) if min == max => format!("{name} is {value}, only {min} is accepted"),
                (min, max) => format!("{name} is {value}, {min} to {max} is accepted"),
            })
            .collect()
    }
}

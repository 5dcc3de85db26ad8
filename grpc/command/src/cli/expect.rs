//! The `--expect` options: what a proof must state to be accepted.

use crate::cli::failure::{Failure, Kind};
use crate::cli::kinds::OrWrongKind;
use crate::cli::source::read_text;
use crate::cli::statement::{parse_felt, readable_list};
use quarry_kernels::Felt;
use quarry_prover_core::cairo::run::{CANONICAL_BUILTINS, RunMode};
use quarry_prover_core::expectation::{Expectation, ExpectedTask, Mismatch};
use quarry_prover_core::facts::CompiledProgram;
use quarry_prover_core::file_kind::FileKind;
use quarry_prover_core::verifier::VerifyError;
use std::path::PathBuf;

/// Options that state what is expected of a proof.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Reject proofs with fewer bits of conjectured security
    #[arg(long, value_name = "BITS", default_value_t = Expectation::default().min_security_bits)]
    min_security_bits: u64,
    /// Which runs to accept. whole: complete runs of Cairo 0 programs with any of the layout's builtins; strict: with
    /// all of them; relaxed: builtins that the layout lacks are 0, as in bootloaders; cairo1: runs as cairo1-run makes
    /// them; any: every run, and the proof shows nothing about a program
    #[arg(long, value_name = "whole|strict|relaxed|cairo1|any", value_parser = parse_mode, default_value = "whole")]
    run: RunMode,
    /// Reject proofs in another layout. With --expect-program-hash, also states that main has all builtins of this
    /// layout
    #[arg(long, value_name = "NAME")]
    expect_layout: Option<String>,
    /// Reject proofs of any other program than this compiled one; its list of builtins is compared too
    #[arg(long, value_name = "FILE", conflicts_with_all = ["expect_program_hash", "expect_builtins"])]
    expect_program: Option<PathBuf>,
    /// Reject proofs of a program with another hash (Pedersen or Poseidon). Needs --expect-layout or --expect-builtins,
    /// unless main has no builtins or all of them: the hash does not cover which builtins main has
    #[arg(long, value_name = "HASH", value_parser = parse_felt)]
    expect_program_hash: Option<Felt>,
    /// Reject proofs unless main had exactly these builtins, in this order; "" for none
    #[arg(long, value_name = "NAME,...", value_parser = parse_builtins)]
    expect_builtins: Option<List<String>>,
    /// Reject proofs with another output; "" for none
    #[arg(long, value_name = "VALUE,...", value_parser = parse_values, allow_hyphen_values = true)]
    expect_output: Option<List<Felt>>,
    /// Reject proofs of a bootloader with another program hash (Pedersen or Poseidon)
    #[arg(long, value_name = "HASH", value_parser = parse_felt)]
    expect_bootloader_hash: Option<Felt>,
    /// Reject proofs of a bootloader with another configuration (the values that it outputs before its tasks); "" for
    /// none
    #[arg(long, value_name = "VALUE,...", value_parser = parse_values)]
    expect_bootloader_config: Option<List<Felt>>,
    /// Reject proofs of a bootloader that ran no task with this program hash
    #[arg(long, value_name = "HASH", value_parser = parse_felt)]
    expect_task_program_hash: Option<Felt>,
    /// Reject proofs of a bootloader that ran no task (with that program hash, if given) with this output; "" for none
    #[arg(long, value_name = "VALUE,...", value_parser = parse_values, allow_hyphen_values = true)]
    expect_task_output: Option<List<Felt>>,
}

/// A comma-separated list in one argument.
#[derive(Clone, Debug, PartialEq, Eq)]
struct List<T>(Vec<T>);

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|_| !text.trim().is_empty())
}

fn parse_values(text: &str) -> Result<List<Felt>, String> {
    Ok(List(words(text).map(parse_felt).collect::<Result<_, _>>()?))
}

fn parse_builtins(text: &str) -> Result<List<String>, String> {
    let known = |word: &str| {
        let is_known = CANONICAL_BUILTINS.contains(&word);
        let unknown = || {
            format!(
                "unknown builtin '{word}'; expected one of {}",
                CANONICAL_BUILTINS.join(", ")
            )
        };
        is_known.then(|| word.to_owned()).ok_or_else(unknown)
    };
    Ok(List(words(text).map(known).collect::<Result<_, _>>()?))
}

fn parse_mode(name: &str) -> Result<RunMode, String> {
    let known = || RunMode::NAMED.map(|(name, _)| name).join(", ");
    RunMode::from_name(name).ok_or_else(|| format!("expected one of {}", known()))
}

impl Args {
    /// The expectation that the options state. Reads the program's file, if one is given.
    pub fn expectation(&self) -> Result<Expectation, Failure> {
        let program = match &self.expect_program {
            Some(path) => Some(
                read_text(path)
                    .and_then(|text| {
                        CompiledProgram::parse(&text)
                            .map_err(|error| Failure::bad_input(format!("'{}': {error}", path.display())))
                    })
                    .or_wrong_kind(path, FileKind::Program)?,
            ),
            None => None,
        };
        let list = |list: &Option<List<Felt>>| list.as_ref().map(|list| list.0.clone());
        let builtins = self.expect_builtins.as_ref().map(|list| list.0.clone());
        let task = ExpectedTask {
            program_hash: self.expect_task_program_hash,
            output: list(&self.expect_task_output),
        };
        Ok(Expectation {
            min_security_bits: self.min_security_bits,
            run: self.run,
            layout: self.expect_layout.clone(),
            program_hash: program
                .as_ref()
                .map(|program| program.hash())
                .or(self.expect_program_hash),
            builtins: program.map(|program| program.builtins).or(builtins),
            output: list(&self.expect_output),
            bootloader_hash: self.expect_bootloader_hash,
            bootloader_config: list(&self.expect_bootloader_config),
            task: Some(task).filter(|task| *task != ExpectedTask::default()),
        })
    }
}

/// The failure for a rejected proof, with a hint at the option that would accept it.
pub fn rejection(error: &VerifyError) -> Failure {
    let hint = match error {
        VerifyError::Security { .. } => "; --min-security-bits sets the minimum".to_owned(),
        VerifyError::Unexpected(mismatch) => hint(mismatch),
        _ => String::new(),
    };
    Failure::new(Kind::Rejected, format!("{error}{hint}"))
}

fn hint(mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::Run {
            taken_by: RunMode::Any,
            ..
        } => "; --run any accepts it, but then the proof shows nothing about a program".to_owned(),
        Mismatch::Run { taken_by, .. } => format!("; --run {} accepts it", taken_by.name()),
        Mismatch::Unbound { .. } => {
            "; state them with --expect-builtins NAME,.. or --expect-program FILE, or with --expect-layout NAME if \
             main has all builtins of that layout"
                .to_owned()
        }
        Mismatch::UnboundConfig(_) => {
            "; pass --expect-bootloader-config VALUE,.. if you trust it".to_owned()
        }
        Mismatch::UnknownBootloader { .. } => {
            "; pass --expect-bootloader-hash HASH if you trust it".to_owned()
        }
        Mismatch::Output { got, expected } => {
            let [got, expected] = [got, expected].map(|values| readable_list(values));
            format!(": {got}; expected {expected}")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_separated_by_commas() {
        let list = |values: &[u64]| Ok(List(values.iter().map(|&value| value.into()).collect()));
        assert_eq!(parse_values("1,0x2, 3"), list(&[1, 2, 3]));
        assert_eq!(parse_values(""), list(&[]));
        assert!(parse_values("1,,2").is_err());
        assert!(parse_values("1,x").is_err());
        let names = List(vec!["output".to_owned(), "range_check".to_owned()]);
        assert_eq!(parse_builtins("output, range_check"), Ok(names));
        assert_eq!(parse_builtins(""), Ok(List(vec![])));
        assert!(parse_builtins("output,rangecheck").is_err());
    }

    #[test]
    fn modes_have_integritys_names() {
        assert_eq!(parse_mode("strict"), Ok(RunMode::Strict));
        assert_eq!(
            parse_mode("loose"),
            Err("expected one of whole, strict, relaxed, cairo1, any".to_owned())
        );
    }
}

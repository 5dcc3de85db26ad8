//! `quarry facts`: the hashes and facts under which SHARP and Integrity register a proof.

use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::proved::Proved;
use crate::cli::read::Limit;
use crate::cli::source::{read_json, read_text};
use crate::cli::table::Table;
use crate::cli::terminal;
use quarry_kernels::felt;
use quarry_prover_core::cairo::run::RunMode;
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::facts::{CompiledProgram, FactOptions, ProofFacts, Topology};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Examples for `facts --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry facts proof.json
  quarry facts proof.json --program program.json
      also computes the SHARP fact, which needs the program's list of builtins
  quarry facts proof.json --run relaxed --json | jq -r .integrity_verification.verification_hash

The proof is verified first; an invalid one is rejected (exit code 3). docs/facts.md has the
formulas.";

/// Arguments of `facts`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Proof file; - reads standard input
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// Compiled program that was proved; the SHARP fact needs its list of builtins, which a proof does not show
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Pages of the output and their tree (JSON), as a PIE's additional_data states them for the output builtin
    /// [default: one page]
    #[arg(long, value_name = "FILE", requires = "program")]
    fact_topology: Option<PathBuf>,
    /// Reject proofs with fewer bits of conjectured security
    #[arg(long, value_name = "BITS", default_value_t = Expectation::default().min_security_bits)]
    min_security_bits: u64,
    /// Integrity's mode for the run [default: the strictest mode that accepts it]
    #[arg(long, value_name = "strict|relaxed|cairo1", value_parser = parse_mode)]
    run: Option<RunMode>,
    #[command(flatten)]
    limit: Limit,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Parses one of Integrity's modes.
pub fn parse_mode(name: &str) -> Result<RunMode, String> {
    RunMode::of_integrity(name).ok_or_else(|| "expected one of strict, relaxed, cairo1".to_owned())
}

/// A PIE's description of its output: each page's first word and size, and the tree over the pages.
#[derive(Deserialize)]
struct Pages {
    #[serde(default)]
    pages: BTreeMap<u64, (u64, u64)>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
struct Attributes {
    gps_fact_topology: Option<Vec<u64>>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let program = match &args.program {
        Some(path) => Some(
            CompiledProgram::parse(&read_text(path)?)
                .or_bad_input()
                .map_err(|failure| Failure::bad_input(format!("'{}': {failure}", path.display())))?,
        ),
        None => None,
    };
    let proved = Proved::read(&args.proof, &args.limit, args.min_security_bits)?;
    let verifier = proved.verifier()?;
    let topology = match &args.fact_topology {
        Some(path) => Some(topology(
            path,
            proved.verified.output.as_ref().map_or(0, Vec::len),
        )?),
        None => None,
    };
    let options = FactOptions {
        mode: args.run,
        program: program.as_ref(),
        topology: topology.as_ref(),
    };
    let facts = ProofFacts::of(&verifier, options)
        .map_err(|error| Failure::new(Kind::Rejected, error.to_string()))?;
    match args.json {
        true => terminal::print_json(&facts),
        false => terminal::print(table(&facts)),
    }
}

fn topology(path: &Path, n_output: usize) -> Result<Topology, Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::bad_input(format!("'{}': {why}", path.display()));
    let pages: Pages = serde_json::from_value(read_json(path)?).map_err(|why| wrong(&why))?;
    let tree = pages.attributes.gps_fact_topology.as_deref();
    Topology::declared(n_output as u64, &pages.pages, tree).map_err(|why| wrong(&why))
}

fn table(proof: &ProofFacts) -> Table {
    let facts = &proof.facts;
    let mut table = Table::default();
    let digest = |digest: &[u8; 32]| {
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let hex = felt::to_hex;
    table.row(
        "program hash",
        format!(
            "{} (Pedersen, Cairo verifiers)",
            hex(&facts.program_hash_pedersen)
        ),
    );
    table.row(
        "",
        format!("{} (Poseidon, Integrity)", hex(&facts.program_hash_poseidon)),
    );
    if let Some(hashes) = &facts.bootloader_program_hash {
        table.row("", format!("{} (Pedersen, bootloaders)", hex(&hashes.pedersen)));
        table.row("", format!("{} (Poseidon, bootloaders)", hex(&hashes.poseidon)));
    }
    table.row("output hash", hex(&facts.output_hash));
    table.row_if(
        "SHARP fact",
        facts
            .sharp_fact
            .as_ref()
            .map(|fact| format!("0x{}", digest(fact))),
    );
    table.row("Integrity fact", hex(&facts.integrity_fact));
    if let Some(verification) = &facts.integrity_verification {
        table.row("configuration", verification.configuration.names().join(", "));
        table.row("configuration hash", hex(&verification.configuration_hash));
        table.row("verification hash", hex(&verification.verification_hash));
    }
    table.row(
        "security",
        format!("{} bits, as Integrity counts them", facts.integrity_security_bits),
    );
    if !proof.tasks.is_empty() {
        let unknown = "unknown: the tasks are only what this program claims";
        table.row("bootloader", proof.bootloader.unwrap_or(unknown));
    }
    for (i, task) in proof.tasks.iter().enumerate() {
        table.row(
            format!("task {i}"),
            format!("program hash {}", task.program_hash_hex()),
        );
        table.row_if(
            "",
            task.sharp_fact
                .as_ref()
                .map(|fact| format!("SHARP fact 0x{}", digest(fact))),
        );
    }
    for note in &facts.notes {
        table.row("note", note);
    }
    table
}

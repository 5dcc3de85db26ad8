//! `quarry receipt`: receipts of provers, checked offline.

use crate::cli::failure::{Failure, Kind};
use crate::cli::job_json::result_json;
use crate::cli::server::parse_public_key;
use crate::cli::source::read;
use crate::cli::table::Table;
use crate::cli::terminal;
use quarry_client::digest::digest;
use quarry_client::envelope::PublicKey;
use quarry_client::receipt::{Finding, Outcome, SignedAcceptance, SignedReceipt, find_faults};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Examples for `receipt --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry get 0192f0c4d5e67890 --receipt receipt.bin
      downloads the receipt of a job
  quarry receipt verify receipt.bin --proof proof.json --prover ed25519:..
      checks who signed it, and that it is about this proof
  quarry receipt verify receipts/*.bin --acceptance accepted.bin
      also looks for gaps and forks in the prover's chain, and whether it kept its promise

Nothing is asked of a service. Exit code 3 means: a receipt is forged or forked, is not about the proof or
not of the prover, or a promise was broken. A gap is shown, but is no fault: the receipts of others are in
it. docs/receipts.md says what receipts do not show.";

/// Arguments of `receipt`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Check receipts, what they say together, and what became of promises
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// Receipts, as `quarry get --receipt` writes them
    #[arg(value_name = "FILE", required = true)]
    receipts: Vec<PathBuf>,
    /// A proof file that one of the receipts must be about; can be repeated
    #[arg(long, value_name = "FILE")]
    proof: Vec<PathBuf>,
    /// An acceptance, as `quarry submit --acceptance` writes it: was the promise kept? Can be repeated
    #[arg(long, value_name = "FILE")]
    acceptance: Vec<PathBuf>,
    /// Public key that must have signed all receipts and acceptances
    #[arg(long, value_name = "KEY", value_parser = parse_public_key)]
    prover: Option<PublicKey>,
    /// Print one JSON object on standard output
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether the action prints JSON on standard output.
    pub fn is_json(&self) -> bool {
        let Action::Verify(args) = &self.action;
        args.json
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let Action::Verify(args) = &args.action;
    let shown = Shown::read(args)?;
    let faults = shown.faults(args)?;
    let json = shown.json(&faults);
    match args.json {
        // Of a failure the error is the one object that is printed.
        true if faults.is_empty() => terminal::print_json(&json)?,
        true => {}
        false => terminal::print(shown.table())?,
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(Kind::Rejected, faults.join("; ")).with_details(&json)),
    }
}

/// What is checked, and what it says together.
struct Shown {
    receipts: Vec<SignedReceipt>,
    promises: Vec<(SignedAcceptance, Outcome)>,
    findings: Vec<Finding>,
}

impl Shown {
    fn read(args: &Verify) -> Result<Self, Failure> {
        let receipts = of_files(&args.receipts, SignedReceipt::read)?;
        let acceptances = of_files(&args.acceptance, SignedAcceptance::read)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let judge = |acceptance: SignedAcceptance| {
            let outcome = acceptance.outcome(&receipts, now.as_secs());
            (acceptance, outcome)
        };
        Ok(Self {
            promises: acceptances.into_iter().map(judge).collect(),
            findings: find_faults(&receipts),
            receipts,
        })
    }

    /// Why not to accept it.
    fn faults(&self, args: &Verify) -> Result<Vec<String>, Failure> {
        let mut faults = Vec::new();
        let signers = self.receipts.iter().map(SignedReceipt::prover);
        let signers = signers.chain(self.promises.iter().map(|(acceptance, _)| acceptance.prover()));
        let files = args.receipts.iter().chain(&args.acceptance);
        for (signer, path) in signers.zip(files) {
            if let Some(prover) = args.prover.filter(|prover| *prover != signer) {
                let path = path.display();
                faults.push(format!("'{path}': signed by {signer}, not by {prover}"));
            }
        }
        for path in &args.proof {
            let sha256 = sha256_of(path)?;
            if self
                .receipts
                .iter()
                .all(|receipt| receipt.proof_sha256() != sha256)
            {
                faults.push(format!("'{}': no receipt is about this proof", path.display()));
            }
        }
        let is_fork = |finding: &&Finding| matches!(finding, Finding::Fork { .. });
        faults.extend(self.findings.iter().filter(is_fork).map(told));
        for (acceptance, outcome) in self.promises.iter().filter(|(_, outcome)| outcome.is_breach()) {
            let job = terminal::printable(&acceptance.content().job_id);
            let prover = acceptance.prover();
            faults.push(format!(
                "job {job}: the promise of {prover} is {}",
                outcome.name()
            ));
        }
        Ok(faults)
    }

    fn table(&self) -> Table {
        let mut table = Table::default();
        self.receipts
            .iter()
            .for_each(|receipt| add_receipt(&mut table, receipt));
        for finding in &self.findings {
            if let Finding::Gap { .. } = finding {
                table.row("gap", told(finding));
            }
        }
        for (acceptance, outcome) in &self.promises {
            let job = terminal::printable(&acceptance.content().job_id);
            table.row("promise", format!("{} for job {job}", outcome.name()));
        }
        table
    }

    fn json(&self, faults: &[String]) -> Value {
        let promise = |(acceptance, outcome): &(SignedAcceptance, Outcome)| {
            json!({
                "prover": acceptance.prover().to_string(),
                "job_id": acceptance.content().job_id,
                "deadline": acceptance.content().deadline.map(|at| at.to_string()),
                "outcome": outcome.name(),
            })
        };
        json!({
            "receipts": self.receipts.iter().map(receipt_json).collect::<Vec<_>>(),
            "gaps": self.findings.iter().filter_map(gap_json).collect::<Vec<_>>(),
            "promises": self.promises.iter().map(promise).collect::<Vec<_>>(),
            "faults": faults,
        })
    }
}

/// Reads files of one kind.
fn of_files<T, E: std::fmt::Display>(
    paths: &[PathBuf],
    parse: impl Fn(Vec<u8>) -> Result<T, E>,
) -> Result<Vec<T>, Failure> {
    let read = paths.iter().map(|path| {
        let refused = |why| Failure::new(Kind::Rejected, format!("'{}': {why}", path.display()));
        parse(read(path)?).map_err(refused)
    });
    read.collect()
}

fn sha256_of(path: &Path) -> Result<String, Failure> {
    let in_file = |why| Failure::bad_input(format!("'{}': {why}", path.display()));
    let file = File::open(path).map_err(in_file)?;
    Ok(digest(file).map_err(in_file)?.sha256)
}

fn add_receipt(table: &mut Table, receipt: &SignedReceipt) {
    let (content, result) = (receipt.content(), receipt.result());
    table.row("receipt", format!("{} of {}", content.number, receipt.prover()));
    table.row("  network", receipt.message().network());
    table.row("  job", terminal::printable(&content.job_id));
    let request = content.request.as_ref();
    table.row_if(
        "  asked by",
        request.map(|request| terminal::printable(&request.signer)),
    );
    table.row_if(
        "  request",
        request.map(|request| terminal::printable(&request.digest)),
    );
    table.row_if("  accepted", content.accepted_at);
    table.row_if("  promised", content.deadline);
    table.row("  finished", receipt.finished_at());
    table.row("  proof", receipt.proof_sha256());
    if let Some(statement) = &result.statement {
        table.row("  layout", terminal::printable(&statement.layout));
        table.row("  steps", statement.n_steps);
        table.row("  program", terminal::printable(&statement.program_hash_pedersen));
        table.row("  security", format!("{} bits", statement.security_bits));
    }
    table.row("  device", terminal::printable(&result.device));
    table.row("  build", terminal::printable(&result.build));
}

fn told(finding: &Finding) -> String {
    match finding {
        Finding::Gap { prover, first, last } if first == last => {
            format!("receipt {first} of {prover} is not shown")
        }
        Finding::Gap { prover, first, last } => {
            format!("receipts {first} to {last} of {prover} are not shown")
        }
        Finding::Fork { prover, number } => {
            format!(
                "the chain of {prover} forks at receipt {number}: it has signed two that exclude each other"
            )
        }
    }
}

fn receipt_json(receipt: &SignedReceipt) -> Value {
    let content = receipt.content();
    json!({
        "digest": receipt.message().digest().to_string(),
        "prover": receipt.prover().to_string(),
        "network": receipt.message().network(),
        "number": content.number,
        "previous": content.previous,
        "job_id": content.job_id,
        "request": content.request.as_ref().map(|request| json!({
            "signer": request.signer,
            "digest": request.digest,
        })),
        "accepted_at": content.accepted_at.map(|at| at.to_string()),
        "deadline": content.deadline.map(|at| at.to_string()),
        "result": result_json(receipt.result()),
    })
}

fn gap_json(finding: &Finding) -> Option<Value> {
    match finding {
        Finding::Gap { prover, first, last } => Some(json!({
            "prover": prover.to_string(), "first": first, "last": last,
        })),
        Finding::Fork { .. } => None,
    }
}

//! `quarry calldata`: writes what a sender passes to Integrity's contracts on Starknet to have a proof verified.

use crate::cli::failure::{Failure, Kind};
use crate::cli::job_calldata::parse_network;
use crate::cli::new_folder::NewFolder;
use crate::cli::proved::Proved;
use crate::cli::read::Limit;
use crate::cli::shell::quoted;
use crate::cli::statement::parse_felt;
use crate::cli::table::Table;
use crate::cli::{facts, interrupt, terminal};
use quarry_kernels::{Felt, felt};
use quarry_prover_core::cairo::run::RunMode;
use quarry_prover_core::calldata::{
    self, Bundle, BundleError, BundleOptions, CONTRACT, DEFAULT_MAX_FELTS, DEPLOYMENTS, Deployment,
    JOB_ID_BYTES, Transaction, files_of,
};
use quarry_prover_core::expectation::Expectation;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Examples for `calldata --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry calldata proof.json --out calldata
      prints the commands of sncast that send the files in the folder
  quarry calldata proof.json --out calldata --network mainnet --run relaxed
  quarry calldata proof.json --out calldata --json | jq -r .facts.integrity_verification.verification_hash

Files in the folder (a text file has the arguments of one call, in hexadecimal):
  full.txt       the only call, if it fits in a transaction
  initial.txt, step1.txt, .., final.txt
                 the calls that do the same in several transactions
  calldata.json  all of it as JSON, with the facts

The proof is verified first; an invalid one is rejected (exit code 3). docs/integrity.md says how to
send the files and what to check afterwards.";

/// Arguments of `calldata`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Proof file; - reads standard input
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// Write the files to this folder, which must be new
    #[arg(long, short, value_name = "FOLDER")]
    out: PathBuf,
    /// Maximum number of felts in the calldata of a transaction, with what an account adds
    #[arg(long, value_name = "FELTS", default_value_t = DEFAULT_MAX_FELTS)]
    split: usize,
    /// Id of the job that the calls of the split form name, decimal or 0x hexadecimal [default: a random one, which
    /// others cannot guess and use up before]
    #[arg(long, value_name = "ID", value_parser = parse_felt)]
    job_id: Option<Felt>,
    /// Integrity's mode for the run [default: the strictest mode that accepts it]
    #[arg(long, value_name = "strict|relaxed|cairo1", value_parser = facts::parse_mode)]
    run: Option<RunMode>,
    /// Reject proofs with fewer bits of conjectured security
    #[arg(long, value_name = "BITS", default_value_t = Expectation::default().min_security_bits)]
    min_security_bits: u64,
    /// Network whose contract the printed commands call
    #[arg(long, value_name = "sepolia|mainnet", value_parser = parse_network, default_value = DEPLOYMENTS[0].network)]
    network: &'static Deployment,
    #[command(flatten)]
    limit: Limit,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    interrupt::listen(args.json)?;
    let folder = NewFolder::check(&args.out)?;
    let proved = Proved::read(&args.proof, &args.limit, args.min_security_bits)?;
    let options = BundleOptions {
        max_felts: args.split,
        mode: args.run,
        deployment: args.network,
    };
    let bundle = Bundle::of(&proved.verifier()?, proved.proof(), job_id(args)?, &options);
    let bundle = bundle.map_err(|why| match why {
        BundleError::TooLong(why) => Failure::bad_input(format!("--split {}: {why}", args.split)),
        why if why.is_ours() => Failure::new(Kind::Internal, why),
        why => Failure::new(Kind::Rejected, why),
    })?;
    let files = files_of(&bundle.index()).map_err(|why| Failure::new(Kind::Internal, why))?;
    folder.write(&files)?;
    match args.json {
        true => terminal::print_json(&bundle.summary()),
        false => terminal::print(
            Report {
                args,
                bundle: &bundle,
            }
            .text(),
        ),
    }
}

/// The given id, or a random one.
fn job_id(args: &Args) -> Result<Felt, Failure> {
    if let Some(id) = args.job_id {
        return Ok(id);
    }
    let mut random = [0; JOB_ID_BYTES];
    getrandom::fill(&mut random)
        .map_err(|why| Failure::new(Kind::Internal, format!("no random job id: {why}")))?;
    Ok(calldata::job_id(random))
}

/// What the command prints.
struct Report<'a> {
    args: &'a Args,
    bundle: &'a Bundle,
}

impl Report<'_> {
    fn text(&self) -> String {
        let split = &self.bundle.split.transactions;
        let most = split.iter().map(Transaction::felts).max().unwrap_or(0);
        let max = self.args.split;
        let several = format!("these {} transactions (at most {most} felts each)", split.len());
        let in_turn = "Wait until each is accepted before you send the next:";
        let mut text = format!("{}\n", self.table());
        let _ = match &self.bundle.full {
            Some(full) => write!(
                text,
                "Send one transaction ({} felts of at most {max}):\n\n{}\n\
                 Or send {several} if it takes more gas than one may. {in_turn}\n\n",
                full.felts(),
                self.command(full)
            ),
            None => write!(
                text,
                "One transaction of at most {max} felts cannot hold the proof. Send {several}. {in_turn}\n\n"
            ),
        };
        text.extend(split.iter().map(|transaction| self.command(transaction)));
        let Deployment {
            network,
            fact_registry,
        } = self.args.network;
        let _ = write!(
            text,
            "\nThen see whether the contract has registered the fact:\n\n\
             sncast call --network {network} --contract-address {fact_registry} --function get_verification \
             --calldata {}\n",
            felt::to_hex(&self.bundle.verification.verification_hash)
        );
        text
    }

    fn table(&self) -> Table {
        let facts = &self.bundle.facts.facts;
        let Deployment {
            network,
            fact_registry,
        } = self.args.network;
        let verification = &self.bundle.verification;
        let mut table = Table::default();
        table.row("contract", format!("{CONTRACT} {fact_registry} on {network}"));
        table.row("configuration", verification.configuration.names().join(", "));
        table.row("Integrity fact", felt::to_hex(&facts.integrity_fact));
        table.row("verification hash", felt::to_hex(&verification.verification_hash));
        table.row(
            "security",
            format!("{} bits, as Integrity counts them", facts.integrity_security_bits),
        );
        table.row("job", felt::to_hex(&self.bundle.split.job_id));
        table
    }

    /// The command that sends a transaction, for a shell.
    fn command(&self, transaction: &Transaction) -> String {
        let Deployment {
            network,
            fact_registry,
        } = self.args.network;
        let file = self.args.out.join(transaction.file());
        format!(
            "sncast --account ACCOUNT --wait invoke --network {network} --contract-address {fact_registry} \
             --function {} --calldata $(cat -- {})\n",
            transaction.function,
            quoted(&file.display().to_string()),
        )
    }
}

//! The `quarry` command: one file per subcommand. The service never imports this module.

mod admin;
mod appliance;
mod argv;
mod block_args;
mod bootloader;
mod calldata;
mod capabilities;
mod check;
mod client;
mod device;
mod devices;
mod doctor;
mod dynamic_params;
mod executables;
mod expect;
mod explain;
mod facts;
mod failure;
mod get;
mod grid;
mod inspect;
mod inspect_executable;
mod interrupt;
mod job_calldata;
mod job_json;
mod job_text;
mod key;
mod key_form;
mod key_source;
mod kinds;
mod layouts;
mod list;
mod manual;
mod memory;
mod new_folder;
mod output;
mod parameters;
mod params;
mod progress;
mod prove;
mod proved;
mod read;
mod receipt;
mod serve;
mod server;
mod shell;
mod signals;
mod source;
mod statement;
mod store;
mod submit;
mod submitted;
mod summary;
mod systemd;
mod table;
mod task_list;
mod task_reader;
mod task_source;
mod tasks;
mod terminal;
mod threads;
mod upload;
mod verify;
mod waiting;
mod wrap;
mod wrap_args;

use clap::{CommandFactory, FromArgMatches, Parser};
use failure::Failure;
use std::process::ExitCode;

/// The text at the end of `--help`.
const HELP: &str = "\
Examples:
  quarry prove program.json --input input.json --out proof.json
  quarry verify proof.json --expect-program program.json --expect-output 144
  quarry <COMMAND> --help     (examples for each command)

A link to this program named cpu_air_prover or cpu_air_verifier replaces Stone's program
of that name and accepts its flags in every spelling that gflags accepts.

Exit codes:
  0    success
  1    internal error
  2    bad usage or bad input
  3    not accepted: the proof is invalid or not the expected one, the trace violates
       a constraint, or the service is not the expected one or has not signed a promise
  4    unavailable: the service cannot be reached, is stopping, or is busy; try again later
  130  interrupted";

/// Proves and verifies Cairo programs, byte for byte as StarkWare's Stone prover does
#[derive(Debug, Parser)]
#[command(name = "quarry", version, after_help = HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prove a run of a Cairo program, of Cairo PIEs, or of a Scarb executable
    #[command(after_help = prove::EXAMPLES)]
    Prove(Box<prove::Args>),
    /// Prove that a proof holds: run StarkWare's verifier, a Cairo program, over it, and prove that run
    #[command(after_help = wrap::EXAMPLES)]
    Wrap(Box<wrap::Args>),
    /// Verify a proof file and show what it proves
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Args),
    /// Check inputs without proving: find the first constraint that they violate
    #[command(after_help = check::EXAMPLES)]
    Check(check::Args),
    /// Explain a proof file section by section, a Cairo PIE, or a Scarb executable
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(inspect::Args),
    /// Show the hashes and facts under which SHARP and Integrity register a proof
    #[command(after_help = facts::EXAMPLES)]
    Facts(facts::Args),
    /// Write the calldata with which Integrity, the verifier on Starknet, verifies a proof and registers its fact
    #[command(after_help = calldata::EXAMPLES)]
    Calldata(calldata::Args),
    /// Search the parameters of layout dynamic with which a proof is cheapest
    #[command(after_help = dynamic_params::EXAMPLES)]
    DynamicParams(dynamic_params::Args),
    /// List the layouts, or show one in detail
    #[command(after_help = layouts::EXAMPLES)]
    Layouts(layouts::Args),
    /// Write the parameter file of a profile
    #[command(after_help = params::EXAMPLES)]
    Params(params::Args),
    /// List the devices that can prove, with the name for --device, the driver and the limits of each
    #[command(after_help = devices::EXAMPLES)]
    Devices(devices::Args),
    /// Show this machine's hardware, its measured speed, and what slows proofs down
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::Args),
    /// Run the proving service (gRPC)
    #[command(after_help = serve::EXAMPLES)]
    Serve(serve::Args),
    /// Submit a job to a service
    #[command(after_help = submit::EXAMPLES)]
    Submit(Box<submit::Args>),
    /// Ask a service what a job would take and when it would be done, without running it
    #[command(after_help = submit::ESTIMATE_EXAMPLES)]
    Estimate(Box<submit::EstimateArgs>),
    /// Follow the events of one job, or of all jobs, of a service
    #[command(after_help = client::WATCH_EXAMPLES)]
    Watch(client::Watch),
    /// Show a job of a service and download its proof
    #[command(after_help = get::GET_EXAMPLES)]
    Get(get::Get),
    /// List the jobs of a service
    #[command(after_help = list::LIST_EXAMPLES)]
    List(list::List),
    /// Cancel a job of a service
    #[command(after_help = client::CANCEL_EXAMPLES)]
    Cancel(client::Cancel),
    /// Delete jobs of a service that have ended, with their results
    #[command(after_help = client::DELETE_EXAMPLES)]
    Delete(client::Delete),
    /// Show a service's devices, layouts, profiles and limits, and how much your tenant uses
    #[command(after_help = capabilities::EXAMPLES)]
    Capabilities(capabilities::Args),
    /// Make, show and export the keys that sign messages to services
    #[command(after_help = key::EXAMPLES)]
    Key(key::Args),
    /// Check what provers have signed of the jobs that they proved
    #[command(after_help = receipt::EXAMPLES)]
    Receipt(receipt::Args),
    /// Operate a service that runs on this machine: show its status, pause, drain, back up, reload
    #[command(after_help = admin::EXAMPLES)]
    Admin(admin::Args),
    /// Back up or check the data of a service that is not running
    #[command(after_help = store::EXAMPLES)]
    Store(store::Args),
    /// Print the completions of this command for a shell
    #[command(after_help = manual::COMPLETIONS_EXAMPLES)]
    Completions(manual::Completions),
    /// Print the manual page of this command
    #[command(after_help = manual::MAN_EXAMPLES)]
    Man(manual::Manual),
    /// Prove the jobs that arrive on standard input, on one device
    #[command(hide = true)]
    Worker(appliance::Worker),
    /// Do the one task that arrives on standard input, within limits
    #[command(hide = true)]
    Child,
}

impl Command {
    fn run(&self) -> Result<(), Failure> {
        match self {
            Command::Prove(args) => prove::run(args),
            Command::Wrap(args) => wrap::run(args),
            Command::Verify(args) => verify::run(args),
            Command::Check(args) => check::run(args),
            Command::Inspect(args) => inspect::run(args),
            Command::Facts(args) => facts::run(args),
            Command::Calldata(args) => calldata::run(args),
            Command::DynamicParams(args) => dynamic_params::run(args),
            Command::Layouts(args) => layouts::run(args),
            Command::Params(args) => params::run(args),
            Command::Devices(args) => devices::run(args),
            Command::Doctor(args) => doctor::run(args),
            Command::Serve(args) => serve::run(args),
            Command::Submit(args) => submit::run(args),
            Command::Estimate(args) => submit::estimate(args),
            Command::Watch(args) => client::watch(args),
            Command::Get(args) => get::get(args),
            Command::List(args) => list::list(args),
            Command::Cancel(args) => client::cancel(args),
            Command::Capabilities(args) => capabilities::run(args),
            Command::Delete(args) => client::delete(args),
            Command::Key(args) => key::run(args),
            Command::Receipt(args) => receipt::run(args),
            Command::Admin(args) => admin::run(args),
            Command::Store(args) => store::run(args),
            Command::Completions(args) => manual::completions(args, &Cli::command()),
            Command::Man(args) => manual::man(args, Cli::command()),
            Command::Worker(args) => appliance::worker(args),
            Command::Child => appliance::child(),
        }
    }

    /// Whether standard output is JSON, so that failures must be too.
    fn is_json(&self) -> bool {
        match self {
            Command::Prove(args) => args.proof.json,
            Command::Wrap(args) => args.proof.json,
            Command::Verify(args) => args.json,
            Command::Check(args) => args.json,
            Command::Inspect(args) => args.json,
            Command::Facts(args) => args.json,
            Command::Calldata(args) => args.json,
            Command::DynamicParams(args) => args.json,
            Command::Layouts(args) => args.json,
            Command::Params(_) => false,
            Command::Devices(args) => args.json,
            Command::Doctor(args) => args.json,
            Command::Submit(args) => args.json,
            Command::Get(args) => args.json,
            Command::List(args) => args.json,
            Command::Key(args) => args.is_json(),
            Command::Receipt(args) => args.is_json(),
            Command::Admin(args) => args.is_json(),
            Command::Capabilities(args) => args.json,
            Command::Estimate(_) | Command::Watch(_) => true,
            Command::Cancel(_)
            | Command::Delete(_)
            | Command::Serve(_)
            | Command::Store(_)
            | Command::Completions(_)
            | Command::Man(_)
            | Command::Worker(_)
            | Command::Child => false,
        }
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let told = |failure: Failure, is_json| {
        failure.tell(is_json);
        ExitCode::from(failure.kind.exit_code())
    };
    let line = match argv::read(std::env::args_os(), &Cli::command()) {
        Ok(line) => line,
        Err(failure) => return told(failure, false),
    };
    for note in &line.notes {
        terminal::tell(format_args!("note: {note}\n"));
    }
    let matches = line.command(Cli::command()).get_matches_from(&line.args);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => told(failure, cli.command.is_json()),
    }
}

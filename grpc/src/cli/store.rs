//! `quarry store`: looks after the data of a service that does not run.

use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::terminal;
use quarry_grpc::artifacts::{ArtifactFolder, wrong};
use quarry_grpc::store::{JobStore, RedbStore};
use std::path::PathBuf;
use std::time::SystemTime;

/// Examples for `store --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry store backup --data /var/lib/quarry /backup/store.redb
  quarry store check --data /var/lib/quarry
      exit code 3 if a file that is needed is damaged or not there

A service that runs holds its data: ask it by quarry admin.";

/// Arguments of `store`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Copy the store, as it stands, to a new file
    Backup {
        #[command(flatten)]
        data: Data,
        /// The copy
        file: PathBuf,
    },
    /// Read all jobs and all files that are still needed, and compare the files with their digests
    Check {
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Debug, clap::Args)]
struct Data {
    /// Folder of the store and of all files
    #[arg(
        long,
        value_name = "FOLDER",
        env = "QUARRY_DATA",
        default_value = "quarry-data"
    )]
    data: PathBuf,
}

impl Data {
    /// The store's file, which is there.
    fn store(&self) -> Result<PathBuf, Failure> {
        let path = self.data.join("store.redb");
        match path.is_file() {
            true => Ok(path),
            false => Err(Failure::bad_input(format!(
                "there is no store '{}'",
                path.display()
            ))),
        }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.action {
        Action::Backup { data, file } => {
            let store = RedbStore::open_as_it_is(&data.store()?).or_bad_input()?;
            store.back_up(file).or_bad_input()?;
            terminal::tell(format_args!("the store is copied to '{}'\n", file.display()));
            Ok(())
        }
        Action::Check { data } => check(data),
    }
}

fn check(data: &Data) -> Result<(), Failure> {
    let store = RedbStore::open_as_it_is(&data.store()?).or_bad_input()?;
    let folder = data.data.join("artifacts");
    if !folder.is_dir() {
        let message = format!(
            "there is no folder '{}': its files are not here",
            folder.display()
        );
        return Err(Failure::new(Kind::Rejected, message));
    }
    let artifacts = ArtifactFolder::open(&folder, 0, u64::MAX).or_bad_input()?;
    // Inputs of jobs that have ended may be gone already.
    let referred = store.references(SystemTime::now()).or_bad_input()?;
    let bad = wrong(&artifacts, &referred);
    if !bad.is_empty() {
        return Err(Failure::new(Kind::Rejected, bad.join("\n")));
    }
    terminal::tell(format_args!(
        "all {} files that are needed are whole\n",
        referred.len()
    ));
    Ok(())
}

//! `quarry store`: backs up or checks the data of a service that is not running.

use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::terminal;
use quarry_service::artifacts::ArtifactFolder;
use quarry_service::check::check as check_files;
use quarry_service::store::{JobStore, RedbStore};
use std::path::PathBuf;

/// Examples for `store --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry store backup --data /var/lib/quarry /backup/store.redb
  quarry store check --data /var/lib/quarry
      exits with code 3 if a required file is damaged or missing, with code 2 if the store is

Both only read the data folder, so it may be on a read-only mount. A store that a crash left open is
repaired in memory. A running service locks its data: use quarry admin instead.";

/// Arguments of `store`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Copy the store to a new file
    Backup {
        #[command(flatten)]
        data: Data,
        /// Path of the copy; the file must not exist
        file: PathBuf,
    },
    /// Compare the store with its checksums, and every file that its jobs still need with its digest
    Check {
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Debug, clap::Args)]
struct Data {
    /// Data folder of the service
    #[arg(
        long,
        value_name = "FOLDER",
        env = "QUARRY_DATA",
        default_value = "quarry-data"
    )]
    data: PathBuf,
}

impl Data {
    /// The path of the store's file; an error if it is missing.
    fn store(&self) -> Result<PathBuf, Failure> {
        let path = self.data.join("store.redb");
        match path.is_file() {
            true => Ok(path),
            false => Err(Failure::bad_input(format!(
                "no store at '{}'; set --data to the data folder of the service",
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
            terminal::tell(format_args!("store copied to '{}'\n", file.display()));
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
            "no folder '{}': the files of the store's jobs are not here",
            folder.display()
        );
        return Err(Failure::new(Kind::Rejected, message));
    }
    let artifacts = ArtifactFolder::open(&folder, 0, u64::MAX).or_bad_input()?;
    let checked = check_files(&store, &artifacts).or_bad_input()?;
    if !checked.wrong.is_empty() {
        return Err(Failure::new(Kind::Rejected, checked.wrong.join("\n")));
    }
    terminal::tell(format_args!(
        "all {} required files are present and whole\n",
        checked.n_files
    ));
    Ok(())
}

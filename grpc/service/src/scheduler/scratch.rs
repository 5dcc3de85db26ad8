//! Scratch folders for the attempts' files, one per run of the service. A killed child of an earlier run may keep
//! writing for a moment, but never touches the files of this run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Interval between attempts to remove an earlier run's folder, and their number.
const PAUSE: Duration = Duration::from_millis(200);
const TRIES: u32 = 50;

/// The scratch folder of this run.
pub(super) struct Scratch {
    run: PathBuf,
}

impl Scratch {
    /// Creates the folder of this run and removes those of earlier runs in the background.
    ///
    /// # Errors
    /// If the folder cannot be created.
    pub(super) fn begin(all: &Path) -> io::Result<Self> {
        fs::create_dir_all(all)?;
        let earlier: Vec<PathBuf> = fs::read_dir(all)?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let run = all.join(format!(
            "{}-{}",
            now.unwrap_or_default().as_nanos(),
            std::process::id()
        ));
        fs::create_dir(&run)?;
        tokio::task::spawn_blocking(move || earlier.iter().for_each(|folder| remove(folder)));
        Ok(Self { run })
    }

    /// The folder of a job's attempt.
    pub(super) fn folder(&self, id: &str) -> PathBuf {
        self.run.join(id)
    }

    /// Creates the folder of a job's attempt, and those above it if somebody has emptied the scratch folder. The caller
    /// has checked that the data is in its place: a data folder that was moved away is not made anew.
    ///
    /// # Errors
    /// If it cannot be created.
    pub(super) fn make(&self, id: &str) -> io::Result<()> {
        fs::create_dir_all(self.folder(id))
    }

    /// Removes the files of a job's attempt.
    pub(super) fn clear(&self, id: &str) {
        let folder = self.folder(id);
        if folder.exists()
            && let Err(why) = fs::remove_dir_all(&folder)
        {
            tracing::warn!(%why, id, "cannot remove an attempt's files: they stay until the next start");
        }
    }

    /// Removes the files of work that was dropped, in the background: its process may still be dying.
    pub(super) fn abandon(&self, id: &str) {
        let folder = self.folder(id);
        tokio::task::spawn_blocking(move || remove(&folder));
    }
}

/// Removes a folder that a dying process may still write to.
fn remove(folder: &Path) {
    for _ in 0..TRIES {
        match fs::remove_dir_all(folder) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => std::thread::sleep(PAUSE),
            _ => return,
        }
    }
    tracing::warn!(folder = %folder.display(), "cannot remove a dead process's files: they stay until the next start");
}

//! The data folder: the store and the artifacts, held by one process at a time. Files without their store are not
//! served: the service would take them for files of no job, and remove them.

use super::ServeError;
use crate::artifacts::ArtifactFolder;
use crate::config::Config;
use crate::scheduler::{Retention, Settings};
use crate::store::{JobStore, Listing, RedbStore, StoreError};
use rustix::fs::Mode;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Name of the store's file in the data folder.
const STORE_FILE: &str = "store.redb";
/// If the newest job has not changed for longer at the start, nothing is collected for a time.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// An open data folder.
pub struct Data {
    /// Absolute path: children and workers run in another working directory.
    pub folder: PathBuf,
    /// The jobs.
    pub store: Arc<RedbStore>,
    /// The files.
    pub artifacts: Arc<ArtifactFolder>,
    /// When the store was created, restored or last in doubt.
    here_since: SystemTime,
}

impl Data {
    /// Opens the store and the artifacts, which only one process may hold. Migrates data of older versions.
    ///
    /// # Errors
    /// [`ServeError::Io`], [`ServeError::Store`], [`ServeError::Lost`], [`ServeError::Artifacts`].
    pub fn open(config: &Config) -> Result<Self, ServeError> {
        let data = &config.data;
        let failed = |source| ServeError::Io {
            what: format!("folder '{}'", data.display()),
            source,
        };
        // The data folder holds private inputs: files that this process and its children create are accessible to the
        // owner only.
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
        std::fs::create_dir_all(data).map_err(failed)?;
        let mode = data
            .metadata()
            .map_or(0, |metadata| metadata.permissions().mode());
        if mode & 0o077 != 0 {
            tracing::warn!(
                folder = %data.display(),
                "other users can access the data folder, which holds private inputs: set its mode to 700"
            );
        }
        let folder = std::path::absolute(data).map_err(failed)?;
        let store = open_store(&folder)?;
        let limits = &config.artifacts;
        let artifacts =
            ArtifactFolder::open(&folder.join("artifacts"), limits.min_free_bytes, limits.max_bytes)?;
        if is_long_idle(&store)? {
            store.doubt()?;
        }
        let here_since = store.here_since()?;
        artifacts.share_out(|| Ok::<_, ServeError>(store.references(SystemTime::UNIX_EPOCH)?))?;
        Ok(Self {
            folder,
            store: Arc::new(store),
            artifacts: Arc::new(artifacts),
            here_since,
        })
    }

    /// Settings of the scheduler.
    pub fn settings(&self, config: &Config) -> Settings {
        Settings {
            scratch: self.folder.join("scratch"),
            store_file: self.folder.join(STORE_FILE),
            artifacts: self.folder.join("artifacts"),
            // Whoever may not see the status page may not see them either.
            names_tenants: config.shows_status_page(),
            pause_file: self.folder.join("paused"),
            devices: config.devices.clone(),
            limits: config.limits.into(),
            day_limits: config.day_limits(),
            max_file_bytes: config.artifacts.max_bytes,
            min_free_bytes: config.artifacts.min_free_bytes,
            max_queued_jobs: usize::try_from(config.max_queued_jobs).unwrap_or(usize::MAX),
            max_attempts: config.max_attempts,
            max_stall: Duration::from_secs(config.max_stall_seconds),
            retention: Retention {
                unreferenced: Duration::from_secs(config.artifacts.keep_seconds),
                inputs: Duration::from_secs(config.artifacts.keep_inputs_seconds),
                jobs: Duration::from_secs(config.keep_jobs_seconds),
            },
            // In the future after the clock was set back: then in full.
            doubt: Duration::from_secs(config.artifacts.keep_all_seconds)
                .saturating_sub(self.here_since.elapsed().unwrap_or_default()),
        }
    }
}

/// Whether the newest job last changed so long ago that the clock may have been changed while the service was down.
fn is_long_idle(store: &RedbStore) -> Result<bool, StoreError> {
    let newest = Listing {
        page_size: 1,
        ..Listing::default()
    };
    let last = store.list(&newest)?.jobs.first().map(|job| job.updated);
    Ok(last.is_some_and(|last| last.elapsed().is_ok_and(|idle| idle > LONG)))
}

/// Opens the store of a data folder. Creates it only if there are no artifacts: they would be those of a lost store.
fn open_store(folder: &Path) -> Result<RedbStore, ServeError> {
    let path = folder.join(STORE_FILE);
    let artifacts = folder.join("artifacts");
    let has_files = match artifacts.read_dir() {
        Ok(mut entries) => entries.next().is_some(),
        Err(why) if why.kind() == ErrorKind::NotFound => false,
        Err(source) => {
            let what = format!("folder '{}'", artifacts.display());
            return Err(ServeError::Io { what, source });
        }
    };
    if !has_files {
        return Ok(RedbStore::open(&path)?);
    }
    let lost = |why: String| ServeError::Lost {
        why,
        folder: folder.to_owned(),
    };
    match path.metadata() {
        Ok(file) if file.len() == 0 => Err(lost(format!("the store '{}' is empty", path.display()))),
        Err(why) if why.kind() == ErrorKind::NotFound => {
            Err(lost(format!("the store '{}' is missing", path.display())))
        }
        _ => RedbStore::open(&path).map_err(|error| match error {
            StoreError::Damaged(_) => lost(error.to_string()),
            // A full disk or a file of another user needs no restore.
            StoreError::Io(_) if is_unreadable(&path) => lost(error.to_string()),
            error => error.into(),
        }),
    }
}

/// Whether a file that this process may open cannot be read to its end.
fn is_unreadable(path: &Path) -> bool {
    File::open(path).is_ok_and(|mut file| io::copy(&mut file, &mut io::sink()).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_that_cannot_be_read_is_named_and_no_store_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = folder.path().join("artifacts");
        fs::write(&artifacts, "not a folder").unwrap();
        let Err(error @ ServeError::Io { .. }) = open_store(folder.path()) else {
            panic!("it opens");
        };
        let error = error.to_string();
        assert!(error.contains(&artifacts.display().to_string()), "{error}");
        assert!(!folder.path().join(STORE_FILE).exists());
    }

    #[test]
    fn files_are_not_opened_without_their_store() {
        let folder = tempfile::tempdir().unwrap();
        let [path, artifacts] = ["store.redb", "artifacts"].map(|name| folder.path().join(name));
        fs::create_dir(&artifacts).unwrap();
        drop(open_store(folder.path()).unwrap());
        fs::write(artifacts.join("tenant"), "a file").unwrap();
        let whole = fs::read(&path).unwrap();
        drop(open_store(folder.path()).unwrap());

        fs::remove_file(&path).unwrap();
        let mut middle = whole.clone();
        middle[4096..].fill(7);
        for lost in [
            None,
            Some(&[][..]),
            Some(&[7; 5000]),
            Some(&whole[..8192]),
            Some(&middle),
        ] {
            if let Some(bytes) = lost {
                fs::write(&path, bytes).unwrap();
            }
            let message = match open_store(folder.path()) {
                Err(error @ ServeError::Lost { .. }) => error.to_string(),
                Err(error) => panic!("{error}"),
                Ok(_) => panic!("it opens"),
            };
            let check = format!("quarry store check --data {}", folder.path().display());
            assert!(
                message.contains(&check) && !message.contains("panic"),
                "{message}"
            );
            assert_eq!(fs::read(&path).ok().as_deref(), lost, "nothing is written");
        }
        fs::write(&path, whole).unwrap();
        drop(open_store(folder.path()).unwrap());
    }
}

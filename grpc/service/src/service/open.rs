//! The data folder: the store and the artifacts, held by one process at a time.

use super::ServeError;
use crate::artifacts::ArtifactFolder;
use crate::config::Config;
use crate::scheduler::{Retention, Settings};
use crate::store::{JobStore, RedbStore};
use rustix::fs::Mode;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Name of the store's file in the data folder.
const STORE_FILE: &str = "store.redb";

/// An open data folder.
pub struct Data {
    /// Absolute path: children and workers run in another working directory.
    pub folder: PathBuf,
    /// The jobs.
    pub store: Arc<RedbStore>,
    /// The files.
    pub artifacts: Arc<ArtifactFolder>,
}

impl Data {
    /// Opens the store and the artifacts, which only one process may hold. Migrates data of older versions.
    ///
    /// # Errors
    /// [`ServeError::Io`], [`ServeError::Store`], [`ServeError::Artifacts`].
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
        let store = RedbStore::open(&folder.join(STORE_FILE))?;
        let limits = &config.artifacts;
        let artifacts =
            ArtifactFolder::open(&folder.join("artifacts"), limits.min_free_bytes, limits.max_bytes)?;
        artifacts.share_out(|| Ok::<_, ServeError>(store.references(SystemTime::UNIX_EPOCH)?))?;
        Ok(Self {
            folder,
            store: Arc::new(store),
            artifacts: Arc::new(artifacts),
        })
    }

    /// Settings of the scheduler.
    pub fn settings(&self, config: &Config) -> Settings {
        Settings {
            scratch: self.folder.join("scratch"),
            store_file: self.folder.join(STORE_FILE),
            pause_file: self.folder.join("paused"),
            devices: config.devices.clone(),
            limits: config.limits.into(),
            max_file_bytes: config.artifacts.max_bytes,
            min_free_bytes: config.artifacts.min_free_bytes,
            max_queued_jobs: usize::try_from(config.max_queued_jobs).unwrap_or(usize::MAX),
            max_attempts: config.max_attempts,
            retention: Retention {
                unreferenced: Duration::from_secs(config.artifacts.keep_seconds),
                inputs: Duration::from_secs(config.artifacts.keep_inputs_seconds),
                jobs: Duration::from_secs(config.keep_jobs_seconds),
            },
        }
    }
}

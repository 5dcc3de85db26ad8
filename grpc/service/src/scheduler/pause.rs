//! Pausing: an operator stops the devices from taking jobs. A pause persists across restarts until it is lifted.

use crate::text::{MAX_STORED_BYTES, cut};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An operator's pause, if there is one.
pub(super) struct Pause {
    /// Holds the reason during a pause.
    file: PathBuf,
    reason: Mutex<Option<String>>,
}

impl Pause {
    /// Reads the recorded pause, if there is one.
    ///
    /// # Errors
    /// If the file exists but cannot be read.
    pub(super) fn recall(file: &Path) -> io::Result<Self> {
        let reason = match fs::read_to_string(file) {
            Ok(reason) => Some(reason),
            Err(why) if why.kind() == io::ErrorKind::NotFound => None,
            Err(why) => return Err(why),
        };
        Ok(Self {
            file: file.to_owned(),
            reason: Mutex::new(reason),
        })
    }

    /// Begins a pause for a reason, or lifts it.
    ///
    /// # Errors
    /// If the change took effect but could not be recorded, so that a restart undoes it.
    pub(super) fn set(&self, reason: Option<String>) -> io::Result<()> {
        let reason = reason.map(|reason| cut(reason, MAX_STORED_BYTES));
        match &reason {
            Some(reason) => tracing::warn!(reason, "paused: devices take no jobs"),
            None => tracing::info!("resumed"),
        }
        self.held().clone_from(&reason);
        self.record(reason.as_deref())
    }

    /// Reason of the current pause.
    pub(super) fn reason(&self) -> Option<String> {
        self.held().clone()
    }

    fn held(&self) -> MutexGuard<'_, Option<String>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a pause durably, or removes the record.
    fn record(&self, reason: Option<&str>) -> io::Result<()> {
        let file = &self.file;
        if let Some(reason) = reason {
            let new = file.with_extension("new");
            let mut writer = File::create(&new)?;
            writer.write_all(reason.as_bytes())?;
            writer.sync_all()?;
            fs::rename(&new, file)?;
        } else if let Err(why) = fs::remove_file(file)
            && why.kind() != io::ErrorKind::NotFound
        {
            return Err(why);
        }
        file.parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

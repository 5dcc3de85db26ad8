//! Pausing: an operator stops the devices from taking jobs. A pause persists across restarts until it is lifted.

use super::Scheduler;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Reads the reason of a recorded pause, if there is one.
///
/// # Errors
/// If the file exists but cannot be read.
pub(super) fn recall(file: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(reason) => Ok(Some(reason)),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

/// Records a pause durably, or removes the record.
fn record(file: &Path, reason: Option<&str>) -> io::Result<()> {
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

impl Scheduler {
    /// Pauses the devices for a reason, or resumes them.
    ///
    /// # Errors
    /// If the change took effect but could not be recorded, so that a restart undoes it.
    pub fn set_paused(&self, reason: Option<String>) -> io::Result<()> {
        match &reason {
            Some(reason) => tracing::warn!(reason, "paused: devices take no jobs"),
            None => tracing::info!("resumed"),
        }
        self.state().paused.clone_from(&reason);
        self.wake.notify_waiters();
        record(&self.settings.pause_file, reason.as_deref())
    }

    /// Reason of the current pause; `None` if not paused.
    pub fn paused(&self) -> Option<String> {
        self.state().paused.clone()
    }
}

//! Pausing: an operator has the devices take no jobs. It holds until they say otherwise, whatever restarts in between.

use super::Scheduler;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Reads why devices are to take no jobs.
///
/// # Errors
/// If there is something that cannot be read.
pub(super) fn recall(file: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(reason) => Ok(Some(reason)),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

/// Writes it durably, or forgets it.
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
    /// Has the devices take no jobs, for a reason, or take them again.
    ///
    /// # Errors
    /// If it holds now, but would not after a restart.
    pub fn set_paused(&self, reason: Option<String>) -> io::Result<()> {
        match &reason {
            Some(reason) => tracing::warn!(reason, "paused: devices take no jobs"),
            None => tracing::info!("resumed"),
        }
        self.state().paused.clone_from(&reason);
        self.wake.notify_waiters();
        record(&self.settings.pause_file, reason.as_deref())
    }

    /// Why devices take no jobs; `None` if they do.
    pub fn paused(&self) -> Option<String> {
        self.state().paused.clone()
    }
}

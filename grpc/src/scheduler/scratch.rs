//! Where attempts have their files: a folder for each run of the service. A child of an earlier run that was killed may write
//! on for a moment; it never comes upon the files of this one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often, and for how long, what an earlier run left is looked at again.
const PAUSE: Duration = Duration::from_millis(200);
const TRIES: u32 = 50;

/// Makes the folder of this run, and has those of earlier ones go.
///
/// # Errors
/// If it cannot be made.
pub(super) fn begin(all: &Path) -> io::Result<PathBuf> {
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
    Ok(run)
}

/// Removes a folder into which somebody may still write.
fn remove(folder: &Path) {
    for _ in 0..TRIES {
        match fs::remove_dir_all(folder) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => std::thread::sleep(PAUSE),
            _ => return,
        }
    }
    tracing::warn!(folder = %folder.display(), "the files of an earlier run stay until the next start");
}

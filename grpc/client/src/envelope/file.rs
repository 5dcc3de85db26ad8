//! Files of secret keys: one line with the key's text, for the owner's eyes only.

use super::{KeyError, SecretKey};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Access to the file of a key: its owner may read and write it.
const MODE: u32 = 0o600;
/// Access that nobody but the owner may have.
const OTHERS: u32 = 0o077;
/// No file of a key is longer, with room for the ends of lines.
const MAX_FILE_BYTES: u64 = 256;

/// Why the file of a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("the key file '{}': {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner can read or write it.
    #[error("the key file '{}' is open to other users (mode {mode:03o}): run `chmod 600` on it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It has no key.
    #[error("the key file '{}' has no secret key: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        why: KeyError,
    },
}

impl SecretKey {
    /// Reads the file of a key.
    ///
    /// # Errors
    /// [`KeyFileError`]; [`KeyFileError::Open`] if others than the owner have access.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let own = || path.to_owned();
        let failed = |source| KeyFileError::Io { path: own(), source };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        // A pipe, such as `<(..)` of a shell, has a reader already.
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_file() && mode & OTHERS != 0 {
            return Err(KeyFileError::Open { path: own(), mode });
        }
        let mut text = String::new();
        file.take(MAX_FILE_BYTES)
            .read_to_string(&mut text)
            .map_err(failed)?;
        let key = text.trim_end_matches(['\r', '\n']).parse();
        key.map_err(|why| KeyFileError::Key { path: own(), why })
    }

    /// Writes the key to a new file.
    ///
    /// # Errors
    /// [`KeyFileError::Io`], also if the file exists: a key that is overwritten is lost.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyFileError> {
        let failed = |source| KeyFileError::Io {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(MODE).open(path);
        let mut file = file.map_err(failed)?;
        let text = format!("{}\n", self.to_secret_text());
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("quarry-key-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_key_is_kept_and_only_its_owner_reads_it() {
        let folder = folder("kept");
        let path = folder.join("key");
        let key = SecretKey::ed25519([9; 32]);
        key.write_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        assert_eq!(SecretKey::read(&path).unwrap().public_key(), key.public_key());
        let again = key.write_new(&path).unwrap_err().to_string();
        assert!(again.contains("exists"), "{again}");
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let why = SecretKey::read(&path).unwrap_err().to_string();
            assert!(why.contains("chmod 600"), "{why}");
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        let folder = folder("bad");
        for (n, text) in ["", "secret", "ed25519:zz", &"ed25519:".repeat(1000)]
            .iter()
            .enumerate()
        {
            let path = folder.join(n.to_string());
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(MODE)).unwrap();
            let why = SecretKey::read(&path).unwrap_err().to_string();
            assert!(why.contains("no secret key") && !why.contains("zz"), "{why}");
        }
        assert!(SecretKey::read(&folder.join("none")).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}

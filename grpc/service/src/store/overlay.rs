//! A store's file that is read and never written: what redb writes when it opens and repairs the file stays in memory.

use redb::{DatabaseError, StorageBackend, StorageError};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a block that is kept in memory.
const BLOCK: u64 = 4096;

/// The file and what was written over it.
#[derive(Debug)]
pub struct Overlay {
    file: File,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    len: u64,
    /// How much of the file still shows: what was cut off once is zero.
    shows: u64,
    /// Blocks that were written, by number.
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl Overlay {
    /// Opens a file for reading, together with others who only read it.
    ///
    /// # Errors
    /// [`DatabaseError::DatabaseAlreadyOpen`] if a service has it open, and I/O errors.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let failed = |why: io::Error| DatabaseError::Storage(StorageError::Io(why));
        let file = File::open(path).map_err(failed)?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => return Err(DatabaseError::DatabaseAlreadyOpen),
            // A file system without locks, such as a read-only one of a network, has no service on it.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let len = file.metadata().map_err(failed)?.len();
        if len == 0 {
            // Otherwise redb would make a new store of it.
            let empty = io::Error::new(ErrorKind::InvalidData, "the file is empty");
            return Err(failed(empty));
        }
        let (shows, blocks) = (len, BTreeMap::new());
        let written = Mutex::new(Written { len, shows, blocks });
        Ok(Self { file, written })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what still shows of the file. Everything behind that is zero.
    fn read_file(&self, shows: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        out.fill(0);
        let n = shows.saturating_sub(offset).min(out.len() as u64);
        match out.get_mut(..n as usize) {
            Some(out) => self.file.read_exact_at(out, offset),
            None => Ok(()),
        }
    }
}

/// The parts of a range by block: the block, where the part begins in it, and the part's place in the range.
fn parts(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let begin = (at % BLOCK) as usize;
        let n = (BLOCK as usize - begin).min(len - done);
        let part = (at / BLOCK, begin, done..done + n);
        done += n;
        (n > 0).then_some(part)
    })
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        if offset.saturating_add(out.len() as u64) > written.len {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        for (block, begin, range) in parts(offset, out.len()) {
            let (at, out) = (block * BLOCK + begin as u64, &mut out[range]);
            match written.blocks.get(&block) {
                Some(bytes) => out.copy_from_slice(&bytes[begin..begin + out.len()]),
                None => self.read_file(written.shows, at, out)?,
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut written = self.written();
        written.shows = written.shows.min(len);
        written.blocks.split_off(&len.div_ceil(BLOCK));
        if let Some(last) = written.blocks.get_mut(&(len / BLOCK)) {
            last[(len % BLOCK) as usize..].fill(0);
        }
        written.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        let shows = written.shows;
        for (block, begin, range) in parts(offset, data.len()) {
            let bytes = match written.blocks.entry(block) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    let mut bytes = vec![0; BLOCK as usize];
                    self.read_file(shows, block * BLOCK, &mut bytes)?;
                    entry.insert(bytes)
                }
            };
            bytes[begin..begin + range.len()].copy_from_slice(&data[range]);
        }
        written.len = written.len.max(offset + data.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn it_behaves_as_a_file_and_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [path, model] = ["file", "model"].map(|name| folder.path().join(name));
        let before: Vec<u8> = (0..20_000).map(|n| (n % 251) as u8).collect();
        fs::write(&path, &before).unwrap();
        fs::write(&model, &before).unwrap();
        let overlay = Overlay::open(&path).unwrap();
        let model = File::options().read(true).write(true).open(&model).unwrap();
        let write = |offset, data: &[u8]| {
            overlay.write(offset, data).unwrap();
            model.write_all_at(data, offset).unwrap();
        };
        let set_len = |len| {
            overlay.set_len(len).unwrap();
            model.set_len(len).unwrap();
        };
        let compare = || {
            let len = model.metadata().unwrap().len();
            assert_eq!(overlay.len().unwrap(), len);
            let [mut ours, mut theirs] = [0, 1].map(|_| vec![7; len as usize]);
            overlay.read(0, &mut ours).unwrap();
            model.read_exact_at(&mut theirs, 0).unwrap();
            assert!(ours == theirs);
            assert!(overlay.read(1, &mut ours).is_err(), "behind the end");
        };
        compare();
        write(4090, &[1; 9000]);
        compare();
        set_len(5000);
        compare();
        set_len(30_000);
        compare();
        write(29_999, &[2; 4097]);
        write(0, &[3; 1]);
        set_len(33_000);
        compare();
        set_len(4096);
        set_len(20_000);
        compare();
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

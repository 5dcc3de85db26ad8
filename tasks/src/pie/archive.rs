//! The zip archive: finds the entries, and expands them within their limits.

use super::error::{Entry, PieError};
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipFileHeaderRecord, ZipSliceArchive};
use serde::de::DeserializeOwned;
use std::io::Read;

/// Maximum number of entries: a PIE has five, and some tools add their own.
const MAX_ENTRIES: usize = 64;

/// An open archive.
pub(super) struct Archive<'a> {
    archive: ZipSliceArchive<&'a [u8]>,
    /// The entries of a PIE that it has.
    found: Vec<Found>,
}

/// Where an entry is.
struct Found {
    entry: Entry,
    is_deflated: bool,
    place: ZipArchiveEntryWayfinder,
}

impl<'a> Archive<'a> {
    /// Opens an archive and finds the entries of a PIE. Others are ignored.
    pub(super) fn open(file: &'a [u8]) -> Result<Self, PieError> {
        let damaged = |why: rawzip::Error| PieError::Archive(why.to_string());
        let archive = ZipArchive::from_slice(file).map_err(damaged)?;
        let mut found: Vec<Found> = Vec::new();
        for (n, header) in archive.entries().enumerate() {
            if n == MAX_ENTRIES {
                return Err(PieError::TooManyEntries { most: MAX_ENTRIES });
            }
            let header = header.map_err(damaged)?;
            let Some(entry) = Entry::by_name(header.file_path().as_ref()) else {
                continue;
            };
            if found.iter().any(|other| other.entry == entry) {
                return Err(PieError::Repeated(entry));
            }
            found.push(Found {
                entry,
                is_deflated: is_deflated(entry, &header)?,
                place: header.wayfinder(),
            });
        }
        Ok(Self { archive, found })
    }

    /// Whether the archive has an entry.
    pub(super) fn has(&self, entry: Entry) -> bool {
        self.found.iter().any(|found| found.entry == entry)
    }

    /// Expands an entry of at most `most` bytes, as it is read. What the archive says of its size and checksum is
    /// compared at its end.
    pub(super) fn expand(&self, entry: Entry, most: u64) -> Result<impl Read, PieError> {
        let found = self.found.iter().find(|found| found.entry == entry);
        let found = found.ok_or(PieError::Missing(entry))?;
        let size = found.place.uncompressed_size_hint();
        if size > most {
            return Err(PieError::EntryTooLarge { entry, size, most });
        }
        let local = self.archive.get_entry(found.place);
        let local = local.map_err(|why| damaged(entry, &why))?;
        let data = local.data();
        let content: Box<dyn Read> = if found.is_deflated {
            Box::new(DeflateDecoder::new(data))
        } else {
            Box::new(data)
        };
        // One byte more than stated shows that more is there.
        Ok(local.verifying_reader(content.take(size.saturating_add(1))))
    }

    /// Reads a JSON entry.
    pub(super) fn json<T: DeserializeOwned>(&self, entry: Entry) -> Result<T, PieError> {
        let mut text = Vec::new();
        self.expand(entry, entry.max_bytes())?
            .read_to_end(&mut text)
            .map_err(|why| damaged(entry, &why))?;
        serde_json::from_slice(&text).map_err(|why| PieError::Json {
            entry,
            why: why.to_string(),
        })
    }
}

/// The failure to read an entry.
pub(super) fn damaged(entry: Entry, why: &impl std::fmt::Display) -> PieError {
    PieError::Damaged {
        entry,
        why: why.to_string(),
    }
}

/// Whether an entry is deflated. If not, it is stored as it is.
fn is_deflated(entry: Entry, header: &ZipFileHeaderRecord<'_>) -> Result<bool, PieError> {
    if header.flags().is_encrypted() {
        let how = "encrypted".to_owned();
        return Err(PieError::Compression { entry, how });
    }
    match header.compression_method() {
        CompressionMethod::DEFLATE => Ok(true),
        CompressionMethod::STORE => Ok(false),
        other => Err(PieError::Compression {
            entry,
            how: format!("compressed by method {other:?}"),
        }),
    }
}

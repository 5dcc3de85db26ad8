//! Reads a Cairo PIE: the memory of a run, zipped.
//!
//! A PIE comes from a stranger. So everything has a limit, and the limit is checked before memory is taken for what the
//! file claims. What [`read`] returns is whole and consistent, as far as that shows without running it.

mod additional;
mod archive;
mod bounded;
mod check;
mod error;
mod memory;
mod metadata;
mod together;

pub use additional::TREE_ATTRIBUTE;
pub(crate) use bounded::{AtMost, PRIME};
pub use error::{Entry, PieError, Shared};
pub use metadata::BUILTINS;
pub use together::PieReader;

use self::archive::Archive;
pub use cairo_vm::vm::runners::cairo_pie::CairoPie;
use cairo_vm::vm::runners::cairo_pie::CairoPieVersion;
use cairo_vm::vm::runners::cairo_runner::ExecutionResources;
use serde::Deserialize;

/// The version of the format.
const VERSION: &str = "1.1";

/// Limits on a PIE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PieLimits {
    /// Maximum size of the file in bytes.
    pub max_bytes: usize,
    /// Maximum number of memory cells, in all segments together: of those that are there, and of those that the
    /// metadata claims.
    pub max_cells: usize,
}

impl Default for PieLimits {
    fn default() -> Self {
        Self {
            max_bytes: 1 << 30,
            max_cells: 1 << 26,
        }
    }
}

/// Reads a PIE.
///
/// # Errors
/// [`PieError`]. No file makes this function panic.
pub fn read(file: &[u8], limits: &PieLimits) -> Result<CairoPie, PieError> {
    if file.len() > limits.max_bytes {
        return Err(PieError::TooLarge {
            size: file.len(),
            most: limits.max_bytes,
        });
    }
    let archive = Archive::open(file)?;
    check_version(&archive)?;
    let metadata = metadata::read(&archive, limits.max_cells)?;
    let execution_resources: ExecutionResources = archive.json(Entry::ExecutionResources)?;
    let additional_data = additional::read(&archive, &metadata)?;
    let memory = memory::read(&archive, &metadata)?;
    check::memory(&metadata, &memory)?;
    Ok(CairoPie {
        metadata,
        memory,
        execution_resources,
        additional_data,
        version: CairoPieVersion { cairo_pie: () },
    })
}

/// The number of memory cells that the segments of a PIE have, which is at least that of the cells that are there.
pub fn n_cells(pie: &CairoPie) -> usize {
    let sizes = memory::segments(&pie.metadata).map(|segment| segment.size);
    sizes.fold(0, usize::saturating_add)
}

/// Rejects versions of the format that this module does not read. A PIE without a version has this one.
fn check_version(archive: &Archive<'_>) -> Result<(), PieError> {
    #[derive(Deserialize)]
    struct Version {
        cairo_pie: String,
    }
    if !archive.has(Entry::Version) {
        return Ok(());
    }
    let version: Version = archive.json(Entry::Version)?;
    match version.cairo_pie.as_str() {
        VERSION => Ok(()),
        _ => Err(PieError::Version(version.cairo_pie)),
    }
}

#[cfg(test)]
mod tests;

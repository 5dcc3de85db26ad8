//! Reads the PIEs of one run, within limits on all of them together.

use super::{CairoPie, PieError, PieLimits, Shared, n_cells, read};

/// Reads the PIEs of one run, within limits on all of them together.
#[derive(Clone, Copy, Debug)]
pub struct PieReader {
    limits: PieLimits,
    left: PieLimits,
}

impl PieReader {
    /// A reader with these limits.
    pub fn new(limits: PieLimits) -> Self {
        let left = limits;
        Self { limits, left }
    }

    /// The most bytes that the next PIE may have.
    pub fn bytes_left(&self) -> usize {
        self.left.max_bytes
    }

    /// The refusal of a PIE that has more than [`Self::bytes_left`].
    pub fn too_long(&self) -> PieError {
        PieError::Together {
            what: Shared::Bytes,
            most: self.limits.max_bytes,
        }
    }

    /// Reads the next PIE.
    ///
    /// # Errors
    /// [`PieError`].
    pub fn read(&mut self, file: &[u8]) -> Result<CairoPie, PieError> {
        let is_first = self.left == self.limits;
        let pie = read(file, &self.left).map_err(|error| match error {
            PieError::TooLarge { .. } if !is_first => self.too_long(),
            PieError::TooManyCells { .. } if !is_first => self.too_many_cells(),
            error => error,
        })?;
        self.left.max_bytes -= file.len();
        self.count(&pie)?;
        Ok(pie)
    }

    /// Counts a PIE that was not read from a file, but run.
    ///
    /// # Errors
    /// [`PieError::Together`] if it has too many cells.
    pub fn count(&mut self, pie: &CairoPie) -> Result<(), PieError> {
        let left = self.left.max_cells.checked_sub(n_cells(pie));
        self.left.max_cells = left.ok_or_else(|| self.too_many_cells())?;
        Ok(())
    }

    fn too_many_cells(&self) -> PieError {
        PieError::Together {
            what: Shared::Cells,
            most: self.limits.max_cells,
        }
    }
}

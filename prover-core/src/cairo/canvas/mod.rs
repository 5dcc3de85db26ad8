//! The canvas: the columns of the first trace while components write on them. It knows no component.

mod cells;
mod pool;
mod strip;

pub(crate) use cells::{MemoryCell, cell, row, whole_cell};
pub(crate) use pool::{Access, Pool};
pub(crate) use strip::Strip;

use crate::cairo::error::InputError;
use crate::cairo::layouts::Layout;
use ark_ff::Zero;
use quarry_kernels::Felt;
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// The trace while it is being filled. Cells that no component writes are zero.
pub(crate) struct Canvas {
    /// The columns.
    pub columns: Vec<Vec<Felt>>,
    /// The memory units.
    pub memory: Pool<Access>,
    /// The units of 16-bit range checks.
    pub range_checks: Pool<u16>,
    /// The units of diluted numbers, if the layout has them.
    pub diluted: Option<Pool<u16>>,
    /// Set if a component wrote outside of the trace or wrote a unit twice, which the parameters of `dynamic` can
    /// cause.
    is_misplaced: AtomicBool,
}

impl Canvas {
    /// Makes an empty canvas.
    pub fn new(layout: &Layout, n_rows: usize) -> Result<Self, InputError> {
        let diluted = layout.cell("diluted_pool");
        let numbers = |name| Ok::<_, InputError>(Pool::new(whole_cell(layout, name)?, n_rows));
        Ok(Self {
            columns: (0..layout.n_columns[0])
                .into_par_iter()
                .map(|_| vec![Felt::zero(); n_rows])
                .collect(),
            memory: Pool::new(MemoryCell::whole(layout, "mem_pool")?.address, n_rows),
            range_checks: numbers("range_check16_pool")?,
            diluted: diluted.map(|_| numbers("diluted_pool")).transpose()?,
            is_misplaced: AtomicBool::new(false),
        })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// All rows.
    pub fn rows(&mut self) -> Strip<'_> {
        Strip {
            columns: self.columns.iter_mut().map(Vec::as_mut_slice).collect(),
            memory: self.memory.units(),
            range_checks: self.range_checks.units(),
            diluted: self.diluted.as_mut().map(Pool::units),
            is_misplaced: &self.is_misplaced,
        }
    }

    /// Cuts the trace into strips of `height` rows (one strip if the trace has fewer rows), so that the instances of a
    /// component can be written in parallel. `height` must be a power of two.
    pub fn strips(&mut self, height: usize) -> Vec<Strip<'_>> {
        let height = height.min(self.n_rows());
        self.rows().cut(height)
    }

    /// Writes strips of `height` rows in parallel. Returns the error of the first strip that fails.
    pub fn write_strips(
        &mut self,
        height: usize,
        write: impl Fn(usize, &mut Strip) -> Result<(), InputError> + Sync,
    ) -> Result<(), InputError> {
        let error = self
            .strips(height)
            .par_iter_mut()
            .enumerate()
            .map(|(i, strip)| write(i, strip))
            .find_map_first(Result::err);
        error.map_or(Ok(()), Err)
    }

    /// The finished columns.
    ///
    /// # Errors
    /// [`InputError::Misplaced`].
    pub fn finish(self, layout: &Layout) -> Result<Vec<Vec<Felt>>, InputError> {
        match self.is_misplaced.into_inner() {
            true => Err(InputError::Misplaced { layout: layout.name }),
            false => Ok(self.columns),
        }
    }
}

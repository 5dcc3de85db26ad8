//! Scans in runs, followed by scans of the runs' folds.

use super::buffer::Allocation;
use super::kernels::{Kernel, arguments};
use super::{CudaBuffer, CudaDevice, SCRATCH};
use crate::columns::{Columns, Natural};
use crate::device::{DeviceBuffer, DeviceError, Ticket};
use crate::felt::Felt;
pub(super) use crate::launch::scan::inversion_scratch;
use crate::launch::scan::{INVERT_RUN, Pair, RUN};
use crate::ops::{CumulativeArgument, PermutationArgument, ScanOps, VirtualColumn};
use ark_ff::{AdditiveGroup, Field};

/// How pairs are joined: the kernels that fold runs and those that scan them.
struct Monoid {
    fold: Kernel,
    scan: Kernel,
    identity: Pair,
}

/// Two products side by side.
const PRODUCTS: Monoid = Monoid {
    fold: Kernel::FoldProducts,
    scan: Kernel::ScanProducts,
    identity: [Felt::ONE, Felt::ONE],
};

/// Maps `x -> a x + b`, composed in order.
const AFFINE: Monoid = Monoid {
    fold: Kernel::FoldAffine,
    scan: Kernel::ScanAffine,
    identity: [Felt::ONE, Felt::ZERO],
};

/// `Part` of `scan.cu`.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Part {
    weight: Felt,
    cells: u64,
    is_first: u64,
}

/// The parts of one side of an argument, for the kernels.
fn parts(
    columns: &Columns<CudaDevice, Natural>,
    cells: &[VirtualColumn],
    argument: &PermutationArgument,
) -> Vec<Part> {
    let weights = [Felt::ONE].into_iter().chain(argument.alphas.iter().copied());
    let numbered = cells.iter().zip(weights).enumerate();
    let part = |(i, (cells, weight)): (usize, (&VirtualColumn, Felt))| Part {
        weight,
        cells: first_cell(columns, cells),
        is_first: u64::from(i == 0),
    };
    numbered.map(part).collect()
}

/// Address of the first cell.
fn first_cell(columns: &Columns<CudaDevice, Natural>, cells: &VirtualColumn) -> u64 {
    columns
        .values()
        .address((cells.column << columns.log_len()) + cells.offset)
}

impl CudaDevice {
    /// Replaces each of `n` pairs by the fold of all pairs before it.
    fn exclusive_scan(&self, monoid: &Monoid, pairs: &Allocation, n: u64) -> Result<(), DeviceError> {
        let n_runs = n.div_ceil(RUN);
        let folds = Allocation::take::<Pair>(&self.context, n_runs as usize, SCRATCH)?;
        let mut before = 0u64;
        if n_runs > 1 {
            // SAFETY: the arguments of both folding kernels; there is a fold for every run.
            unsafe {
                self.context.launch(
                    monoid.fold,
                    monoid.fold.grid(n_runs),
                    0,
                    arguments![pairs.address(), folds.address(), n],
                )?;
            }
            self.exclusive_scan(monoid, &folds, n_runs)?;
            before = folds.address();
        }
        // SAFETY: the arguments of both scanning kernels; as above.
        unsafe {
            self.context.launch(
                monoid.scan,
                monoid.scan.grid(n_runs),
                0,
                arguments![pairs.address(), before, n],
            )
        }
    }
}

impl CudaDevice {
    /// Inverts every element. No element may be 0.
    pub(super) fn invert(&self, elements: &mut CudaBuffer<Felt>) -> Result<(), DeviceError> {
        let n = elements.len() as u64;
        let n_runs = n.div_ceil(INVERT_RUN);
        let folds = self.folds_for_products(n_runs)?;
        let elements = elements.address(0);
        // SAFETY: the arguments of the kernels; there are `n` elements and a fold for every run.
        unsafe {
            let kernel = Kernel::InverseFolds;
            self.context.launch(
                kernel,
                kernel.grid(n_runs),
                0,
                arguments![elements, n, folds.address()],
            )?;
            self.scan_products(&folds, n_runs)?;
            let kernel = Kernel::InverseWrite;
            self.context.launch(
                kernel,
                kernel.grid(n_runs),
                0,
                arguments![elements, n, folds.address()],
            )
        }
    }

    /// Memory for the folds of runs, and one more for the products of all.
    fn folds_for_products(&self, n_runs: u64) -> Result<Allocation, DeviceError> {
        let folds = Allocation::take::<Pair>(&self.context, n_runs as usize + 1, SCRATCH)?;
        // SAFETY: the last pair lies in the memory.
        unsafe {
            let last = folds.address() + n_runs * size_of::<Pair>() as u64;
            let identity = PRODUCTS.identity;
            self.context.upload_bytes(
                self.context.work,
                identity.as_ptr().cast(),
                last,
                size_of_val(&identity),
            )?;
        }
        Ok(folds)
    }

    /// Replaces the folds of runs by the products of everything before them (and after them). The last pair becomes the
    /// product of all; products of denominators are inverted.
    fn scan_products(&self, folds: &Allocation, n_runs: u64) -> Result<(), DeviceError> {
        self.exclusive_scan(&PRODUCTS, folds, n_runs + 1)?;
        // SAFETY: the arguments of `inverse_of_all`; there is a pair more than runs.
        unsafe {
            self.context.launch(
                Kernel::InverseOfAll,
                Kernel::InverseOfAll.grid(1),
                0,
                arguments![folds.address(), n_runs],
            )
        }
    }
}

impl ScanOps for CudaDevice {
    fn permutation_product(
        &self,
        columns: &Columns<Self, Natural>,
        argument: &PermutationArgument,
        out: &mut Columns<Self, Natural>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        argument.check(columns, out, &target)?;
        let n_cells = (out.n_rows() / target.step) as u64;
        let n_runs = n_cells.div_ceil(RUN);
        let original = Allocation::upload(
            &self.context,
            &parts(columns, &argument.original, argument),
            SCRATCH,
        )?;
        let sorted = Allocation::upload(
            &self.context,
            &parts(columns, &argument.sorted, argument),
            SCRATCH,
        )?;
        let folds = Allocation::upload(
            &self.context,
            &vec![PRODUCTS.identity; n_runs as usize + 1],
            SCRATCH,
        )?;
        let (original, sorted) = (original.address(), sorted.address());
        let (z, step, n_parts) = (argument.z, target.step as u64, argument.original.len() as u32);
        // SAFETY: the arguments of the three kernels; parts and target were checked to have `n_cells` cells.
        unsafe {
            let kernel = Kernel::PermutationFolds;
            self.context.launch(
                kernel,
                kernel.grid(n_runs),
                0,
                arguments![original, sorted, n_parts, z, step, n_cells, folds.address()],
            )?;
            self.scan_products(&folds, n_runs)?;
            let kernel = Kernel::PermutationWrite;
            let to = first_cell(out, &target);
            self.context.launch(
                kernel,
                kernel.grid(n_runs),
                0,
                arguments![original, sorted, n_parts, z, step, n_cells, folds.address(), to],
            )?;
        }
        self.ticket()
    }

    fn cumulative_value(
        &self,
        columns: &Columns<Self, Natural>,
        argument: &CumulativeArgument,
        out: &mut Columns<Self, Natural>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        argument.check(columns, out, &target)?;
        let CumulativeArgument { values, z, alpha } = *argument;
        let n_cells = (out.n_rows() / target.step) as u64;
        let n_runs = n_cells.div_ceil(RUN);
        let folds = Allocation::take::<Pair>(&self.context, n_runs as usize, SCRATCH)?;
        let (cells, step) = (first_cell(columns, &values), target.step as u64);
        // SAFETY: the arguments of both kernels; values and target were checked to have `n_cells` cells.
        unsafe {
            let kernel = Kernel::CumulativeFolds;
            self.context.launch(
                kernel,
                kernel.grid(n_runs),
                0,
                arguments![cells, z, alpha, step, n_cells, folds.address()],
            )?;
            self.exclusive_scan(&AFFINE, &folds, n_runs)?;
            let kernel = Kernel::CumulativeWrite;
            let to = first_cell(out, &target);
            self.context.launch(
                kernel,
                kernel.grid(n_runs),
                0,
                arguments![cells, z, alpha, step, n_cells, folds.address(), to],
            )?;
        }
        self.ticket()
    }
}

//! Two devices in one: every operation runs on both, and what they write is compared. For tests.
//!
//! Buffers are copied where an operation wants columns of a single device, so this is slow.

use crate::columns::{BitReversed, Columns, Natural, Order, TableView};
use crate::device::{Device, DeviceBuffer, DeviceError, Element, MemoryUsage, Pending, Tag, Ticket};
use crate::felt::Felt;
use crate::hash::{Digest, Hash};
use crate::ops::{
    ComposeOps, CumulativeArgument, FoldOps, GatherOps, GrindOps, HashOps, MerkleTree, NttOps,
    PermutationArgument, Pole, QuotientOps, ScanOps, VirtualColumn,
};
use crate::program::Program;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

/// What the copies are for.
const COPY: Tag = Tag("comparison");

/// Two devices that must agree: different outputs are [`DeviceError::Disagreement`].
pub struct Dual<A, B> {
    a: A,
    b: B,
}

/// The same buffer on two devices.
pub struct DualBuffer<T: Element, A: Device, B: Device> {
    a: A::Buffer<T>,
    b: B::Buffer<T>,
}

impl<T: Element, A: Device, B: Device> DeviceBuffer<T> for DualBuffer<T, A, B> {
    fn len(&self) -> usize {
        self.a.len()
    }
}

type DualColumns<A, B> = Columns<Dual<A, B>, Natural>;

/// A copy of one device's part of a buffer.
fn part<D: Device, T: Element>(device: &D, buffer: &D::Buffer<T>) -> Result<D::Buffer<T>, DeviceError> {
    let mut copy = device.alloc(buffer.len(), COPY)?;
    device.copy(buffer, 0..buffer.len(), &mut copy, 0)?.wait()?;
    Ok(copy)
}

/// Writes a copy back to one device's part of a buffer.
fn restore<D: Device, T: Element>(
    device: &D,
    copy: &D::Buffer<T>,
    buffer: &mut D::Buffer<T>,
) -> Result<(), DeviceError> {
    device.copy(copy, 0..copy.len(), buffer, 0)?.wait()
}

/// A copy of one device's part of columns. The first argument is the device, the second its field.
macro_rules! columns {
    ($self:ident, $side:ident, $columns:expr) => {
        Columns::from_buffer(
            part(&$self.$side, &$columns.values().$side)?,
            $columns.n_columns(),
            $columns.log_len(),
        )?
    };
}

/// Copies of one device's parts of several columns.
macro_rules! tables {
    ($self:ident, $side:ident, $tables:expr) => {
        $tables
            .iter()
            .map(|table| Ok(columns!($self, $side, table)))
            .collect::<Result<Vec<_>, DeviceError>>()?
    };
}

/// Runs `$run` with a copy of one device's part of `$out`, and writes that back.
macro_rules! into_columns {
    ($self:ident, $side:ident, $out:expr, |$copy:ident| $run:expr) => {{
        let mut $copy = columns!($self, $side, $out);
        $run?.wait()?;
        restore(&$self.$side, $copy.values(), &mut $out.values_mut().$side)?;
    }};
}

/// The same for the nodes of a tree.
macro_rules! into_tree {
    ($self:ident, $side:ident, $tree:expr, |$copy:ident| $run:expr) => {{
        let mut $copy = MerkleTree {
            nodes: part(&$self.$side, &$tree.nodes.$side)?,
            log_leaves: $tree.log_leaves,
        };
        $run?.wait()?;
        restore(&$self.$side, &$copy.nodes, &mut $tree.nodes.$side)?;
    }};
}

/// The elements, if both devices have the same.
fn agreed<T: PartialEq>(operation: &'static str, a: Vec<T>, b: Vec<T>) -> Result<Vec<T>, DeviceError> {
    let differs = a.iter().zip(&b).position(|(a, b)| a != b);
    match differs.or_else(|| (a.len() != b.len()).then_some(a.len().min(b.len()))) {
        None => Ok(a),
        Some(at) => Err(DeviceError::Disagreement {
            operation,
            at: at as u64,
        }),
    }
}

impl<A: Device, B: Device> Dual<A, B> {
    /// Joins two devices.
    pub fn new(a: A, b: B) -> Self {
        Self { a, b }
    }

    fn compare<T: Element + PartialEq>(
        &self,
        operation: &'static str,
        buffer: &DualBuffer<T, A, B>,
    ) -> Result<Ticket, DeviceError> {
        let a = self.a.download(&buffer.a, 0..buffer.a.len())?.wait()?;
        let b = self.b.download(&buffer.b, 0..buffer.b.len())?.wait()?;
        agreed(operation, a, b).map(|_| Ticket::ready())
    }

    /// The columns that an operation returned, if both devices have the same.
    fn compare_columns<O: Order>(
        &self,
        operation: &'static str,
        a: Columns<A, O>,
        b: Columns<B, O>,
    ) -> Result<Columns<Self, O>, DeviceError> {
        let (n_columns, log_len) = (a.n_columns(), a.log_len());
        let buffer = DualBuffer {
            a: a.into_buffer(),
            b: b.into_buffer(),
        };
        self.compare(operation, &buffer)?.wait()?;
        Columns::from_buffer(buffer, n_columns, log_len)
    }
}

impl<A: Device, B: Device> Device for Dual<A, B> {
    type Buffer<T: Element> = DualBuffer<T, A, B>;

    fn name(&self) -> String {
        format!("{} and {}", self.a.name(), self.b.name())
    }

    fn alloc<T: Element>(&self, len: usize, tag: Tag) -> Result<DualBuffer<T, A, B>, DeviceError> {
        Ok(DualBuffer {
            a: self.a.alloc(len, tag)?,
            b: self.b.alloc(len, tag)?,
        })
    }

    fn upload<T: Element>(
        &self,
        from: &[T],
        to: &mut DualBuffer<T, A, B>,
        at: usize,
    ) -> Result<Ticket, DeviceError> {
        self.a.upload(from, &mut to.a, at)?.wait()?;
        self.b.upload(from, &mut to.b, at)
    }

    /// The first device's elements: what operations wrote was compared already.
    fn download<T: Element>(
        &self,
        from: &DualBuffer<T, A, B>,
        range: Range<usize>,
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        self.a.download(&from.a, range)
    }

    fn copy<T: Element>(
        &self,
        from: &DualBuffer<T, A, B>,
        range: Range<usize>,
        to: &mut DualBuffer<T, A, B>,
        at: usize,
    ) -> Result<Ticket, DeviceError> {
        self.a.copy(&from.a, range.clone(), &mut to.a, at)?.wait()?;
        self.b.copy(&from.b, range, &mut to.b, at)
    }

    /// The first device's.
    fn free_bytes(&self) -> Option<u64> {
        self.a.free_bytes()
    }

    fn inversion_scratch(&self, log_len: u32) -> u64 {
        self.a.inversion_scratch(log_len)
    }

    fn take_peak(&self) -> MemoryUsage {
        self.a.take_peak()
    }
}

impl<A: NttOps, B: NttOps> NttOps for Dual<A, B> {
    fn interpolate(
        &self,
        columns: Columns<Self, Natural>,
        shift: Felt,
    ) -> Result<Columns<Self, BitReversed>, DeviceError> {
        let a = self.a.interpolate(columns!(self, a, columns), shift)?;
        let b = self.b.interpolate(columns!(self, b, columns), shift)?;
        self.compare_columns("interpolate", a, b)
    }

    fn evaluate_coset(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        shift: Felt,
        out: &mut DualColumns<A, B>,
    ) -> Result<Ticket, DeviceError> {
        macro_rules! run {
            ($side:ident) => {{
                let coefficients = columns!(self, $side, coefficients);
                into_columns!(self, $side, out, |copy| self.$side.evaluate_coset(
                    &coefficients,
                    shift,
                    &mut copy
                ));
            }};
        }
        run!(a);
        run!(b);
        self.compare("evaluate_coset", out.values())
    }

    fn evaluate_at(
        &self,
        coefficients: &Columns<Self, BitReversed>,
        at: &[(usize, Felt)],
    ) -> Result<Pending<Vec<Felt>>, DeviceError> {
        let a = self.a.evaluate_at(&columns!(self, a, coefficients), at)?.wait()?;
        let b = self.b.evaluate_at(&columns!(self, b, coefficients), at)?.wait()?;
        agreed("evaluate_at", a, b).map(Pending::ready)
    }
}

impl<A: HashOps, B: HashOps> HashOps for Dual<A, B> {
    fn hash_rows(
        &self,
        hash: Hash,
        table: &TableView<'_, Self>,
        tree: &mut MerkleTree<Self>,
        first_leaf: usize,
    ) -> Result<Ticket, DeviceError> {
        macro_rules! run {
            ($side:ident) => {{
                let table = TableView {
                    values: &table.values.$side,
                    starts: table.starts.clone(),
                    log_rows: table.log_rows,
                };
                into_tree!(self, $side, tree, |copy| self
                    .$side
                    .hash_rows(hash, &table, &mut copy, first_leaf));
            }};
        }
        run!(a);
        run!(b);
        self.compare("hash_rows", &tree.nodes)
    }

    fn hash_subtree(
        &self,
        layer_hash: &[Hash],
        tree: &mut MerkleTree<Self>,
        first_leaf: usize,
        log_leaves: u32,
    ) -> Result<Ticket, DeviceError> {
        macro_rules! run {
            ($side:ident) => {
                into_tree!(self, $side, tree, |copy| self
                    .$side
                    .hash_subtree(layer_hash, &mut copy, first_leaf, log_leaves))
            };
        }
        run!(a);
        run!(b);
        self.compare("hash_subtree", &tree.nodes)
    }

    fn hash_top(
        &self,
        layer_hash: &[Hash],
        tree: &mut MerkleTree<Self>,
        below_depth: u32,
    ) -> Result<Ticket, DeviceError> {
        macro_rules! run {
            ($side:ident) => {
                into_tree!(self, $side, tree, |copy| self.$side.hash_top(
                    layer_hash,
                    &mut copy,
                    below_depth
                ))
            };
        }
        run!(a);
        run!(b);
        self.compare("hash_top", &tree.nodes)
    }
}

impl<A: ComposeOps, B: ComposeOps> ComposeOps for Dual<A, B> {
    type Loaded = (A::Loaded, B::Loaded);

    fn load(&self, program: &Program) -> Result<Self::Loaded, DeviceError> {
        Ok((self.a.load(program)?, self.b.load(program)?))
    }

    fn compose(
        &self,
        program: &Self::Loaded,
        tables: &[&DualColumns<A, B>],
        periodic: &[DualBuffer<Felt, A, B>],
        scalars: &[Felt],
        out: &mut DualColumns<A, B>,
    ) -> Result<Ticket, DeviceError> {
        macro_rules! run {
            ($side:ident, $program:expr) => {{
                let tables = tables!(self, $side, tables);
                let tables: Vec<_> = tables.iter().collect();
                let periodic = periodic.iter().map(|table| part(&self.$side, &table.$side));
                let periodic = periodic.collect::<Result<Vec<_>, _>>()?;
                into_columns!(self, $side, out, |copy| self
                    .$side
                    .compose($program, &tables, &periodic, scalars, &mut copy));
            }};
        }
        run!(a, &program.0);
        run!(b, &program.1);
        self.compare("compose", out.values())
    }

    fn inverse_table(&self, shift: Felt, log_len: u32) -> Result<DualBuffer<Felt, A, B>, DeviceError> {
        let buffer = DualBuffer {
            a: self.a.inverse_table(shift, log_len)?,
            b: self.b.inverse_table(shift, log_len)?,
        };
        self.compare("inverse_table", &buffer)?.wait()?;
        Ok(buffer)
    }

    fn point_table(&self, shift: Felt, log_len: u32) -> Result<DualBuffer<Felt, A, B>, DeviceError> {
        let buffer = DualBuffer {
            a: self.a.point_table(shift, log_len)?,
            b: self.b.point_table(shift, log_len)?,
        };
        self.compare("point_table", &buffer)?.wait()?;
        Ok(buffer)
    }
}

impl<A: QuotientOps, B: QuotientOps> QuotientOps for Dual<A, B> {
    fn deep_quotient(
        &self,
        tables: &[&DualColumns<A, B>],
        shift: Felt,
        poles: &[Pole],
        out: &mut DualColumns<A, B>,
    ) -> Result<Ticket, DeviceError> {
        macro_rules! run {
            ($side:ident) => {{
                let tables = tables!(self, $side, tables);
                let tables: Vec<_> = tables.iter().collect();
                into_columns!(self, $side, out, |copy| self
                    .$side
                    .deep_quotient(&tables, shift, poles, &mut copy));
            }};
        }
        run!(a);
        run!(b);
        self.compare("deep_quotient", out.values())
    }
}

impl<A: FoldOps, B: FoldOps> FoldOps for Dual<A, B> {
    fn fold(
        &self,
        layer: &DualColumns<A, B>,
        shifts: &[Felt],
        point: Felt,
    ) -> Result<DualColumns<A, B>, DeviceError> {
        let a = self.a.fold(&columns!(self, a, layer), shifts, point)?;
        let b = self.b.fold(&columns!(self, b, layer), shifts, point)?;
        self.compare_columns("fold", a, b)
    }

    fn split_even_odd(
        &self,
        column: &DualColumns<A, B>,
        shift: Felt,
        phase: usize,
        out: &mut DualColumns<A, B>,
    ) -> Result<Ticket, DeviceError> {
        macro_rules! run {
            ($side:ident) => {{
                let column = columns!(self, $side, column);
                into_columns!(self, $side, out, |copy| self
                    .$side
                    .split_even_odd(&column, shift, phase, &mut copy));
            }};
        }
        run!(a);
        run!(b);
        self.compare("split_even_odd", out.values())
    }
}

impl<A: ScanOps, B: ScanOps> ScanOps for Dual<A, B> {
    fn permutation_product(
        &self,
        columns: &DualColumns<A, B>,
        argument: &PermutationArgument,
        out: &mut DualColumns<A, B>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        macro_rules! run {
            ($side:ident) => {{
                let columns = columns!(self, $side, columns);
                into_columns!(self, $side, out, |copy| self
                    .$side
                    .permutation_product(&columns, argument, &mut copy, target));
            }};
        }
        run!(a);
        run!(b);
        self.compare("permutation_product", out.values())
    }

    fn cumulative_value(
        &self,
        columns: &DualColumns<A, B>,
        argument: &CumulativeArgument,
        out: &mut DualColumns<A, B>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        macro_rules! run {
            ($side:ident) => {{
                let columns = columns!(self, $side, columns);
                into_columns!(self, $side, out, |copy| self
                    .$side
                    .cumulative_value(&columns, argument, &mut copy, target));
            }};
        }
        run!(a);
        run!(b);
        self.compare("cumulative_value", out.values())
    }
}

impl<A: GatherOps, B: GatherOps> GatherOps for Dual<A, B> {
    fn gather_rows(
        &self,
        table: &TableView<'_, Self>,
        rows: &[usize],
    ) -> Result<Pending<Vec<Felt>>, DeviceError> {
        macro_rules! run {
            ($side:ident) => {{
                let table = TableView {
                    values: &table.values.$side,
                    starts: table.starts.clone(),
                    log_rows: table.log_rows,
                };
                self.$side.gather_rows(&table, rows)?.wait()?
            }};
        }
        agreed("gather_rows", run!(a), run!(b)).map(Pending::ready)
    }

    /// The first device's elements: elements of any kind cannot be compared, and what operations wrote was.
    fn gather<T: Element>(
        &self,
        from: &DualBuffer<T, A, B>,
        indices: &[usize],
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        self.b.gather(&from.b, indices)?.wait()?;
        self.a.gather(&from.a, indices)
    }
}

impl<A: GrindOps, B: GrindOps> GrindOps for Dual<A, B> {
    fn grind(
        &self,
        hash: Hash,
        prefix: &Digest,
        bits: u32,
        cancel: &AtomicBool,
    ) -> Result<Pending<u64>, DeviceError> {
        let a = self.a.grind(hash, prefix, bits, cancel)?.wait()?;
        let b = self.b.grind(hash, prefix, bits, cancel)?.wait()?;
        agreed("grind", vec![a], vec![b]).map(|_| Pending::ready(a))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CpuDevice;
    use crate::ops::laws;

    fn dual() -> Dual<CpuDevice, CpuDevice> {
        let cpu = || CpuDevice::new(Some(1)).unwrap();
        Dual::new(cpu(), cpu())
    }

    #[test]
    fn two_devices_keep_the_laws_of_one() {
        let device = dual();
        laws::interpolate_and_evaluate(&device);
        laws::evaluate_at(&device);
        laws::hash_rows(&device);
        laws::hash_trees(&device);
        laws::compose(&device);
        laws::tables(&device);
        laws::deep_quotient(&device);
        laws::fold(&device);
        laws::split_even_odd(&device);
        laws::permutation_product(&device);
        laws::cumulative_value(&device);
        laws::gather(&device);
        laws::grind(&device);
    }

    #[test]
    fn a_difference_is_found_where_it_is() {
        let device = dual();
        let mut layer = Columns::<_, Natural>::zeros(&device, 1, 3, COPY).unwrap();
        let b = &mut layer.values_mut().b;
        device
            .b
            .upload(&[Felt::from(1u64)], b, 2)
            .unwrap()
            .wait()
            .unwrap();
        let folded = device.fold(&layer, &[Felt::from(3u64)], Felt::from(5u64));
        assert!(matches!(
            folded.map(|_| ()),
            Err(DeviceError::Disagreement {
                operation: "fold",
                at: 2
            })
        ));
    }
}

//! The operations that are left to the CPU device. Columns that it only reads are copied for it, because their type
//! names the device that holds them.

use crate::device::OwnDevice;
use quarry_kernels::cpu::CpuBuffer;
use quarry_kernels::ops::{
    ComposeOps, CumulativeArgument, FoldOps, GatherOps, GrindOps, HashOps, MerkleTree, PermutationArgument,
    Pole, QuotientOps, ScanOps, VirtualColumn,
};
use quarry_kernels::{
    Columns, CpuDevice, Device, DeviceBuffer, DeviceError, Digest, Element, Felt, Hash, Natural, Order,
    Pending, Program, TableView, Tag, Ticket,
};
use std::sync::atomic::AtomicBool;

/// Tag of the copies.
const COPY: Tag = Tag("copy");

type Cpu<O = Natural> = Columns<CpuDevice, O>;
type Own<O = Natural> = Columns<OwnDevice, O>;

/// A copy of columns, for the CPU device to read.
pub fn lend<O: Order>(cpu: &CpuDevice, columns: &Own<O>) -> Result<Cpu<O>, DeviceError> {
    let len = columns.values().len();
    let mut copy = cpu.alloc(len, COPY)?;
    cpu.copy(columns.values(), 0..len, &mut copy, 0)?.wait()?;
    Columns::from_buffer(copy, columns.n_columns(), columns.log_len())
}

fn lend_all(cpu: &CpuDevice, tables: &[&Own]) -> Result<Vec<Cpu>, DeviceError> {
    tables.iter().map(|table| lend(cpu, table)).collect()
}

/// Lets the CPU device write to columns: their memory becomes the CPU device's for as long as `run` takes.
fn into_columns(
    cpu: &CpuDevice,
    out: &mut Own,
    run: impl FnOnce(&mut Cpu) -> Result<Ticket, DeviceError>,
) -> Result<Ticket, DeviceError> {
    let memory = std::mem::replace(out.values_mut(), cpu.alloc(0, COPY)?);
    let mut columns = Columns::from_buffer(memory, out.n_columns(), out.log_len())?;
    let ticket = run(&mut columns);
    *out.values_mut() = columns.into_buffer();
    ticket
}

/// Like [`into_columns`], for a tree.
fn into_tree(
    cpu: &CpuDevice,
    tree: &mut MerkleTree<OwnDevice>,
    run: impl FnOnce(&mut MerkleTree<CpuDevice>) -> Result<Ticket, DeviceError>,
) -> Result<Ticket, DeviceError> {
    let mut theirs = MerkleTree {
        nodes: std::mem::replace(&mut tree.nodes, cpu.alloc(0, COPY)?),
        log_leaves: tree.log_leaves,
    };
    let ticket = run(&mut theirs);
    tree.nodes = theirs.nodes;
    ticket
}

impl HashOps for OwnDevice {
    fn hash_rows(
        &self,
        hash: Hash,
        table: &TableView<'_, Self>,
        tree: &mut MerkleTree<Self>,
        first_leaf: usize,
    ) -> Result<Ticket, DeviceError> {
        let table = TableView {
            values: table.values,
            starts: table.starts.clone(),
            log_rows: table.log_rows,
        };
        into_tree(&self.cpu, tree, |tree| {
            self.cpu.hash_rows(hash, &table, tree, first_leaf)
        })
    }

    fn hash_subtree(
        &self,
        layer_hash: &[Hash],
        tree: &mut MerkleTree<Self>,
        first_leaf: usize,
        log_leaves: u32,
    ) -> Result<Ticket, DeviceError> {
        into_tree(&self.cpu, tree, |tree| {
            self.cpu.hash_subtree(layer_hash, tree, first_leaf, log_leaves)
        })
    }

    fn hash_top(
        &self,
        layer_hash: &[Hash],
        tree: &mut MerkleTree<Self>,
        below_depth: u32,
    ) -> Result<Ticket, DeviceError> {
        into_tree(&self.cpu, tree, |tree| {
            self.cpu.hash_top(layer_hash, tree, below_depth)
        })
    }
}

impl ComposeOps for OwnDevice {
    type Loaded = <CpuDevice as ComposeOps>::Loaded;

    fn load(&self, program: &Program) -> Result<Self::Loaded, DeviceError> {
        self.cpu.load(program)
    }

    fn compose(
        &self,
        program: &Self::Loaded,
        tables: &[&Own],
        periodic: &[CpuBuffer<Felt>],
        scalars: &[Felt],
        out: &mut Own,
    ) -> Result<Ticket, DeviceError> {
        let tables = lend_all(&self.cpu, tables)?;
        let tables: Vec<_> = tables.iter().collect();
        into_columns(&self.cpu, out, |out| {
            self.cpu.compose(program, &tables, periodic, scalars, out)
        })
    }

    fn inverse_table(&self, shift: Felt, log_len: u32) -> Result<CpuBuffer<Felt>, DeviceError> {
        self.cpu.inverse_table(shift, log_len)
    }

    fn point_table(&self, shift: Felt, log_len: u32) -> Result<CpuBuffer<Felt>, DeviceError> {
        self.cpu.point_table(shift, log_len)
    }
}

impl QuotientOps for OwnDevice {
    fn deep_quotient(
        &self,
        tables: &[&Own],
        shift: Felt,
        poles: &[Pole],
        out: &mut Own,
    ) -> Result<Ticket, DeviceError> {
        let tables = lend_all(&self.cpu, tables)?;
        let tables: Vec<_> = tables.iter().collect();
        into_columns(&self.cpu, out, |out| {
            self.cpu.deep_quotient(&tables, shift, poles, out)
        })
    }
}

impl FoldOps for OwnDevice {
    fn fold(&self, layer: &Own, shifts: &[Felt], point: Felt) -> Result<Own, DeviceError> {
        let folded = self.cpu.fold(&lend(&self.cpu, layer)?, shifts, point)?;
        let (n_columns, log_len) = (folded.n_columns(), folded.log_len());
        Columns::from_buffer(folded.into_buffer(), n_columns, log_len)
    }

    fn split_even_odd(
        &self,
        column: &Own,
        shift: Felt,
        phase: usize,
        out: &mut Own,
    ) -> Result<Ticket, DeviceError> {
        let column = lend(&self.cpu, column)?;
        into_columns(&self.cpu, out, |out| {
            self.cpu.split_even_odd(&column, shift, phase, out)
        })
    }
}

impl ScanOps for OwnDevice {
    fn permutation_product(
        &self,
        columns: &Own,
        argument: &PermutationArgument,
        out: &mut Own,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        let columns = lend(&self.cpu, columns)?;
        into_columns(&self.cpu, out, |out| {
            self.cpu.permutation_product(&columns, argument, out, target)
        })
    }

    fn cumulative_value(
        &self,
        columns: &Own,
        argument: &CumulativeArgument,
        out: &mut Own,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        let columns = lend(&self.cpu, columns)?;
        into_columns(&self.cpu, out, |out| {
            self.cpu.cumulative_value(&columns, argument, out, target)
        })
    }
}

impl GatherOps for OwnDevice {
    fn gather<T: Element>(
        &self,
        from: &CpuBuffer<T>,
        indices: &[usize],
    ) -> Result<Pending<Vec<T>>, DeviceError> {
        self.cpu.gather(from, indices)
    }
}

impl GrindOps for OwnDevice {
    fn grind(
        &self,
        hash: Hash,
        prefix: &Digest,
        bits: u32,
        cancel: &AtomicBool,
    ) -> Result<Pending<u64>, DeviceError> {
        self.cpu.grind(hash, prefix, bits, cancel)
    }
}

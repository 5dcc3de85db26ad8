//! The operations on both devices, and the comparison of their outputs.

use super::{Dual, DualBuffer, DualColumns, agreed, part, restore};
use crate::columns::{BitReversed, Columns, Natural, TableView};
use crate::device::{DeviceError, Element, Pending, Tag, Ticket};
use crate::felt::Felt;
use crate::hash::{Digest, Hash};
use crate::ops::{
    ComposeOps, CumulativeArgument, FoldOps, GatherOps, GrindOps, HashOps, HostColumns, Interpolated,
    MerkleTree, NttOps, PermutationArgument, Pole, QuotientOps, ScanOps, VirtualColumn,
};
use crate::program::Program;
use std::sync::atomic::AtomicBool;

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

    fn upload_and_interpolate(
        &self,
        columns: &HostColumns<'_>,
        shift: Felt,
        kept: &[usize],
        kept_tag: Tag,
    ) -> Result<Interpolated<Self>, DeviceError> {
        let (a, kept_a) = self.a.upload_and_interpolate(columns, shift, kept, kept_tag)?;
        let (b, kept_b) = self.b.upload_and_interpolate(columns, shift, kept, kept_tag)?;
        Ok((
            self.compare_columns("upload_and_interpolate", a, b)?,
            self.compare_columns("upload_and_interpolate, kept", kept_a, kept_b)?,
        ))
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

    /// Gathers from the first device: elements of any type cannot be compared, and the outputs of operations already
    /// have been.
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

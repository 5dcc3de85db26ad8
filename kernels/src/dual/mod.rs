//! Two devices in one, for tests: every operation runs on both, and their outputs are compared.
//!
//! Buffers are copied where an operation needs columns of a single device, so this is slow.

use crate::columns::{Columns, Natural, Order};
use crate::device::{Device, DeviceBuffer, DeviceError, Element, MemoryUsage, Pending, Tag, Ticket};
use std::ops::Range;

/// Tag of the copies.
const COPY: Tag = Tag("comparison");

/// Two devices that must agree: different outputs give [`DeviceError::Disagreement`].
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

/// Runs `$run` with a copy of one device's part of `$out`, and writes the copy back.
macro_rules! into_columns {
    ($self:ident, $side:ident, $out:expr, |$copy:ident| $run:expr) => {{
        let mut $copy = columns!($self, $side, $out);
        $run?.wait()?;
        restore(&$self.$side, $copy.values(), &mut $out.values_mut().$side)?;
    }};
}

/// Like `into_columns`, for the nodes of a tree.
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

/// The elements, or an error if the devices differ.
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

// Declared after the macros, because it uses them.
mod ops;

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

    /// The columns that an operation returned, or an error if the devices differ.
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

    /// Downloads from the first device: the outputs of operations have already been compared.
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

    /// Those of the first device.
    fn free_bytes(&self) -> Option<u64> {
        self.a.free_bytes()
    }

    fn memory_bytes(&self) -> Option<u64> {
        self.a.memory_bytes()
    }

    fn reserve(&self, bytes: u64) -> Result<(), DeviceError> {
        self.a.reserve(bytes)?;
        self.b.reserve(bytes)
    }

    fn inversion_scratch(&self, log_len: u32) -> u64 {
        self.a.inversion_scratch(log_len)
    }

    fn margin(&self, largest_table: usize) -> u64 {
        self.a.margin(largest_table)
    }

    fn program_scratch(&self, n_registers: usize, table_lengths: &[usize], log_len: u32) -> u64 {
        self.a.program_scratch(n_registers, table_lengths, log_len)
    }

    fn take_peak(&self) -> MemoryUsage {
        self.a.take_peak()
    }
}

#[cfg(all(test, feature = "cpu"))]
mod tests {
    use super::*;
    use crate::CpuDevice;
    use crate::felt::Felt;
    use crate::ops::{FoldOps, laws};

    fn dual() -> Dual<CpuDevice, CpuDevice> {
        let cpu = || CpuDevice::new(Some(1)).unwrap();
        Dual::new(cpu(), cpu())
    }

    macro_rules! tests {
        ($($law:ident,)*) => {
            $(#[test]
            fn $law() {
                laws::$law(&dual());
            })*
        };
    }

    crate::for_each_law!(tests);

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

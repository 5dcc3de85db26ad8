//! The device interface: a device owns memory, moves bytes, and orders the work that operations enqueue.
//!
//! Operations (see [`crate::ops`]) enqueue work and return a [`Ticket`]. Only an explicit wait on a ticket or a
//! [`Pending`] value blocks. Work enqueued later sees the results of work enqueued earlier, so a prover does not need
//! to wait between operations.

use crate::felt::Felt;
use crate::hash::Digest;

/// A type whose values have the same bytes on the host and on every device.
///
/// # Safety
/// All zero bytes and every bit pattern that an operation writes must be valid values, and the type must
/// have no padding and no pointers: buffers of it are copied as bytes.
pub unsafe trait Element: Copy + Default + Send + Sync + 'static {}

// SAFETY: four little-endian u64 limbs in Montgomery form (R = 2^256).
unsafe impl Element for Felt {}
// SAFETY: a plain array of bytes.
unsafe impl Element for Digest {}
// SAFETY: a plain integer.
unsafe impl Element for u64 {}
// SAFETY: a plain integer.
unsafe impl Element for u32 {}

/// Purpose of a buffer; the key of the memory statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub &'static str);

/// Errors of a device and its operations.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The buffer does not fit.
    #[error("{device}: out of memory for '{}': asked for {asked} bytes, {free} free", tag.0)]
    OutOfMemory {
        /// The device's name.
        device: String,
        /// Purpose of the buffer.
        tag: Tag,
        /// Bytes requested.
        asked: u64,
        /// Bytes free.
        free: u64,
    },
    /// An operation was called with shapes that its contract does not allow.
    #[error("{operation}: {what}: expected {expected}, got {got}")]
    Shape {
        /// The operation's name.
        operation: &'static str,
        /// The quantity that is wrong.
        what: &'static str,
        /// The value that the contract requires.
        expected: u64,
        /// The value passed.
        got: u64,
    },
    /// The device could not be started.
    #[error("{device}: cannot start: {reason}")]
    Start {
        /// The device's name.
        device: &'static str,
        /// Reason reported by the system.
        reason: String,
    },
    /// The device's driver is not installed.
    #[error("{device}: no driver: {library} was not found")]
    DriverMissing {
        /// The kind of device.
        device: &'static str,
        /// The library that was looked for.
        library: &'static str,
    },
    /// The device's driver is older than the kernels require.
    #[error("{device}: the driver is too old: it supports version {found}, the kernels need {needed}")]
    DriverTooOld {
        /// The kind of device.
        device: &'static str,
        /// Version that the driver supports.
        found: String,
        /// Minimum version required.
        needed: String,
    },
    /// No device has this index.
    #[error("{device}: there is no device {index}: {count} found")]
    NoSuchDevice {
        /// The kind of device.
        device: &'static str,
        /// The requested index.
        index: usize,
        /// Number of devices found.
        count: usize,
    },
    /// The device with this index is a software implementation on the CPU, which the caller did not allow.
    #[error(
        "{device}: device {index} is software ({name}): correct, but slow; it must be selected explicitly"
    )]
    SoftwareOnly {
        /// The kind of device.
        device: &'static str,
        /// The requested index.
        index: usize,
        /// The device's name.
        name: String,
    },
    /// The device was reset or removed, and all its buffers are lost. A new device may be started.
    #[error("{device}: the device was lost: {reason}")]
    Lost {
        /// The device's name.
        device: String,
        /// Reason reported by the driver.
        reason: String,
    },
    /// A driver call failed, either itself or because of work enqueued before it.
    #[error("{device}: {operation}: {reason}")]
    Failed {
        /// The device's name.
        device: String,
        /// The kernel or driver call.
        operation: &'static str,
        /// Reason reported by the driver.
        reason: String,
    },
    /// Two devices that run the same operations produced different values.
    #[error("{operation}: the devices differ from element {at} on")]
    Disagreement {
        /// The operation.
        operation: &'static str,
        /// The first element that differs.
        at: u64,
    },
    /// The work was cancelled by its caller.
    #[error("cancelled")]
    Cancelled,
}

/// Checks one shape of an operation's contract.
pub fn check_shape(
    operation: &'static str,
    what: &'static str,
    expected: usize,
    got: usize,
) -> Result<(), DeviceError> {
    if expected == got {
        return Ok(());
    }
    Err(DeviceError::Shape {
        operation,
        what,
        expected: expected as u64,
        got: got as u64,
    })
}

/// Checks that `at .. at + len` lies inside `0 .. total` and returns it.
pub fn check_range(
    operation: &'static str,
    at: usize,
    len: usize,
    total: usize,
) -> Result<std::ops::Range<usize>, DeviceError> {
    match at.checked_add(len) {
        Some(end) if end <= total => Ok(at..end),
        end => Err(DeviceError::Shape {
            operation,
            what: "end of the range, at most",
            expected: total as u64,
            got: end.unwrap_or(usize::MAX) as u64,
        }),
    }
}

/// A handle to enqueued work.
#[must_use = "enqueued work may still be running: wait on the ticket or detach it"]
#[derive(Debug)]
pub struct Ticket(Option<Waiter<()>>);

/// A value that enqueued work will produce.
#[must_use = "the value is available only after wait()"]
#[derive(Debug)]
pub struct Pending<T>(State<T>);

#[derive(Debug)]
enum State<T> {
    Ready(T),
    Waiting(Waiter<T>),
}

struct Waiter<T>(Box<dyn FnOnce() -> Result<T, DeviceError> + Send>);

impl<T> std::fmt::Debug for Waiter<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiter")
    }
}

impl Ticket {
    /// A ticket for work that is already done; synchronous devices return it.
    pub fn ready() -> Self {
        Self(None)
    }

    /// A ticket whose work is done when `wait` returns.
    pub fn waiting(wait: impl FnOnce() -> Result<(), DeviceError> + Send + 'static) -> Self {
        Self(Some(Waiter(Box::new(wait))))
    }

    /// Blocks until the work is done.
    ///
    /// # Errors
    /// Errors reported by the device for the work.
    pub fn wait(self) -> Result<(), DeviceError> {
        self.0.map_or(Ok(()), |waiter| (waiter.0)())
    }

    /// Lets the work continue unobserved. Its errors appear at the next wait on the same device.
    pub fn detach(self) {}
}

impl<T> Pending<T> {
    /// A value that is already available.
    pub fn ready(value: T) -> Self {
        Self(State::Ready(value))
    }

    /// A value that `wait` produces.
    pub fn waiting(wait: impl FnOnce() -> Result<T, DeviceError> + Send + 'static) -> Self {
        Self(State::Waiting(Waiter(Box::new(wait))))
    }

    /// Blocks until the value is available.
    ///
    /// # Errors
    /// Errors reported by the device for the work.
    pub fn wait(self) -> Result<T, DeviceError> {
        match self.0 {
            State::Ready(value) => Ok(value),
            State::Waiting(waiter) => (waiter.0)(),
        }
    }
}

/// Memory held on a device, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Bytes held now.
    pub current: u64,
    /// The most bytes held at once since the last [`Device::take_peak`].
    pub peak: u64,
    /// For every tag, the bytes held when `peak` was reached, largest first.
    pub peak_by_tag: Vec<(Tag, u64)>,
}

/// A device: it holds buffers and runs operations.
pub trait Device: Send + Sync + Sized + 'static {
    /// A buffer of `T`s on the device. It gives no access to single elements.
    type Buffer<T: Element>: DeviceBuffer<T>;

    /// Human-readable name of the device.
    fn name(&self) -> String;

    /// Allocates a buffer of `len` elements, all zero bytes.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`].
    fn alloc<T: Element>(&self, len: usize, tag: Tag) -> Result<Self::Buffer<T>, DeviceError>;

    /// Copies `from` to elements `at..at + from.len()` of `to`. The host's elements are read before this call returns.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] if it does not fit.
    fn upload<T: Element>(
        &self,
        from: &[T],
        to: &mut Self::Buffer<T>,
        at: usize,
    ) -> Result<Ticket, DeviceError>;

    /// Copies elements `range` of `from` to the host.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] if the range does not lie inside the buffer.
    fn download<T: Element>(
        &self,
        from: &Self::Buffer<T>,
        range: std::ops::Range<usize>,
    ) -> Result<Pending<Vec<T>>, DeviceError>;

    /// Copies elements `range` of `from` to `to`, starting at element `at` of `to`, on the device.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] if either side does not fit.
    fn copy<T: Element>(
        &self,
        from: &Self::Buffer<T>,
        range: std::ops::Range<usize>,
        to: &mut Self::Buffer<T>,
        at: usize,
    ) -> Result<Ticket, DeviceError>;

    /// Bytes that can still be allocated, if the device has its own memory. `None` if its memory is shared with other
    /// users (the host's memory); work then uses as little memory as possible.
    fn free_bytes(&self) -> Option<u64> {
        None
    }

    /// Bytes that could be allocated if no other process used the device. `None` as for [`Device::free_bytes`].
    fn memory_bytes(&self) -> Option<u64> {
        None
    }

    /// Reserves memory for work planned to hold `bytes` bytes at once, before the work begins, so that other processes
    /// cannot take it.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`].
    fn reserve(&self, _bytes: u64) -> Result<(), DeviceError> {
        Ok(())
    }

    /// Bytes of temporary memory, beside its buffers, that the device uses to invert `2^log_len` elements at once.
    fn inversion_scratch(&self, _log_len: u32) -> u64 {
        0
    }

    /// Bytes of temporary memory, beside its buffers, that the device uses to run a program with this many registers
    /// and with periodic tables of these lengths on `2^log_len` rows.
    fn program_scratch(&self, _n_registers: usize, _table_lengths: &[usize], _log_len: u32) -> u64 {
        0
    }

    /// Bytes that the device uses beside buffers and the temporary memory above, for work whose largest table of
    /// columns has `largest_table` elements: tables shared by operations, encoded programs, copies of tables that
    /// cannot be bound directly.
    fn margin(&self, _largest_table: usize) -> u64 {
        0
    }

    /// Memory statistics. Resets the peak to the bytes held now.
    fn take_peak(&self) -> MemoryUsage;
}

/// A buffer's shape. Its elements are accessible only through the device.
pub trait DeviceBuffer<T: Element>: Send + Sync {
    /// Number of elements.
    fn len(&self) -> usize;

    /// Whether the buffer has no elements.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

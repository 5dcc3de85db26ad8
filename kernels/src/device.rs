//! What a device is: it owns memory, moves bytes, and orders the work that operations enqueue.
//!
//! Operations (see [`crate::ops`]) enqueue and return a [`Ticket`]; nothing blocks but an explicit
//! wait on a ticket or a [`Pending`] value. Work enqueued later sees the results of work enqueued
//! earlier, so a prover need not wait between operations.

use crate::felt::Felt;
use crate::hash::Digest;

/// A type whose values are the same bytes on the host and on every device.
///
/// # Safety
/// All zero bytes and every bit pattern that an operation writes must be valid values, and the type must
/// have no padding and no pointers: buffers of it are copied as bytes.
pub unsafe trait Element: Copy + Default + Send + Sync + 'static {}

// SAFETY: four little-endian u64 limbs in Montgomery form (R = 2^256).
unsafe impl Element for Felt {}
// SAFETY: plain byte arrays and integers.
unsafe impl Element for Digest {}
unsafe impl Element for u64 {}
unsafe impl Element for u32 {}

/// What a buffer is for: the key of the memory statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub &'static str);

/// Why a device could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The buffer does not fit.
    #[error("{device}: out of memory for '{}': asked for {asked} bytes, {free} free", tag.0)]
    OutOfMemory {
        /// The device's name.
        device: String,
        /// What the buffer was for.
        tag: Tag,
        /// Bytes asked for.
        asked: u64,
        /// Bytes free.
        free: u64,
    },
    /// An operation was called with shapes that its contract does not allow.
    #[error("{operation}: {what}: expected {expected}, got {got}")]
    Shape {
        /// The operation's name.
        operation: &'static str,
        /// Which quantity is wrong.
        what: &'static str,
        /// What the contract asks for.
        expected: u64,
        /// What came.
        got: u64,
    },
    /// The device could not be started.
    #[error("{device}: cannot start: {reason}")]
    Start {
        /// The device's name.
        device: &'static str,
        /// What the system said.
        reason: String,
    },
    /// The device's driver is not installed.
    #[error("{device}: no driver: {library} was not found")]
    DriverMissing {
        /// The kind of device.
        device: &'static str,
        /// What was looked for.
        library: &'static str,
    },
    /// The device's driver is older than what the kernels need.
    #[error("{device}: the driver is too old: it knows version {found}, {needed} is needed")]
    DriverTooOld {
        /// The kind of device.
        device: &'static str,
        /// The version that the driver knows.
        found: String,
        /// The least version that will do.
        needed: String,
    },
    /// There is no device of that number.
    #[error("{device}: there is no device {index}: {count} found")]
    NoSuchDevice {
        /// The kind of device.
        device: &'static str,
        /// The number asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The device of that number is a program on the processor, which nobody asked for.
    #[error("{device}: device {index} is software ({name}): it is correct, and slow; it must be asked for")]
    SoftwareOnly {
        /// The kind of device.
        device: &'static str,
        /// The number asked for.
        index: usize,
        /// The device's name.
        name: String,
    },
    /// The device is gone, with all its buffers: it was reset, or taken away. A new one may be started.
    #[error("{device}: the device was lost: {reason}")]
    Lost {
        /// The device's name.
        device: String,
        /// What the driver said.
        reason: String,
    },
    /// A call of the driver failed: in itself, or because of work enqueued before it.
    #[error("{device}: {operation}: {reason}")]
    Failed {
        /// The device's name.
        device: String,
        /// The kernel or the call.
        operation: &'static str,
        /// What the driver said.
        reason: String,
    },
    /// Two devices that run the same operations wrote different values.
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
            what: "elements from the start to the range's end, at most",
            expected: total as u64,
            got: end.unwrap_or(usize::MAX) as u64,
        }),
    }
}

/// A claim on work that was enqueued.
#[must_use = "enqueued work may still be running: wait on the ticket or let it go explicitly"]
#[derive(Debug)]
pub struct Ticket(Option<Waiter<()>>);

/// A value that enqueued work will produce.
#[must_use = "the value is there only after wait()"]
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
    /// A ticket for work that is done: what a synchronous device returns.
    pub fn ready() -> Self {
        Self(None)
    }

    /// A ticket that `wait` completes.
    pub fn waiting(wait: impl FnOnce() -> Result<(), DeviceError> + Send + 'static) -> Self {
        Self(Some(Waiter(Box::new(wait))))
    }

    /// Blocks until the work is done.
    ///
    /// # Errors
    /// What the device reports for the work.
    pub fn wait(self) -> Result<(), DeviceError> {
        self.0.map_or(Ok(()), |waiter| (waiter.0)())
    }

    /// Lets the work go on unobserved; its errors appear at the next wait on the same device.
    pub fn detach(self) {}
}

impl<T> Pending<T> {
    /// A value that is there already.
    pub fn ready(value: T) -> Self {
        Self(State::Ready(value))
    }

    /// A value that `wait` produces.
    pub fn waiting(wait: impl FnOnce() -> Result<T, DeviceError> + Send + 'static) -> Self {
        Self(State::Waiting(Waiter(Box::new(wait))))
    }

    /// Blocks until the value is there.
    ///
    /// # Errors
    /// What the device reports for the work.
    pub fn wait(self) -> Result<T, DeviceError> {
        match self.0 {
            State::Ready(value) => Ok(value),
            State::Waiting(waiter) => (waiter.0)(),
        }
    }
}

/// Memory taken on a device, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Bytes held now.
    pub current: u64,
    /// The most bytes held at once since the last [`Device::take_peak`].
    pub peak: u64,
    /// For every tag, the bytes held when `peak` was reached, largest first.
    pub peak_by_tag: Vec<(Tag, u64)>,
}

/// A device: where buffers live and operations run.
pub trait Device: Send + Sync + Sized + 'static {
    /// Memory on the device that holds `T`s. Never gives access to single elements.
    type Buffer<T: Element>: DeviceBuffer<T>;

    /// The device's name as a person would recognise it.
    fn name(&self) -> String;

    /// Takes memory for `len` elements, all zero bytes.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`].
    fn alloc<T: Element>(&self, len: usize, tag: Tag) -> Result<Self::Buffer<T>, DeviceError>;

    /// Copies `from` to elements `at..at + from.len()` of `to`. The host's elements are read before this returns.
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

    /// Copies elements `range` of `from` to `to`, beginning at its element `at`, on the device.
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

    /// Bytes that the device can still give out, if its memory is its own. `None` where others share it (the host):
    /// there, work takes as little as it can.
    fn free_bytes(&self) -> Option<u64> {
        None
    }

    /// Bytes that the device could give out if nobody else had any of it. `None` as for [`Device::free_bytes`].
    fn memory_bytes(&self) -> Option<u64> {
        None
    }

    /// Makes sure of the memory for work that was planned to hold `bytes` bytes at once, before it begins: others on the
    /// device cannot take it any more.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`].
    fn reserve(&self, _bytes: u64) -> Result<(), DeviceError> {
        Ok(())
    }

    /// Bytes that the device takes for a while, beside its buffers, to invert all of `2^log_len` elements.
    fn inversion_scratch(&self, _log_len: u32) -> u64 {
        0
    }

    /// Bytes that the device takes for a while, beside its buffers, to run a program of so many registers, with periodic
    /// tables of these lengths, on `2^log_len` rows.
    fn program_scratch(&self, _n_registers: usize, _table_lengths: &[usize], _log_len: u32) -> u64 {
        0
    }

    /// Bytes that the device takes beside buffers and what is named above, for work whose largest table of columns has so many
    /// elements: tables that operations share, encoded programs, copies where a table cannot be bound as it is.
    fn margin(&self, _largest_table: usize) -> u64 {
        0
    }

    /// Memory statistics; resets the peak to what is held now.
    fn take_peak(&self) -> MemoryUsage;
}

/// A buffer's shape; its elements are reached through the device only.
pub trait DeviceBuffer<T: Element>: Send + Sync {
    /// Number of elements.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

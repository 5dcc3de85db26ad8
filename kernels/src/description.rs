//! What a person is told about a device before it is used.

/// A device that could be started, without anything taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The kind of device: what stands before the number where a device is chosen.
    pub kind: &'static str,
    /// Its number among those of its kind.
    pub index: usize,
    /// Its name as a person would recognise it.
    pub name: String,
    /// The interface that it is reached through: `CUDA`, `Vulkan`, `Metal`, `DX12`.
    pub interface: String,
    /// The driver and its version.
    pub driver: String,
    /// Whether it is a program on the processor: correct, and slow.
    pub is_software: bool,
    /// Bytes of its own memory, where that is known.
    pub memory_bytes: Option<u64>,
    /// What bounds the work on it, by name.
    pub limits: Vec<(&'static str, u64)>,
    /// What it has or lacks, by name.
    pub features: Vec<(&'static str, bool)>,
}

//! Descriptions of devices, shown to the user before a device is used.

/// A device that can be started. Describing it allocates nothing on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Kind of device: the part before the number in a device selection.
    pub kind: &'static str,
    /// Index among the devices of its kind.
    pub index: usize,
    /// Human-readable name.
    pub name: String,
    /// Interface used to reach it: `CUDA`, `Vulkan`, `Metal`.
    pub interface: String,
    /// The driver and its version.
    pub driver: String,
    /// Whether it is a software implementation that runs on the CPU: correct, but slow.
    pub is_software: bool,
    /// Bytes of the device's own memory, if known.
    pub memory_bytes: Option<u64>,
    /// Limits of the device, by name.
    pub limits: Vec<(&'static str, u64)>,
    /// Features by name, and whether the device has them.
    pub features: Vec<(&'static str, bool)>,
}

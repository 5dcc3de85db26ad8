//! The machine's adapters: listing them, and starting one.

use crate::description::Description;
use crate::device::DeviceError;
use wgpu::{Adapter, Backends, DeviceType, Features, Limits};

/// The kind of device.
pub(super) const WGPU: &str = "wgpu";

/// Memory that an adapter is assumed to have if its interface does not report it.
const UNKNOWN_MEMORY: u64 = 4 << 30;

/// Maximum bytes of a chunk: shaders count bytes and elements in 32 bits, and Metal allows larger bindings.
const MAX_CHUNK_BYTES: u64 = 1 << 31;

/// Part of an adapter's own memory that is left to other users: one part in this many.
const LEFT_TO_OTHERS: u64 = 16;

/// Requests to an adapter, besides its index. Using less of an adapter than it has is for tests.
#[derive(Clone, Debug)]
pub struct AdapterOptions {
    /// Total bytes that buffers may take; by default nearly all of a GPU's own memory, or half of the memory shared
    /// with the host. If the interface does not report the size (Metal), 4 GiB are assumed.
    pub budget: Option<u64>,
    /// Whether a software adapter is allowed.
    pub allow_software: bool,
    /// Whether 64-bit integers are used if shaders support them.
    pub use_int64: bool,
    /// Maximum bytes of a binding.
    pub max_binding_bytes: u64,
    /// Maximum bytes of a chunk of a buffer.
    pub max_chunk_bytes: u64,
    /// Maximum workgroups of a launch in one dimension.
    pub max_workgroups: u32,
}

impl AdapterOptions {
    /// Everything that an adapter has.
    pub fn new(allow_software: bool) -> Self {
        Self {
            budget: None,
            allow_software,
            use_int64: true,
            max_binding_bytes: u64::MAX,
            max_chunk_bytes: u64::MAX,
            max_workgroups: u32::MAX,
        }
    }
}

/// A started device.
pub(super) struct Started {
    pub(super) name: String,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) has_int64: bool,
}

/// The adapters in the order of their indices: those that are likely to be fast come first.
fn adapters() -> Vec<Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = Backends::VULKAN | Backends::METAL;
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(Backends::all()));
    adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    });
    adapters
}

fn is_software(adapter: &Adapter) -> bool {
    adapter.get_info().device_type == DeviceType::Cpu
}

/// Describes the adapters.
pub(super) fn list() -> Vec<Description> {
    adapters()
        .iter()
        .enumerate()
        .map(|(index, adapter)| describe(index, adapter))
        .collect()
}

fn describe(index: usize, adapter: &Adapter) -> Description {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    Description {
        kind: WGPU,
        index,
        name: info.name,
        interface: format!("{:?}", info.backend),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
        is_software: info.device_type == DeviceType::Cpu,
        memory_bytes: memory_bytes(adapter),
        limits: vec![
            ("bytes of a buffer", limits.max_buffer_size),
            ("bytes of a binding", limits.max_storage_buffer_binding_size),
            (
                "bytes of a workgroup",
                limits.max_compute_workgroup_storage_size.into(),
            ),
            (
                "storage buffers of a shader",
                limits.max_storage_buffers_per_shader_stage.into(),
            ),
        ],
        features: vec![
            ("64-bit integers", features.contains(Features::SHADER_INT64)),
            ("subgroups", features.contains(Features::SUBGROUP)),
        ],
    }
}

/// Size of the largest heap of the adapter's own memory.
#[cfg(not(target_vendor = "apple"))]
fn memory_bytes(adapter: &Adapter) -> Option<u64> {
    /// `VK_MEMORY_HEAP_DEVICE_LOCAL_BIT`.
    const DEVICE_LOCAL: u32 = 1;
    // SAFETY: the handles live as long as the adapter, and the call only reads.
    let properties = unsafe {
        let adapter = adapter.as_hal::<wgpu::hal::vulkan::Api>()?;
        let instance = adapter.shared_instance().raw_instance();
        instance.get_physical_device_memory_properties(adapter.raw_physical_device())
    };
    let heaps = properties.memory_heaps.iter();
    let heaps = heaps.take(properties.memory_heap_count as usize);
    let own = heaps.filter(|heap| heap.flags.as_raw() & DEVICE_LOCAL != 0);
    own.map(|heap| heap.size).max()
}

#[cfg(target_vendor = "apple")]
fn memory_bytes(_: &Adapter) -> Option<u64> {
    None
}

/// Default budget for buffers: nearly all of a GPU's own memory, or half of the memory shared with the host.
fn default_budget(adapter: &Adapter) -> u64 {
    let memory = memory_bytes(adapter).unwrap_or(UNKNOWN_MEMORY);
    match adapter.get_info().device_type {
        DeviceType::DiscreteGpu | DeviceType::VirtualGpu => memory - memory / LEFT_TO_OTHERS,
        _ => memory / 2,
    }
}

/// The largest power of two that is at most `n`.
fn power_of_two_within(n: u64) -> u64 {
    n.checked_ilog2().map_or(0, |log| 1 << log)
}

fn start_error(reason: impl ToString) -> DeviceError {
    DeviceError::Start {
        device: WGPU,
        reason: reason.to_string(),
    }
}

/// Starts adapter `index`. Also returns the budget for its buffers, and the bytes per chunk.
pub(super) fn start(index: usize, options: &AdapterOptions) -> Result<(Started, u64, u64), DeviceError> {
    let adapters = adapters();
    let count = adapters.len();
    let adapter = adapters.into_iter().nth(index);
    let adapter = adapter.ok_or(DeviceError::NoSuchDevice {
        device: WGPU,
        index,
        count,
    })?;
    let info = adapter.get_info();
    if is_software(&adapter) && !options.allow_software {
        return Err(DeviceError::SoftwareOnly {
            device: WGPU,
            index,
            name: info.name,
        });
    }
    let mut limits = adapter.limits();
    let binding = &mut limits.max_storage_buffer_binding_size;
    *binding = (*binding).min(options.max_binding_bytes);
    let workgroups = &mut limits.max_compute_workgroups_per_dimension;
    *workgroups = (*workgroups).min(options.max_workgroups);
    check_limits(&limits)?;
    let chunk_bytes = power_of_two_within(
        limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size)
            .min(options.max_chunk_bytes)
            .min(MAX_CHUNK_BYTES),
    );
    let has_int64 = options.use_int64 && adapter.features().contains(Features::SHADER_INT64);
    let features = if has_int64 {
        Features::SHADER_INT64
    } else {
        Features::empty()
    };
    let request = adapter.request_device(&wgpu::DeviceDescriptor {
        label: Some("quarry"),
        required_features: features,
        required_limits: limits,
        memory_hints: wgpu::MemoryHints::Performance,
        ..Default::default()
    });
    let (device, queue) = pollster::block_on(request).map_err(start_error)?;
    let started = Started {
        name: format!("{} ({:?})", info.name, info.backend),
        device,
        queue,
        has_int64,
    };
    Ok((
        started,
        options.budget.unwrap_or_else(|| default_budget(&adapter)),
        chunk_bytes,
    ))
}

/// Checks the limits that kernels require: the default limits of WebGPU, except for bindings, which may be as small as
/// the largest table.
fn check_limits(limits: &Limits) -> Result<(), DeviceError> {
    /// Bytes of the points of Pedersen's windows.
    const LARGEST_TABLE: u64 = 1 << 20;
    let needed = Limits::defaults();
    for (name, needed, got) in [
        (
            "bytes of a binding",
            LARGEST_TABLE,
            limits.max_storage_buffer_binding_size,
        ),
        (
            "bytes of a workgroup",
            needed.max_compute_workgroup_storage_size.into(),
            limits.max_compute_workgroup_storage_size.into(),
        ),
        (
            "invocations of a workgroup",
            needed.max_compute_invocations_per_workgroup.into(),
            limits.max_compute_invocations_per_workgroup.into(),
        ),
        (
            "storage buffers of a shader",
            needed.max_storage_buffers_per_shader_stage.into(),
            limits.max_storage_buffers_per_shader_stage.into(),
        ),
    ] {
        if got < needed {
            return Err(start_error(format!(
                "{name}: needs {needed}, the adapter has {got}"
            )));
        }
    }
    Ok(())
}

//! Pipelines, created when a kernel is first launched, and kept.

use super::context::{Context, PARAMETERS};
use super::kernels::{Access, Kernel};
use crate::device::DeviceError;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The pipelines created so far, and the properties on which the kernels' text depends.
pub(super) struct Pipelines {
    variant: Variant,
    made: Mutex<HashMap<Kernel, wgpu::ComputePipeline>>,
}

/// The adapter's properties on which the kernels' text depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    /// Whether shaders have 64-bit integers.
    pub(super) has_int64: bool,
    /// Logarithm of the elements per tile of a transform; depends on the memory that a workgroup may have.
    pub(super) log_tile: u32,
}

impl Variant {
    pub(super) fn new(has_int64: bool, limits: &wgpu::Limits) -> Self {
        // With more than 2^10 elements, a workgroup would take memory that others could use.
        let elements = limits.max_compute_workgroup_storage_size / 32;
        Self {
            has_int64,
            log_tile: elements.max(1).ilog2().min(10),
        }
    }
}

impl Pipelines {
    pub(super) fn new(has_int64: bool, limits: &wgpu::Limits) -> Self {
        Self {
            variant: Variant::new(has_int64, limits),
            made: Mutex::default(),
        }
    }

    pub(super) fn variant(&self) -> Variant {
        self.variant
    }

    pub(super) fn get(
        &self,
        context: &Context,
        kernel: Kernel,
    ) -> Result<wgpu::ComputePipeline, DeviceError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = made.get(&kernel) {
            return Ok(pipeline.clone());
        }
        let pipeline = context.done(kernel.name(), || make(&context.device, kernel, self.variant))?;
        made.insert(kernel, pipeline.clone());
        Ok(pipeline)
    }
}

fn make(device: &wgpu::Device, kernel: Kernel, variant: Variant) -> wgpu::ComputePipeline {
    let name = Some(kernel.name());
    let source = wgpu::ShaderModuleDescriptor {
        label: name,
        source: wgpu::ShaderSource::Wgsl(kernel.text(variant).into()),
    };
    // SAFETY: kernels read and write within their buffers for the shapes that the operations check, their loops end,
    // and their only division is by a number of words that is never 0 (`gather.wgsl`). Checks in their inner loops
    // would cost much of their speed.
    let module =
        unsafe { device.create_shader_module_trusted(source, wgpu::ShaderRuntimeChecks::unchecked()) };
    let entry = |binding, ty, dynamic, least| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: dynamic,
            min_binding_size: wgpu::BufferSize::new(least),
        },
        count: None,
    };
    let parameters = entry(0, wgpu::BufferBindingType::Uniform, true, PARAMETERS);
    let storage = |access: &Access| wgpu::BufferBindingType::Storage {
        read_only: *access == Access::Read,
    };
    let buffers = (1..)
        .zip(kernel.bindings())
        .map(|(binding, access)| entry(binding, storage(access), false, 0));
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: name,
        entries: &std::iter::once(parameters).chain(buffers).collect::<Vec<_>>(),
    });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: name,
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: name,
        layout: Some(&layout),
        module: &module,
        entry_point: Some(kernel.entry()),
        compilation_options: wgpu::PipelineCompilationOptions {
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
        cache: None,
    })
}

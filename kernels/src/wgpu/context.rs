//! The adapter's device and queue. Commands are recorded in batches; each batch is one submission.

use super::adapter::Started;
use super::kernels::Kernel;
use super::pipelines::Pipelines;
use crate::device::{DeviceError, Tag};
use crate::memory::Accounts;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wgpu::{Buffer, BufferUsages, PollType, SubmissionIndex};

/// Commands per batch. A batch is submitted when it has this many commands, or earlier if a caller waits for it.
const BATCH: usize = 64;

/// Maximum bytes of a launch's parameters; a multiple of every alignment of uniforms.
pub(super) const PARAMETERS: u64 = 256;

/// Usages of every buffer that kernels access.
const STORAGE: BufferUsages = BufferUsages::STORAGE
    .union(BufferUsages::COPY_SRC)
    .union(BufferUsages::COPY_DST);

/// Everything that lives as long as the device or any of its buffers. Work goes to one queue, in order.
pub(super) struct Context {
    pub(super) name: String,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) limits: wgpu::Limits,
    /// Bytes that buffers may take.
    pub(super) budget: u64,
    /// Bytes per chunk of a buffer: a power of two that fits in any binding.
    pub(super) chunk_bytes: u64,
    pub(super) accounts: Accounts,
    pub(super) pipelines: Pipelines,
    /// Bound to bindings that a launch does not use.
    pub(super) nothing: Buffer,
    /// Bound to unused bindings that a kernel might write.
    pub(super) unused: Buffer,
    parameters: Buffer,
    batch: Mutex<Batch>,
    /// An error outside of operations: the device was lost, or an error had no scope.
    broken: Arc<Mutex<Option<DeviceError>>>,
}

/// One command for the queue.
enum Command {
    Dispatch {
        kernel: Kernel,
        pipeline: wgpu::ComputePipeline,
        bindings: wgpu::BindGroup,
        parameters: u32,
        grid: [u32; 3],
    },
    Copy {
        from: (Buffer, u64),
        to: (Buffer, u64),
        bytes: u64,
    },
}

/// The commands not yet submitted, and the submissions that a caller may wait for.
#[derive(Default)]
struct Batch {
    number: u64,
    commands: Vec<Command>,
    parameters: Vec<u8>,
    submissions: VecDeque<(u64, SubmissionIndex)>,
    launches: BTreeMap<&'static str, Launches>,
}

/// Statistics of a kernel's launches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Launches {
    /// Number of launches.
    pub n: u64,
    /// Number of workgroups, over all launches.
    pub n_workgroups: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change leaves the locked value consistent, so it is usable even if another thread panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Context {
    pub(super) fn new(started: Started, budget: u64, chunk_bytes: u64) -> Result<Arc<Self>, DeviceError> {
        let Started {
            name,
            device,
            queue,
            has_int64,
        } = started;
        let broken = Arc::new(Mutex::new(None));
        let (of_lost, of_uncaptured) = (Arc::clone(&broken), Arc::clone(&broken));
        let (lost_name, uncaptured_name) = (name.clone(), name.clone());
        device.set_device_lost_callback(move |_, reason| {
            *lock(&of_lost) = Some(DeviceError::Lost {
                device: lost_name.clone(),
                reason,
            });
        });
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&of_uncaptured).get_or_insert_with(|| DeviceError::Failed {
                device: uncaptured_name.clone(),
                operation: "outside of operations",
                reason: error.to_string(),
            });
        }));
        let limits = device.limits();
        let buffer = |size, usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let context = Self {
            nothing: buffer(PARAMETERS, STORAGE),
            unused: buffer(PARAMETERS, STORAGE),
            parameters: buffer(
                (BATCH as u64 + 1) * PARAMETERS,
                BufferUsages::UNIFORM | BufferUsages::COPY_DST,
            ),
            pipelines: Pipelines::new(has_int64, &limits),
            name,
            device,
            queue,
            limits,
            budget,
            chunk_bytes,
            accounts: Accounts::default(),
            batch: Mutex::default(),
            broken,
        };
        context.usable()?;
        Ok(Arc::new(context))
    }

    /// Bytes that one binding can have.
    pub(super) fn max_binding_bytes(&self) -> u64 {
        let limits = &self.limits;
        limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
    }

    pub(super) fn failed(&self, operation: &'static str, reason: impl ToString) -> DeviceError {
        DeviceError::Failed {
            device: self.name.clone(),
            operation,
            reason: reason.to_string(),
        }
    }

    pub(super) fn out_of_memory(&self, tag: Tag, asked: u64, free: u64) -> DeviceError {
        DeviceError::OutOfMemory {
            device: self.name.clone(),
            tag,
            asked,
            free,
        }
    }

    /// Fails if an error occurred outside of operations.
    fn usable(&self) -> Result<(), DeviceError> {
        match &*lock(&self.broken) {
            None => Ok(()),
            Some(DeviceError::Lost { device, reason }) => Err(DeviceError::Lost {
                device: device.clone(),
                reason: reason.clone(),
            }),
            Some(error) => Err(self.failed("earlier work", error)),
        }
    }

    /// Makes all later calls fail, because recorded commands were not executed.
    fn break_down(&self, error: DeviceError) -> DeviceError {
        let later = self.failed("earlier work", &error);
        lock(&self.broken).get_or_insert(later);
        error
    }

    /// Calls the library within error scopes. The inner error is lack of memory.
    pub(super) fn checked<T>(
        &self,
        operation: &'static str,
        call: impl FnOnce() -> T,
    ) -> Result<Result<T, wgpu::Error>, DeviceError> {
        self.usable()?;
        let scopes = [
            wgpu::ErrorFilter::Validation,
            wgpu::ErrorFilter::Internal,
            wgpu::ErrorFilter::OutOfMemory,
        ]
        .map(|filter| self.device.push_error_scope(filter));
        let value = call();
        let [validation, internal, memory] = scopes;
        // Scopes must end in the reverse order of their beginning.
        let memory = pollster::block_on(memory.pop());
        let internal = pollster::block_on(internal.pop());
        let validation = pollster::block_on(validation.pop());
        self.usable()?;
        match (validation.or(internal), memory) {
            (Some(error), _) => Err(self.failed(operation, error)),
            (None, Some(error)) => Ok(Err(error)),
            (None, None) => Ok(Ok(value)),
        }
    }

    /// Like [`Context::checked`], but treats lack of memory like any other error.
    pub(super) fn done<T>(
        &self,
        operation: &'static str,
        call: impl FnOnce() -> T,
    ) -> Result<T, DeviceError> {
        self.checked(operation, call)?
            .map_err(|error| self.failed(operation, error))
    }

    /// Creates a buffer for kernels. Running work may still hold memory that was freed lately, so if memory is short,
    /// this waits for that work and tries again. `None` if the adapter does not have enough memory.
    pub(super) fn storage_buffer(&self, tag: Tag, bytes: u64) -> Result<Option<Buffer>, DeviceError> {
        let descriptor = wgpu::BufferDescriptor {
            label: Some(tag.0),
            size: bytes,
            usage: STORAGE,
            mapped_at_creation: false,
        };
        let make = || self.checked("create_buffer", || self.device.create_buffer(&descriptor));
        if let Ok(buffer) = make()? {
            return Ok(Some(buffer));
        }
        self.wait(self.batch_number())?;
        Ok(make()?.ok())
    }

    /// Records a launch: the parameters, the buffers in the order of the kernel's bindings, and the workgroups. If
    /// there are more workgroups than one dimension may have, they are spread over two.
    pub(super) fn launch(
        &self,
        kernel: Kernel,
        parameters: &[u8],
        buffers: &[&Buffer],
        n_workgroups: u64,
        n_layers: usize,
    ) -> Result<(), DeviceError> {
        if n_workgroups == 0 || n_layers == 0 {
            return Ok(());
        }
        let most = u64::from(self.limits.max_compute_workgroups_per_dimension);
        let rows = n_workgroups.div_ceil(most);
        let columns = n_workgroups.div_ceil(rows);
        if rows > most || n_layers as u64 > most || parameters.len() as u64 > PARAMETERS {
            return Err(self.failed(kernel.name(), "more work than fits in one launch"));
        }
        let pipeline = self.pipelines.get(self, kernel)?;
        let mut entries = vec![wgpu::BindGroupEntry {
            binding: 0,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer: &self.parameters,
                offset: 0,
                size: wgpu::BufferSize::new(PARAMETERS),
            }),
        }];
        entries.extend((1..).zip(buffers).map(|(binding, buffer)| wgpu::BindGroupEntry {
            binding,
            resource: buffer.as_entire_binding(),
        }));
        let bindings = self.done(kernel.name(), || {
            self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(kernel.name()),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries,
            })
        })?;
        let mut batch = lock(&self.batch);
        let at = batch.parameters.len();
        batch.parameters.extend(parameters);
        batch.parameters.resize(at + PARAMETERS as usize, 0);
        let launches = batch.launches.entry(kernel.name()).or_default();
        launches.n += 1;
        launches.n_workgroups += columns * rows * n_layers as u64;
        batch.commands.push(Command::Dispatch {
            kernel,
            pipeline,
            bindings,
            parameters: at as u32,
            grid: [columns as u32, rows as u32, n_layers as u32],
        });
        self.submit_if_full(&mut batch)
    }

    /// Records a copy between two buffers.
    pub(super) fn copy(
        &self,
        from: (&Buffer, u64),
        to: (&Buffer, u64),
        bytes: u64,
    ) -> Result<(), DeviceError> {
        let mut batch = lock(&self.batch);
        batch.commands.push(Command::Copy {
            from: (from.0.clone(), from.1),
            to: (to.0.clone(), to.1),
            bytes,
        });
        self.submit_if_full(&mut batch)
    }

    fn submit_if_full(&self, batch: &mut Batch) -> Result<(), DeviceError> {
        if batch.commands.len() < BATCH {
            return Ok(());
        }
        self.submit(batch)
    }

    /// Submits the recorded commands.
    fn submit(&self, batch: &mut Batch) -> Result<(), DeviceError> {
        let commands = std::mem::take(&mut batch.commands);
        let parameters = std::mem::take(&mut batch.parameters);
        let number = batch.number;
        batch.number += 1;
        let submission = self.done("submit", || {
            if !parameters.is_empty() {
                self.queue.write_buffer(&self.parameters, 0, &parameters);
            }
            let mut encoder = self.device.create_command_encoder(&Default::default());
            for commands in commands.chunk_by(|a, b| a.is_dispatch() && b.is_dispatch()) {
                encode(&mut encoder, commands);
            }
            self.queue.submit([encoder.finish()])
        });
        // Later work would read what was not written.
        let submission = submission.map_err(|error| self.break_down(error))?;
        // Polling frees finished resources and reports a lost device.
        let _ = self.device.poll(PollType::Poll);
        self.usable()?;
        batch.submissions.push_back((number, submission));
        // Older submissions are done, or waiting for a later one is enough.
        while batch.submissions.len() > BATCH {
            batch.submissions.pop_front();
        }
        Ok(())
    }

    /// Submits the recorded commands, so that later writes of the host come after them.
    pub(super) fn flush(&self) -> Result<(), DeviceError> {
        let mut batch = lock(&self.batch);
        if batch.commands.is_empty() {
            return Ok(());
        }
        self.submit(&mut batch)
    }

    /// The number of the open batch. It and the batches before it hold the work recorded so far.
    pub(super) fn batch_number(&self) -> u64 {
        lock(&self.batch).number
    }

    /// Waits for the batch with this number and those before it.
    pub(super) fn wait(&self, number: u64) -> Result<(), DeviceError> {
        if self.batch_number() <= number {
            self.flush()?;
        }
        let submission = {
            let batch = lock(&self.batch);
            let mut submissions = batch.submissions.iter();
            let at_least = submissions.find(|(submitted, _)| *submitted >= number);
            at_least
                .or(batch.submissions.back())
                .map(|(_, index)| index.clone())
        };
        let Some(submission_index) = submission else {
            return self.usable();
        };
        let polled = self.device.poll(PollType::Wait {
            submission_index: Some(submission_index),
            timeout: None,
        });
        self.usable()?;
        polled.map(|_| ()).map_err(|error| self.failed("poll", error))
    }

    /// Statistics of every kernel's launches since the last call.
    pub(super) fn take_launches(&self) -> BTreeMap<&'static str, Launches> {
        std::mem::take(&mut lock(&self.batch).launches)
    }
}

impl Command {
    fn is_dispatch(&self) -> bool {
        matches!(self, Self::Dispatch { .. })
    }
}

/// Encodes one copy, or consecutive launches as one pass.
fn encode(encoder: &mut wgpu::CommandEncoder, commands: &[Command]) {
    if let [Command::Copy { from, to, bytes }] = commands {
        encoder.copy_buffer_to_buffer(&from.0, from.1, &to.0, to.1, *bytes);
        return;
    }
    let mut pass = encoder.begin_compute_pass(&Default::default());
    for command in commands {
        if let Command::Dispatch {
            pipeline,
            bindings,
            parameters,
            grid: [x, y, z],
            kernel,
        } = command
        {
            pass.insert_debug_marker(kernel.name());
            pass.set_pipeline(pipeline);
            pass.set_bind_group(0, bindings, &[*parameters]);
            pass.dispatch_workgroups(*x, *y, *z);
        }
    }
}

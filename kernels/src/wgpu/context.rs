//! The adapter's device and queue: work is listed in batches, and a batch is one submission.

use super::adapter::Started;
use super::kernels::Kernel;
use super::pipelines::Pipelines;
use crate::device::{DeviceError, Tag};
use crate::memory::Accounts;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wgpu::{Buffer, BufferUsages, PollType, SubmissionIndex};

/// Commands of a batch: so many are submitted at once unless somebody waits for fewer.
const BATCH: usize = 64;

/// Bytes of parameters that a launch may have; a multiple of every alignment of uniforms.
pub(super) const PARAMETERS: u64 = 256;

/// Uses of every buffer that kernels see.
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
    /// Bytes of a chunk of a buffer: a power of two that any binding can be.
    pub(super) chunk_bytes: u64,
    pub(super) accounts: Accounts,
    pub(super) pipelines: Pipelines,
    /// What is bound where a kernel gets nothing.
    pub(super) nothing: Buffer,
    /// The same where a kernel might write.
    pub(super) unused: Buffer,
    parameters: Buffer,
    batch: Mutex<Batch>,
    /// What went wrong outside every operation: the device was lost, or an error had no scope.
    broken: Arc<Mutex<Option<DeviceError>>>,
}

/// One step of the queue.
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

/// The commands that are not submitted yet, and the submissions that somebody may wait for.
#[derive(Default)]
struct Batch {
    number: u64,
    commands: Vec<Command>,
    parameters: Vec<u8>,
    submissions: VecDeque<(u64, SubmissionIndex)>,
    launches: BTreeMap<&'static str, Launches>,
}

/// What a kernel was given to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Launches {
    /// Launches.
    pub n: u64,
    /// Their workgroups in all.
    pub n_workgroups: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change leaves what is locked consistent, so a panic elsewhere does not spoil it.
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

    /// Bytes that can be bound at once.
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

    /// Whether nothing went wrong outside the operations.
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

    /// From now on everything fails, as something that was listed was not done.
    fn break_down(&self, error: DeviceError) -> DeviceError {
        let later = self.failed("earlier work", &error);
        lock(&self.broken).get_or_insert(later);
        error
    }

    /// Calls the library in scopes that catch what it reports. The inner error is for lack of memory.
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
        // Scopes end in the reverse order of their beginning.
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

    /// The same where memory is an error like others.
    pub(super) fn done<T>(
        &self,
        operation: &'static str,
        call: impl FnOnce() -> T,
    ) -> Result<T, DeviceError> {
        self.checked(operation, call)?
            .map_err(|error| self.failed(operation, error))
    }

    /// Makes a buffer for kernels. What was freed lately may still be held by work under way: before memory is said to be
    /// short, that is waited for. Nothing if the adapter has not so much.
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

    /// Lists a launch: the parameters, the buffers in the order of the kernel's bindings, and workgroups. A launch of more
    /// workgroups than one dimension may have is spread over two.
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
            return Err(self.failed(kernel.name(), "more work than a launch can have"));
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

    /// Lists a copy between two buffers.
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

    /// Submits what is listed.
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
        // What follows would read what was not written.
        let submission = submission.map_err(|error| self.break_down(error))?;
        // What is over is given back, and a loss is told.
        let _ = self.device.poll(PollType::Poll);
        self.usable()?;
        batch.submissions.push_back((number, submission));
        // Old submissions are over, or a wait for a later one will do.
        while batch.submissions.len() > BATCH {
            batch.submissions.pop_front();
        }
        Ok(())
    }

    /// Submits what is listed, so that what the host writes next comes after it.
    pub(super) fn flush(&self) -> Result<(), DeviceError> {
        let mut batch = lock(&self.batch);
        if batch.commands.is_empty() {
            return Ok(());
        }
        self.submit(&mut batch)
    }

    /// The number of the batch that is open: it and all before it hold the work listed so far.
    pub(super) fn batch_number(&self) -> u64 {
        lock(&self.batch).number
    }

    /// Waits for the batch of that number and those before it.
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

    /// The launches of every kernel since the last call.
    pub(super) fn take_launches(&self) -> BTreeMap<&'static str, Launches> {
        std::mem::take(&mut lock(&self.batch).launches)
    }
}

impl Command {
    fn is_dispatch(&self) -> bool {
        matches!(self, Self::Dispatch { .. })
    }
}

/// Encodes a copy, or launches that follow each other, as one pass.
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

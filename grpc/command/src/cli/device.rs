//! `--device`: the device that does the work.

use crate::cli::failure::{Failure, Kind};
use quarry_kernels::{CpuDevice, CudaDevice, Description, DeviceError, WgpuDevice};
use std::fmt;
use std::str::FromStr;

/// The requested device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceSelection {
    /// The first usable GPU, or else the CPU.
    #[default]
    Auto,
    /// The host's processors.
    Cpu,
    /// An NVIDIA GPU, by index.
    Cuda(usize),
    /// A GPU reached through Vulkan or Metal, by index; `None` takes the first usable one.
    Wgpu(Option<usize>),
    /// A software adapter (runs on the CPU) reached in the same way, by index; `None` takes the first usable one.
    WgpuSoftware(Option<usize>),
}

/// The name before the index.
const WGPU: &str = "wgpu";
/// The same for software adapters, which must be requested explicitly.
const WGPU_SOFTWARE: &str = "wgpu-software";

impl FromStr for DeviceSelection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, index) = match text.split_once(':') {
            None => (text, None),
            Some((kind, index)) => (kind, Some(index)),
        };
        let index = index.map(str::parse).transpose();
        match (kind, index) {
            ("auto", Ok(None)) => Ok(DeviceSelection::Auto),
            ("cpu", Ok(None)) => Ok(DeviceSelection::Cpu),
            ("cuda", Ok(index)) => Ok(DeviceSelection::Cuda(index.unwrap_or(0))),
            (WGPU, Ok(index)) => Ok(DeviceSelection::Wgpu(index)),
            (WGPU_SOFTWARE, Ok(index)) => Ok(DeviceSelection::WgpuSoftware(index)),
            _ => Err(
                "expected auto, cpu, cuda[:N], wgpu[:N] or wgpu-software[:N]; `quarry devices` lists them"
                    .to_owned(),
            ),
        }
    }
}

impl fmt::Display for DeviceSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceSelection::Auto => f.write_str("auto"),
            DeviceSelection::Cpu => f.write_str("cpu"),
            DeviceSelection::Cuda(index) => write!(f, "cuda:{index}"),
            DeviceSelection::Wgpu(None) => f.write_str(WGPU),
            DeviceSelection::Wgpu(Some(index)) => write!(f, "{WGPU}:{index}"),
            DeviceSelection::WgpuSoftware(None) => f.write_str(WGPU_SOFTWARE),
            DeviceSelection::WgpuSoftware(Some(index)) => write!(f, "{WGPU_SOFTWARE}:{index}"),
        }
    }
}

impl DeviceSelection {
    /// The choice that selects a listed device.
    pub fn of(device: &Description) -> Self {
        match (device.kind, device.is_software) {
            (WGPU, true) => DeviceSelection::WgpuSoftware(Some(device.index)),
            (WGPU, false) => DeviceSelection::Wgpu(Some(device.index)),
            _ => DeviceSelection::Cuda(device.index),
        }
    }
}

/// A device that was started.
pub enum Started {
    /// The host's processors.
    Cpu(CpuDevice),
    /// An NVIDIA GPU.
    Cuda(CudaDevice),
    /// Another GPU, or a software adapter.
    Wgpu(WgpuDevice),
}

/// Runs the same code on whichever device was started: `on_device!(&started, device => work(device))`.
macro_rules! on_device {
    ($started:expr, $device:ident => $work:expr) => {
        match $started {
            $crate::cli::device::Started::Cpu($device) => $work,
            $crate::cli::device::Started::Cuda($device) => $work,
            $crate::cli::device::Started::Wgpu($device) => $work,
        }
    };
}
pub(crate) use on_device;

impl DeviceSelection {
    /// Starts the device. The text says why `auto` did not take a device that it prefers. `memory` limits the bytes of
    /// GPU memory; `None` allows nearly all that are free.
    ///
    /// # Errors
    /// If a named device cannot be used; the message says what was found and what is needed.
    pub fn start(
        self,
        n_threads: Option<u16>,
        memory: Option<u64>,
    ) -> Result<(Started, Option<String>), Failure> {
        let started = match self {
            DeviceSelection::Cpu => Started::Cpu(start_cpu(n_threads)?),
            DeviceSelection::Cuda(index) => {
                Started::Cuda(CudaDevice::new(index, memory).map_err(not_usable)?)
            }
            DeviceSelection::Wgpu(index) => {
                Started::Wgpu(start_wgpu(index, memory, false).map_err(not_usable)?)
            }
            DeviceSelection::WgpuSoftware(index) => {
                Started::Wgpu(start_wgpu(index, memory, true).map_err(not_usable)?)
            }
            DeviceSelection::Auto => return auto(n_threads, memory),
        };
        Ok((started, None))
    }
}

/// The first usable GPU, or the CPU and the reason why no GPU was taken.
fn auto(n_threads: Option<u16>, memory: Option<u64>) -> Result<(Started, Option<String>), Failure> {
    let no_cuda = match first_gpu(memory) {
        Ok(gpu) => return Ok((Started::Cuda(gpu), None)),
        Err(why) => why,
    };
    let no_wgpu = match start_wgpu(None, memory, false) {
        Ok(gpu) => return Ok((Started::Wgpu(gpu), Some(no_cuda.to_string()))),
        Err(why) => why,
    };
    let cpu = start_cpu(n_threads)?;
    Ok((Started::Cpu(cpu), Some(format!("{no_cuda}; {no_wgpu}"))))
}

/// The first usable NVIDIA GPU, or the reason why GPU 0 cannot be used.
fn first_gpu(memory: Option<u64>) -> Result<CudaDevice, DeviceError> {
    let n_gpus = CudaDevice::count()?;
    CudaDevice::new(0, memory).or_else(|why| {
        (1..n_gpus)
            .find_map(|index| CudaDevice::new(index, memory).ok())
            .ok_or(why)
    })
}

/// The adapter with this index, or the first usable one of its kind (GPU or software). If none is usable, the error is
/// that of the first one.
fn start_wgpu(index: Option<usize>, memory: Option<u64>, software: bool) -> Result<WgpuDevice, DeviceError> {
    let start = |index| WgpuDevice::new(index, memory, software);
    if let Some(index) = index {
        return start(index);
    }
    let adapters = WgpuDevice::list();
    let of_its_sort = adapters.iter().filter(|adapter| adapter.is_software == software);
    let mut indices = of_its_sort.map(|adapter| adapter.index);
    start(indices.next().unwrap_or(0)).or_else(|why| indices.find_map(|index| start(index).ok()).ok_or(why))
}

/// Bad input: the named device cannot be used.
fn not_usable(error: DeviceError) -> Failure {
    match &error {
        DeviceError::SoftwareOnly { index, .. } => Failure::bad_input(format!(
            "{error}: with --device {}",
            DeviceSelection::WgpuSoftware(Some(*index))
        )),
        _ => Failure::from_error(Kind::BadInput, &error),
    }
}

/// Starts the CPU device.
///
/// # Errors
/// If the threads cannot be started.
pub fn start_cpu(n_threads: Option<u16>) -> Result<CpuDevice, Failure> {
    let device = CpuDevice::new(n_threads.map(usize::from));
    device.map_err(|error| Failure::from_error(Kind::Internal, &error))
}

/// Starts the global thread pool, for work outside the device: the trace, the verifier.
///
/// # Errors
/// If the threads cannot be started.
pub fn start_pool(n_threads: Option<u16>) -> Result<(), Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads.map_or(0, usize::from));
    pool.build_global()
        .map_err(|error| Failure::from_error(Kind::Internal, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices() {
        for (text, choice) in [
            ("auto", DeviceSelection::Auto),
            ("cpu", DeviceSelection::Cpu),
            ("cuda", DeviceSelection::Cuda(0)),
            ("cuda:3", DeviceSelection::Cuda(3)),
            ("wgpu", DeviceSelection::Wgpu(None)),
            ("wgpu:1", DeviceSelection::Wgpu(Some(1))),
            ("wgpu-software", DeviceSelection::WgpuSoftware(None)),
            ("wgpu-software:0", DeviceSelection::WgpuSoftware(Some(0))),
        ] {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        for text in [
            "",
            "gpu",
            "cuda:",
            "cuda:x",
            "cpu:1",
            "auto:0",
            "cuda:-1",
            "wgpu:",
            "wgpu-software:x",
        ] {
            assert!(text.parse::<DeviceSelection>().is_err(), "{text}");
        }
    }
}

//! `--device`: where the work is done.

use crate::cli::failure::{Failure, Kind};
use quarry_kernels::cuda::CudaDevice;
use quarry_kernels::{CpuDevice, DeviceError};
use std::fmt;
use std::str::FromStr;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The first card that can be used, or else the CPU.
    #[default]
    Auto,
    /// The host's processors.
    Cpu,
    /// A card of NVIDIA's.
    Cuda(usize),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, index) = match text.split_once(':') {
            None => (text, None),
            Some((kind, index)) => (kind, Some(index)),
        };
        match (kind, index.map(str::parse)) {
            ("auto", None) => Ok(Choice::Auto),
            ("cpu", None) => Ok(Choice::Cpu),
            ("cuda", None) => Ok(Choice::Cuda(0)),
            ("cuda", Some(Ok(index))) => Ok(Choice::Cuda(index)),
            _ => Err("give auto, cpu, cuda or cuda:N, N being the number of the card".to_owned()),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Auto => f.write_str("auto"),
            Choice::Cpu => f.write_str("cpu"),
            Choice::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

/// A device that was started.
pub enum Started {
    /// The host's processors.
    Cpu(CpuDevice),
    /// A card of NVIDIA's.
    Cuda(CudaDevice),
}

impl Choice {
    /// Starts the device; the text says why it is not the one that `auto` looks for first. Of a card's memory, `memory`
    /// bytes are taken, or nearly all that are free.
    ///
    /// # Errors
    /// What was found and what is needed, if a device that was named cannot be used.
    pub fn start(
        self,
        n_threads: Option<u16>,
        memory: Option<u64>,
    ) -> Result<(Started, Option<String>), Failure> {
        match self {
            Choice::Cpu => Ok((Started::Cpu(start_cpu(n_threads)?), None)),
            Choice::Cuda(index) => {
                let card = CudaDevice::new(index, memory).map_err(|why| not_usable(&why))?;
                Ok((Started::Cuda(card), None))
            }
            Choice::Auto => match first_card(memory) {
                Ok(card) => Ok((Started::Cuda(card), None)),
                Err(why) => Ok((Started::Cpu(start_cpu(n_threads)?), Some(why.to_string()))),
            },
        }
    }
}

/// The first card that can be used, or why the first of all cannot.
fn first_card(memory: Option<u64>) -> Result<CudaDevice, DeviceError> {
    let n_cards = CudaDevice::count()?;
    CudaDevice::new(0, memory).or_else(|why| {
        (1..n_cards)
            .find_map(|index| CudaDevice::new(index, memory).ok())
            .ok_or(why)
    })
}

/// A device that was named but cannot be used is the caller's to mend.
fn not_usable(error: &DeviceError) -> Failure {
    Failure::from_error(Kind::BadInput, error)
}

/// The host's processors.
///
/// # Errors
/// If the threads cannot be started.
pub fn start_cpu(n_threads: Option<u16>) -> Result<CpuDevice, Failure> {
    let device = CpuDevice::new(n_threads.map(usize::from));
    device.map_err(|error| Failure::from_error(Kind::Internal, &error))
}

/// The threads of whatever is not the device's: the trace, the verifier.
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
            ("auto", Choice::Auto),
            ("cpu", Choice::Cpu),
            ("cuda", Choice::Cuda(0)),
            ("cuda:3", Choice::Cuda(3)),
        ] {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        for text in ["", "gpu", "cuda:", "cuda:x", "cpu:1", "auto:0", "cuda:-1"] {
            assert!(text.parse::<Choice>().is_err(), "{text}");
        }
    }
}

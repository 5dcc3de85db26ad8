//! The device's own rates, from which floors are computed.

use ark_ff::Field;
use quarry_kernels::cuda::CudaDevice;
use quarry_kernels::program::{Instruction, Opcode, Operand};
use quarry_kernels::{
    Backend, Columns, CpuDevice, DeviceError, Felt, Hash, Natural, Program, Tag, WgpuDevice,
};
use serde::Serialize;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

const TAG: Tag = Tag("measured");

/// What the device does per second.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rates {
    /// Field multiplications.
    multiplications: f64,
    /// Permutations of Keccak-f.
    keccak: f64,
    /// Compressions of Blake2s.
    blake2s: f64,
    /// Bytes copied on the device. A copied byte counts twice: it is read and written.
    copied_bytes: f64,
    /// Bytes from the host to the device.
    up_bytes: f64,
    /// Bytes from the device to the host.
    down_bytes: f64,
}

impl Rates {
    /// Minimum time for this much work. Arithmetic and memory accesses overlap; multiplications and hashes do not.
    pub fn floor(&self, multiplications: f64, permutations: Option<(Hash, f64)>, bytes: f64) -> f64 {
        let hashing = permutations.map_or(0.0, |(hash, n)| {
            n / match hash.unmasked() {
                Hash::Blake256 => self.blake2s,
                _ => self.keccak,
            }
        });
        let arithmetic = multiplications / self.multiplications + hashing;
        arithmetic.max(bytes / self.copied_bytes)
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, rate) in [
            ("field multiplications", self.multiplications),
            ("Keccak-f", self.keccak),
            ("Blake2s", self.blake2s),
            ("bytes copied (read and written)", self.copied_bytes),
            ("bytes up", self.up_bytes),
            ("bytes down", self.down_bytes),
        ] {
            writeln!(f, "{name:56} {rate:10.3e} / s")?;
        }
        Ok(())
    }
}

/// A device whose rates can be measured.
pub trait Measure {
    /// Measures the rates with transfers of `2^log_len` elements. `None` if floors are meaningless for the device.
    fn measure(&self, log_len: u32) -> Result<Option<Rates>, DeviceError>;
}

impl Measure for CpuDevice {
    fn measure(&self, log_len: u32) -> Result<Option<Rates>, DeviceError> {
        measure(self, log_len, multiplications(self, log_len.min(14))?).map(Some)
    }
}

impl Measure for CudaDevice {
    fn measure(&self, log_len: u32) -> Result<Option<Rates>, DeviceError> {
        let multiplications = self.multiplications_per_second(1 << (log_len / 2))?;
        measure(self, log_len, multiplications).map(Some)
    }
}

impl Measure for WgpuDevice {
    fn measure(&self, log_len: u32) -> Result<Option<Rates>, DeviceError> {
        let multiplications = self.multiplications_per_second(1 << (log_len / 2))?;
        measure(self, log_len, multiplications).map(Some)
    }
}

fn measure<D: Backend>(device: &D, log_len: u32, multiplications: f64) -> Result<Rates, DeviceError> {
    let bytes = (size_of::<Felt>() << log_len) as f64;
    let mut from = Columns::<D, Natural>::zeros(device, 1, log_len, TAG)?;
    let mut to = Columns::<D, Natural>::zeros(device, 1, log_len, TAG)?;
    let host = vec![Felt::ONE; 1 << log_len];
    let whole = 0..1 << log_len;
    let upload = best(|| device.upload(&host, from.values_mut(), 0)?.wait())?;
    let copy = best(|| {
        device
            .copy(from.values(), whole.clone(), to.values_mut(), 0)?
            .wait()
    })?;
    let download = best(|| device.download(from.values(), whole.clone())?.wait())?;
    Ok(Rates {
        multiplications,
        keccak: permutations(device, Hash::Keccak256, log_len)?,
        blake2s: permutations(device, Hash::Blake256, log_len)?,
        copied_bytes: 2.0 * bytes / copy,
        up_bytes: bytes / upload,
        down_bytes: bytes / download,
    })
}

/// The shortest of several runs, in seconds.
fn best<T>(mut run: impl FnMut() -> Result<T, DeviceError>) -> Result<f64, DeviceError> {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

/// Multiplications per second on the CPU, measured with a program of constraints that does nothing else.
fn multiplications<D: Backend>(device: &D, log_len: u32) -> Result<f64, DeviceError> {
    const N: usize = 256;
    let cell = Operand::Cell { source: 0, offset: 0 };
    // Four chains, so that no multiplication waits for the previous one.
    let step = |i: usize| {
        let register = (i % 4) as u16;
        let own = Operand::Register(register);
        Instruction {
            opcode: Opcode::Mul,
            target: register,
            a: if i < 4 { cell } else { own },
            b: if i < 4 { cell } else { own },
        }
    };
    let program = Program {
        instructions: (0..N).map(step).collect(),
        n_registers: 4,
        n_scalars: 0,
        n_columns: 1,
        n_periodic: 0,
        result: Operand::Register(0),
    };
    let loaded = device.load(&program)?;
    let column = Columns::<D, Natural>::zeros(device, 1, log_len, TAG)?;
    let mut out = Columns::<D, Natural>::zeros(device, 1, log_len, TAG)?;
    let seconds = best(|| device.compose(&loaded, &[&column], &[], &[], &mut out)?.wait())?;
    Ok((N << log_len) as f64 / seconds)
}

/// Hashes of one block per second, measured with a search for a nonce that takes about `2^(log_len + 6)` of them.
fn permutations<D: Backend>(device: &D, hash: Hash, log_len: u32) -> Result<f64, DeviceError> {
    let cancel = AtomicBool::new(false);
    let (mut tried, mut seconds) = (0.0, 0.0);
    for i in 0..4u8 {
        let start = Instant::now();
        let nonce = device.grind(hash, &[i; 32], log_len + 4, &cancel)?.wait()?;
        seconds += start.elapsed().as_secs_f64();
        tried += nonce as f64;
    }
    Ok(tried / seconds)
}

//! Measured rates of this machine for the work that proofs consist of.

use quarry_kernels::ops::NttOps;
use quarry_kernels::{BitReversed, Columns, CpuDevice, DeviceError, Digest, Felt, Hash, Natural, Tag};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Duration of each measurement.
const MEASURE_FOR: Duration = Duration::from_millis(300);
/// Bytes copied at once to measure the memory's bandwidth: more than most last-level caches hold.
const COPY_BYTES: usize = 128 << 20;
/// Independent multiplications in flight: enough to fill the pipeline.
const LANES: usize = 16;

/// Measured rates, all on one core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Field multiplications per second.
    pub field_multiplications: f64,
    /// Field elements transformed per second, in transforms of 2^16; `None` if the CPU device does not start.
    pub ntt_elements: Option<f64>,
    /// Keccak-256 hashes of two digests to one, per second.
    pub keccak_pairs: f64,
    /// Blake2s hashes of two digests to one, per second.
    pub blake2s_pairs: f64,
    /// Poseidon hashes of two digests to one, per second.
    pub poseidon_pairs: f64,
    /// Bytes copied from memory to memory per second.
    pub copied_bytes: f64,
}

impl Rates {
    /// Measures this machine.
    pub fn measure() -> Self {
        Self {
            field_multiplications: field_multiplications(),
            ntt_elements: ntt_elements().ok(),
            keccak_pairs: pairs(Hash::Keccak256),
            blake2s_pairs: pairs(Hash::Blake256),
            poseidon_pairs: pairs(Hash::Poseidon3),
            copied_bytes: copied_bytes(),
        }
    }

    /// The measured operations by human-readable name, and their rates per second on one core.
    pub fn on_one_core(&self) -> [(&'static str, Option<f64>); 5] {
        [
            ("field multiplications", Some(self.field_multiplications)),
            ("elements transformed (NTT of 2^16)", self.ntt_elements),
            ("Keccak, two digests to one", Some(self.keccak_pairs)),
            ("Blake2s, two digests to one", Some(self.blake2s_pairs)),
            ("Poseidon, two digests to one", Some(self.poseidon_pairs)),
        ]
    }
}

/// Repeats `work`, which does `units` units of something, and returns the units per second.
fn rate(units: f64, mut work: impl FnMut()) -> f64 {
    work();
    let start = Instant::now();
    let mut rounds = 0u32;
    while start.elapsed() < MEASURE_FOR {
        work();
        rounds += 1;
    }
    f64::from(rounds) * units / start.elapsed().as_secs_f64()
}

fn field_multiplications() -> f64 {
    const ROUNDS: usize = 1024;
    let factor = Felt::from(3u64);
    let mut lanes: [Felt; LANES] = std::array::from_fn(|i| Felt::from(i as u64 + 5));
    rate((ROUNDS * LANES) as f64, || {
        for _ in 0..ROUNDS {
            for lane in &mut lanes {
                *lane *= black_box(factor);
            }
        }
        black_box(&mut lanes);
    })
}

fn ntt_elements() -> Result<f64, DeviceError> {
    const LOG_LEN: u32 = 16;
    let device = CpuDevice::new(Some(1))?;
    let shift = Felt::from(3u64);
    let values: Vec<Felt> = (0..1u64 << LOG_LEN).map(Felt::from).collect();
    let columns = Columns::<_, Natural>::upload(&device, &[values], LOG_LEN, Tag("rate"))?;
    let coefficients: Columns<_, BitReversed> = device.interpolate(columns, shift)?;
    let mut out = Columns::zeros(&device, 1, LOG_LEN, Tag("rate"))?;
    // One transform first, so that errors are reported and tables are created before the clock runs.
    device.evaluate_coset(&coefficients, shift, &mut out)?.wait()?;
    Ok(rate(f64::from(1 << LOG_LEN), || {
        if let Ok(ticket) = device.evaluate_coset(&coefficients, shift, &mut out) {
            ticket.detach();
        }
    }))
}

fn pairs(hash: Hash) -> f64 {
    const ROUNDS: usize = 64;
    let mut digest = Digest::default();
    rate(ROUNDS as f64, || {
        for _ in 0..ROUNDS {
            digest = hash.hash_pair(&digest, black_box(&digest));
        }
        black_box(&mut digest);
    })
}

fn copied_bytes() -> f64 {
    let from = vec![1u8; COPY_BYTES];
    let mut to = vec![0u8; COPY_BYTES];
    rate(COPY_BYTES as f64, || {
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_counts_units() {
        let rate = rate(10.0, || std::thread::sleep(Duration::from_millis(10)));
        assert!((100.0..=1000.0).contains(&rate), "{rate}");
    }
}

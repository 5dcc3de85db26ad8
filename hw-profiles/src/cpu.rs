//! The processor: from `/proc/cpuinfo`, `/sys/devices/system/cpu` and the processor itself.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// Model name that the processor reports.
    pub model: Option<String>,
    /// The architecture this program was compiled for.
    pub architecture: String,
    /// Physical cores.
    pub cores: Option<usize>,
    /// Threads that this process may run at once.
    pub threads: usize,
    /// The SIMD and carry-less extensions that the prover could use and the processor has.
    pub features: Vec<String>,
    /// The caches of the first core, smallest first.
    pub caches: Vec<Cache>,
}

/// A data cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    /// Its level: 1, 2 or 3.
    pub level: u32,
    /// Its size in bytes.
    pub bytes: u64,
}

impl Cpu {
    /// Inspects this machine's processor.
    pub fn probe() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            model: field(&cpuinfo, "model name").next().map(str::to_owned),
            architecture: std::env::consts::ARCH.to_owned(),
            cores: cores(&cpuinfo),
            threads: std::thread::available_parallelism().map_or(1, Into::into),
            features: features(),
            caches: caches(Path::new("/sys/devices/system/cpu/cpu0/cache")),
        }
    }

    /// Whether the processor has an extension, by the name in [`Cpu::features`].
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|has| has == feature)
    }
}

/// The values of a key of `/proc/cpuinfo`, one per processor.
fn field<'a>(cpuinfo: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(move |(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}

/// Number of distinct pairs of socket and core: hyperthreads share one.
fn cores(cpuinfo: &str) -> Option<usize> {
    let distinct: BTreeSet<_> = field(cpuinfo, "physical id")
        .zip(field(cpuinfo, "core id"))
        .collect();
    (!distinct.is_empty()).then_some(distinct.len())
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<String> {
    let found = [
        ("adx", is_x86_feature_detected!("adx")),
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512ifma", is_x86_feature_detected!("avx512ifma")),
    ];
    let has = found.into_iter().filter(|(_, has)| *has);
    has.map(|(name, _)| name.to_owned()).collect()
}

#[cfg(target_arch = "aarch64")]
fn features() -> Vec<String> {
    let found = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("sha3", std::arch::is_aarch64_feature_detected!("sha3")),
    ];
    let has = found.into_iter().filter(|(_, has)| *has);
    has.map(|(name, _)| name.to_owned()).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<String> {
    Vec::new()
}

fn caches(folder: &Path) -> Vec<Cache> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut caches: Vec<_> = entries.filter_map(|entry| cache(&entry.path())).collect();
    caches.sort_by_key(|cache| cache.level);
    caches
}

fn cache(folder: &Path) -> Option<Cache> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    if read("type")?.trim() == "Instruction" {
        return None;
    }
    Some(Cache {
        level: read("level")?.trim().parse().ok()?,
        bytes: size(read("size")?.trim())?,
    })
}

/// Parses a size such as `32K` or `1M`.
fn size(text: &str) -> Option<u64> {
    let (digits, unit) = match text.split_at_checked(text.len().checked_sub(1)?)? {
        (digits, "K") => (digits, 1 << 10),
        (digits, "M") => (digits, 1 << 20),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_CORES_FOUR_THREADS: &str = "\
processor\t: 0\nmodel name\t: Fast One\nphysical id\t: 0\ncore id\t: 0\n
processor\t: 1\nmodel name\t: Fast One\nphysical id\t: 0\ncore id\t: 1\n
processor\t: 2\nmodel name\t: Fast One\nphysical id\t: 0\ncore id\t: 0\n
processor\t: 3\nmodel name\t: Fast One\nphysical id\t: 0\ncore id\t: 1\n";

    #[test]
    fn hyperthreads_are_not_cores() {
        assert_eq!(cores(TWO_CORES_FOUR_THREADS), Some(2));
        assert_eq!(cores("processor : 0"), None);
        assert_eq!(
            field(TWO_CORES_FOUR_THREADS, "model name").next(),
            Some("Fast One")
        );
    }

    #[test]
    fn sizes() {
        assert_eq!(size("32K"), Some(32 << 10));
        assert_eq!(size("16M"), Some(16 << 20));
        assert_eq!(size("512"), Some(512));
        assert_eq!(size(""), None);
        assert_eq!(size("K"), None);
        assert_eq!(size("manyK"), None);
    }

    #[test]
    fn this_machine_has_a_processor() {
        let cpu = Cpu::probe();
        assert!(cpu.threads >= 1);
        assert!(cpu.caches.windows(2).all(|pair| pair[0].level <= pair[1].level));
        assert!(!cpu.has("no such extension"));
    }
}

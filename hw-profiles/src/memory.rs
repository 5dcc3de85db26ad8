//! Memory: from `/proc/meminfo`, the control group's limit and `/proc/self/status`.

use serde::{Deserialize, Serialize};
use std::fs;

/// The machine's memory, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostMemory {
    /// Total memory, or the limit of this process's control group if that is lower.
    pub total_bytes: Option<u64>,
    /// Memory that can be allocated now without swapping.
    pub available_bytes: Option<u64>,
}

impl HostMemory {
    /// Inspects this machine's memory.
    pub fn probe() -> Self {
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let read = |path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        // "max" (no limit) does not parse as a number.
        let limit = read("/sys/fs/cgroup/memory.max");
        let used = read("/sys/fs/cgroup/memory.current").unwrap_or(0);
        let total = kibibytes(&meminfo, "MemTotal");
        let available = kibibytes(&meminfo, "MemAvailable");
        Self {
            total_bytes: least(total, limit),
            available_bytes: least(available, limit.map(|limit| limit.saturating_sub(used))),
        }
    }
}

/// Peak resident memory of this process in bytes, if the system reports it.
pub fn peak_resident_bytes() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM")
}

fn least(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a.into_iter().chain(b).min()
}

/// The value in bytes of a line such as `MemTotal:  16384 kB`.
fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.into_iter().find(|(name, _)| *name == key)?;
    let number = value.trim().strip_suffix("kB")?.trim();
    number.parse::<u64>().ok()?.checked_mul(1 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_lines() {
        let text = "MemTotal:       24684084 kB\nMemFree: 1 kB\nHugePages_Total:       0\n";
        assert_eq!(kibibytes(text, "MemTotal"), Some(24_684_084 << 10));
        assert_eq!(kibibytes(text, "MemAvailable"), None);
        assert_eq!(kibibytes(text, "HugePages_Total"), None);
    }

    #[test]
    fn the_lesser_limit_counts() {
        assert_eq!(least(Some(8), Some(4)), Some(4));
        assert_eq!(least(Some(8), None), Some(8));
        assert_eq!(least(None, None), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_peak_grows_with_what_is_held() {
        let before = peak_resident_bytes().unwrap();
        let held = vec![1u8; 64 << 20];
        assert_eq!(held.iter().map(|&byte| u64::from(byte)).sum::<u64>(), 64 << 20);
        assert!(peak_resident_bytes().unwrap() >= before.max(64 << 20));
    }
}

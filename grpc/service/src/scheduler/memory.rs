//! Placement by planned memory: a proof goes to a device with enough memory, and is rejected before it starts if no
//! device has enough.

use super::State;
use super::day::Held;
use bytesize::ByteSize;
use quarry_client::protocol::{DeviceInfo, Statement};

/// Planned host memory of a proof on a device.
fn host_bytes(statement: &Statement, device: &DeviceInfo) -> u64 {
    match device.memory_bytes {
        // The device proves in host memory.
        0 => statement.host_bytes.saturating_add(statement.least_device_bytes),
        _ => statement.host_bytes,
    }
}

/// Why a proof cannot be made on a device; `None` if it fits as far as is known.
pub fn why_too_large(statement: &Statement, device: &DeviceInfo) -> Option<String> {
    let (own, host) = (device.memory_bytes, device.host_memory_bytes);
    let on_host = host_bytes(statement, device);
    let lacks = |needed: u64, there: u64, whose: &str| {
        (there > 0 && needed > there).then(|| {
            format!(
                "the proof needs {} of {whose} memory, but '{}' has {}",
                ByteSize(needed),
                device.name,
                ByteSize(there)
            )
        })
    };
    lacks(statement.least_device_bytes, own, "the device's").or_else(|| lacks(on_host, host, "the host's"))
}

impl State {
    /// Whether a device should take a ready job: the job fits it, or fits no device and will fail there.
    pub(super) fn belongs_on(&self, id: &str, index: usize) -> bool {
        let Some(statement) = self.statement(id) else {
            return true;
        };
        let fits = |device: &DeviceInfo| why_too_large(statement, device).is_none();
        let Some(device) = self.devices.get(index).filter(|device| fits(device)) else {
            return !self.devices.iter().any(fits);
        };
        // Host memory that concurrent proofs use.
        let others: u64 = self
            .devices
            .iter()
            .filter_map(|other| self.host_bytes_on(other))
            .sum();
        let host = device.host_memory_bytes;
        host == 0 || others == 0 || host_bytes(statement, device).saturating_add(others) <= host
    }

    /// Planned host memory of the job on a device.
    fn host_bytes_on(&self, device: &DeviceInfo) -> Option<u64> {
        Some(host_bytes(self.statement(&device.job_id)?, device))
    }

    /// Whether every ready device has a next job, which is not held for another day.
    pub(super) fn feeds_all_devices(&self, held: &Held) -> bool {
        let is_fed = |(index, device): (usize, &DeviceInfo)| {
            let mut next = self.ready.iter().filter(|entry| !held.has(entry));
            device.description.is_empty() || next.any(|entry| self.belongs_on(&entry.id, index))
        };
        self.devices.iter().enumerate().all(is_fed)
    }

    /// Why a job cannot be proved on a device.
    pub(super) fn why_not_on(&self, id: &str, index: usize) -> Option<String> {
        why_too_large(self.statement(id)?, self.devices.get(index)?)
    }

    fn statement(&self, id: &str) -> Option<&Statement> {
        Some(&self.active.get(id)?.prepared.as_ref()?.statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job;
    use crate::scheduler::Active;
    use crate::scheduler::prepare::Prepared;

    const GIB: u64 = 1 << 30;

    fn device(name: &str, memory_bytes: u64) -> DeviceInfo {
        DeviceInfo {
            name: name.to_owned(),
            memory_bytes,
            host_memory_bytes: 8 * GIB,
            ..DeviceInfo::default()
        }
    }

    fn state(least_device_bytes: u64, host_bytes: u64, devices: Vec<DeviceInfo>) -> State {
        let statement = Statement {
            least_device_bytes,
            host_bytes,
            ..Statement::default()
        };
        let active = Active {
            prepared: Some(Prepared {
                statement,
                annotations: false,
                digests: Default::default(),
                wrapped_steps: 0,
            }),
            ..Active::of(&job::example(""))
        };
        State {
            active: [("job".to_owned(), active)].into(),
            devices,
            ..State::default()
        }
    }

    #[test]
    fn a_proof_goes_where_it_fits() {
        let both = || vec![device("cuda:0", 4 * GIB), device("cuda:1", 16 * GIB)];
        let small = state(2 * GIB, GIB, both());
        assert!(small.belongs_on("job", 0) && small.belongs_on("job", 1));
        let large = state(10 * GIB, GIB, both());
        assert!(!large.belongs_on("job", 0) && large.belongs_on("job", 1));
        let too_large = state(20 * GIB, GIB, both());
        assert!(too_large.belongs_on("job", 0), "where it is refused");
        let why = too_large.why_not_on("job", 1).unwrap();
        assert!(
            why.contains("20.0 GiB") && why.contains("16.0 GiB") && why.contains("cuda:1"),
            "{why}"
        );
        // A concurrent proof leaves less host memory.
        let mut beside = state(2 * GIB, 5 * GIB, both());
        assert!(beside.belongs_on("job", 1));
        let other = state(2 * GIB, 5 * GIB, Vec::new()).active.remove("job").unwrap();
        beside.active.insert("other".to_owned(), other);
        beside.devices[0].job_id = "other".to_owned();
        assert!(!beside.belongs_on("job", 1));
        // A device that has not started yet may have enough memory.
        let unknown = DeviceInfo::default();
        let waits = state(20 * GIB, GIB, vec![device("cuda:0", 4 * GIB), unknown]);
        assert!(!waits.belongs_on("job", 0) && waits.belongs_on("job", 1));
    }

    #[test]
    fn the_host_has_room_for_both_parts() {
        let cpu = || vec![device("cpu", 0)];
        assert_eq!(state(5 * GIB, 3 * GIB, cpu()).why_not_on("job", 0), None);
        let why = state(5 * GIB, 4 * GIB, cpu()).why_not_on("job", 0).unwrap();
        assert!(why.contains("9.0 GiB of the host's"), "{why}");
        let gpu = vec![device("cuda:0", 16 * GIB)];
        assert!(state(GIB, 9 * GIB, gpu).why_not_on("job", 0).is_some());
    }
}

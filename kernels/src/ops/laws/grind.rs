//! Law of proof of work.

use crate::device::DeviceError;
use crate::hash::{Digest, Hash};
use crate::ops::GrindOps;
use std::sync::atomic::AtomicBool;

/// The nonce is the lowest one that gives the zero bits, and a cancelled search stops.
pub fn grind<D: GrindOps>(device: &D) {
    let go_on = AtomicBool::new(false);
    for (hash, bits) in [
        (Hash::Keccak256, 1u32),
        (Hash::Keccak256, 13),
        (Hash::Blake256, 15),
        (Hash::Blake256Masked160Msb, 12),
        (Hash::Keccak256Masked160Lsb, 64),
    ] {
        let prefix: Digest = Hash::Keccak256.hash_bytes(&bits.to_be_bytes());
        let has_zeros = |nonce: &u64| {
            let digest = hash.hash_bytes(&[&prefix[..], &nonce.to_be_bytes()].concat());
            (0..bits as usize).all(|bit| digest[bit / 8] >> (7 - bit % 8) & 1 == 0)
        };
        let lowest = (0..).find(has_zeros).unwrap();
        let nonce = device.grind(hash, &prefix, bits, &go_on).unwrap().wait().unwrap();
        assert_eq!(nonce, lowest, "{}, {bits} bits", hash.name());
    }
    for bits in [0, 65] {
        let refused = device.grind(Hash::Keccak256, &[0; 32], bits, &go_on);
        assert!(matches!(refused, Err(DeviceError::Shape { .. })));
    }
    let cancel = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let search = scope.spawn(|| {
            let pending = device.grind(Hash::Blake256, &[0; 32], 64, &cancel)?;
            pending.wait()
        });
        std::thread::sleep(std::time::Duration::from_millis(20));
        cancel.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(matches!(search.join().unwrap(), Err(DeviceError::Cancelled)));
    });
}

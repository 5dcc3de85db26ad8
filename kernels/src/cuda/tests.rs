//! The laws on the emulated devices, under three schedules.

use super::*;
use crate::columns::Natural;
use crate::dual::Dual;
use crate::felt::Felt;
use crate::hash::{Digest, Hash};
use crate::ops::{ComposeOps, CumulativeArgument, HashOps, MerkleTree, ScanOps, VirtualColumn, laws};
use crate::program::{Instruction, Opcode, Operand, Program};
use ark_ff::{AdditiveGroup, BigInt, Field};

/// Every emulated device.
fn devices() -> impl Iterator<Item = CudaDevice> {
    emulation::install().unwrap();
    (0..CudaDevice::count().unwrap()).map(|index| CudaDevice::new(index, None).unwrap())
}

/// Checks a law on every emulated device, or on one where it is slow to emulate: many points on the first, and a large
/// transform on the last, which reuses memory and runs threads in random order.
fn check(law: &str, holds: impl Fn(&CudaDevice)) {
    let mut devices: Vec<_> = devices().collect();
    match law {
        "evaluate_at_many_points" => devices.truncate(1),
        "large_transform" => devices = devices.split_off(devices.len() - 1),
        _ => {}
    }
    for device in devices {
        eprintln!("{law} on {}", device.name());
        holds(&device);
    }
}

macro_rules! tests {
    ($($law:ident,)*) => {
        $(#[test]
        fn $law() {
            check(stringify!($law), |device| laws::$law(device));
        })*
    };
}

crate::for_each_law!(tests);

#[test]
fn gpus_are_described() {
    emulation::install().unwrap();
    let gpus = CudaDevice::list().unwrap();
    assert_eq!(gpus.len(), CudaDevice::count().unwrap());
    for (index, gpu) in gpus.iter().enumerate() {
        assert_eq!((gpu.kind, gpu.index), ("cuda", index));
        assert_eq!(gpu.memory_bytes, Some(6 << 30));
        assert!(
            gpu.name.contains("emulation") && gpu.interface.contains("9.0"),
            "{gpu:?}"
        );
        assert_eq!(gpu.driver, "for CUDA 12.1");
    }
}

#[test]
fn what_is_not_there_is_an_error() {
    let n_devices = devices().count();
    let missing = CudaDevice::new(7, None).map(|_| ());
    assert!(matches!(missing, Err(DeviceError::NoSuchDevice { index: 7, count, .. }) if count == n_devices));
    let greedy = CudaDevice::new(0, Some(1 << 50)).map(|_| ());
    assert!(matches!(greedy, Err(DeviceError::OutOfMemory { asked, .. }) if asked == 1 << 50));
}

#[test]
fn out_of_memory_leaves_the_device_usable() {
    emulation::install().unwrap();
    let device = CudaDevice::new(0, Some(1 << 20)).unwrap();
    let tag = Tag("large");
    let held = device.alloc::<Felt>(1 << 14, tag).unwrap();
    let error = device.alloc::<Felt>((1 << 14) + 1, tag).map(|_| ()).unwrap_err();
    let (asked, free) = ((1 << 19) + 32, 1 << 19);
    assert!(
        matches!(error, DeviceError::OutOfMemory { tag: t, asked: a, free: f, .. } if (t, a, f) == (tag, asked, free))
    );
    let second = device.alloc::<Felt>(1 << 14, tag).unwrap();
    drop((held, second));
    laws::fold(&device);
    assert_eq!(device.take_peak().peak, 1 << 20);
}

/// Reserved memory is not available to others on the GPU; unreserved memory is. (Other tests hold less than 1 GiB.)
#[test]
fn a_gpu_is_shared_by_what_is_reserved() {
    emulation::install().unwrap();
    const GIB: u64 = 1 << 30;
    let [first, second] = [0, 1].map(|index| CudaDevice::new(index, None).unwrap());
    let free = second.free_bytes().unwrap();
    first.reserve(4 * GIB).unwrap();
    assert!(second.free_bytes().unwrap() < free - 3 * GIB);
    assert!(first.free_bytes().unwrap() > 4 * GIB);
    let refused = second.reserve(4 * GIB);
    assert!(matches!(refused, Err(DeviceError::OutOfMemory { asked, .. }) if asked == 4 * GIB));
    laws::fold(&second);
    drop(first);
    second.reserve(4 * GIB).unwrap();
    // These bytes are already reserved.
    let held = second.alloc::<u64>(1 << 20, Tag("held")).unwrap();
    second.reserve(3 * GIB).unwrap();
    second.reserve(4 * GIB + GIB / 2).unwrap();
    drop(held);
    laws::fold(&second);
}

/// Montgomery forms whose 32-bit limbs are at the edges of their range.
fn edges(n: usize) -> Vec<Felt> {
    let mut state = 1u64;
    let mut limb = |below: u64| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        [
            0,
            1,
            17,
            below / 2,
            below - 2,
            below - 1,
            state >> 32 & (below - 1),
        ][(state >> 40) as usize % 7]
    };
    let mut word = |high: u64| limb(1 << 32) | limb(high) << 32;
    let element = |_| {
        Felt::new_unchecked(BigInt([
            word(1 << 32),
            word(1 << 32),
            word(1 << 32),
            word(1 << 27),
        ]))
    };
    (0..n).map(element).collect()
}

#[test]
fn products_and_squares_at_the_edges_of_limbs() {
    let device = devices().next().unwrap();
    let (a, log_len) = (edges(1 << 12), 12);
    let columns =
        Columns::<_, Natural>::upload(&device, std::slice::from_ref(&a), log_len, Tag("test")).unwrap();
    let mut out = Columns::<_, Natural>::zeros(&device, 1, log_len, Tag("test")).unwrap();
    for offset in 0..8 {
        let cell = |offset| Operand::Cell { source: 0, offset };
        let program = Program {
            instructions: vec![Instruction {
                opcode: Opcode::Mul,
                target: 0,
                a: cell(0),
                b: cell(offset),
            }],
            n_registers: 1,
            n_scalars: 0,
            n_columns: 1,
            n_periodic: 0,
            result: Operand::Register(0),
        };
        let loaded = device.load(&program).unwrap();
        device
            .compose(&loaded, &[&columns], &[], &[], &mut out)
            .unwrap()
            .detach();
        let expected: Vec<_> = (0..a.len())
            .map(|i| a[i] * a[(i + offset as usize) % a.len()])
            .collect();
        assert_eq!(out.download(&device, 0).unwrap(), expected, "offset {offset}");
    }
    // The sum of the squares of differences; the differences are the edges.
    let sums = a.iter().scan(Felt::ZERO, |sum, x| {
        *sum += x;
        Some(*sum)
    });
    let columns = Columns::<_, Natural>::upload(&device, &[sums.collect()], log_len, Tag("test")).unwrap();
    let cells = VirtualColumn {
        column: 0,
        step: 1,
        offset: 0,
    };
    let argument = CumulativeArgument {
        values: cells,
        z: Felt::ZERO,
        alpha: Felt::ONE,
    };
    let ticket = device
        .cumulative_value(&columns, &argument, &mut out, cells)
        .unwrap();
    ticket.wait().unwrap();
    let values = out.download(&device, 0).unwrap();
    for i in 1..a.len() {
        // Compares with the host's product, not with its square, which uses the same method as the device's.
        assert_eq!(values[i] - values[i - 1], a[i] * a[i], "row {i}");
    }
}

/// Trees hashed in launches of several levels: large and small launches, and a change of the hash.
#[test]
fn trees_are_the_cpus() {
    for device in devices() {
        let dual = Dual::new(device, crate::CpuDevice::new(Some(1)).unwrap());
        let mut tree = MerkleTree::empty(&dual, 15, Tag("tree")).unwrap();
        let leaves: Vec<Digest> = (0u32..1 << 15)
            .map(|i| std::array::from_fn(|k| (i.wrapping_mul(0x9e37_79b9) >> (k % 25)) as u8))
            .collect();
        dual.upload(&leaves, &mut tree.nodes, 1 << 15)
            .unwrap()
            .wait()
            .unwrap();
        let mut hashes = [Hash::Keccak256Masked160Lsb; 15];
        hashes[..3].fill(Hash::Blake256);
        for first_leaf in [0, 1 << 14] {
            let ticket = dual.hash_subtree(&hashes, &mut tree, first_leaf, 14).unwrap();
            ticket.wait().unwrap();
        }
        dual.hash_top(&hashes, &mut tree, 1).unwrap().wait().unwrap();
        let root = dual.download(&tree.nodes, 1..2).unwrap().wait().unwrap()[0];
        assert_ne!(root, Digest::default());
        dual.hash_subtree(&[Hash::Blake256; 15], &mut tree, 0, 15)
            .unwrap()
            .wait()
            .unwrap();
    }
}

#[test]
fn page_locked_memory_is_uploaded_too() {
    let elements: Vec<u64> = (0..3 << 20).collect();
    for device in devices() {
        let mut buffer = device.alloc::<u64>(elements.len(), Tag("large")).unwrap();
        let lock = device.page_lock(&elements).unwrap();
        assert!(page_lock::is_page_locked(elements.as_ptr().cast()));
        let ticket = device.upload(&elements, &mut buffer, 0).unwrap();
        drop(lock);
        ticket.wait().unwrap();
        assert!(!page_lock::is_page_locked(elements.as_ptr().cast()));
        let back = device.download(&buffer, 0..elements.len()).unwrap();
        assert!(back.wait().unwrap() == elements);
    }
}

#[test]
fn multiplications_are_counted() {
    for device in devices() {
        assert!(device.multiplications_per_second(2).unwrap() > 0.0);
    }
}

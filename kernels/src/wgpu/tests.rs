//! The laws on a software adapter: unrestricted, without its 64-bit integers, and with bindings so small that nothing
//! fits in one.

use super::*;
use crate::dual::Dual;
use crate::hash::{Digest, Hash};
use crate::ops::{GrindOps, HashOps, MerkleTree, laws};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Index of the software adapter.
fn software() -> usize {
    let adapters = WgpuDevice::list();
    let found = adapters.iter().find(|adapter| adapter.is_software);
    found
        .unwrap_or_else(|| {
            panic!("no software adapter among {adapters:?}: these tests need one (Mesa's llvmpipe)")
        })
        .index
}

fn device(budget: Option<u64>, change: impl FnOnce(&mut AdapterOptions)) -> WgpuDevice {
    let mut options = AdapterOptions::new(true);
    options.budget = budget;
    change(&mut options);
    WgpuDevice::with_options(software(), &options).unwrap()
}

/// Three devices, shared by the tests because creating pipelines takes long.
static AS_IT_IS: LazyLock<WgpuDevice> = LazyLock::new(|| device(None, |_| ()));
static WITHOUT_INT64: LazyLock<WgpuDevice> =
    LazyLock::new(|| device(None, |options| options.use_int64 = false));
/// Bindings of a megabyte, which is the size of the largest table; buffers in chunks of 2^11 elements; and so few
/// workgroups per dimension that launches soon need a second one.
static SMALL: LazyLock<WgpuDevice> = LazyLock::new(|| {
    device(None, |options| {
        options.max_binding_bytes = 1 << 20;
        options.max_chunk_bytes = 64 << 10;
        options.max_workgroups = 256;
    })
});

/// Checks a law on the three devices.
fn check(law: &str, holds: impl Fn(&WgpuDevice)) {
    match law {
        // On a device of its own, as other tests would take memory meanwhile.
        "memory_accounts" => holds(&device(None, |_| ())),
        "large_transform" => holds(&AS_IT_IS),
        _ => {
            for (name, device) in [
                ("as it is", &AS_IT_IS),
                ("without 64-bit integers", &WITHOUT_INT64),
                ("small bindings", &SMALL),
            ] {
                eprintln!("{law}, {name}");
                holds(device);
            }
        }
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
fn multiplications_are_counted() {
    assert!(SMALL.multiplications_per_second(2).unwrap() > 0.0);
}

#[test]
fn what_is_not_there_or_not_asked_for_is_an_error() {
    let count = WgpuDevice::list().len();
    let missing = WgpuDevice::new(count, None, true).map(|_| ());
    assert!(
        matches!(missing, Err(DeviceError::NoSuchDevice { index, count: n, .. }) if (index, n) == (count, count))
    );
    let refused = WgpuDevice::new(software(), None, false).map(|_| ());
    assert!(matches!(refused, Err(DeviceError::SoftwareOnly { index, .. }) if index == software()));
    let too_small = AdapterOptions {
        max_binding_bytes: 1 << 19,
        ..AdapterOptions::new(true)
    };
    let refused = WgpuDevice::with_options(software(), &too_small).map(|_| ());
    assert!(matches!(refused, Err(DeviceError::Start { .. })));
}

#[test]
fn out_of_memory_leaves_the_device_usable() {
    let device = device(Some(1 << 20), |_| ());
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

/// A call that the library rejects is an error of the operation, and the device stays usable.
#[test]
fn what_the_library_refuses_is_an_error() {
    let small = &*SMALL;
    let large = small.context.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 2 << 20,
        usage: wgpu::BufferUsages::STORAGE,
        mapped_at_creation: false,
    });
    let nothing = &small.context.nothing;
    let refused = small.launch(
        Kernel::Gather,
        &Parameters::default(),
        &[&large, nothing, nothing],
        1,
    );
    assert!(matches!(
        refused,
        Err(DeviceError::Failed {
            operation: "Gather",
            ..
        })
    ));
    laws::gather(small);
}

#[test]
fn a_lost_device_says_so_and_a_new_one_works() {
    let lost = device(None, |_| ());
    let mut buffer = lost.alloc::<u64>(4, Tag("lost")).unwrap();
    let ticket = lost.upload(&[1, 2, 3, 4], &mut buffer, 0).unwrap();
    let pending = lost.download(&buffer, 0..4).unwrap();
    lost.lose();
    let is_lost = |error: Option<DeviceError>| {
        assert!(matches!(error, Some(DeviceError::Lost { .. })), "{error:?}");
    };
    is_lost(pending.wait().err());
    is_lost(ticket.wait().err());
    is_lost(lost.alloc::<u64>(4, Tag("lost")).err());
    is_lost(lost.upload(&[1], &mut buffer, 0).err());
    drop(buffer);
    laws::transfers(&device(None, |_| ()));
}

#[test]
fn a_search_ends_soon_after_it_is_cancelled() {
    let cancel = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let search = scope.spawn(|| {
            let pending = AS_IT_IS.grind(Hash::Keccak256, &[0; 32], 64, &cancel)?;
            pending.wait()
        });
        std::thread::sleep(Duration::from_millis(500));
        let begin = Instant::now();
        cancel.store(true, Ordering::Relaxed);
        assert!(matches!(search.join().unwrap(), Err(DeviceError::Cancelled)));
        assert!(begin.elapsed() < Duration::from_secs(5));
    });
}

/// Trees hashed in launches of several levels: large and small launches, a change of the hash, and levels in several
/// chunks.
#[test]
fn trees_are_the_cpus() {
    let small = device(None, |options| options.max_chunk_bytes = 128 << 10);
    for (device, log_leaves) in [(device(None, |_| ()), 15), (small, 14)] {
        let dual = Dual::new(device, crate::CpuDevice::new(Some(1)).unwrap());
        let mut tree = MerkleTree::empty(&dual, log_leaves, Tag("tree")).unwrap();
        let leaves: Vec<Digest> = (0u32..1 << log_leaves)
            .map(|i| std::array::from_fn(|k| (i.wrapping_mul(0x9e37_79b9) >> (k % 25)) as u8))
            .collect();
        let n = leaves.len();
        dual.upload(&leaves, &mut tree.nodes, n).unwrap().wait().unwrap();
        let mut hashes = vec![Hash::Keccak256Masked160Lsb; log_leaves as usize];
        hashes[..3].fill(Hash::Blake256);
        for first_leaf in [0, n / 2] {
            let ticket = dual
                .hash_subtree(&hashes, &mut tree, first_leaf, log_leaves - 1)
                .unwrap();
            ticket.wait().unwrap();
        }
        dual.hash_top(&hashes, &mut tree, 1).unwrap().wait().unwrap();
        let root = dual.download(&tree.nodes, 1..2).unwrap().wait().unwrap()[0];
        assert_ne!(root, Digest::default());
    }
}

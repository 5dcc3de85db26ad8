//! The law suite on the emulated device, under three schedules.

use super::*;
use crate::felt::Felt;
use crate::ops::laws;

/// Every emulated device.
fn devices() -> impl Iterator<Item = CudaDevice> {
    emulation::install().unwrap();
    (0..CudaDevice::count().unwrap()).map(|index| CudaDevice::new(index, None).unwrap())
}

macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        $(#[test]
        fn $law() {
            for device in devices() {
                laws::$law(&device);
            }
        })*
    };
}

laws!(
    transfers,
    memory_accounts,
    interpolate_and_evaluate,
    evaluate_at,
    hash_rows,
    hash_trees,
    compose,
    tables,
    deep_quotient,
    fold,
    split_even_odd,
    cumulative_value,
    permutation_product,
    gather,
    grind,
    wrong_shapes_are_errors,
);

#[test]
fn large_transform() {
    laws::large_transform(&devices().last().unwrap());
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

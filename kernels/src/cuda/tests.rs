//! The law suite on the emulated device, under three schedules.

use super::*;
use crate::felt::Felt;
use crate::ops::laws;

fn device(index: usize) -> CudaDevice {
    emulation::install().unwrap();
    CudaDevice::new(index, None).unwrap()
}

macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        $(#[test]
        fn $law() {
            for index in 0..emulation::N_DEVICES {
                laws::$law(&device(index));
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
    laws::large_transform(&device(2));
}

#[test]
fn what_is_not_there_is_an_error() {
    emulation::install().unwrap();
    assert_eq!(CudaDevice::count().unwrap(), emulation::N_DEVICES);
    let missing = CudaDevice::new(7, None).map(|_| ());
    assert!(matches!(
        missing,
        Err(DeviceError::NoSuchDevice {
            index: 7,
            count: 3,
            ..
        })
    ));
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

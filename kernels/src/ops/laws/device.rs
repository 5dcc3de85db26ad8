//! Laws of memory.

use super::{TAG, sample};
use crate::device::{Device, DeviceBuffer, DeviceError, Tag};
use crate::felt::Felt;
use ark_ff::AdditiveGroup;

/// Fresh memory is zero, a download returns the uploaded bytes, and copies write to the right place.
pub fn transfers<D: Device>(device: &D) {
    let elements = sample(10, 0);
    let mut buffer = device.alloc::<Felt>(10, TAG).unwrap();
    assert_eq!((buffer.len(), buffer.is_empty()), (10, false));
    assert_eq!(
        device.download(&buffer, 0..10).unwrap().wait().unwrap(),
        [Felt::ZERO; 10]
    );
    device
        .upload(&elements[..4], &mut buffer, 3)
        .unwrap()
        .wait()
        .unwrap();
    let mut expected = vec![Felt::ZERO; 10];
    expected[3..7].copy_from_slice(&elements[..4]);
    assert_eq!(device.download(&buffer, 0..10).unwrap().wait().unwrap(), expected);
    assert_eq!(
        device.download(&buffer, 2..5).unwrap().wait().unwrap(),
        expected[2..5]
    );
    let mut other = device.alloc::<Felt>(5, TAG).unwrap();
    device.copy(&buffer, 3..7, &mut other, 1).unwrap().wait().unwrap();
    assert_eq!(
        device.download(&other, 1..5).unwrap().wait().unwrap(),
        elements[..4]
    );
    assert!(matches!(
        device.upload(&elements, &mut other, 0),
        Err(DeviceError::Shape { .. })
    ));
    assert!(matches!(
        device.upload(&elements[..1], &mut other, usize::MAX),
        Err(DeviceError::Shape { .. })
    ));
    assert!(matches!(
        device.download(&other, 3..6),
        Err(DeviceError::Shape { .. })
    ));
    assert!(matches!(
        device.copy(&buffer, 8..11, &mut other, 0),
        Err(DeviceError::Shape { .. })
    ));
    assert!(device.alloc::<Felt>(0, TAG).unwrap().is_empty());
    let asked = device.alloc::<u64>(1 << 60, TAG);
    assert!(matches!(asked, Err(DeviceError::OutOfMemory { tag: TAG, .. })));
}

/// Held bytes are counted by tag, now and at the peak.
pub fn memory_accounts<D: Device>(device: &D) {
    let (small, large) = (Tag("small"), Tag("large"));
    let before = device.take_peak().current;
    let kept = device.alloc::<u64>(1000, small).unwrap();
    drop(device.alloc::<u64>(4000, large).unwrap());
    let usage = device.take_peak();
    assert!(usage.current >= before + 8000);
    assert!(usage.peak >= usage.current + 32000);
    assert_eq!(usage.peak_by_tag[0].0, large);
    assert_eq!(usage.peak_by_tag[1].0, small);
    let usage = device.take_peak();
    assert_eq!(usage.peak, usage.current);
    assert_eq!(
        usage.peak_by_tag.iter().map(|(tag, _)| *tag).collect::<Vec<_>>(),
        [small]
    );
    drop(kept);
    assert_eq!(device.take_peak().current, before);
}

//! A device of one's own, and how to certify it.
//!
//! A device holds memory ([`quarry_kernels::Device`], here `device.rs`) and implements the traits of
//! [`quarry_kernels::ops`]. This one has one operation of its own, the transform (`transform.rs`), and leaves the
//! others to the CPU device (`delegated.rs`). A port to new hardware can begin like this and replace one operation after
//! the other.
//!
//! The laws in [`quarry_kernels::ops::laws`] (feature `laws`) compare every operation with its definition. A device
//! that passes all of them can prove: the prover is generic over [`quarry_kernels::Backend`], and every device gives
//! the same bytes.
//!
//! ```text
//! cargo run --release -p quarry-kernels --example own_device     # one line per law
//! cargo test --release -p quarry-kernels --example own_device    # one test per law
//! ```

mod delegated;
mod device;
mod transform;

use device::OwnDevice;
use quarry_kernels::ops::laws;

/// Runs every law, in `main` and as a test of its own. A violated law panics.
macro_rules! certify {
    ($($law:ident,)*) => {
        fn main() -> Result<(), quarry_kernels::DeviceError> {
            let device = OwnDevice::new()?;
            $(
                laws::$law(&device);
                println!("{} holds", stringify!($law));
            )*
            Ok(())
        }

        #[cfg(test)]
        mod tests {
            use super::*;

            $(#[test]
            fn $law() {
                laws::$law(&OwnDevice::new().unwrap());
            })*
        }
    };
}

quarry_kernels::for_each_law!(certify);

/// A law says that an operation is wrong. `Dual` says from which element on it differs from that of another device.
#[test]
fn the_transform_is_that_of_the_cpu_device() {
    let cpu = quarry_kernels::CpuDevice::new(Some(1)).unwrap();
    let both = quarry_kernels::dual::Dual::new(cpu, OwnDevice::new().unwrap());
    laws::interpolate_and_evaluate(&both);
}

//! The law suite on a software adapter.

use super::*;
use crate::ops::laws;

/// The number of the software adapter.
fn software() -> usize {
    let adapters = WgpuDevice::list();
    let found = adapters.iter().find(|adapter| adapter.is_software);
    found
        .unwrap_or_else(|| {
            panic!("no software adapter among {adapters:?}: these tests need one (Mesa's llvmpipe)")
        })
        .index
}

fn device(wishes: impl FnOnce(&mut Wishes)) -> WgpuDevice {
    let mut all = Wishes::new(true);
    wishes(&mut all);
    WgpuDevice::with_wishes(software(), None, &all).unwrap()
}

macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        $(#[test]
        fn $law() {
            laws::$law(&device(|_| ()));
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

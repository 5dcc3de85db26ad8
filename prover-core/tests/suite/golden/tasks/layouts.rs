//! PIEs under the bootloaders of layouts, which declare exactly the layout's builtins.

use super::{HASHES, felts, fibonacci, of_fibonacci, output, run_in};
use crate::common::proving::read_input;
use crate::common::repository;
use quarry_kernels::felt;
use quarry_prover_core::cairo::layouts::{Layout, STATIC_LAYOUTS};
use quarry_prover_core::cairo::run::{Run, RunMode};
use quarry_prover_core::cairo::runner::{Executable, RunError, RunOptions, run_dynamic};
use quarry_tasks::bootloader::{Bootloader, HashFunction, Tasks};

#[test]
fn every_layout_with_builtins_has_a_bootloader_that_strict_verifiers_take() {
    let tasks = Tasks::new(vec![fibonacci()]);
    for layout in STATIC_LAYOUTS.iter().filter(|layout| layout.name != "plain") {
        let [by_pedersen, by_poseidon] = [0, 1];
        let (hash, expected) = match layout.segments.contains(&"poseidon") {
            true => (HashFunction::Poseidon, HASHES[by_poseidon]),
            false => (HashFunction::Pedersen, HASHES[by_pedersen]),
        };
        let tasks = tasks.clone().hashed_by(Some(hash));
        let input = run_in(layout.name, &tasks).expect("a run");
        // That the constraints hold takes long to check, so it is checked in two layouts.
        if ["small", "recursive_with_poseidon"].contains(&layout.name) {
            output(&input);
        }
        let run = Run::of(&input.public, &Layout::of(&input.public).expect("a layout"));
        assert!(RunMode::Strict.takes(&run), "{}: {run:?}", layout.name);
        let expected = [&felts(&[1]), &of_fibonacci(expected)[..]].concat();
        assert_eq!(run.output, Some(expected), "{}", layout.name);
        assert!(input.public.public_memory.len() < 900, "{}", layout.name);
    }
}

/// Layout `dynamic` has every builtin, so its bootloader is the short one.
#[test]
fn in_layout_dynamic_it_is_the_short_bootloader() {
    let mut rows = repository().into_iter();
    let row = rows.find(|row| row.case == "c3_nokeccak_mod").expect("a case");
    let params = read_input(&row).public.dynamic_params.expect("parameters");
    let own = Tasks::new(vec![fibonacci()]);
    let [own, short] = [own.clone(), own.under(Bootloader::Short)]
        .map(|tasks| run_dynamic(Executable::Tasks(&tasks), &params, &RunOptions::default()));
    assert!(own.expect("a run") == short.expect("a run"));
}

#[test]
fn another_bootloader_than_the_expected_one_is_refused() {
    let expecting = |hash: &str| {
        let hash = felt::from_hex(hash).expect("a hash");
        Tasks::new(vec![fibonacci()]).expecting(Some(felt::to_standard_bytes(&hash)))
    };
    let of_recursive = expecting("0x648c6e18235782e277cacf163a378bf1dbb74e29c4372957f242dd08017fc0d");
    run_in("recursive", &of_recursive).expect("its hash");
    let error = run_in("small", &of_recursive).expect_err("another one");
    assert!(matches!(error, RunError::BootloaderHash { .. }), "{error}");
}

//! Checks the constraints on real traces: an honest trace satisfies them all, a changed cell is found, and the compiled
//! program computes the same on a device.

use crate::common::proving::{cpu, read_input};
use crate::common::repository_row;
use crate::corpus::repository_cases;
use ark_ff::One;
use quarry_kernels::columns::{Columns, Natural};
use quarry_kernels::device::Tag;
use quarry_kernels::ops::ComposeOps;
use quarry_kernels::{Coset, Felt};
use quarry_prover_core::air::Air;
use quarry_prover_core::cairo::air::CairoAir;
use quarry_prover_core::cairo::layouts::{Layout, STATIC_LAYOUTS};
use quarry_prover_core::cairo::public_input::PublicInput;
use quarry_prover_core::cairo::trace::build_trace;
use quarry_prover_core::prover::check;
use std::time::Instant;

const TAG: Tag = Tag("test");

/// An AIR, values for its scalars, and a trace that satisfies it.
fn traced(name: &str) -> (Air, Vec<Felt>, Vec<Vec<Felt>>) {
    let input = read_input(&repository_row(name));
    let layout = Layout::of(&input.public).expect("a layout");
    let air = CairoAir::new(&layout, input.public.n_steps).expect("an AIR");
    let elements: Vec<Felt> = (0..air.n_interaction_elements())
        .map(|i| arbitrary(1, i))
        .collect();

    let device = cpu(None);
    let mut columns = build_trace(&layout, &input).expect("a trace");
    let log_len = columns[0].len().ilog2();
    let first = Columns::upload(&device, &columns, log_len, TAG).expect("memory");
    let mut interaction: Columns<_, Natural> =
        Columns::zeros(&device, layout.n_columns[1], log_len, TAG).expect("memory");
    for (scan, target) in air.scans(&elements).expect("elements") {
        scan.run(&device, &first, &mut interaction, target)
            .and_then(|ticket| ticket.wait())
            .expect("a product");
    }
    columns.extend((0..layout.n_columns[1]).map(|i| interaction.download(&device, i).expect("a column")));
    let scalars = air.scalars(&input.public, &elements).expect("scalars");
    (air.air, scalars, columns)
}

/// An arbitrary value.
fn arbitrary(a: usize, b: usize) -> Felt {
    let x = Felt::from((a as u64) << 32 | b as u64) + Felt::from(0x9e37_79b9_7f4a_7c15u64);
    x * x * x
}

#[test]
fn honest_traces_satisfy_every_constraint() {
    for case in repository_cases() {
        let start = Instant::now();
        let checked = check(&cpu(None), &read_input(&case)).expect("a trace");
        if let Some(violation) = checked.violation {
            panic!("{}: {violation}", case.name());
        }
        println!("{:6.1} s  {}", start.elapsed().as_secs_f64(), case.name());
    }
}

#[test]
fn changed_cells_and_scalars_are_found() {
    let (air, mut scalars, mut columns) = traced("small/c1/base");
    let n = air.trace_length;
    // A cell of every kind: each cell of the mask, seen from rows at both ends.
    for cell in &air.mask {
        let row = cell.offset % n;
        columns[cell.column][row] += Felt::one();
        let violation = air
            .find_violation(&columns, &scalars)
            .expect("shapes")
            .expect("a violation");
        let seen = violation
            .cells
            .iter()
            .any(|seen| (seen.column, seen.row) == (cell.column, row));
        assert!(seen, "{cell:?}: {violation}");
        columns[cell.column][row] -= Felt::one();
    }
    for i in 0..scalars.len() {
        scalars[i] += Felt::one();
        assert!(
            air.find_violation(&columns, &scalars).expect("shapes").is_some(),
            "{}",
            air.scalars[i]
        );
        scalars[i] -= Felt::one();
    }
}

/// Every layout, with the smallest number of steps that it accepts.
fn least_airs() -> impl Iterator<Item = (&'static str, Air)> {
    let public = |name| PublicInput::parse(&repository_row(name).text("public_input.json"));
    let dynamic = public("dynamic/c3_nokeccak_mod/base").expect("a public input");
    let dynamic = Layout::of(&dynamic).expect("a layout");
    let layouts = STATIC_LAYOUTS
        .iter()
        .map(|layout| Layout::by_name(layout.name).expect("known"));
    layouts.chain([dynamic]).map(|layout| {
        let mut sizes = (2..).map(|log| CairoAir::new(&layout, 1 << log));
        let air = sizes.find_map(Result::ok).expect("a number of steps");
        (layout.name, air.air)
    })
}

/// Compares the program that devices run on all rows with the verifier's evaluation at a point.
#[test]
fn devices_compute_the_composition_polynomial() {
    let device = cpu(None);
    for (layout, air) in least_airs() {
        let n = air.trace_length;
        let coset = Coset {
            shift: Felt::from(3u64),
            log_len: n.ilog2(),
        };
        let column = |column| (0..n).map(|row| arbitrary(column, row)).collect::<Vec<_>>();
        let columns: Vec<_> = (0..air.n_columns.iter().sum()).map(column).collect();
        let (first, second) = columns.split_at(air.n_columns[0]);
        let named: Vec<_> = (0..air.scalars.len()).map(|i| arbitrary(100, i)).collect();
        let alpha = arbitrary(101, 0);

        let compiled = air.compile();
        let upload =
            |columns: &[Vec<Felt>]| Columns::upload(&device, columns, coset.log_len, TAG).expect("memory");
        let tables = [upload(first), upload(second)];
        let periodic = compiled.tables(&device, coset.shift).expect("tables");
        let scalars = compiled.scalars(&named, alpha).expect("scalars");
        let mut out: Columns<_, Natural> = Columns::zeros(&device, 1, coset.log_len, TAG).expect("memory");
        let program = device.load(&compiled.program).expect("a program");
        device
            .compose(&program, &tables.each_ref(), &periodic, &scalars, &mut out)
            .and_then(|ticket| ticket.wait())
            .expect("a composition");
        let out = out.download(&device, 0).expect("a column");
        for row in [0, 1, 17, n / 2, n - 16, n - 1] {
            let mask: Vec<_> = air
                .mask
                .iter()
                .map(|cell| columns[cell.column][(row + cell.offset) % n])
                .collect();
            let expected = air
                .evaluate_at(coset.point(row), &mask, &named, alpha)
                .expect("outside the trace");
            assert_eq!(out[row], expected, "{layout}, row {row}");
        }
    }
}

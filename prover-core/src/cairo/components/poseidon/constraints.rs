//! Constraints of `poseidon`: the permutation of three values.
//!
//! Each row of a state holds the input of an S-box, with the round key already added, and its square. The four full
//! rounds before and after the partial rounds take one row each. In a partial round only the last element goes through
//! an S-box, so three successive inputs determine the next one. With input `p` and its cube `c`:
//!
//! `p(n+3) = 8 c(n) + 4 p(n+1) + 6 c(n+1) + 2 p(n+2) - 2 c(n+2) + key`.
//!
//! The partial rounds are split into two columns whose lengths are powers of two. The second column begins with the
//! last three rounds of the first.

use crate::air::{Cells, Domain, Expr, Rows, every};
use crate::cairo::components::scope::{Scope, ScopeError};
use quarry_kernels::Felt;
use quarry_kernels::hash::poseidon::{FULL_ROUNDS, PARTIAL_ROUNDS, ROUND_CONSTANTS};

/// Elements of the state.
const N_ELEMENTS: usize = 3;
/// Full rounds before the partial ones, and as many after them.
const HALF: usize = FULL_ROUNDS / 2;
/// Partial rounds in the first column.
const FIRST_PART: usize = 64;
/// Rows per instance in the second column, of which [`SECOND_PART`] are used.
const SECOND_PART_ROWS: usize = 32;
/// Partial rounds in the second column, including the three that both columns have.
const SECOND_PART: usize = PARTIAL_ROUNDS - FIRST_PART + N_ELEMENTS;

/// A column of S-box inputs, with their squares.
struct States<'a> {
    value: Cells<'a>,
    squared: Cells<'a>,
}

impl<'a> States<'a> {
    fn new(scope: &Scope<'a>, name: &str) -> Result<Self, ScopeError> {
        Ok(Self {
            value: scope.cells(name)?,
            squared: scope.cells(&format!("{name}_squared"))?,
        })
    }

    fn cube(&self, i: usize) -> Expr<'a> {
        self.value.at(i) * self.squared.at(i)
    }

    /// The S-box input three partial rounds after `i`, without the keys.
    fn next(&self, i: usize) -> Expr<'a> {
        8 * self.cube(i) + 4 * self.value.at(i + 1) + 6 * self.cube(i + 1) + 2 * self.value.at(i + 2)
            - 2 * self.cube(i + 2)
    }
}

/// The keys of partial round `round`. The round after the last partial one is a full round.
fn keys(round: usize) -> [Felt; N_ELEMENTS] {
    ROUND_CONSTANTS[HALF + round]
}

/// The contribution of the keys of partial rounds `round` to `round + 2` to the S-box input of round `round + 2`.
fn next_key(round: usize) -> Felt {
    let (a, b, c) = (keys(round), keys(round + 1), keys(round + 2));
    let twice = |x: Felt| x + x;
    twice(a[0] - a[1] - twice(a[2])) + b[0] + b[1] - twice(b[2]) + c[2]
}

/// The linear layer.
fn mix<'a>([a, b, c]: [Expr<'a>; N_ELEMENTS]) -> [Expr<'a>; N_ELEMENTS] {
    [3 * a + b + c, a - b + c, a + b - 2 * c]
}

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let poseidon = layout.part("poseidon");
    let mut values = Vec::new();
    for element in 0..N_ELEMENTS {
        let scope = poseidon.part(&format!("param_{element}"));
        let address = scope.cells("input_output/addr")?;
        scope.constrain(
            "init_input_output_addr",
            scope.first(),
            address.at(0) - (scope.scalar("initial_poseidon_addr") + element as u64),
        );
        scope.constrain(
            "addr_input_output_step",
            every(address.step()).except(scope.last(address.step())),
            address.at(1) - (address.at(0) + N_ELEMENTS as u64),
        );
        values.push(scope.cells("input_output/value")?);
    }
    permutation(&poseidon.part("poseidon"), &values)
}

/// Constrains the permutation. `values` are the memory cells of the three elements: inputs, then outputs.
fn permutation<'a>(scope: &Scope<'a>, values: &[Cells<'a>]) -> Result<(), ScopeError> {
    let full = |i: usize| States::new(scope, &format!("full_rounds_state{i}"));
    let full = [full(0)?, full(1)?, full(2)?];
    let partial = [
        States::new(scope, "partial_rounds_state0")?,
        States::new(scope, "partial_rounds_state1")?,
    ];
    let full_rows = every(full[0].value.step());
    let half = HALF * full_rows.step;
    let instance = every(2 * half);
    // The rows of a partial column that are followed by at least `margin` more used rows.
    let part_rows = |part: usize, margin: usize| -> Domain {
        let step = partial[part].value.step();
        let (rows, used) = [(FIRST_PART, FIRST_PART), (SECOND_PART_ROWS, SECOND_PART)][part];
        let unused = (used - margin..rows).map(|row| every(rows * step).at(row * step));
        Domain {
            rows: vec![every(step)],
            except: unused.collect(),
        }
    };

    let squaring = |name: &str, rows: Domain, states: &States<'a>| {
        let expression = states.value.at(0).square() - states.squared.at(0);
        scope.constrain(&format!("{name}_squaring"), rows, expression);
    };
    for (i, states) in full.iter().enumerate() {
        squaring(&format!("full_rounds_state{i}"), full_rows.into(), states);
    }
    for (i, states) in partial.iter().enumerate() {
        squaring(&format!("partial_rounds_state{i}"), part_rows(i, 0), states);
    }

    for (i, (states, value)) in full.iter().zip(values).enumerate() {
        scope.constrain(
            &format!("add_first_round_key{i}"),
            instance,
            value.at(0) + ROUND_CONSTANTS[0][i] - states.value.at(0),
        );
    }
    let cubes = |round: usize| [0, 1, 2].map(|i| full[i].cube(round));
    let between: Domain = full_rows.except(every(half).at(half - full_rows.step));
    for (i, next) in mix(cubes(0)).into_iter().enumerate() {
        let first = ROUND_CONSTANTS[1..HALF].iter();
        let last = ROUND_CONSTANTS[HALF + PARTIAL_ROUNDS + 1..].iter();
        let unused = [Felt::default()];
        let keys = first
            .map(|keys| keys[i])
            .chain(unused)
            .chain(last.map(|keys| keys[i]));
        let keys: Vec<Felt> = keys.chain(unused).collect();
        let key = scope.periodic(&format!("full_round_key{i}"), full_rows.step, &keys)?;
        let name = format!("full_round{i}");
        scope.constrain(&name, between.clone(), full[i].value.at(1) - (next + key));
    }
    for (i, (value, last)) in values.iter().zip(mix(cubes(FULL_ROUNDS - 1))).enumerate() {
        scope.constrain(&format!("last_full_round{i}"), instance, value.at(1) - last);
    }

    for i in 0..N_ELEMENTS {
        scope.constrain(
            &format!("copy_partial_rounds0_i{i}"),
            instance,
            partial[0].value.at(FIRST_PART - N_ELEMENTS + i) - partial[1].value.at(i),
        );
    }
    into_partial(scope, instance, cubes(HALF - 1), &partial[0]);
    for (part, first, rows) in [(0, 0, FIRST_PART), (1, FIRST_PART - N_ELEMENTS, SECOND_PART_ROWS)] {
        let used = [FIRST_PART, SECOND_PART][part] - N_ELEMENTS;
        let mut keys: Vec<Felt> = (0..used).map(|i| next_key(first + i + 1)).collect();
        keys.resize(rows, Felt::default());
        let states = &partial[part];
        let key = scope.periodic(&format!("partial_round_key{part}"), states.value.step(), &keys)?;
        scope.constrain(
            &format!("partial_round{part}"),
            part_rows(part, N_ELEMENTS),
            states.value.at(N_ELEMENTS) - (states.next(0) + key),
        );
    }
    out_of_partial(
        scope,
        instance,
        &partial[1],
        [0, 1, 2].map(|i| full[i].value.at(HALF)),
    );
    Ok(())
}

/// Constrains the first three partial rounds. `cubes` are the S-box outputs of the preceding full round. The first two
/// elements of the state are expressed by earlier S-box inputs and outputs.
fn into_partial<'a>(scope: &Scope<'a>, rows: Rows, cubes: [Expr<'a>; N_ELEMENTS], partial: &States<'a>) {
    let [_, b, c] = cubes;
    let (first, second) = (keys(0), keys(1));
    let [p0, p1] = [0, 1].map(|i| partial.value.at(i));
    let four = Felt::from(4u64);
    let inputs = [
        mix(cubes)[2] + first[2],
        4 * p0 - 4 * b + 10 * c - 2 * partial.cube(0) + (first[0] + first[1] - four * first[2] + second[2]),
        8 * c + 4 * p0 + 6 * partial.cube(0) + 2 * p1 - 2 * partial.cube(1) + next_key(0),
    ];
    for (i, input) in inputs.into_iter().enumerate() {
        let name = format!("margin_full_to_partial{i}");
        scope.constrain(&name, rows, partial.value.at(i) - input);
    }
}

/// Constrains the S-box inputs `state` of the first full round after the partial rounds.
fn out_of_partial<'a>(scope: &Scope<'a>, rows: Rows, partial: &States<'a>, state: [Expr<'a>; N_ELEMENTS]) {
    let (last, end) = (keys(PARTIAL_ROUNDS - 1), keys(PARTIAL_ROUNDS));
    let i = SECOND_PART - 1;
    let cube = partial.cube(i);
    // `a + b` and `a - b` for the first two elements `a` and `b` of the last partial round.
    let sum = partial.next(i - 2) + next_key(PARTIAL_ROUNDS - 2) + 2 * cube - end[2];
    let difference = 2 * (partial.value.at(i) + 2 * partial.cube(i - 1) - last[2]) + last[0] - last[1];
    let outputs = [
        2 * sum + difference + cube + end[0],
        difference + cube + end[1],
        sum - 2 * cube + end[2],
    ];
    for (i, (state, output)) in state.into_iter().zip(outputs).enumerate() {
        scope.constrain(&format!("margin_partial_to_full{i}"), rows, state - output);
    }
}

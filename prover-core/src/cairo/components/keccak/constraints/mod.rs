//! Constraints of `keccak`: sixteen permutations per instance, in diluted form.
//!
//! A [diluted](crate::cairo::diluted) number holds the same bit of all permutations, so sums of a few bits have no
//! carries between permutations. The lowest bit of a sum is the xor; its other bits are in auxiliary columns. Bit `(i, j, k)`
//! of the state (bit `k` of lane `j + 5 i`) is at cell `32 (j + 5 i + 32 k)`, and its values in successive rounds are
//! in consecutive cells.

mod parse_to_diluted;

use crate::air::{Cells, Domain, Expr, Rows, every};
use crate::cairo::components::scope::{Scope, ScopeError};
use crate::cairo::diluted::{N_BITS, dilute};
use quarry_kernels::Felt;
use quarry_kernels::hash::keccak::ROTATIONS;

/// Permutations per instance.
pub const N_INVOCATIONS: usize = N_BITS;
/// Rounds of the permutation.
const N_ROUNDS: usize = 24;
/// Cells per bit, for all rounds.
const ROUND_CELLS: usize = 32;
/// Lanes in a row or a column of the state.
const SIDE: usize = 5;
/// Lanes of the state.
const N_LANES: usize = SIDE * SIDE;
/// Bits of a lane.
const LANE_BITS: usize = 64;
/// Cells from a bit of a lane to the next one.
const BIT_CELLS: usize = 32 * ROUND_CELLS;
/// Cells per instance.
const INSTANCE_CELLS: usize = LANE_BITS * BIT_CELLS;
/// Rounds per part of the auxiliary columns that are split in three.
const PART_ROUNDS: usize = 8;

/// The diluted number whose bits are all set.
fn ones() -> Felt {
    dilute(u16::MAX)
}

/// The bits of the round constants at `k = 2^m - 1`, for `m` below 7: row `round`, column `m`. They come from a
/// linear-feedback shift register, which continues after the last round.
fn round_bits() -> [[bool; 7]; ROUND_CELLS] {
    let mut register = 1u8;
    let mut next = || {
        let bit = register & 1 == 1;
        register = register << 1 ^ if register & 0x80 == 0 { 0 } else { 0x71 };
        bit
    };
    std::array::from_fn(|_| std::array::from_fn(|_| next()))
}

/// The rows of the constraints of the rounds.
#[derive(Clone, Copy)]
struct Grid {
    /// Distance of consecutive cells, in rows.
    step: usize,
}

impl Grid {
    /// The first bit of every instance.
    fn instance(self) -> Rows {
        every(INSTANCE_CELLS * self.step)
    }

    /// Every bit of the first lane.
    fn bits(self) -> Rows {
        every(BIT_CELLS * self.step)
    }

    /// The rows at each of the distances `cells` after `rows`.
    fn cells(self, rows: Rows, cells: impl IntoIterator<Item = usize>) -> Vec<Rows> {
        let at = |cell| rows.at(rows.offset + cell * self.step);
        cells.into_iter().map(at).collect()
    }

    /// The rounds `0..n_rounds` of the first `n` bits of the first lane, in the shorter of two equivalent forms.
    fn first_bits(self, n: usize, n_rounds: usize) -> Domain {
        let rounds = |bits: std::ops::Range<usize>| {
            let cells = bits.flat_map(|k| (0..n_rounds).map(move |round| k * BIT_CELLS + round));
            self.cells(self.instance(), cells)
        };
        if n <= LANE_BITS / 2 {
            return Domain {
                rows: rounds(0..n),
                except: Vec::new(),
            };
        }
        Domain {
            rows: self.cells(self.bits(), 0..n_rounds),
            except: rounds(n..LANE_BITS),
        }
    }
}

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let scope = layout.part("keccak");
    let address = scope.cells("input_output/addr")?;
    scope.constrain(
        "init_input_output_addr",
        scope.first(),
        address.at(0) - scope.scalar("initial_keccak_addr"),
    );
    scope.constrain(
        "addr_input_output_step",
        every(address.step()).except(scope.last(address.step())),
        address.at(1) - (address.at(0) + 1),
    );
    let inner = scope.part("keccak");
    parse_to_diluted::constrain(&scope, &inner)?;

    let rounds = Rounds::new(&inner)?;
    rounds.parities();
    rounds.theta_rho_pi()?;
    rounds.chi_iota()
}

struct Rounds<'a> {
    scope: &'a Scope<'a>,
    grid: Grid,
    state: Cells<'a>,
    /// The bits of the sum of each column, by bit and column.
    parity: Vec<Vec<Cells<'a>>>,
    /// The lowest bit of the sum of each column, rotated by one position.
    rotated_parity: Vec<Cells<'a>>,
    after_theta_rho_pi: Cells<'a>,
}

impl<'a> Rounds<'a> {
    fn new(scope: &'a Scope<'a>) -> Result<Self, ScopeError> {
        let columns = |name: &str| -> Result<Vec<_>, _> {
            (0..SIDE).map(|j| scope.cells(&format!("{name}{j}"))).collect()
        };
        let state = scope.cells("state")?;
        Ok(Self {
            scope,
            grid: Grid { step: state.step() },
            state,
            parity: vec![columns("parity0_")?, columns("parity1_")?, columns("parity2_")?],
            rotated_parity: columns("rotated_parity")?,
            after_theta_rho_pi: scope.cells("after_theta_rho_pi")?,
        })
    }

    /// Constrains the sum of each column, and its parity rotated by one bit.
    fn parities(&self) {
        let all = || self.grid.first_bits(LANE_BITS, N_ROUNDS);
        for j in 0..SIDE {
            let lane = |i: usize| self.state.at(ROUND_CELLS * (j + SIDE * i));
            let sum = (1..SIDE).fold(lane(0), |sum, i| sum + lane(i));
            let bits = [0, 1, 2].map(|bit: usize| self.parity[bit][j].at(0));
            let value = bits[0] + bits[1] + bits[1] + bits[2] * 4;
            self.scope.constrain(&format!("parity{j}"), all(), sum - value);
        }
        let last = (LANE_BITS - 1) * BIT_CELLS;
        for (j, (rotated, parity)) in self.rotated_parity.iter().zip(&self.parity[0]).enumerate() {
            let scope = self.scope.part(&format!("rotate_parity{j}"));
            scope.constrain(
                "n0",
                self.grid.first_bits(1, N_ROUNDS),
                rotated.at(0) - parity.at(last),
            );
            let rows = self.grid.first_bits(LANE_BITS - 1, N_ROUNDS);
            scope.constrain("n1", rows, rotated.at(BIT_CELLS) - parity.at(0));
        }
    }

    /// Constrains theta, rho and pi: the parities of two neighbouring columns are added to each bit, and the lanes are
    /// rotated and permuted.
    fn theta_rho_pi(&self) -> Result<(), ScopeError> {
        for (i, rotations) in ROTATIONS.iter().enumerate() {
            for (j, &rotation) in rotations.iter().enumerate() {
                let (to_i, to_j) = ((3 * i + 2 * j) % SIDE, i);
                let aux = format!("theta_aux_i{to_i}_j{to_j}");
                let parts = match self.scope.cells(&aux) {
                    Ok(aux) => vec![aux],
                    Err(_) => (0..N_ROUNDS / PART_ROUNDS)
                        .map(|part| {
                            let (start, stop) = (part * PART_ROUNDS, (part + 1) * PART_ROUNDS);
                            self.scope.cells(&format!("{aux}_start{start}_stop{stop}"))
                        })
                        .collect::<Result<Vec<_>, _>>()?,
                };
                let n_rounds = N_ROUNDS / parts.len();
                // Bit `from + n` of the lane goes to bit `to + n`.
                let moves = [
                    (0, rotation, LANE_BITS - rotation),
                    (LANE_BITS - rotation, 0, rotation),
                ];
                let mut number = 0;
                for (from, to, n) in moves.into_iter().filter(|&(_, _, n)| n > 0) {
                    for (part, aux) in parts.iter().enumerate() {
                        let (from, to) = (from * BIT_CELLS + part * n_rounds, to * BIT_CELLS);
                        let after = to + part * n_rounds + ROUND_CELLS * (to_j + SIDE * to_i);
                        let bit = self.state.at(from + ROUND_CELLS * (j + SIDE * i));
                        let parities = self.parity[0][(j + SIDE - 1) % SIDE].at(from)
                            + self.rotated_parity[(j + 1) % SIDE].at(from);
                        let carry = aux.at(to);
                        let name = if rotation == 0 {
                            format!("theta_rho_pi_i{i}_j{j}")
                        } else {
                            format!("theta_rho_pi_i{i}_j{j}/n{number}")
                        };
                        number += 1;
                        self.scope.constrain(
                            &name,
                            self.grid.first_bits(n, n_rounds),
                            parities + bit - (self.after_theta_rho_pi.at(after) + carry + carry),
                        );
                    }
                }
            }
        }
        Ok(())
    }

    /// Constrains chi and iota: each bit is combined with those of the next two lanes in its row, and the first lane
    /// also with the round constant.
    fn chi_iota(&self) -> Result<(), ScopeError> {
        let aux = [
            self.scope.cells("chi_iota_aux0")?,
            self.scope.cells("chi_iota_aux2")?,
        ];
        let lane = |cell: usize| cell * ROUND_CELLS;
        // The middle bit of `2 a + (1 - b) + c` is `a ^ (!b & c)`.
        let chi = |cell: usize, j: usize| -> Expr<'a> {
            let after = |j: usize| self.after_theta_rho_pi.at(cell + lane(j % SIDE));
            let not = -after(j + 1) + ones();
            after(j) + after(j) + not + after(j + 2) - self.next(&aux, cell + lane(j))
        };
        let bits = round_bits();
        for m in 0..bits[0].len() {
            let k = (1 << m) - 1;
            let key = bits.map(|bits| if bits[m] { ones() + ones() } else { Felt::default() });
            let key = self
                .scope
                .periodic(&format!("keccak_round_key{k}"), self.grid.step, &key)?;
            self.scope.constrain(
                &format!("chi_iota{k}"),
                self.grid.first_bits(1, N_ROUNDS),
                key + chi(k * BIT_CELLS, 0),
            );
        }
        // All bits of the lanes `columns` of each row `i`.
        let rows = |columns: std::ops::Range<usize>| {
            let cells = (0..SIDE).flat_map(move |i| columns.clone().map(move |j| lane(j + SIDE * i)));
            let cells = cells.flat_map(|cell| (0..N_ROUNDS).map(move |round| cell + round));
            self.grid.cells(self.grid.bits(), cells)
        };
        let with_key = (0..bits[0].len())
            .flat_map(|m| (0..N_ROUNDS).map(move |round| ((1 << m) - 1) * BIT_CELLS + round));
        let except = self.grid.cells(self.grid.instance(), with_key);
        self.scope.constrain(
            "chi0",
            Domain {
                rows: rows(0..3),
                except,
            },
            chi(0, 0),
        );
        for (name, j) in [("chi1", 4), ("chi2", 3)] {
            let domain = Domain {
                rows: rows(0..1),
                except: Vec::new(),
            };
            self.scope.constrain(name, domain, chi(0, j));
        }
        Ok(())
    }

    /// The sum whose middle bit is the next round's bit at `cell`.
    fn next(&self, [low, high]: &[Cells<'a>; 2], cell: usize) -> Expr<'a> {
        let bit = self.state.at(cell + 1);
        low.at(cell) + bit + bit + high.at(cell) * 4
    }
}

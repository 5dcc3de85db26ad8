//! Shared constraints of `add_mod` and `mul_mod`: numbers of four words, and their places in memory.
//!
//! An instance has seven memory cells: the modulus `p` (four words), the pointers to the values and to the offsets, and
//! `n`, the number of remaining operations, including this one. The offsets are those of `a`, `b` and `c` from the
//! values' pointer.

use crate::air::{Cells, Expr, Rows, every};
use crate::cairo::components::scope::{Scope, ScopeError};
use quarry_kernels::Felt;

/// Words of a number.
const N_WORDS: usize = 4;
/// Bits of a word.
const WORD_BITS: usize = 96;
/// The memory cells of an instance.
const HEADER: [&str; 7] = ["p0", "p1", "p2", "p3", "values_ptr", "offsets_ptr", "n"];
/// The operands of an operation.
const OPERANDS: [&str; 3] = ["a", "b", "c"];

/// One of the two builtins in a layout.
pub(crate) struct Modulo<'a> {
    /// The builtin's scope.
    pub scope: Scope<'a>,
    /// The rows of its instances.
    pub rows: Rows,
    /// The interaction element, at which numbers are evaluated as polynomials whose coefficients are their words.
    pub element: Expr<'a>,
}

impl<'a> Modulo<'a> {
    /// Finds the builtin `name`.
    pub fn new(layout: &Scope<'a>, name: &str) -> Result<Self, ScopeError> {
        let scope = layout.part(name);
        Ok(Self {
            rows: every(scope.cells("p0/addr")?.step()),
            element: scope.scalar(&format!("{name}/interaction_elm")),
            scope,
        })
    }

    fn address(&self, name: &str) -> Result<Cells<'a>, ScopeError> {
        self.scope.cells(&format!("{name}/addr"))
    }

    fn value(&self, name: &str) -> Result<Cells<'a>, ScopeError> {
        self.scope.cells(&format!("{name}/value"))
    }

    /// The number `name` as a polynomial.
    pub fn number(&self, name: &str) -> Result<Expr<'a>, ScopeError> {
        let words = (0..N_WORDS).map(|i| Ok(self.value(&format!("{name}{i}"))?.at(0)));
        Ok(self.polynomial(words.collect::<Result<Vec<_>, ScopeError>>()?))
    }

    /// The polynomial with these coefficients, lowest first.
    pub fn polynomial(&self, coefficients: Vec<Expr<'a>>) -> Expr<'a> {
        let reversed = coefficients.into_iter().rev();
        let horner = reversed.reduce(|sum, coefficient| sum * self.element + coefficient);
        horner.unwrap_or(self.element)
    }

    /// The element minus 2^96, the weight of a word. Carries between words appear as multiples of it.
    pub fn carry_weight(&self) -> Expr<'a> {
        self.element - Felt::from(1u128 << WORD_BITS)
    }

    /// Constrains the addresses of all memory cells, and the headers of successive instances. `initial` is the name of
    /// the scalar of the first address.
    pub fn memory(&self, initial: &str) -> Result<(), ScopeError> {
        let Self { scope, rows, .. } = self;
        let has_next = || rows.except(scope.last(rows.step));
        let first = self.address(HEADER[0])?;
        scope.constrain(
            "init_p0_address",
            scope.first(),
            first.at(0) - scope.scalar(initial),
        );
        for pair in HEADER.windows(2) {
            let (previous, cell) = (self.address(pair[0])?.at(0), self.address(pair[1])?.at(0));
            scope.constrain(&format!("step_{}_addr", pair[1]), *rows, cell - (previous + 1));
        }
        let [.., last] = HEADER;
        scope.constrain(
            "step_p0_addr",
            has_next(),
            first.at(1) - (self.address(last)?.at(0) + 1),
        );

        // While operations remain (`n` is not 1), the next instance continues the batch.
        let n = self.value(last)?;
        let goes_on = n.at(0) - 1;
        for name in &HEADER[..HEADER.len() - 1] {
            let value = self.value(name)?;
            let used = if *name == "offsets_ptr" {
                OPERANDS.len() as u64
            } else {
                0
            };
            let expression = (value.at(1) - (value.at(0) + used)) * goes_on;
            scope.constrain(&format!("step_{name}_value"), has_next(), expression);
        }
        scope.constrain("step_n_value", has_next(), (n.at(1) + 1 - n.at(0)) * goes_on);

        let offset = |operand: &str| format!("{operand}_offset");
        let [a, b, c] = OPERANDS.map(|operand| self.address(&offset(operand)));
        let (a, b, c) = (a?.at(0), b?.at(0), c?.at(0));
        scope.constrain("a_offset0", *rows, a - self.value("offsets_ptr")?.at(0));
        scope.constrain("b_offset", *rows, b - (a + 1));
        scope.constrain("c_offset", *rows, c - (b + 1));
        let values = self.value("values_ptr")?.at(0);
        for operand in OPERANDS {
            let mut previous = self.address(&format!("{operand}0"))?.at(0);
            let offset = self.value(&offset(operand))?.at(0);
            scope.constrain(
                &format!("{operand}0_value_ind0"),
                *rows,
                previous - (offset + values),
            );
            for word in 1..N_WORDS {
                let address = self.address(&format!("{operand}{word}"))?.at(0);
                scope.constrain(&format!("{operand}{word}_value"), *rows, address - (previous + 1));
                previous = address;
            }
        }
        Ok(())
    }
}

//! The components of layouts. Each is a folder and a row of [`COMPONENTS`]. It defines its constraints once for all
//! layouts and fills its own trace cells.

pub mod add_mod;
pub mod bitwise;
pub mod component;
pub mod cpu;
pub mod diluted_check;
pub mod ec;
pub mod ec_op;
pub mod ecdsa;
#[cfg(feature = "prover")]
mod instances;
pub mod keccak;
pub mod memory;
mod modulo;
pub mod mul_mod;
pub mod pedersen;
pub mod permutation;
pub mod poseidon;
pub mod range_check16;
pub mod range_check96_builtin;
pub mod range_check_builtin;
pub mod scope;
#[cfg(feature = "prover")]
pub(crate) mod stage;
#[cfg(feature = "prover")]
mod subset_sum;
#[cfg(feature = "prover")]
mod table_check;

use crate::cairo::layouts::Layout;
use component::{Builtin, Component};

/// A row of the table of components.
#[derive(Debug)]
pub struct Row {
    /// The component.
    pub component: Component,
    /// The functions that write its cells.
    #[cfg(feature = "prover")]
    pub(crate) witness: stage::Witness,
}

/// The row of the component in a folder.
macro_rules! row {
    ($folder:ident) => {
        Row {
            component: $folder::COMPONENT,
            #[cfg(feature = "prover")]
            witness: $folder::witness::WITNESS,
        }
    };
}

/// All components, in the order of their constraints and of their interaction elements. `main` receives its builtins in
/// this order too.
pub const COMPONENTS: &[Row] = &[
    row!(cpu),
    row!(memory),
    row!(range_check16),
    row!(diluted_check),
    row!(pedersen),
    row!(range_check_builtin),
    row!(ecdsa),
    row!(bitwise),
    row!(ec_op),
    row!(keccak),
    row!(poseidon),
    row!(range_check96_builtin),
    row!(add_mod),
    row!(mul_mod),
];

/// The rows of the components that a layout has.
pub fn rows(layout: &Layout) -> impl Iterator<Item = &'static Row> {
    COMPONENTS.iter().filter(|row| row.component.is_in(layout))
}

/// The number of builtins that have instances.
pub const N_BUILTINS: usize = {
    let (mut row, mut n) = (0, 0);
    while row < COMPONENTS.len() {
        n += COMPONENTS[row].component.builtin.is_some() as usize;
        row += 1;
    }
    n
};

/// The builtins that have instances. The output builtin has none: it is only public memory.
pub fn builtins() -> impl Iterator<Item = &'static Builtin> {
    COMPONENTS.iter().filter_map(|row| row.component.builtin.as_ref())
}

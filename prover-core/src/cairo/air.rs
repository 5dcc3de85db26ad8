//! The AIR of a Cairo layout.

use crate::air::{Air, AirBuilder, AirError};
use crate::cairo::components::component::Component;
use crate::cairo::components::permutation::Permutation;
use crate::cairo::components::scope::{Scope, ScopeError};
use crate::cairo::components::{COMPONENTS, Row, diluted_check, memory, rows};
use crate::cairo::layouts::Layout;
use crate::cairo::public_input::PublicInput;
use ark_ff::Field;
use quarry_kernels::Felt;
use quarry_kernels::ops::{CumulativeArgument, PermutationArgument, ScanOps, VirtualColumn};
use quarry_kernels::{Columns, DeviceError, Natural, Ticket};
use std::collections::{BTreeSet, HashMap};

/// The computation that fills an interaction column. Its column numbers refer to the first trace.
#[derive(Clone, Debug)]
pub enum Scan {
    /// The running product of a permutation argument.
    Permutation(PermutationArgument),
    /// A cumulative value.
    Cumulative(CumulativeArgument),
}

/// An error in building the AIR of a layout or in computing its scalars or scans.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CairoAirError {
    /// The layout does not support this number of steps.
    #[error("{n_steps} steps in layout '{layout}': the number must be a power of two from {least} to 2^58")]
    Steps {
        /// The layout.
        layout: &'static str,
        /// The number of steps.
        n_steps: u64,
        /// The least supported number of steps.
        least: usize,
    },
    /// The layout lacks a column, or one of its columns does not fit the AIR.
    #[error(transparent)]
    Layout(#[from] ScopeError),
    /// The constraints do not fit the trace.
    #[error(transparent)]
    Air(#[from] AirError),
    /// The public input has no such segment.
    #[error("the public input has no memory segment '{0}'")]
    MissingSegment(String),
    /// The wrong number of interaction elements.
    #[error("expected {expected} interaction elements, got {got}")]
    InteractionElements {
        /// The required number.
        expected: usize,
        /// The given number.
        got: usize,
    },
    /// The public memory is empty or does not fit its cells.
    #[error("public memory has {got} cells; there must be from 1 to {most}")]
    PublicMemory {
        /// The number of cells that the trace holds.
        most: usize,
        /// The number of cells in the public input.
        got: usize,
    },
    /// The public memory's product would divide by zero for these interaction elements.
    #[error("the interaction elements make the public memory's product divide by zero")]
    DegenerateElements,
}

/// The AIR of a layout for a number of steps.
#[derive(Clone, Debug)]
pub struct CairoAir {
    /// The constraints.
    pub air: Air,
    layout: Layout,
}

impl CairoAir {
    /// Builds the AIR from the constraints of every component that the layout has.
    ///
    /// # Errors
    /// [`CairoAirError::Steps`] if the layout does not support `n_steps` steps.
    pub fn new(layout: &Layout, n_steps: u64) -> Result<Self, CairoAirError> {
        let least = layout.least_rows().div_ceil(layout.rows_per_step);
        let trace_length = usize::try_from(n_steps)
            .ok()
            .filter(|&n| n.is_power_of_two() && n >= least && n <= 1 << 58)
            .and_then(|n| n.checked_mul(layout.rows_per_step))
            .ok_or(CairoAirError::Steps {
                layout: layout.name,
                n_steps,
                least,
            })?;
        let builder = AirBuilder::new(trace_length, layout.n_columns)?;
        let scope = Scope::new(&builder, layout);
        for Row { component, .. } in COMPONENTS {
            if component.is_in(layout) {
                (component.constrain)(&scope)?;
            } else if let Some(n_constraints) = component.unused(layout) {
                builder.leave_out(n_constraints);
            }
        }
        let mut air = builder.finish()?;
        if let Some(mask) = &layout.mask {
            air.mask = mask.clone();
        }
        Ok(Self {
            air,
            layout: layout.clone(),
        })
    }

    /// The number of interaction elements that the verifier draws.
    pub fn n_interaction_elements(&self) -> usize {
        self.interaction_elements().count()
    }

    /// Computes the values of [`Air::scalars`] for a public input.
    ///
    /// # Errors
    /// [`CairoAirError`] if a segment is missing, the number of interaction elements is wrong, the public memory does
    /// not fit the trace, or its product would divide by zero.
    pub fn scalars(&self, public: &PublicInput, elements: &[Felt]) -> Result<Vec<Felt>, CairoAirError> {
        let elements = self.named(elements)?;
        let segment = |name: &str| {
            let segment = public.memory_segments.get(name);
            segment.ok_or_else(|| CairoAirError::MissingSegment(name.to_owned()))
        };
        let (program, execution) = (segment("program")?, segment("execution")?);
        let product = self.public_memory_product(public, &elements)?;
        let element = |name: &str| elements.get(name).copied().unwrap_or_default();
        let value = |name: &str| -> Result<Felt, CairoAirError> {
            Ok(match name {
                "initial_pc" => program.begin_addr.into(),
                "final_pc" => program.stop_ptr.into(),
                "initial_ap" => execution.begin_addr.into(),
                "final_ap" => execution.stop_ptr.into(),
                "range_check_min" => public.rc_min.into(),
                "range_check_max" => public.rc_max.into(),
                memory::constraints::PUBLIC_MEMORY_PRODUCT => product,
                diluted_check::constraints::FINAL_VALUE => {
                    let [z, alpha] = diluted_check::constraints::CUMULATIVE.elements.map(element);
                    diluted_check::constraints::final_value(z, alpha)
                }
                _ => match name
                    .strip_prefix("initial_")
                    .and_then(|name| name.strip_suffix("_addr"))
                {
                    Some(builtin) => segment(builtin)?.begin_addr.into(),
                    None => element(name),
                },
            })
        };
        self.air.scalars.iter().map(|name| value(name)).collect()
    }

    /// Returns the scans that fill the interaction trace from columns of the first trace, each with its column in the
    /// interaction trace.
    ///
    /// # Errors
    /// [`CairoAirError`] if the number of interaction elements is wrong or the layout lacks a column.
    pub fn scans(&self, elements: &[Felt]) -> Result<Vec<(Scan, VirtualColumn)>, CairoAirError> {
        let elements = self.named(elements)?;
        let element = |name: &&str| elements.get(name).copied().unwrap_or_default();
        let column = |name: &str| {
            let missing = || ScopeError::MissingColumn {
                layout: self.layout.name,
                name: name.to_owned(),
            };
            self.layout.cell(name).ok_or_else(missing)
        };
        let columns = |names: &[&str]| {
            let columns = names.iter().map(|name| column(name));
            columns.collect::<Result<Vec<_>, _>>()
        };
        let target = |name: &str| -> Result<_, ScopeError> {
            let place = column(name)?;
            Ok(VirtualColumn {
                column: place.column - self.layout.n_columns[0],
                ..place
            })
        };
        let mut scans = Vec::new();
        for Row { component, .. } in rows(&self.layout) {
            if let Some(permutation) = &component.permutation {
                let argument = PermutationArgument {
                    original: columns(permutation.original)?,
                    sorted: columns(permutation.sorted)?,
                    z: element(&permutation.z),
                    alphas: permutation.weights.iter().map(element).collect(),
                };
                scans.push((Scan::Permutation(argument), target(permutation.product)?));
            }
            if let Some(cumulative) = &component.cumulative {
                let [z, alpha] = &cumulative.elements;
                let argument = CumulativeArgument {
                    values: column(cumulative.values)?,
                    z: element(z),
                    alpha: element(alpha),
                };
                scans.push((Scan::Cumulative(argument), target(cumulative.sum)?));
            }
        }
        Ok(scans)
    }

    /// Returns the columns of the first trace that the scans read, in ascending order.
    ///
    /// # Errors
    /// As [`Self::scans`].
    pub fn scanned_columns(&self) -> Result<Vec<usize>, CairoAirError> {
        let unset = vec![Felt::default(); self.n_interaction_elements()];
        let mut scans = self.scans(&unset)?;
        let parts = scans.iter_mut().flat_map(|(scan, _)| scan.columns_mut());
        let columns: BTreeSet<usize> = parts.map(|part| part.column).collect();
        Ok(columns.into_iter().collect())
    }

    /// The names of all interaction elements, in the order in which they are drawn.
    fn interaction_elements(&self) -> impl Iterator<Item = &'static str> {
        let drawn = |component: &&Component| {
            component.is_in(&self.layout) || component.unused(&self.layout).is_some()
        };
        let components = COMPONENTS.iter().map(|row| &row.component);
        components.filter(drawn).flat_map(Component::elements)
    }

    /// The interaction elements by name.
    fn named(&self, elements: &[Felt]) -> Result<HashMap<&'static str, Felt>, CairoAirError> {
        let expected = self.n_interaction_elements();
        if elements.len() != expected {
            return Err(CairoAirError::InteractionElements {
                expected,
                got: elements.len(),
            });
        }
        Ok(self
            .interaction_elements()
            .zip(elements.iter().copied())
            .collect())
    }

    /// The final product of the memory's permutation argument: the product, over all public cells of the trace,
    /// of `z` divided by `z` minus the access. Cells beyond the public memory repeat its first access.
    fn public_memory_product(
        &self,
        public: &PublicInput,
        elements: &HashMap<&str, Felt>,
    ) -> Result<Felt, CairoAirError> {
        let Permutation { z, weights, .. } = memory::constraints::PERMUTATION;
        let element = |name| elements.get(name).copied().unwrap_or_default();
        let z: Felt = element(z);
        let weight: Felt = weights.iter().map(|name| element(name)).sum();
        let step = self
            .layout
            .cell("orig/public_memory/addr")
            .map_or(1, |cells| cells.step);
        let (most, got) = (self.air.trace_length / step, public.public_memory.len());
        let padding = match public.public_memory.first() {
            Some(first) if got <= most => first,
            _ => return Err(CairoAirError::PublicMemory { most, got }),
        };
        let shifted = |address: u64, value: Felt| z - (Felt::from(address) + weight * value);
        let accesses: Felt = public
            .public_memory
            .iter()
            .map(|cell| shifted(cell.address, cell.value))
            .product();
        let padding = shifted(padding.address, padding.value).pow([(most - got) as u64]);
        let inverse = (accesses * padding)
            .inverse()
            .ok_or(CairoAirError::DegenerateElements)?;
        Ok(z.pow([most as u64]) * inverse)
    }
}

impl Scan {
    /// The columns that the scan reads.
    pub fn columns_mut(&mut self) -> Vec<&mut VirtualColumn> {
        match self {
            Scan::Permutation(argument) => argument.original.iter_mut().chain(&mut argument.sorted).collect(),
            Scan::Cumulative(argument) => vec![&mut argument.values],
        }
    }

    /// Computes the scan over `columns` and writes its values to the column `target` of `out`.
    ///
    /// # Errors
    /// Any error of the device.
    pub fn run<D: ScanOps>(
        &self,
        device: &D,
        columns: &Columns<D, Natural>,
        out: &mut Columns<D, Natural>,
        target: VirtualColumn,
    ) -> Result<Ticket, DeviceError> {
        match self {
            Scan::Permutation(argument) => device.permutation_product(columns, argument, out, target),
            Scan::Cumulative(argument) => device.cumulative_value(columns, argument, out, target),
        }
    }
}

//! A statement whose parts fit each other: checked once, then passed on.

use crate::cairo::air::{CairoAir, CairoAirError};
use crate::cairo::layouts::{Layout, LayoutError};
use crate::cairo::public_input::{PublicInput, PublicInputError};
use crate::cairo::run::Run;
use crate::parameters::{Parameters, ParametersError};

/// A public input and parameters that fit each other, with the layout and the AIR that follow from them.
///
/// [`prove`](crate::prover::prove), [`plan`](crate::prover::plan) and [`Verifier`](crate::verifier::Verifier) take it.
pub struct Statement<'a> {
    public: &'a PublicInput,
    parameters: &'a Parameters,
    layout: Layout,
    air: CairoAir,
}

/// Why public input and parameters are not a valid statement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// The layout is unknown, or its parameters define none.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The public input is malformed or describes no possible execution.
    #[error(transparent)]
    PublicInput(#[from] PublicInputError),
    /// The parameters do not fit the number of steps.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// The number of steps is too small or too large for the layout.
    #[error(transparent)]
    Air(#[from] CairoAirError),
}

impl<'a> Statement<'a> {
    /// Checks a public input and parameters against each other.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn new(public: &'a PublicInput, parameters: &'a Parameters) -> Result<Self, StatementError> {
        let layout = Layout::of(public)?;
        parameters.fits(layout.trace_steps(public.n_steps))?;
        public.check_layout(&layout)?;
        public.check_public_memory(&layout)?;
        let air = CairoAir::new(&layout, public.n_steps)?;
        Ok(Self {
            public,
            parameters,
            layout,
            air,
        })
    }

    /// The public input.
    pub fn public_input(&self) -> &'a PublicInput {
        self.public
    }

    /// The parameters.
    pub fn parameters(&self) -> &'a Parameters {
        self.parameters
    }

    /// The layout.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Number of rows of the trace.
    pub fn n_rows(&self) -> usize {
        self.air.air.trace_length
    }

    /// The form of the run, as far as the public memory shows it.
    pub fn run(&self) -> Run {
        Run::of(self.public, &self.layout)
    }

    /// The AIR.
    pub(crate) fn air(&self) -> &CairoAir {
        &self.air
    }

    /// The bytes that open the transcript. They include a hash of the public memory.
    pub(crate) fn seed(&self) -> Result<Vec<u8>, PublicInputError> {
        self.public.initial_seed(&self.layout, self.parameters)
    }

    /// The shape of a proof, which determines its cost. It compiles the constraints.
    ///
    /// # Errors
    /// [`CairoAirError`] if the layout's scans cannot be placed.
    #[cfg(feature = "prover")]
    pub fn shape(&self) -> Result<crate::cost::Shape, CairoAirError> {
        crate::cost::Shape::new(&self.air, &self.air.air.compile())
    }
}

//! The prover. It reads like the protocol: commit to the trace, interact, compose, sample out of domain, compute the
//! DEEP quotient, run FRI, open.

mod check;
mod interaction;
mod meter;

use crate::air::{AirError, CompiledAir};
use crate::cairo::air::{CairoAir, CairoAirError};
use crate::cairo::error::InputError;
use crate::cairo::input::ProverInput;
use crate::cairo::trace::build_trace;
use crate::channel::ProverChannel;
use crate::commit::trace::{CommittedTrace, Cosets};
use crate::cost::Shape;
use crate::fri::first_layer_queries;
use crate::fri::prover::FriProver;
use crate::memory_plan::{MemoryPlan, MemoryPlanError};
use crate::parameters::Parameters;
use crate::progress::{Cancel, Observer, Phase, Silent};
use crate::statement::{Statement, StatementError};
use crate::tags;
use ark_ff::Field;
pub use check::{Checked, check};
use interaction::ScannedColumns;
use meter::Meter;
pub use meter::PhaseStatistics;
use quarry_kernels::ops::{HostColumns, Pole, QuotientTerm};
use quarry_kernels::{Backend, BitReversed, Columns, Device, DeviceError, Felt, Natural};

/// The offset of the evaluation domain: the field's generator.
fn domain_offset() -> Felt {
    Felt::from(3u64)
}

/// Options that do not change the proof's bytes.
#[derive(Clone, Copy)]
pub struct ProveOptions<'a> {
    /// Whether to record the transcript's annotations.
    pub annotations: bool,
    /// Bytes of device memory that the proof may take; by default, what is free on the device.
    pub memory_budget: Option<u64>,
    /// Receives progress reports.
    pub observer: &'a dyn Observer,
    /// Stops the work soon after it is set; by default, nothing does.
    pub cancel: Option<&'a Cancel>,
}

impl Default for ProveOptions<'_> {
    fn default() -> Self {
        Self {
            annotations: false,
            memory_budget: None,
            observer: &Silent,
            cancel: None,
        }
    }
}

/// A proof.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Stone's proof bytes, as in `proof_hex`.
    pub bytes: Vec<u8>,
    /// The annotations, line by line, if requested.
    pub annotations: Option<Vec<String>>,
    /// Statistics of the work.
    pub statistics: Statistics,
}

/// Statistics of the work for a proof.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// The device.
    pub device: String,
    /// Number of trace rows.
    pub n_rows: usize,
    /// Number of columns: first, interaction, composition.
    pub n_columns: [usize; 3],
    /// The memory plan.
    pub plan: MemoryPlan,
    /// Every phase in order.
    pub phases: Vec<PhaseStatistics>,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// Public input and parameters are not a valid statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The execution is of another statement.
    #[error("the execution belongs to another statement: its public input differs")]
    OtherStatement,
    /// The inputs are wrong.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The layout's scans or scalars cannot be computed.
    #[error(transparent)]
    Air(#[from] CairoAirError),
    /// The constraints cannot be evaluated.
    #[error(transparent)]
    Constraints(#[from] AirError),
    /// The proof does not fit the device.
    #[error(transparent)]
    Memory(#[from] MemoryPlanError),
    /// The device failed, or the work was cancelled.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Proves that the execution is a run of the program that the statement is about.
///
/// # Errors
/// [`ProveError`]; it is [`DeviceError::Cancelled`] if the work stopped because `options.cancel` was set.
pub fn prove<D: Backend>(
    device: &D,
    statement: &Statement<'_>,
    input: &ProverInput,
    options: &ProveOptions<'_>,
) -> Result<Proof, ProveError> {
    if input.public != *statement.public_input() {
        return Err(ProveError::OtherStatement);
    }
    let (parameters, air) = (statement.parameters(), statement.air());
    let compiled = air.air.compile();
    let log_len = statement.n_rows().ilog2();
    let shape = Shape::new(air, &compiled)?;
    let plan = MemoryPlan::new(
        device,
        &shape,
        parameters,
        options.memory_budget.or(device.free_bytes()),
    )?;
    device.reserve(plan.device_bytes())?;
    let never = Cancel::default();
    let cancel = options.cancel.unwrap_or(&never);
    let mut meter = Meter::new(device, &shape, parameters, options.observer, cancel);

    meter.begin(Phase::Trace)?;
    let trace = build_trace(statement.layout(), input)?;
    let seed = statement.seed().map_err(StatementError::from)?;
    let mut channel = ProverChannel::new(parameters, &seed, options.annotations);
    let prover = Prover {
        device,
        parameters,
        air,
        n_kept: plan.n_kept_cosets,
        cosets: Cosets::new(domain_offset(), log_len, parameters.log_n_cosets),
    };
    channel.enter("STARK");
    prover.prove(input, trace, &compiled, &mut channel, &mut meter)?;
    channel.exit();

    let phases = meter.finish();
    let (bytes, annotations) = channel.finish();
    let statistics = Statistics {
        device: device.name(),
        n_rows: 1 << log_len,
        n_columns: shape.n_columns,
        plan,
        phases,
    };
    Ok(Proof {
        bytes,
        annotations,
        statistics,
    })
}

/// The memory that a proof of this statement would take on a device, within `budget` bytes (by default, what is free).
///
/// # Errors
/// [`ProveError`]: the proof does not fit the device.
pub fn plan<D: Device>(
    device: &D,
    budget: Option<u64>,
    statement: &Statement<'_>,
) -> Result<MemoryPlan, ProveError> {
    Ok(MemoryPlan::new(
        device,
        &statement.shape()?,
        statement.parameters(),
        budget.or(device.free_bytes()),
    )?)
}

/// The data that every step of the protocol needs.
struct Prover<'a, D: Backend> {
    device: &'a D,
    parameters: &'a Parameters,
    air: &'a CairoAir,
    /// Cosets of the extended traces that are kept for the composition and the DEEP quotient.
    n_kept: usize,
    cosets: Cosets,
}

/// An opened value: the column it belongs to, the row offset and the value.
type Opened = (usize, usize, Felt);

impl<D: Backend> Prover<'_, D> {
    fn prove(
        &self,
        input: &ProverInput,
        trace: Vec<Vec<Felt>>,
        compiled: &CompiledAir<'_>,
        channel: &mut ProverChannel,
        meter: &mut Meter<'_, D>,
    ) -> Result<(), ProveError> {
        meter.begin(Phase::CommitTrace)?;
        let log_len = self.cosets.log_len;
        let one = Felt::from(1u64);
        let (coefficients, scanned) = self.take_trace(trace, one)?;
        channel.enter("Original");
        let first = self.commit(coefficients, channel, meter)?;
        channel.exit();

        meter.begin(Phase::CommitInteraction)?;
        channel.enter("Interaction");
        let elements: Vec<Felt> = (0..self.air.n_interaction_elements())
            .map(|i| channel.draw_felt(&format!("Interaction element #{i}")))
            .collect();
        let columns = scanned.interaction(self.device, self.air, &elements)?;
        let interaction = self.commit(self.device.interpolate(columns, one)?, channel, meter)?;
        channel.exit();

        meter.begin(Phase::Composition)?;
        let alpha = draw_alpha("Original", channel);
        let scalars = self.air.scalars(&input.public, &elements)?;
        channel.enter("Out Of Domain Sampling");
        let columns = self.compose(&first, &interaction, compiled, &scalars, alpha, meter)?;
        let shift = domain_offset() * domain_offset();
        let composition = self.commit(self.device.interpolate(columns, shift)?, channel, meter)?;
        let mut traces = [first, interaction, composition];

        meter.begin(Phase::OutOfDomain)?;
        let poles = self.sample_out_of_domain(&traces, channel)?;
        channel.exit();

        meter.begin(Phase::Quotient)?;
        let quotient = self.quotient(&traces, &poles)?;
        traces.iter_mut().for_each(CommittedTrace::forget_kept);

        meter.begin(Phase::Fri)?;
        channel.enter("FRI");
        let (device, parameters) = (self.device, self.parameters);
        let fri = FriProver::commit(device, parameters, quotient, &self.cosets, channel, || {
            meter.check()
        })?;

        meter.begin(Phase::ProofOfWork)?;
        self.grind(channel, meter)?;

        meter.begin(Phase::Decommit)?;
        let first_step = self.parameters.fri.first_step();
        let log_queries = log_len + self.parameters.log_n_cosets - first_step;
        let queries = channel.draw_queries(1 << log_queries, self.parameters.fri.n_queries);
        channel.begin_query_phase();
        channel.enter("Decommitment");
        channel.enter("Layer 0");
        channel.enter("Virtual Oracle");
        let rows = first_layer_queries(&queries, first_step);
        for (i, trace) in traces.into_iter().enumerate() {
            meter.check()?;
            channel.enter(&format!("Trace {i}"));
            trace.decommit(self.device, channel, &self.cosets, rows.iter().copied())?;
            channel.exit();
        }
        channel.exit();
        channel.exit();
        fri.decommit(self.device, &queries, channel)?;
        channel.exit();
        channel.exit();
        Ok(())
    }

    /// Moves the trace to the device: its coefficients, and the columns that the interaction scans.
    fn take_trace(
        &self,
        trace: Vec<Vec<Felt>>,
        shift: Felt,
    ) -> Result<(Columns<D, BitReversed>, ScannedColumns<D>), ProveError> {
        let indices = self.air.scanned_columns()?;
        let columns = HostColumns {
            values: &trace,
            log_len: self.cosets.log_len,
            tag: tags::TRACE,
        };
        let (coefficients, columns) =
            self.device
                .upload_and_interpolate(&columns, shift, &indices, tags::SCANNED)?;
        Ok((coefficients, ScannedColumns { indices, columns }))
    }

    fn commit(
        &self,
        coefficients: Columns<D, BitReversed>,
        channel: &mut ProverChannel,
        meter: &Meter<'_, D>,
    ) -> Result<CommittedTrace<D>, DeviceError> {
        channel.enter("Commit on Trace");
        let after_coset = |coset| meter.step(coset);
        let (device, parameters) = (self.device, self.parameters);
        let trace = CommittedTrace::commit(
            device,
            parameters,
            coefficients,
            &self.cosets,
            self.n_kept,
            channel,
            after_coset,
        )?;
        channel.exit();
        Ok(trace)
    }

    /// The composition polynomial `h(x) = h0(x^2) + x h1(x^2)` has degree below `2n`: its evaluations on two
    /// cosets, split, are those of `h0` and `h1` on the coset of the squares.
    fn compose(
        &self,
        first: &CommittedTrace<D>,
        interaction: &CommittedTrace<D>,
        compiled: &CompiledAir<'_>,
        scalars: &[Felt],
        alpha: Felt,
        meter: &Meter<'_, D>,
    ) -> Result<Columns<D, Natural>, ProveError> {
        let (device, log_len) = (self.device, self.cosets.log_len);
        let program = device.load(&compiled.program)?;
        let scalars = compiled.scalars(scalars, alpha)?;
        let mut columns = Columns::zeros(device, 2, log_len, tags::COMPOSITION)?;
        let mut values = Columns::zeros(device, 1, log_len, tags::VALUES)?;
        for (phase, &shift) in self.cosets.shifts[..2].iter().enumerate() {
            let tables = [
                first.extension(device, &self.cosets, phase)?,
                interaction.extension(device, &self.cosets, phase)?,
            ];
            let periodic = compiled.tables(device, shift)?;
            let tables: Vec<_> = tables.iter().map(|table| &**table).collect();
            device
                .compose(&program, &tables, &periodic, &scalars, &mut values)?
                .detach();
            device
                .split_even_odd(&values, shift, phase, &mut columns)?
                .detach();
            meter.check()?;
        }
        Ok(columns)
    }

    /// Sends the values of all mask cells at `z` and of the composition columns at `z^2`; returns the terms of the DEEP
    /// quotient around both points.
    fn sample_out_of_domain(
        &self,
        traces: &[CommittedTrace<D>; 3],
        channel: &mut ProverChannel,
    ) -> Result<[Pole; 2], DeviceError> {
        channel.enter("OODS values");
        let z = channel.draw_felt("Evaluation point");
        let generator = quarry_kernels::felt::subgroup_generator(self.cosets.log_len);
        let n_first = traces[0].coefficients.n_columns();
        let n_traces = n_first + traces[1].coefficients.n_columns();
        let points = MaskPoints::new(self.air, n_first, z, generator);
        let mut found = [
            self.device
                .evaluate_at(&traces[0].coefficients, &points.first)?
                .wait()?
                .into_iter(),
            self.device
                .evaluate_at(&traces[1].coefficients, &points.interaction)?
                .wait()?
                .into_iter(),
        ];
        let mut opened: Vec<Opened> = Vec::with_capacity(self.air.air.mask.len() + 2);
        for cell in &self.air.air.mask {
            let value = found[usize::from(cell.column >= n_first)]
                .next()
                .unwrap_or_default();
            opened.push((cell.column, cell.offset, value));
        }
        let composition = &traces[2].coefficients;
        let squares: Vec<_> = (0..composition.n_columns())
            .map(|column| (column, z * z))
            .collect();
        let halves = self.device.evaluate_at(composition, &squares)?.wait()?;
        opened.extend(
            halves
                .into_iter()
                .enumerate()
                .map(|(i, value)| (n_traces + i, 0, value)),
        );

        send_values(self.parameters, &opened, channel);
        channel.exit();

        let alpha = channel.draw_felt("Constraint polynomial random element");
        let mut coefficient = Felt::from(1u64);
        let mut poles = [
            Pole {
                point: z,
                terms: Vec::new(),
            },
            Pole {
                point: z * z,
                terms: Vec::new(),
            },
        ];
        for (column, offset, value) in opened {
            let term = QuotientTerm {
                column,
                offset,
                value,
                coefficient,
            };
            poles[usize::from(column >= n_traces)].terms.push(term);
            coefficient *= alpha;
        }
        Ok(poles)
    }

    /// The polynomial of the DEEP quotient. Its degree is below `n`, so its evaluations on one coset determine it.
    fn quotient(
        &self,
        traces: &[CommittedTrace<D>; 3],
        poles: &[Pole; 2],
    ) -> Result<Columns<D, BitReversed>, DeviceError> {
        let (device, log_len) = (self.device, self.cosets.log_len);
        let shift = self.cosets.shifts[0];
        let mut values = Columns::zeros(device, 1, log_len, tags::VALUES)?;
        {
            let tables: Vec<_> = traces
                .iter()
                .map(|trace| trace.extension(device, &self.cosets, 0))
                .collect::<Result<_, _>>()?;
            let tables: Vec<_> = tables.iter().map(|table| &**table).collect();
            // Wait here, so that this time is not counted as FRI's.
            device.deep_quotient(&tables, shift, poles, &mut values)?.wait()?;
        }
        device.interpolate(values, shift)
    }

    fn grind(&self, channel: &mut ProverChannel, meter: &Meter<'_, D>) -> Result<(), DeviceError> {
        let bits = self.parameters.fri.proof_of_work_bits;
        if bits == 0 {
            return Ok(());
        }
        let prefix = channel.proof_of_work_prefix(bits);
        let nonce = self
            .device
            .grind(channel.proof_of_work_hash(), &prefix, bits, &meter.cancel.0)?
            .wait()?;
        channel.send_nonce(nonce);
        Ok(())
    }
}

fn draw_alpha(scope: &str, channel: &mut ProverChannel) -> Felt {
    channel.enter(scope);
    let alpha = channel.draw_felt("Constraint polynomial random element");
    channel.exit();
    alpha
}

fn send_values(parameters: &Parameters, opened: &[Opened], channel: &mut ProverChannel) {
    if parameters.verifier_friendly_channel_updates {
        let values: Vec<Felt> = opened.iter().map(|&(_, _, value)| value).collect();
        channel.send_felts(&values, "");
    } else {
        for (i, (_, _, value)) in opened.iter().enumerate() {
            channel.send_felt(value, &i.to_string());
        }
    }
}

/// The points at which the polynomials of both traces are evaluated, in mask order.
struct MaskPoints {
    first: Vec<(usize, Felt)>,
    interaction: Vec<(usize, Felt)>,
}

impl MaskPoints {
    fn new(air: &CairoAir, n_first: usize, z: Felt, generator: Felt) -> Self {
        let mut points = Self {
            first: Vec::new(),
            interaction: Vec::new(),
        };
        for cell in &air.air.mask {
            let x = z * generator.pow([cell.offset as u64]);
            match cell.column.checked_sub(n_first) {
                None => points.first.push((cell.column, x)),
                Some(column) => points.interaction.push((column, x)),
            }
        }
        points
    }
}

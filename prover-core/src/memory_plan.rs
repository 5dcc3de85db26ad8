//! Plans the device memory of a proof before anything is allocated: what is held in every phase, and how many cosets of
//! the extended traces are kept instead of being evaluated again.
//!
//! The plan follows the prover step by step and counts buffers by the same tags. Operations may need scratch memory of
//! their own, whose size the device states.

use crate::commit::TableShape;
use crate::commit::table::tree_nodes;
use crate::cost::Shape;
use crate::parameters::Parameters;
use crate::progress::Phase;
use crate::tags::{
    COMPOSITION, EXTENSION, FRI_COSET, FRI_LAYER, INTERACTION, SCANNED, SCRATCH, SEGMENT, TABLES, TRACE,
    TREE, VALUES,
};
use quarry_kernels::{Device, Digest, Felt, Tag};
use serde::{Serialize, Serializer};

/// Cosets on which the constraints are evaluated.
const N_COMPOSITION_COSETS: usize = 2;

/// The memory of a proof.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryPlan {
    /// Number of cosets of the extended traces that are kept for the composition and the DEEP quotient: those of the
    /// composition, or none.
    pub n_kept_cosets: usize,
    /// The most device memory held at once, in bytes.
    pub peak_bytes: u64,
    /// Further memory in bytes that the device takes and keeps: tables of its own, copies of buffers that it cannot
    /// bind.
    pub margin_bytes: u64,
    /// Bytes of the trace's columns on the host before they go to the device.
    pub host_bytes: u64,
    /// Every phase that takes device memory, in order.
    pub phases: Vec<PlannedPhase>,
}

/// The device memory of one phase.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedPhase {
    /// The phase.
    #[serde(serialize_with = "phase_name")]
    pub phase: Phase,
    /// The most bytes held at once.
    pub peak_bytes: u64,
    /// The tags that hold them, largest first.
    #[serde(serialize_with = "tag_names")]
    pub by_tag: Vec<(Tag, u64)>,
}

fn phase_name<S: Serializer>(phase: &Phase, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(phase.name())
}

fn tag_names<S: Serializer>(by_tag: &[(Tag, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(by_tag.iter().map(|(tag, bytes)| (tag.0, bytes)))
}

/// Why there is no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryPlanError {
    /// Even a plan that keeps nothing does not fit.
    #[error(
        "the proof needs {needed} bytes of device memory (most of them in phase '{}', for '{}'), but {free} are free: \
         use a device with more memory, or prove fewer steps", phase.name(), tag.0
    )]
    TooLarge {
        /// Bytes that the leanest plan takes.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// The phase with the peak.
        phase: Phase,
        /// The tag that takes most of it.
        tag: Tag,
    },
}

impl MemoryPlan {
    /// The fastest plan that fits `budget` bytes; without a budget, the leanest. `device` states what its operations
    /// take besides buffers.
    ///
    /// # Errors
    /// [`MemoryPlanError`].
    pub fn new<D: Device>(
        device: &D,
        shape: &Shape,
        parameters: &Parameters,
        budget: Option<u64>,
    ) -> Result<Self, MemoryPlanError> {
        let scratch = [
            device.inversion_scratch(shape.log_len),
            device.program_scratch(shape.n_registers, &shape.table_lengths, shape.log_len),
        ];
        let largest_table = shape.n_columns.into_iter().max().unwrap_or(0) << shape.log_len;
        let margin = device.margin(largest_table);
        let leanest = Self::keeping(0, shape, parameters, scratch, margin);
        let Some(free) = budget else {
            return Ok(leanest);
        };
        // Keeping only one coset takes as much memory: the other one lies beside it when the constraints are evaluated.
        let keeping = Self::keeping(N_COMPOSITION_COSETS, shape, parameters, scratch, margin);
        if keeping.device_bytes() <= free {
            return Ok(keeping);
        }
        let fullest = leanest.phases.iter().max_by_key(|phase| phase.peak_bytes);
        match fullest.and_then(|phase| Some((phase, phase.by_tag.first()?))) {
            Some((phase, &(tag, _))) if leanest.device_bytes() > free => Err(MemoryPlanError::TooLarge {
                needed: leanest.device_bytes(),
                free,
                phase: phase.phase,
                tag,
            }),
            _ => Ok(leanest),
        }
    }

    /// The leanest plan on a device that takes nothing besides buffers, such as the CPU.
    pub fn leanest(shape: &Shape, parameters: &Parameters) -> Self {
        Self::keeping(0, shape, parameters, [0, 0], 0)
    }

    /// The device memory that the proof needs, in bytes.
    pub fn device_bytes(&self) -> u64 {
        self.peak_bytes + self.margin_bytes
    }

    /// The plan that keeps `n_kept` cosets.
    fn keeping(
        n_kept: usize,
        shape: &Shape,
        parameters: &Parameters,
        scratch: [u64; 2],
        margin: u64,
    ) -> Self {
        let mut ledger = Ledger::default();
        Steps {
            column: felts(1 << shape.log_len),
            kept: n_kept as u64,
            inversion_scratch: scratch[0],
            program_scratch: scratch[1],
            log_len: shape.log_len,
            parameters,
        }
        .walk(shape, &mut ledger);
        let phases = ledger.phases;
        Self {
            n_kept_cosets: n_kept,
            peak_bytes: phases.iter().map(|phase| phase.peak_bytes).max().unwrap_or(0),
            margin_bytes: margin,
            host_bytes: felts(shape.n_columns[0] << shape.log_len),
            phases,
        }
    }
}

fn felts(n: usize) -> u64 {
    (n * size_of::<Felt>()) as u64
}

fn digests(n: usize) -> u64 {
    (n * size_of::<Digest>()) as u64
}

/// The memory held, phase by phase.
#[derive(Default)]
struct Ledger {
    held: Vec<(Tag, u64)>,
    phases: Vec<PlannedPhase>,
}

impl Ledger {
    fn begin(&mut self, phase: Phase) {
        self.phases.push(PlannedPhase {
            phase,
            peak_bytes: 0,
            by_tag: Vec::new(),
        });
        self.moment(&[]);
    }

    fn hold(&mut self, tag: Tag, bytes: u64) {
        match self.held.iter_mut().find(|held| held.0 == tag) {
            Some(held) => held.1 += bytes,
            None => self.held.push((tag, bytes)),
        }
        self.moment(&[]);
    }

    fn release(&mut self, tag: Tag) {
        self.held.retain(|held| held.0 != tag);
    }

    /// Records what is held, together with the temporary buffers `beside`.
    fn moment(&mut self, beside: &[(Tag, u64)]) {
        let mut by_tag = self.held.clone();
        for &(tag, bytes) in beside {
            match by_tag.iter_mut().find(|held| held.0 == tag) {
                Some(held) => held.1 += bytes,
                None => by_tag.push((tag, bytes)),
            }
        }
        let total = by_tag.iter().map(|(_, bytes)| bytes).sum();
        if let Some(phase) = self.phases.last_mut().filter(|phase| phase.peak_bytes < total) {
            by_tag.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
            (phase.peak_bytes, phase.by_tag) = (total, by_tag);
        }
    }
}

/// The prover's steps that take memory.
struct Steps<'a> {
    /// Bytes of a column.
    column: u64,
    /// Number of kept cosets.
    kept: u64,
    /// Scratch bytes for the inversion of a column.
    inversion_scratch: u64,
    /// Scratch bytes for the constraint program, besides the columns and tables that it reads.
    program_scratch: u64,
    log_len: u32,
    parameters: &'a Parameters,
}

impl Steps<'_> {
    fn walk(&self, shape: &Shape, ledger: &mut Ledger) {
        let [first, interaction, composition] = shape.n_columns.map(|n| n as u64);
        ledger.begin(Phase::CommitTrace);
        ledger.hold(TRACE, first * self.column);
        ledger.hold(SCANNED, shape.n_scanned as u64 * self.column);
        self.commit(shape.n_columns[0], ledger);

        ledger.begin(Phase::CommitInteraction);
        ledger.hold(INTERACTION, interaction * self.column);
        ledger.release(SCANNED);
        self.commit(shape.n_columns[1], ledger);

        ledger.begin(Phase::Composition);
        ledger.hold(COMPOSITION, composition * self.column);
        let again = if self.kept == 0 { first + interaction } else { 0 };
        ledger.moment(&[
            (EXTENSION, again * self.column),
            (TABLES, felts(shape.table_lengths.iter().sum())),
            (VALUES, self.column),
            (SCRATCH, self.program_scratch),
        ]);
        self.commit(shape.n_columns[2], ledger);

        ledger.begin(Phase::OutOfDomain);

        ledger.begin(Phase::Quotient);
        ledger.hold(VALUES, self.column);
        let all = if self.kept == 0 {
            first + interaction + composition
        } else {
            0
        };
        // The denominators, which are inverted, lie beside the values.
        ledger.moment(&[
            (EXTENSION, all * self.column),
            (VALUES, self.column),
            (SCRATCH, self.inversion_scratch),
        ]);
        ledger.release(EXTENSION);

        self.fri(ledger);
    }

    /// A commitment to a trace whose columns are held.
    fn commit(&self, n_columns: usize, ledger: &mut Ledger) {
        let log_cosets = self.parameters.log_n_cosets;
        let table = TableShape {
            n_columns,
            log_rows: self.log_len + log_cosets,
        };
        let [segment, tree] = tree_nodes(table, log_cosets).map(digests);
        let extension = n_columns as u64 * self.column;
        ledger.hold(TREE, tree);
        ledger.hold(EXTENSION, self.kept * extension);
        let further = u64::from(self.kept < 1 << log_cosets);
        ledger.moment(&[(SEGMENT, segment), (EXTENSION, further * extension)]);
    }

    fn fri(&self, ledger: &mut Ledger) {
        ledger.begin(Phase::Fri);
        let log_cosets = self.parameters.log_n_cosets;
        let steps = &self.parameters.fri.fri_step_list;
        let mut log_len = self.log_len;
        let mut is_polynomial = true;
        for (i, &step) in steps.iter().enumerate() {
            if step > 0 {
                // Folds by halves; each result lies beside the one before.
                let first_halves = |bytes: u64| bytes / 2 + if step > 1 { bytes / 4 } else { 0 };
                let folded = felts(1 << (log_len - step + log_cosets));
                if is_polynomial {
                    let coset = first_halves(self.column);
                    let held = [(FRI_COSET, self.column), (FRI_LAYER, folded + coset)];
                    ledger.moment(&held);
                } else {
                    ledger.moment(&[(FRI_LAYER, first_halves(felts(1 << (log_len + log_cosets))))]);
                }
                ledger.hold(FRI_LAYER, folded);
                is_polynomial = false;
                log_len -= step;
            }
            let coset = (FRI_COSET, if is_polynomial { self.column } else { 0 });
            if let Some(&log_row) = steps.get(i + 1) {
                let table = TableShape {
                    n_columns: 1 << log_row,
                    log_rows: log_len - log_row + log_cosets,
                };
                let [segment, tree] = tree_nodes(table, log_cosets).map(digests);
                ledger.hold(TREE, tree);
                ledger.moment(&[(SEGMENT, segment), coset]);
            } else {
                ledger.moment(&[(FRI_COSET, felts(1 << log_len))]);
            }
        }
    }
}

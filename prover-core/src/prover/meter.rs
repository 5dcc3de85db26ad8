//! Times phases, reports progress to the observer, and stops the work on request.

use crate::cost::Shape;
use crate::parameters::Parameters;
use crate::progress::{Cancel, Observer, Phase};
use quarry_kernels::{Device, DeviceError, Tag, Ticket};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Time and memory of a phase.
#[derive(Clone, Debug)]
pub struct PhaseStatistics {
    /// The phase.
    pub phase: Phase,
    /// Its wall time.
    pub time: Duration,
    /// The most device memory held during it, in bytes.
    pub peak_bytes: u64,
    /// What held it: tag and bytes, largest first.
    pub peak_by_tag: Vec<(Tag, u64)>,
}

/// Number of cosets enqueued at once: the device works on one while the next is prepared. With more, progress reports
/// would run ahead of the work, and cancellation would come late.
const COSETS_IN_FLIGHT: usize = 2;

/// Times phases, reports progress to the observer, and stops the work on request.
pub(super) struct Meter<'a, D: Device> {
    device: &'a D,
    observer: &'a dyn Observer,
    pub(super) cancel: &'a Cancel,
    /// Every phase with the share of the whole job at its beginning and at its end.
    fractions: Vec<(Phase, f64, f64)>,
    steps_per_commit: f64,
    steps: Cell<f64>,
    in_flight: RefCell<VecDeque<Ticket>>,
    current: Option<(Phase, Instant)>,
    phases: Vec<PhaseStatistics>,
}

impl<'a, D: Device> Meter<'a, D> {
    pub(super) fn new(
        device: &'a D,
        shape: &Shape,
        parameters: &Parameters,
        observer: &'a dyn Observer,
        cancel: &'a Cancel,
    ) -> Self {
        let costs = shape.multiplications(parameters);
        let total: f64 = costs.iter().map(|(_, cost)| cost).sum();
        let mut done = 0.0;
        let fractions = costs
            .into_iter()
            .map(|(phase, cost)| {
                let begin = done / total;
                done += cost;
                (phase, begin, done / total)
            })
            .collect();
        Self {
            device,
            observer,
            cancel,
            fractions,
            steps_per_commit: f64::from(1 << parameters.log_n_cosets),
            steps: Cell::new(0.0),
            in_flight: RefCell::default(),
            current: None,
            phases: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, phase: Phase) -> Result<(), DeviceError> {
        self.end_phase();
        self.check()?;
        self.observer.begin(phase, self.span(phase).0);
        self.steps.set(0.0);
        self.current = Some((phase, Instant::now()));
        Ok(())
    }

    fn span(&self, phase: Phase) -> (f64, f64) {
        let found = self
            .fractions
            .iter()
            .find(|(candidate, _, _)| *candidate == phase);
        found.map_or((0.0, 1.0), |&(_, begin, end)| (begin, end))
    }

    /// Called with the ticket of every enqueued coset of a commitment. Waits for the coset before it, and reports that
    /// as progress.
    pub(super) fn step(&self, coset: Ticket) -> Result<(), DeviceError> {
        let mut in_flight = self.in_flight.borrow_mut();
        in_flight.push_back(coset);
        while in_flight.len() >= COSETS_IN_FLIGHT {
            if let Some(coset) = in_flight.pop_front() {
                coset.wait()?;
            }
            self.steps.set(self.steps.get() + 1.0);
            if let Some((phase, _)) = self.current {
                let (begin, end) = self.span(phase);
                let share = (self.steps.get() / self.steps_per_commit).min(1.0);
                self.observer.advance(begin + (end - begin) * share);
            }
        }
        self.check()
    }

    pub(super) fn check(&self) -> Result<(), DeviceError> {
        if self.cancel.is_cancelled() {
            Err(DeviceError::Cancelled)
        } else {
            Ok(())
        }
    }

    fn end_phase(&mut self) {
        // The download of a commitment's root has already waited for its cosets.
        self.in_flight.borrow_mut().clear();
        if let Some((phase, start)) = self.current.take() {
            let usage = self.device.take_peak();
            let (peak_bytes, peak_by_tag) = (usage.peak, usage.peak_by_tag);
            self.phases.push(PhaseStatistics {
                phase,
                time: start.elapsed(),
                peak_bytes,
                peak_by_tag,
            });
        }
    }

    pub(super) fn finish(mut self) -> Vec<PhaseStatistics> {
        self.end_phase();
        self.phases
    }
}

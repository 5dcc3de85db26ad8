//! Checks the constraints against Stone's proofs: at the out-of-domain point the constraints, evaluated from the opened
//! values, must give the value of the committed composition polynomial.

use super::annotated;
use crate::common::{Golden, repository};
use crate::corpus::AnnotatedProof;
use ark_ff::Field;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::air::AirError;
use quarry_prover_core::cairo::air::CairoAir;
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::public_input::PublicInput;

/// The data of a proof about its composition polynomial.
struct Sampling {
    public_input: PublicInput,
    elements: Vec<Felt>,
    alpha: Felt,
    point: Felt,
    /// The values of the mask, then those of the two halves of the composition polynomial.
    values: Vec<Felt>,
}

impl Sampling {
    /// Reads the data from the annotations of a proof.
    fn read(proof: &AnnotatedProof) -> Self {
        Self {
            public_input: PublicInput::from_json(&proof.file["public_input"]).expect("a public input"),
            elements: proof.felts(&["V->P", "Interaction element #"]),
            // The quotient's random element has the same name and comes later.
            alpha: proof.felts(&["V->P", "Constraint polynomial random element"])[0],
            point: proof.felts(&["V->P", "Evaluation point"])[0],
            values: proof.felts(&["P->V", "OODS values: "]),
        }
    }

    fn air(&self) -> CairoAir {
        let layout = Layout::of(&self.public_input).expect("a layout");
        CairoAir::new(&layout, self.public_input.n_steps).expect("an AIR")
    }

    /// The composition polynomial at the point, from the constraints.
    fn composition(&self, air: &CairoAir) -> Felt {
        let scalars = air.scalars(&self.public_input, &self.elements).expect("scalars");
        let mask = &self.values[..self.values.len() - 2];
        air.air
            .evaluate_at(self.point, mask, &scalars, self.alpha)
            .expect("a value")
    }

    /// The same from the two committed halves.
    fn claimed(&self) -> Felt {
        match self.values[..] {
            [.., even, odd] => even + self.point * odd,
            _ => panic!("no values"),
        }
    }

    fn check(&self) {
        let air = self.air();
        assert_eq!(air.n_interaction_elements(), self.elements.len());
        assert_eq!(air.air.mask.len() + 2, self.values.len());
        assert_eq!(self.composition(&air), self.claimed());
    }
}

/// Proofs in which every cell of the mask is used: every builtin is in use.
const BUSY: [&str; 2] = ["plain/fib_2p9", "small/c1"];

fn sample(case: &str) -> Sampling {
    let rows = repository();
    let mut of_case = rows.iter().filter(|row| row.name().starts_with(case));
    Sampling::read(
        &of_case
            .find_map(Golden::annotated_proof)
            .expect("a proof of the case"),
    )
}

#[test]
fn constraints_give_the_committed_composition() {
    for (_, proof) in annotated() {
        println!("{}", proof.name);
        Sampling::read(&proof).check();
    }
}

#[test]
fn every_value_matters() {
    for case in BUSY {
        let mut sampling = sample(case);
        let air = sampling.air();
        for i in 0..sampling.values.len() {
            sampling.values[i] += Felt::from(1u64);
            assert_ne!(
                sampling.composition(&air),
                sampling.claimed(),
                "{case}: value {i}"
            );
            sampling.values[i] -= Felt::from(1u64);
        }
        for i in 0..sampling.elements.len() {
            sampling.elements[i] += Felt::from(1u64);
            assert_ne!(
                sampling.composition(&air),
                sampling.claimed(),
                "{case}: element {i}"
            );
            sampling.elements[i] -= Felt::from(1u64);
        }
    }
}

#[test]
fn points_of_the_trace_are_refused() {
    let mut sampling = sample(BUSY[0]);
    let air = sampling.air();
    let scalars = air
        .scalars(&sampling.public_input, &sampling.elements)
        .expect("scalars");
    sampling.point = felt::subgroup_generator(air.air.trace_length.ilog2()).pow([7]);
    let mask = &sampling.values[..sampling.values.len() - 2];
    let error = air
        .air
        .evaluate_at(sampling.point, mask, &scalars, sampling.alpha);
    assert!(matches!(error, Err(AirError::PointInDomain(_))), "{error:?}");
    let error = air
        .air
        .evaluate_at(sampling.point, &mask[1..], &scalars, sampling.alpha);
    assert!(matches!(error, Err(AirError::Length { .. })), "{error:?}");
}

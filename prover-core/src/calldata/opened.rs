//! The parts of a valid proof, each as field elements.

use crate::channel::{Kind, Record};
use quarry_kernels::{Felt, felt};

/// The outermost scope of everything that a proof holds.
const SCOPE: &str = "cpu air/STARK";
/// The scopes of the commitments to the traces.
const COMMITMENTS: [&str; 3] = [
    "Original/Commit on Trace",
    "Interaction/Commit on Trace",
    "Out Of Domain Sampling/Commit on Trace",
];

/// What opens a committed table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opening {
    /// The elements of the opened rows that the verifier does not know.
    pub values: Vec<Felt>,
    /// What completes the Merkle paths, from the rows up. For a table of one column this begins with elements, in
    /// Montgomery form, because its leaves are pairs of them.
    pub nodes: Vec<Felt>,
}

/// The parts of a proof. The numbers are those that Stone's annotations show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The roots of the traces: the first, the interaction, the composition.
    pub traces: [Felt; 3],
    /// The values at the out-of-domain point.
    pub out_of_domain: Vec<Felt>,
    /// The roots of the layers of FRI, from layer 1.
    pub layers: Vec<Felt>,
    /// The coefficients of the last layer.
    pub last_layer: Vec<Felt>,
    /// The nonce of the proof of work.
    pub nonce: Vec<Felt>,
    /// The openings of the traces.
    pub trace_openings: [Opening; 3],
    /// The openings of the layers of FRI, from layer 1.
    pub layer_openings: Vec<Opening>,
}

impl Opened {
    /// The parts of a valid proof in the Poseidon channel; `None` if the record lacks one. (All parts are field
    /// elements: that channel takes nothing else.)
    pub fn read(proof: &[u8], record: &Record) -> Option<Self> {
        let parts = Parts { proof, record };
        // The last state is that of the last layer, which has no commitment.
        let layers = 1..record.fri.len();
        let traces = COMMITMENTS
            .iter()
            .map(|scope| parts.required(scope, Kind::Commitment));
        let roots = layers.clone().map(|layer| {
            let scope = format!("FRI/Commitment/Layer {layer}");
            parts.required(&scope, Kind::Commitment)
        });
        let trace_openings = (0..COMMITMENTS.len()).map(|trace| {
            let scope = format!("FRI/Decommitment/Layer 0/Virtual Oracle/Trace {trace}");
            parts.opening(&scope)
        });
        let layer_openings = layers.map(|layer| parts.opening(&format!("FRI/Decommitment/Layer {layer}")));
        Some(Self {
            traces: traces.collect::<Option<Vec<_>>>()?.concat().try_into().ok()?,
            out_of_domain: parts.required("Out Of Domain Sampling/OODS values", Kind::Felts)?,
            layers: roots.collect::<Option<Vec<_>>>()?.concat(),
            last_layer: parts.required("FRI/Commitment/Last Layer", Kind::Felts)?,
            nonce: parts.required("FRI/Proof of Work", Kind::Data)?,
            trace_openings: trace_openings.collect::<Option<Vec<_>>>()?.try_into().ok()?,
            layer_openings: layer_openings.collect::<Option<_>>()?,
        })
    }
}

/// A proof and the record of its verification.
struct Parts<'a> {
    proof: &'a [u8],
    record: &'a Record,
}

impl Parts<'_> {
    fn opening(&self, scope: &str) -> Option<Opening> {
        let [completing, nodes] = [Kind::Data, Kind::Nodes].map(|kind| self.felts(scope, kind));
        Some(Opening {
            values: self.felts(scope, Kind::RowElements)?,
            nodes: [completing?, nodes?].concat(),
        })
    }

    /// The field elements of one kind in a scope that every proof has.
    fn required(&self, scope: &str, kind: Kind) -> Option<Vec<Felt>> {
        self.felts(scope, kind).filter(|felts| !felts.is_empty())
    }

    /// The field elements of one kind in a scope; empty if there are none.
    fn felts(&self, scope: &str, kind: Kind) -> Option<Vec<Felt>> {
        let decode = match kind {
            Kind::RowElements => felt::from_montgomery_bytes,
            _ => felt::from_standard_bytes,
        };
        let scope = format!("{SCOPE}/{scope}");
        let mut sections = self.record.sections.iter();
        let section = sections.find(|section| section.kind == kind && section.scope == scope);
        let bytes = section.map_or(Some(&[][..]), |section| self.proof.get(section.bytes.clone()))?;
        bytes.as_chunks::<32>().0.iter().map(decode).collect()
    }
}

//! What device memory is taken for. The prover takes every buffer under one of these tags, and
//! [`memory_plan`](crate::memory_plan) counts by the same tags.

use quarry_kernels::Tag;

/// The trace: its columns, then their coefficients.
pub const TRACE: Tag = Tag("trace");
/// Columns of the trace from which the interaction is computed.
pub const SCANNED: Tag = Tag("scanned columns");
/// The interaction trace.
pub const INTERACTION: Tag = Tag("interaction");
/// The composition trace.
pub const COMPOSITION: Tag = Tag("composition columns");
/// Evaluations of traces on cosets.
pub const EXTENSION: Tag = Tag("LDE cosets");
/// The tree of one coset.
pub const SEGMENT: Tag = Tag("tree of one coset");
/// The upper layers of trees.
pub const TREE: Tag = Tag("trees");
/// Tables that the constraints read.
pub const TABLES: Tag = Tag("constraint tables");
/// One column of the composition or of the DEEP quotient.
pub const VALUES: Tag = Tag("quotient");
/// One coset of the first FRI layer.
pub const FRI_COSET: Tag = Tag("FRI coset");
/// The other FRI layers.
pub const FRI_LAYER: Tag = Tag("FRI layer");
/// Rows that are opened.
pub const OPENED: Tag = Tag("opened rows");
/// Temporary memory of operations.
pub const SCRATCH: Tag = Tag("scratch");

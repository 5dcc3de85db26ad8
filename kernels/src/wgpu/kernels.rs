//! The kernels: their source text and their buffers.

use super::pipelines::Variant;
use crate::felt::Felt;
use std::fmt::Write;

/// How a kernel uses a buffer. If a launch binds chunks of one buffer twice, both uses must be `Write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Invocations per workgroup, unless a kernel specifies another number; `WORKGROUP` of `launch.wgsl`.
pub(super) const WORKGROUP: usize = 64;

/// Parts of every module, except the one that depends on the adapter's integers.
const COMMON: &[&str] = &[include_str!("felt.wgsl"), include_str!("launch.wgsl")];

const ROOTS: &str = include_str!("roots.wgsl");
const NTT: &str = include_str!("ntt.wgsl");
const EVALUATE: &str = "const EVALUATE = true;";
const INTERPOLATE: &str = "const EVALUATE = false;";
const FROM_ELSEWHERE: &str = "
@group(0) @binding(5) var<storage, read> source: array<Felt>;
fn read_from(i: u32) -> Felt { return source[i]; }";
const IN_PLACE: &str = "fn read_from(i: u32) -> Felt { return out[i]; }";
const FOLD: &str = include_str!("fold.wgsl");

const PAIR: &str = "struct Pair { a: Felt, b: Felt }";
const PRODUCTS: &str = "
// Two products side by side.
struct Pair { a: Felt, b: Felt }
fn identity() -> Pair { return Pair(FELT_ONE, FELT_ONE); }
fn join(first: Pair, then: Pair) -> Pair { return Pair(felt_mul(first.a, then.a), felt_mul(first.b, then.b)); }";
const AFFINE: &str = "
// The map `x -> a x + b`, first one and then the other.
struct Pair { a: Felt, b: Felt }
fn identity() -> Pair { return Pair(FELT_ONE, FELT_ZERO); }
fn join(first: Pair, then: Pair) -> Pair {
    return Pair(felt_mul(first.a, then.a), felt_add(felt_mul(first.b, then.a), then.b));
}";
const RUNS: &str = include_str!("runs.wgsl");
const INVERT: &str = include_str!("invert.wgsl");
const PERMUTATION: &str = include_str!("permutation.wgsl");
const CUMULATIVE: &str = include_str!("cumulative.wgsl");

const DIGEST: &str = include_str!("digest.wgsl");
const KECCAK: &str = include_str!("keccak.wgsl");
const BLAKE2S: &str = include_str!("blake2s.wgsl");
const POSEIDON: &str = include_str!("poseidon.wgsl");
const PEDERSEN: &str = include_str!("pedersen.wgsl");
const ROWS: &str = include_str!("rows.wgsl");
const ROW_OF_KECCAK: &str = "fn hash_row(n_columns: u32) -> Digest { return keccak256(8u * n_columns); }";
const ROW_OF_BLAKE2S: &str = "fn hash_row(n_columns: u32) -> Digest { return blake2s256(8u * n_columns); }";
const ROW_OF_ELEMENTS: &str =
    "fn hash_row(n_columns: u32) -> Digest { return digest_of_felt(hash_elements(n_columns)); }";
const ROW_OF_TWO: &str = "fn hash_row(n_columns: u32) -> Digest { return digest_of_felt(hash_two()); }";
const HASH_ROWS: &str = include_str!("hash_rows.wgsl");
const NODES: &str = include_str!("nodes.wgsl");
const NODE_OF_KECCAK: &str = "fn hash_node() -> Digest { return keccak256(16u); }";
const NODE_OF_BLAKE2S: &str = "fn hash_node() -> Digest { return blake2s256(16u); }";
const NODE_OF_TWO: &str = "fn hash_node() -> Digest { return digest_of_felt(hash_two()); }";
const HASH_NODES: &str = include_str!("hash_nodes.wgsl");
const NONCE: &str = include_str!("nonce.wgsl");
const NONCE_OF_KECCAK: &str = "fn hash_nonce() -> Digest { return keccak256(10u); }";
const NONCE_OF_BLAKE2S: &str = "fn hash_nonce() -> Digest { return blake2s256(10u); }";
const GRIND: &str = include_str!("grind.wgsl");

use Access::{Read, Write as Written};

macro_rules! kernels {
    ($($kernel:ident = $entry:literal, $bindings:expr, $parts:expr;)*) => {
        /// A kernel.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) enum Kernel {
            $($kernel,)*
        }

        impl Kernel {
            /// Every kernel, in numerical order.
            #[cfg(test)]
            pub(super) const ALL: &[Kernel] = &[$(Kernel::$kernel,)*];

            /// The kernel's human-readable name.
            pub(super) fn name(self) -> &'static str {
                [$(stringify!($kernel),)*][self as usize]
            }

            /// The name of the entry point.
            pub(super) fn entry(self) -> &'static str {
                [$($entry,)*][self as usize]
            }

            /// The kernel's buffers, after the parameters.
            pub(super) fn bindings(self) -> &'static [Access] {
                const BINDINGS: &[&[Access]] = &[$(&$bindings,)*];
                BINDINGS[self as usize]
            }

            /// The parts of the source text that are specific to the kernel.
            fn parts(self) -> &'static [&'static str] {
                const PARTS: &[&[&str]] = &[$(&$parts,)*];
                PARTS[self as usize]
            }
        }
    };
}

kernels! {
    Powers = "powers", [Read, Written], [ROOTS, include_str!("powers.wgsl")];
    Compose = "compose", [Read, Written, Written, Read, Read, Read, Read, Read], [include_str!("compose.wgsl")];
    EvaluateApart = "transform", [Read, Read, Read, Written, Read], [ROOTS, EVALUATE, FROM_ELSEWHERE, NTT];
    EvaluateInPlace = "transform", [Read, Read, Read, Written], [ROOTS, EVALUATE, IN_PLACE, NTT];
    Interpolate = "transform", [Read, Read, Read, Written], [ROOTS, INTERPOLATE, IN_PLACE, NTT];
    EvaluateFold = "evaluate_fold", [Read, Read, Read, Written], [include_str!("evaluate.wgsl")];
    Fold = "fold", [Read, Read, Read, Read, Written], [ROOTS, FOLD];
    Split = "split", [Read, Read, Read, Read, Written], [ROOTS, FOLD];
    Gather = "gather", [Read, Read, Written], [include_str!("gather.wgsl")];
    FoldProducts = "fold_runs", [Read, Written, Written], [PRODUCTS, RUNS];
    ScanProducts = "scan_runs", [Read, Written, Written], [PRODUCTS, RUNS];
    FoldAffine = "fold_runs", [Read, Written, Written], [AFFINE, RUNS];
    ScanAffine = "scan_runs", [Read, Written, Written], [AFFINE, RUNS];
    InverseFolds = "inverse_folds", [Written, Written], [PAIR, INVERT];
    InverseWrite = "inverse_write", [Written, Written], [PAIR, INVERT];
    InverseOfAll = "inverse_of_all", [Written], [PAIR, include_str!("inverse.wgsl")];
    PermutationFolds = "permutation_folds", [Read, Read, Written, Written, Written], [PAIR, PERMUTATION];
    PermutationWrite = "permutation_write", [Read, Read, Written, Written, Written], [PAIR, PERMUTATION];
    CumulativeFolds = "cumulative_folds", [Read, Written, Written, Written], [AFFINE, CUMULATIVE];
    CumulativeWrite = "cumulative_write", [Read, Written, Written, Written], [AFFINE, CUMULATIVE];
    RowsKeccak = "hash_rows", [Read, Read, Read, Written], [DIGEST, ROWS, KECCAK, ROW_OF_KECCAK, HASH_ROWS];
    RowsBlake2s = "hash_rows", [Read, Read, Read, Written], [DIGEST, ROWS, BLAKE2S, ROW_OF_BLAKE2S, HASH_ROWS];
    RowsPoseidon = "hash_rows", [Read, Read, Read, Written], [DIGEST, ROWS, POSEIDON, ROW_OF_ELEMENTS, HASH_ROWS];
    RowsPedersen = "hash_rows", [Read, Read, Read, Written], [DIGEST, ROWS, PEDERSEN, ROW_OF_ELEMENTS, HASH_ROWS];
    PairsPoseidon = "hash_rows", [Read, Read, Read, Written], [DIGEST, ROWS, POSEIDON, ROW_OF_TWO, HASH_ROWS];
    PairsPedersen = "hash_rows", [Read, Read, Read, Written], [DIGEST, ROWS, PEDERSEN, ROW_OF_TWO, HASH_ROWS];
    NodesKeccak = "hash_nodes", [Read, Read, Written], [DIGEST, NODES, KECCAK, NODE_OF_KECCAK, HASH_NODES];
    NodesBlake2s = "hash_nodes", [Read, Read, Written], [DIGEST, NODES, BLAKE2S, NODE_OF_BLAKE2S, HASH_NODES];
    NodesPoseidon = "hash_nodes", [Read, Read, Written], [DIGEST, NODES, POSEIDON, NODE_OF_TWO, HASH_NODES];
    NodesPedersen = "hash_nodes", [Read, Read, Written], [DIGEST, NODES, PEDERSEN, NODE_OF_TWO, HASH_NODES];
    GrindKeccak = "grind", [Written], [DIGEST, NONCE, KECCAK, NONCE_OF_KECCAK, GRIND];
    GrindBlake2s = "grind", [Written], [DIGEST, NONCE, BLAKE2S, NONCE_OF_BLAKE2S, GRIND];
    Multiply = "multiply", [Written], [include_str!("multiply.wgsl")];
}

impl Kernel {
    /// The source text of the kernel's module.
    pub(super) fn text(self, variant: Variant) -> String {
        let mut text = format!("const LOG_TILE = {}u;\n", variant.log_tile);
        text.push_str(if variant.has_int64 {
            include_str!("felt_u64.wgsl")
        } else {
            include_str!("felt_u32.wgsl")
        });
        for part in COMMON.iter().chain(self.parts()) {
            let _ = writeln!(text, "{part}");
        }
        text
    }
}

/// The parameters of a launch, laid out as the uniform structure that the kernel declares. Elements come first, so that
/// there is no padding.
#[derive(Default)]
pub(super) struct Parameters(Vec<u8>);

/// The limbs of an element in the kernels' form.
pub(super) fn limbs(felt: &Felt) -> [u32; 8] {
    std::array::from_fn(|i| (felt.0.0[i / 2] >> (32 * (i % 2))) as u32)
}

impl Parameters {
    pub(super) fn felt(self, felt: &Felt) -> Self {
        self.words(&limbs(felt))
    }

    pub(super) fn words(mut self, words: &[u32]) -> Self {
        self.0.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

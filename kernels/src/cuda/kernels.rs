//! The kernels by name.

use std::ffi::{CStr, c_void};
use std::marker::PhantomData;

macro_rules! kernels {
    ($($kernel:ident = $name:literal, $threads:literal;)*) => {
        /// A kernel of the module.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kernel {
            $($kernel,)*
        }

        impl Kernel {
            /// Every kernel, in numerical order.
            pub(super) const ALL: &[Kernel] = &[$(Kernel::$kernel,)*];

            /// The kernel's name in the module.
            pub(super) fn name(self) -> &'static CStr {
                const NAMES: &[&CStr] = &[$(
                    match CStr::from_bytes_with_nul(concat!($name, "\0").as_bytes()) {
                        Ok(name) => name,
                        Err(_) => panic!("a zero byte in a name"),
                    },
                )*];
                NAMES[self as usize]
            }

            /// The kernel's human-readable name.
            pub(super) fn label(self) -> &'static str {
                [$($name,)*][self as usize]
            }

            /// Threads per block.
            pub(super) fn threads(self) -> u32 {
                [$($threads,)*][self as usize]
            }
        }
    };
}

kernels! {
    Powers = "powers", 256;
    EvaluatePass = "evaluate_pass", 256;
    InterpolatePass = "interpolate_pass", 256;
    EvaluateFold = "evaluate_fold", 128;
    HashRowsKeccak = "hash_rows_keccak", 128;
    HashRowsBlake2s = "hash_rows_blake2s", 128;
    HashRowsPoseidon = "hash_rows_poseidon", 128;
    HashRowsPedersen = "hash_rows_pedersen", 128;
    HashPairsPoseidon = "hash_pairs_poseidon", 128;
    HashPairsPedersen = "hash_pairs_pedersen", 128;
    HashNodesKeccak = "hash_nodes_keccak", 128;
    HashNodesBlake2s = "hash_nodes_blake2s", 128;
    HashNodesPoseidon = "hash_nodes_poseidon", 128;
    HashNodesPedersen = "hash_nodes_pedersen", 128;
    Compose = "compose", 64;
    DeepQuotient = "deep_quotient", 256;
    Fold = "fold", 256;
    SplitEvenOdd = "split_even_odd", 256;
    FoldProducts = "fold_products", 128;
    ScanProducts = "scan_products", 128;
    FoldAffine = "fold_affine", 128;
    ScanAffine = "scan_affine", 128;
    PermutationFolds = "permutation_folds", 128;
    InverseOfAll = "inverse_of_all", 1;
    PermutationWrite = "permutation_write", 128;
    InverseFolds = "inverse_folds", 128;
    InverseWrite = "inverse_write", 128;
    CumulativeFolds = "cumulative_folds", 128;
    CumulativeWrite = "cumulative_write", 128;
    Gather = "gather", 256;
    GrindKeccak = "grind_keccak", 128;
    GrindBlake2s = "grind_blake2s", 128;
    Multiply = "multiply", 256;
}

impl Kernel {
    /// Whether launches give the kernel dynamic shared memory.
    pub(super) fn has_dynamic_shared(self) -> bool {
        self == Kernel::Compose
    }

    /// The grid with one thread for each of `n` items.
    pub(super) fn grid(self, n: u64) -> Grid {
        Grid {
            x: n.div_ceil(u64::from(self.threads())).max(1),
            y: 1,
        }
    }
}

/// The blocks of a launch, in two dimensions.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) x: u64,
    pub(super) y: u64,
}

/// A value with the alignment of the kernels' structures.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Aligned<T>(pub(super) T);

/// A pointer to an argument of a launch, valid while the argument lives.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Argument<'a>(*const c_void, PhantomData<&'a ()>);

impl<'a> Argument<'a> {
    /// An argument that consists of the bytes of `value`.
    pub(super) fn new<T>(value: &'a Aligned<T>) -> Self {
        Self(std::ptr::from_ref(value).cast(), PhantomData)
    }
}

/// Arguments of a launch.
macro_rules! arguments {
    ($($value:expr),* $(,)?) => {
        &[$($crate::cuda::kernels::Argument::new(&$crate::cuda::kernels::Aligned($value))),*]
    };
}
pub(super) use arguments;

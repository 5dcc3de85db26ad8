//! Errors in the inputs of a proof.

use crate::cairo::components::cpu::OpcodeExtension;
use crate::cairo::layouts::UnknownLayout;
use crate::cairo::private_input::SignatureInput;
use crate::cairo::public_input::PublicInputError;
use crate::json::JsonError;
use quarry_kernels::{Felt, felt::to_hex};
use std::path::PathBuf;

/// An error in the inputs of a proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// An error in one of the files.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error.
        source: Box<InputError>,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A file that the private input names does not exist in either of the possible folders.
    #[error("no such file in the working directory or in the private input's folder")]
    NotFound,
    /// Malformed JSON, with line and column.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
    /// A JSON value is missing or has the wrong type.
    #[error(transparent)]
    Value(#[from] JsonError),
    /// The public input is malformed or impossible.
    #[error(transparent)]
    Public(#[from] PublicInputError),
    /// The layout is not known.
    #[error(transparent)]
    Layout(#[from] UnknownLayout),
    /// The layout lacks a virtual column that its components need.
    #[error("layout '{layout}' has no virtual column '{cell}'")]
    NoSuchCell {
        /// The layout.
        layout: &'static str,
        /// The virtual column.
        cell: String,
    },
    /// The parameters of the layout place virtual columns where they cannot lie.
    #[error("layout '{layout}' has virtual columns outside of the trace, or two in the same unit of a pool")]
    Misplaced {
        /// The layout.
        layout: &'static str,
    },
    /// The size of a binary file is not a multiple of the size of an entry.
    #[error(
        "{length} bytes are not a whole number of {entry}-byte entries: the file is truncated or of another kind"
    )]
    CutFile {
        /// Bytes in the file.
        length: usize,
        /// Bytes of an entry.
        entry: usize,
    },
    /// A value in the memory file is not a field element.
    #[error("entry {entry} (address {address}): the value is not below the field's modulus")]
    ValueTooLarge {
        /// Which entry, from 0.
        entry: usize,
        /// Its address.
        address: u64,
    },
    /// An address has two values.
    #[error(
        "memory address {address} has two values, {} and {}",
        to_hex(first),
        to_hex(second)
    )]
    MemoryContradiction {
        /// The address.
        address: u64,
        /// The first value.
        first: Felt,
        /// The second value.
        second: Felt,
    },
    /// The length of the trace file differs from the public input's number of steps.
    #[error("the trace has {found} steps, the public input says {expected}")]
    StepCount {
        /// Steps according to the public input.
        expected: u64,
        /// Steps in the file.
        found: u64,
    },
    /// The layout needs more steps.
    #[error(
        "layout '{layout}' needs a power of two of at least {least} steps, the public input has {n_steps}"
    )]
    TooFewSteps {
        /// The layout.
        layout: &'static str,
        /// Steps according to the public input.
        n_steps: u64,
        /// The least number for this layout.
        least: u64,
    },
    /// An error in a CPU step.
    #[error("step {step} (pc {pc}): {problem}")]
    Step {
        /// The step, from 0.
        step: usize,
        /// Its program counter.
        pc: u64,
        /// The error.
        problem: StepError,
    },
    /// An error in an instance of a builtin.
    #[error("builtin '{builtin}', instance {instance}: {problem}")]
    Builtin {
        /// The builtin.
        builtin: &'static str,
        /// The instance, from 0.
        instance: u64,
        /// The error.
        problem: BuiltinError,
    },
    /// The public memory is empty, so that nothing can pad it.
    #[error("the public memory is empty")]
    NoPublicMemory,
    /// The public memory contradicts the memory.
    #[error(
        "public memory says {} at address {address}, the memory file says {}",
        to_hex(public),
        to_hex(memory)
    )]
    PublicMemoryContradiction {
        /// The address.
        address: u64,
        /// Value according to the public input.
        public: Felt,
        /// Value according to the memory file.
        memory: Felt,
    },
    /// The lowest address in use is not 1.
    #[error("the memory in use begins at address {first}, not at 1")]
    MemoryStart {
        /// The lowest address in use.
        first: u64,
    },
    /// The trace has too few free memory units to list the unused addresses between the lowest and the highest in use.
    #[error(
        "memory spans the addresses {first}..={last}: {holes} of them are not accessed, but only {spare} memory units \
         are free to list them: more steps are needed"
    )]
    MemoryHoles {
        /// The lowest address in use.
        first: u64,
        /// The highest address in use.
        last: u64,
        /// Addresses between them that are not accessed.
        holes: u64,
        /// Units that are free for them.
        spare: u64,
    },
    /// The bounds of the 16-bit range checks are impossible.
    #[error("rc_min {rc_min} and rc_max {rc_max} are not bounds of 16-bit values, rc_min < rc_max")]
    RangeCheckBounds {
        /// The lower bound.
        rc_min: u64,
        /// The upper bound.
        rc_max: u64,
    },
    /// A range-checked value is outside the bounds.
    #[error("step {step}: {value} is range-checked, but outside the public input's {rc_min}..={rc_max}")]
    RangeCheckValue {
        /// The step in whose rows the value lies.
        step: usize,
        /// The value.
        value: u16,
        /// The lower bound.
        rc_min: u64,
        /// The upper bound.
        rc_max: u64,
    },
    /// The diluted pool has too few free units to list the unused diluted numbers.
    #[error(
        "{holes} diluted numbers are not used, but only {spare} units of the diluted pool are free to list them: more \
         steps are needed"
    )]
    DilutedHoles {
        /// Diluted numbers that no component uses.
        holes: u64,
        /// Units that are free for them.
        spare: u64,
    },
    /// The range-check pool has too few free units to list the unused values between the bounds.
    #[error(
        "{holes} values between rc_min and rc_max are not used, but only {spare} range-check units are free to \
         list them: more steps are needed"
    )]
    RangeCheckHoles {
        /// Values between the bounds that are not range-checked.
        holes: u64,
        /// Units that are free for them.
        spare: u64,
    },
}

impl InputError {
    /// Adds the path of the file that the error is about.
    pub fn in_file(self, path: impl Into<PathBuf>) -> Self {
        InputError::File {
            path: path.into(),
            source: Box::new(self),
        }
    }
}

/// An error in a CPU step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The word at pc is not an instruction.
    #[error("{} is not an instruction", to_hex(.0))]
    NotAnInstruction(Felt),
    /// The word at pc is an instruction that no layout of Stone has.
    #[error("a {0} instruction, which no layout of Stone has; only S-two proves it")]
    Extension(OpcodeExtension),
    /// An operand's address is not in memory.
    #[error("{what} is at address {address}, which is not in the memory")]
    NotInMemory {
        /// Which operand.
        what: &'static str,
        /// Its address.
        address: u64,
    },
    /// An operand's address is not a 64-bit number.
    #[error("the address of {0} is out of range")]
    AddressOutOfRange(&'static str),
    /// The instruction asserts an equality that does not hold.
    #[error(
        "the instruction asserts that {what} is {}, but it is {}",
        to_hex(expected),
        to_hex(found)
    )]
    Assert {
        /// The operand that the assertion is about.
        what: &'static str,
        /// Its expected value.
        expected: Felt,
        /// Its actual value.
        found: Felt,
    },
    /// A `call`, `ret` or `jnz` instruction does not have its only valid form.
    #[error("malformed {0} instruction")]
    Malformed(&'static str),
    /// A register does not have the value that the public input or the previous instruction requires.
    #[error("{register} is {found}, but {why} makes it {}", to_hex(expected))]
    Register {
        /// The register.
        register: &'static str,
        /// Its expected value.
        expected: Felt,
        /// Its actual value.
        found: u64,
        /// The source of the expected value.
        why: &'static str,
    },
}

/// An error in an instance of a builtin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuiltinError {
    /// The layout has fewer instances.
    #[error("the trace has only {0} instances: more steps are needed")]
    TooManyInstances(u64),
    /// The private input has two entries for the instance.
    #[error("the private input has two entries for it")]
    Repeated,
    /// The private input contradicts the memory.
    #[error(
        "the private input gives {} for address {address}, the memory file says {}",
        to_hex(expected),
        to_hex(found)
    )]
    Memory {
        /// The address.
        address: u64,
        /// Value according to the private input.
        expected: Felt,
        /// Value according to the memory file.
        found: Felt,
    },
    /// A scalar is 0 or too large.
    #[error("{name} is 0 or has too many bits: {}", to_hex(value))]
    Scalar {
        /// Which scalar.
        name: &'static str,
        /// Its value.
        value: Felt,
    },
    /// A number has too many bits.
    #[error("{} has more than {n_bits} bits", to_hex(value))]
    TooLarge {
        /// The number.
        value: Felt,
        /// The maximum number of bits.
        n_bits: usize,
    },
    /// The public key is not on the curve.
    #[error("{} is not the x coordinate of a point on the curve", to_hex(.0))]
    NotOnCurve(Felt),
    /// A point is not on the curve.
    #[error("({}, {}) is not a point on the curve", to_hex(x), to_hex(y))]
    PointNotOnCurve {
        /// Its x coordinate.
        x: Felt,
        /// Its y coordinate.
        y: Felt,
    },
    /// The signature does not verify, or its verification adds a point to itself or to its inverse.
    #[error(
        "the signature is not valid: message {}, public key {}, r {}, w {}",
        to_hex(&.0.message), to_hex(&.0.public_key), to_hex(&.0.r), to_hex(&.0.w)
    )]
    InvalidSignature(Box<SignatureInput>),
    /// The modulus is 0.
    #[error("the modulus is 0")]
    ZeroModulus,
    /// The numbers do not satisfy the builtin's equation.
    #[error("a = {a} and b = {b} do not give c = {c} modulo p = {p}")]
    WrongResult {
        /// The first number.
        a: String,
        /// The second number.
        b: String,
        /// The result.
        c: String,
        /// The modulus.
        p: String,
    },
    /// A sum adds a point to itself or to its inverse.
    #[error("a sum of points on the curve is degenerate")]
    Degenerate,
}

//! What can be wrong with the inputs of a proof.

use crate::cairo::layouts::UnknownLayout;
use crate::cairo::private_input::SignatureInput;
use crate::cairo::public_input::PublicInputError;
use crate::json::JsonError;
use quarry_kernels::{Felt, felt::to_hex};
use std::path::PathBuf;

/// Why inputs are refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// What is wrong with one of the files.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<InputError>,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A file that the private input names is in neither of the places where it may be.
    #[error("no such file, neither from the working directory nor from the private input's folder")]
    NotFound,
    /// Malformed JSON; says line and column.
    #[error(transparent)]
    Syntax(#[from] serde_json::Error),
    /// JSON that lacks a value, or has one of the wrong kind.
    #[error(transparent)]
    Value(#[from] JsonError),
    /// The public input says what cannot be.
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
    /// Virtual columns of the layout, which its parameters place, lie where they cannot.
    #[error("layout '{layout}' has virtual columns outside of the trace, or two in one place of a pool")]
    Misplaced {
        /// The layout.
        layout: &'static str,
    },
    /// A binary file does not end where an entry ends.
    #[error(
        "{length} bytes are not a whole number of {entry}-byte entries: the file is cut, or not of this kind"
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
    /// An address comes with two values.
    #[error(
        "memory address {address} has two values, {} and {}",
        to_hex(first),
        to_hex(second)
    )]
    MemoryContradiction {
        /// The address.
        address: u64,
        /// One value.
        first: Felt,
        /// The other.
        second: Felt,
    },
    /// The trace file has another length than the public input says.
    #[error("the trace has {found} steps, the public input says {expected}")]
    StepCount {
        /// Steps by the public input.
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
        /// Steps by the public input.
        n_steps: u64,
        /// The least number for this layout.
        least: u64,
    },
    /// What is wrong with one step of the CPU.
    #[error("step {step} (pc {pc}): {problem}")]
    Step {
        /// The step, from 0.
        step: usize,
        /// Its program counter.
        pc: u64,
        /// What is wrong.
        problem: StepError,
    },
    /// What is wrong with one instance of a builtin.
    #[error("builtin '{builtin}', instance {instance}: {problem}")]
    Builtin {
        /// The builtin.
        builtin: &'static str,
        /// The instance, from 0.
        instance: u64,
        /// What is wrong.
        problem: BuiltinError,
    },
    /// The public memory is empty: there is nothing to pad it with.
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
        /// Value by the public input.
        public: Felt,
        /// Value by the memory file.
        memory: Felt,
    },
    /// The memory that the run touched does not begin at address 1.
    #[error("the memory in use begins at address {first}, not at 1")]
    MemoryStart {
        /// The lowest address in use.
        first: u64,
    },
    /// The addresses in use span more than the trace can list.
    #[error(
        "addresses {first}..={last} are in use: {holes} of them appear nowhere and {spare} memory units are \
         spare to list them: more steps are needed"
    )]
    MemoryHoles {
        /// The lowest address in use.
        first: u64,
        /// The highest.
        last: u64,
        /// Addresses between them that no access names.
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
        /// The step beside whose cells the value lies.
        step: usize,
        /// The value.
        value: u16,
        /// The lower bound.
        rc_min: u64,
        /// The upper bound.
        rc_max: u64,
    },
    /// Not all diluted numbers fit.
    #[error(
        "{holes} diluted numbers appear nowhere and {spare} units of the diluted pool are spare to list them: more \
         steps are needed"
    )]
    DilutedHoles {
        /// Diluted numbers that no component uses.
        holes: u64,
        /// Units that are free for them.
        spare: u64,
    },
    /// Not all values between the bounds fit.
    #[error(
        "{holes} values between rc_min and rc_max appear nowhere and {spare} range-check units are spare to \
         list them: more steps are needed"
    )]
    RangeCheckHoles {
        /// Values between the bounds that no check names.
        holes: u64,
        /// Units that are free for them.
        spare: u64,
    },
}

impl InputError {
    /// Adds the file that an error is about.
    pub fn in_file(self, path: impl Into<PathBuf>) -> Self {
        InputError::File {
            path: path.into(),
            source: Box::new(self),
        }
    }
}

/// What can be wrong with a step of the CPU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The word at pc is not an instruction.
    #[error("{} is not an instruction", to_hex(.0))]
    NotAnInstruction(Felt),
    /// An operand's address is not in memory.
    #[error("{what} is at address {address}, which the memory does not have")]
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
        "the instruction asserts that {what} is {}, it is {}",
        to_hex(expected),
        to_hex(found)
    )]
    Assert {
        /// What is asserted about.
        what: &'static str,
        /// What it should be.
        expected: Felt,
        /// What it is.
        found: Felt,
    },
    /// A call or return is not of the only form that there is.
    #[error("malformed {0} instruction")]
    Malformed(&'static str),
    /// The state of the registers is not the one that must be there.
    #[error("{register} is {found}, {why} makes it {}", to_hex(expected))]
    Register {
        /// Which register.
        register: &'static str,
        /// What it should be.
        expected: Felt,
        /// What it is.
        found: u64,
        /// Why it should be that.
        why: &'static str,
    },
}

/// What can be wrong with an instance of a builtin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuiltinError {
    /// The layout has fewer instances.
    #[error("there are {0} instances: more steps are needed")]
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
        /// Value by the private input.
        expected: Felt,
        /// Value by the memory file.
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
        /// The bits that it may have.
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
    /// The signature does not verify, or its verification needs the sum of a point and itself.
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
    /// A sum meets a point and its own inverse.
    #[error("a sum of points on the curve is degenerate")]
    Degenerate,
}

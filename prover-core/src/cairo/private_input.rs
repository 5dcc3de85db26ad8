//! The private input: the inputs of the builtin instances that the run used.

use crate::cairo::error::{BuiltinError, InputError};
use crate::json::{JsonError, Place};
use quarry_kernels::{Felt, felt};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Elements of a Poseidon state.
pub const POSEIDON_STATE: usize = 3;
/// 200-bit words of a Keccak state.
pub const KECCAK_WORDS: usize = 8;
/// 96-bit words of a number of `add_mod` and `mul_mod`.
pub const MOD_WORDS: usize = 4;

/// Inputs of an instance of the Pedersen builtin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PedersenInput {
    /// The instance.
    pub index: u64,
    /// First element.
    pub x: Felt,
    /// Second element.
    pub y: Felt,
}

/// Input of an instance of a range-check builtin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeCheckInput {
    /// The instance.
    pub index: u64,
    /// The value.
    pub value: u128,
}

/// Inputs of an instance of the ECDSA builtin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureInput {
    /// The instance.
    pub index: u64,
    /// The x coordinate of the public key.
    pub public_key: Felt,
    /// The message.
    pub message: Felt,
    /// The signature's `r`.
    pub r: Felt,
    /// The inverse of the signature's `s` modulo the curve's order.
    pub w: Felt,
}

/// Inputs of an instance of the bitwise builtin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitwiseInput {
    /// The instance.
    pub index: u64,
    /// First number.
    pub x: Felt,
    /// Second number.
    pub y: Felt,
}

/// Inputs of an instance of the elliptic-curve builtin, which computes `p + m * q`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcOpInput {
    /// The instance.
    pub index: u64,
    /// Coordinates x and y of the summand `p`.
    pub p: [Felt; 2],
    /// Coordinates x and y of the point `q`, which is multiplied.
    pub q: [Felt; 2],
    /// The scalar `m`.
    pub m: Felt,
}

/// Input of an instance of the Keccak builtin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeccakInput {
    /// The instance.
    pub index: u64,
    /// The state before the permutation, in words of 200 bits, lowest first.
    pub state: [Felt; KECCAK_WORDS],
}

/// Input of an instance of the Poseidon builtin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoseidonInput {
    /// The instance.
    pub index: u64,
    /// The state before the permutation.
    pub state: [Felt; POSEIDON_STATE],
}

/// A number of `add_mod` and `mul_mod`, lowest word first.
pub type ModNumber = [u128; MOD_WORDS];

/// Inputs of an instance of `add_mod` or `mul_mod`: `a + b = c` or `a * b = c`, modulo `p`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModInput {
    /// The instance.
    pub index: u64,
    /// The modulus.
    pub p: ModNumber,
    /// Address of the values.
    pub values_ptr: u64,
    /// Address of the offsets.
    pub offsets_ptr: u64,
    /// Number of remaining operations, including this one.
    pub n: u64,
    /// The offsets of a, b and c from `values_ptr`.
    pub offsets: [u64; 3],
    /// a, b and c.
    pub values: [ModNumber; 3],
}

/// Inputs of `add_mod` or of `mul_mod`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModInputs {
    /// The instances in use.
    pub instances: Vec<ModInput>,
    /// The address of zeros, to which unused instances point.
    pub zero_value_address: u64,
}

/// The builtins' inputs, one entry per used instance, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrivateInput {
    /// Pedersen hashes.
    pub pedersen: Vec<PedersenInput>,
    /// Range checks to 128 bits.
    pub range_check: Vec<RangeCheckInput>,
    /// Signatures.
    pub ecdsa: Vec<SignatureInput>,
    /// Bitwise operations.
    pub bitwise: Vec<BitwiseInput>,
    /// Operations on the curve.
    pub ec_op: Vec<EcOpInput>,
    /// Keccak permutations.
    pub keccak: Vec<KeccakInput>,
    /// Poseidon permutations.
    pub poseidon: Vec<PoseidonInput>,
    /// Range checks to 96 bits.
    pub range_check96: Vec<RangeCheckInput>,
    /// Modular additions.
    pub add_mod: ModInputs,
    /// Modular multiplications.
    pub mul_mod: ModInputs,
}

impl PrivateInput {
    /// Reads the builtins' lists of Stone's `private_input.json`. A missing list is empty.
    ///
    /// # Errors
    /// [`InputError::Value`] if a value is missing or has the wrong type.
    pub fn from_json(value: &Value) -> Result<Self, InputError> {
        Self::read(&Place::root(&value.to_string()))
    }

    /// Reads the lists from the root of a JSON text.
    pub(crate) fn read(root: &Place<'_>) -> Result<Self, InputError> {
        Ok(Self {
            pedersen: list(root, "pedersen")?,
            range_check: list(root, "range_check")?,
            ecdsa: list(root, "ecdsa")?,
            bitwise: list(root, "bitwise")?,
            ec_op: list(root, "ec_op")?,
            keccak: list(root, "keccak")?,
            poseidon: list(root, "poseidon")?,
            range_check96: list(root, "range_check96")?,
            add_mod: mod_inputs(root, "add_mod")?,
            mul_mod: mod_inputs(root, "mul_mod")?,
        })
    }

    /// Writes Stone's `private_input.json` with these lists and the paths of the other two files.
    pub fn to_json(&self, trace_path: &str, memory_path: &str) -> Value {
        json!({
            "trace_path": trace_path,
            "memory_path": memory_path,
            "pedersen": to_list(&self.pedersen),
            "range_check": to_list(&self.range_check),
            "ecdsa": to_list(&self.ecdsa),
            "bitwise": to_list(&self.bitwise),
            "ec_op": to_list(&self.ec_op),
            "keccak": to_list(&self.keccak),
            "poseidon": to_list(&self.poseidon),
            "range_check96": to_list(&self.range_check96),
            "add_mod": mod_to_json(&self.add_mod),
            "mul_mod": mod_to_json(&self.mul_mod),
        })
    }

    /// Checks that no instance of a builtin has two entries, for the builtins that `is_used` names.
    ///
    /// # Errors
    /// [`InputError::Builtin`].
    pub fn check_instances(&self, is_used: impl Fn(&str) -> bool) -> Result<(), InputError> {
        let lists = [
            ("pedersen", indices(&self.pedersen, |entry| entry.index)),
            ("range_check", indices(&self.range_check, |entry| entry.index)),
            ("ecdsa", indices(&self.ecdsa, |entry| entry.index)),
            ("bitwise", indices(&self.bitwise, |entry| entry.index)),
            ("ec_op", indices(&self.ec_op, |entry| entry.index)),
            ("keccak", indices(&self.keccak, |entry| entry.index)),
            ("poseidon", indices(&self.poseidon, |entry| entry.index)),
            ("range_check96", indices(&self.range_check96, |entry| entry.index)),
            ("add_mod", indices(&self.add_mod.instances, |entry| entry.index)),
            ("mul_mod", indices(&self.mul_mod.instances, |entry| entry.index)),
        ];
        for (builtin, indices) in lists.into_iter().filter(|(builtin, _)| is_used(builtin)) {
            let mut seen = HashSet::new();
            if let Some(instance) = indices.into_iter().find(|index| !seen.insert(*index)) {
                return Err(InputError::Builtin {
                    builtin,
                    instance,
                    problem: BuiltinError::Repeated,
                });
            }
        }
        Ok(())
    }
}

fn indices<T>(entries: &[T], index: impl Fn(&T) -> u64) -> Vec<u64> {
    entries.iter().map(index).collect()
}

/// The JSON encoding of an entry of a builtin's list.
trait Entry: Sized {
    fn read(place: &Place<'_>) -> Result<Self, JsonError>;
    fn write(&self) -> Value;
}

fn list<T: Entry>(root: &Place<'_>, key: &str) -> Result<Vec<T>, JsonError> {
    match root.key(key)?.if_present() {
        None => Ok(Vec::new()),
        Some(list) => list.elements()?.map(|entry| T::read(&entry)).collect(),
    }
}

fn to_list<T: Entry>(entries: &[T]) -> Value {
    entries.iter().map(Entry::write).collect()
}

fn mod_inputs(root: &Place<'_>, key: &str) -> Result<ModInputs, JsonError> {
    match root.key(key)?.if_present() {
        None => Ok(ModInputs::default()),
        Some(inputs) => Ok(ModInputs {
            instances: list(&inputs, "instances")?,
            zero_value_address: inputs.key("zero_value_address")?.unsigned()?,
        }),
    }
}

fn mod_to_json(inputs: &ModInputs) -> Value {
    json!({
        "instances": to_list(&inputs.instances),
        "zero_value_address": inputs.zero_value_address,
    })
}

fn index(entry: &Place<'_>) -> Result<u64, JsonError> {
    entry.key("index")?.unsigned()
}

fn felt(entry: &Place<'_>, key: &str) -> Result<Felt, JsonError> {
    entry.key(key)?.felt()
}

/// Reads an instance with the values `x` and `y`.
fn pair(entry: &Place<'_>) -> Result<(u64, [Felt; 2]), JsonError> {
    Ok((index(entry)?, [felt(entry, "x")?, felt(entry, "y")?]))
}

fn pair_to_json(index: u64, [x, y]: [Felt; 2]) -> Value {
    json!({ "index": index, "x": felt::to_hex(&x), "y": felt::to_hex(&y) })
}

/// Reads the `N` values `prefix0`, `prefix1`, ..
fn numbered<T: Copy + Default, const N: usize>(
    entry: &Place<'_>,
    prefix: &str,
    read: impl Fn(&Place<'_>) -> Result<T, JsonError>,
) -> Result<[T; N], JsonError> {
    let mut values = [T::default(); N];
    for (i, value) in values.iter_mut().enumerate() {
        *value = read(&entry.key(&format!("{prefix}{i}"))?)?;
    }
    Ok(values)
}

fn uint128(place: &Place<'_>) -> Result<u128, JsonError> {
    let text = place.string()?;
    let digits = text.strip_prefix("0x").unwrap_or_default();
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u128::from_str_radix(digits, 16).ok().filter(|_| plain);
    number.ok_or_else(|| place.error("0x-prefixed hexadecimal below 2^128"))
}

/// Reads an instance with the values `input_s0`, `input_s1`, ..
fn state<const N: usize>(entry: &Place<'_>) -> Result<(u64, [Felt; N]), JsonError> {
    Ok((index(entry)?, numbered(entry, "input_s", |place| place.felt())?))
}

fn state_to_json(index: u64, state: &[Felt]) -> Value {
    let mut entry = json!({ "index": index });
    for (i, value) in state.iter().enumerate() {
        entry[format!("input_s{i}")] = felt::to_hex(value).into();
    }
    entry
}

impl Entry for PedersenInput {
    fn read(entry: &Place<'_>) -> Result<Self, JsonError> {
        let (index, [x, y]) = pair(entry)?;
        Ok(Self { index, x, y })
    }

    fn write(&self) -> Value {
        pair_to_json(self.index, [self.x, self.y])
    }
}

impl Entry for RangeCheckInput {
    fn read(entry: &Place<'_>) -> Result<Self, JsonError> {
        Ok(Self {
            index: index(entry)?,
            value: uint128(&entry.key("value")?)?,
        })
    }

    fn write(&self) -> Value {
        json!({ "index": self.index, "value": format!("{:#x}", self.value) })
    }
}

impl Entry for SignatureInput {
    fn read(entry: &Place<'_>) -> Result<Self, JsonError> {
        let signature = entry.key("signature_input")?;
        Ok(Self {
            index: index(entry)?,
            public_key: felt(entry, "pubkey")?,
            message: felt(entry, "msg")?,
            r: felt(&signature, "r")?,
            w: felt(&signature, "w")?,
        })
    }

    fn write(&self) -> Value {
        json!({
            "index": self.index,
            "pubkey": felt::to_hex(&self.public_key),
            "msg": felt::to_hex(&self.message),
            "signature_input": { "r": felt::to_hex(&self.r), "w": felt::to_hex(&self.w) },
        })
    }
}

impl Entry for BitwiseInput {
    fn read(entry: &Place<'_>) -> Result<Self, JsonError> {
        let (index, [x, y]) = pair(entry)?;
        Ok(Self { index, x, y })
    }

    fn write(&self) -> Value {
        pair_to_json(self.index, [self.x, self.y])
    }
}

impl Entry for EcOpInput {
    fn read(entry: &Place<'_>) -> Result<Self, JsonError> {
        Ok(Self {
            index: index(entry)?,
            p: [felt(entry, "p_x")?, felt(entry, "p_y")?],
            q: [felt(entry, "q_x")?, felt(entry, "q_y")?],
            m: felt(entry, "m")?,
        })
    }

    fn write(&self) -> Value {
        let hex = felt::to_hex;
        json!({
            "index": self.index,
            "p_x": hex(&self.p[0]),
            "p_y": hex(&self.p[1]),
            "q_x": hex(&self.q[0]),
            "q_y": hex(&self.q[1]),
            "m": hex(&self.m),
        })
    }
}

impl Entry for KeccakInput {
    fn read(entry: &Place<'_>) -> Result<Self, JsonError> {
        let (index, state) = state(entry)?;
        Ok(Self { index, state })
    }

    fn write(&self) -> Value {
        state_to_json(self.index, &self.state)
    }
}

impl Entry for PoseidonInput {
    fn read(entry: &Place<'_>) -> Result<Self, JsonError> {
        let (index, state) = state(entry)?;
        Ok(Self { index, state })
    }

    fn write(&self) -> Value {
        state_to_json(self.index, &self.state)
    }
}

impl Entry for ModInput {
    /// The list `batch` has exactly one operation in every existing layout.
    fn read(entry: &Place<'_>) -> Result<Self, JsonError> {
        let batch = entry.key("batch")?;
        let operations: Vec<_> = batch.elements()?.collect();
        let [operation] = &operations[..] else {
            return Err(batch.error("a list of one operation"));
        };
        let offset = |name: &str| operation.key(&format!("{name}_offset"))?.unsigned();
        let number = |name: &str| numbered(operation, name, uint128);
        Ok(Self {
            index: index(entry)?,
            p: numbered(entry, "p", uint128)?,
            values_ptr: entry.key("values_ptr")?.unsigned()?,
            offsets_ptr: entry.key("offsets_ptr")?.unsigned()?,
            n: entry.key("n")?.unsigned()?,
            offsets: [offset("a")?, offset("b")?, offset("c")?],
            values: [number("a")?, number("b")?, number("c")?],
        })
    }

    fn write(&self) -> Value {
        let mut operation = json!({});
        for ((name, offset), words) in ["a", "b", "c"].into_iter().zip(self.offsets).zip(&self.values) {
            operation[format!("{name}_offset")] = offset.into();
            for (i, word) in words.iter().enumerate() {
                operation[format!("{name}{i}")] = format!("{word:#x}").into();
            }
        }
        let mut entry = json!({
            "index": self.index,
            "values_ptr": self.values_ptr,
            "offsets_ptr": self.offsets_ptr,
            "n": self.n,
            "batch": [operation],
        });
        for (i, word) in self.p.iter().enumerate() {
            entry[format!("p{i}")] = format!("{word:#x}").into();
        }
        entry
    }
}

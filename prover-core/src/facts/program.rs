//! Hashes of a compiled program, as bootloaders compute them. Source: cairo-lang, `bootloaders/hash_program.py`.

use crate::json::{JsonError, Place, Text};
use quarry_kernels::Felt;
use quarry_kernels::hash::{pedersen, poseidon};

/// The prime of Cairo's field as `cairo-compile` writes it.
const PRIME: &str = "0x800000000000011000000000000000000000000000000000000000000000001";

/// The version of the program header that every public bootloader hashes.
const BOOTLOADER_VERSION: u64 = 0;

/// Maximum number of aliases that are followed to find `main`.
const MAX_ALIASES: usize = 64;

/// The parts of a compiled Cairo program that a bootloader's hash covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledProgram {
    /// Offset of `main` in `data`.
    pub main: u64,
    /// Names of `main`'s builtins, in order.
    pub builtins: Vec<String>,
    /// The bytecode.
    pub data: Vec<Felt>,
}

/// Why a file is not a compiled program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompiledProgramError {
    /// Not JSON.
    #[error("program: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A value that is missing or of the wrong kind.
    #[error("program: {0}")]
    Value(#[from] JsonError),
}

/// A program's hash as bootloaders print it, with each hash function that a task can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct BootloaderHashes {
    /// With Pedersen: the hash in SHARP's facts.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub pedersen: Felt,
    /// With Poseidon.
    #[serde(serialize_with = "crate::hex::write_felt")]
    pub poseidon: Felt,
}

impl CompiledProgram {
    /// Reads a file written by `cairo-compile`.
    ///
    /// # Errors
    /// [`CompiledProgramError`]: not JSON, a value that is missing or of the wrong kind, or a program over another
    /// field.
    pub fn parse(text: &str) -> Result<Self, CompiledProgramError> {
        let text = Text::new(text)?;
        let root = text.root();
        let [prime, builtins, data] = root.keys(["prime", "builtins", "data"])?;
        if prime.string()? != PRIME {
            return Err(prime.error(format!("{PRIME}, the prime of Cairo's field")).into());
        }
        let builtins = builtins.elements()?.map(|place| builtin(&place));
        let words = data.elements()?.map(|place| place.felt());
        Ok(Self {
            main: main_of(&root)?,
            builtins: builtins.collect::<Result<_, _>>()?,
            data: words.collect::<Result<_, _>>()?,
        })
    }

    /// The Poseidon hash of the program's words only. It is the hash that a proof shows, and does not cover the
    /// builtins.
    pub fn hash(&self) -> Felt {
        poseidon::hash_many(&self.data)
    }

    /// The hashes that a bootloader prints for the program. (One Pedersen hash per cell: 10 to 20 microseconds each.)
    pub fn bootloader_hashes(&self) -> BootloaderHashes {
        let n_builtins = self.builtins.len() as u64;
        let header = [BOOTLOADER_VERSION, self.main, n_builtins].map(Felt::from);
        let names = self.builtins.iter().map(|name| super::short_string(name));
        let chain: Vec<_> = header
            .into_iter()
            .chain(names)
            .chain(self.data.iter().copied())
            .collect();
        let length = Felt::from(chain.len() as u64);
        BootloaderHashes {
            pedersen: pedersen::hash(length, pedersen::hash_chain(&chain)),
            poseidon: poseidon::hash_many(&chain),
        }
    }
}

/// A builtin's name: its characters enter the hash as one field element.
fn builtin(place: &Place<'_>) -> Result<String, JsonError> {
    let name = place.string()?;
    if name.is_empty() || name.len() > super::MAX_SHORT_STRING || !name.is_ascii() {
        return Err(place.error("the name of a builtin"));
    }
    Ok(name.into_owned())
}

/// The offset of `main`, found by following aliases.
fn main_of(root: &Place<'_>) -> Result<u64, JsonError> {
    let identifiers = root.key("identifiers")?;
    let scope = root.key("main_scope")?;
    let mut name = format!("{}.main", scope.string()?);
    for _ in 0..MAX_ALIASES {
        let identifier = identifiers.key(&name)?;
        let kind = identifier.key("type")?;
        let next = match &*kind.string()? {
            "function" | "label" => return identifier.key("pc")?.unsigned(),
            "alias" => identifier.key("destination")?.string()?.into_owned(),
            _ => return Err(kind.error("function")),
        };
        name = next;
    }
    Err(identifiers.error(format!("main behind at most {MAX_ALIASES} aliases")))
}

#[cfg(test)]
mod tests;

//! The prover input: Stone's public input, private input, trace file and memory file.

use crate::cairo::error::InputError;
use crate::cairo::memory::Memory;
use crate::cairo::private_input::PrivateInput;
use crate::cairo::public_input::{PublicInput, Segment};
use crate::json::Text;
use std::fs;
use std::path::{Path, PathBuf};

/// Size of a step in a trace file, in bytes.
const ENTRY_BYTES: usize = 24;

/// The registers before a step of the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceEntry {
    /// Allocation pointer.
    pub ap: u64,
    /// Frame pointer.
    pub fp: u64,
    /// Program counter.
    pub pc: u64,
}

impl TraceEntry {
    /// Reads a trace file: ap, fp and pc of every step, 8 bytes each, little-endian.
    ///
    /// # Errors
    /// [`InputError::CutFile`].
    pub fn all_from_bytes(bytes: &[u8]) -> Result<Vec<Self>, InputError> {
        let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() {
            return Err(InputError::CutFile {
                length: bytes.len(),
                entry: ENTRY_BYTES,
            });
        }
        let number = |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0, |sum, &byte| sum << 8 | u64::from(byte))
        };
        let entry = |entry: &[u8; ENTRY_BYTES]| Self {
            ap: number(&entry[..8]),
            fp: number(&entry[8..16]),
            pc: number(&entry[16..]),
        };
        Ok(entries.iter().map(entry).collect())
    }

    /// Encodes the entry as in a trace file.
    pub fn to_bytes(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        for (chunk, register) in bytes.chunks_exact_mut(8).zip([self.ap, self.fp, self.pc]) {
            chunk.copy_from_slice(&register.to_le_bytes());
        }
        bytes
    }
}

/// The complete input of the prover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProverInput {
    /// The statement.
    pub public: PublicInput,
    /// The inputs of the builtins.
    pub private: PrivateInput,
    /// The registers before every step, padding included.
    pub trace: Vec<TraceEntry>,
    /// The memory.
    pub memory: Memory,
}

impl ProverInput {
    /// Reads the files. `trace_path` and `memory_path` in the private input are resolved against the working directory,
    /// as Stone does, and if there is no such file, against the private input's own folder.
    ///
    /// # Errors
    /// [`InputError::File`], which names the file and the problem.
    pub fn read(public_input: &Path, private_input: &Path) -> Result<Self, InputError> {
        let text =
            |path: &Path| fs::read_to_string(path).map_err(|error| InputError::from(error).in_file(path));
        let public = PublicInput::parse(&text(public_input)?)
            .map_err(|error| InputError::from(error).in_file(public_input))?;

        let in_private = |error: InputError| error.in_file(private_input);
        let file = text(private_input)?;
        let file = Text::new(&file).map_err(|error| in_private(error.into()))?;
        let root = file.root();
        let private = PrivateInput::read(&root).map_err(in_private)?;
        let beside = |key: &str| -> Result<(PathBuf, Vec<u8>), InputError> {
            let place = root.key(key).map_err(|error| in_private(error.into()))?;
            let path = place.string().map_err(|error| in_private(error.into()))?;
            read_either(Path::new(&*path), private_input)
        };
        let (trace_path, trace) = beside("trace_path")?;
        let (memory_path, memory) = beside("memory_path")?;
        Ok(Self {
            public,
            private,
            trace: TraceEntry::all_from_bytes(&trace).map_err(|error| error.in_file(trace_path))?,
            memory: Memory::from_bytes(&memory).map_err(|error| error.in_file(memory_path))?,
        })
    }

    /// Writes the four files in Stone's formats: `public_input.json`, `private_input.json`, `trace.bin` and
    /// `memory.bin`. The paths in the private input are relative to `folder`.
    ///
    /// # Errors
    /// [`InputError::File`].
    pub fn write(&self, folder: &Path) -> Result<(), InputError> {
        let trace: Vec<u8> = self.trace.iter().flat_map(TraceEntry::to_bytes).collect();
        let private = self.private.to_json("trace.bin", "memory.bin");
        let files = [
            (
                "public_input.json",
                format!("{:#}\n", self.public.to_json()).into_bytes(),
            ),
            ("private_input.json", format!("{private:#}\n").into_bytes()),
            ("trace.bin", trace),
            ("memory.bin", self.memory.to_bytes()),
        ];
        for (name, bytes) in files {
            let path = folder.join(name);
            fs::write(&path, bytes).map_err(|error| InputError::from(error).in_file(path))?;
        }
        Ok(())
    }

    /// A segment of the public input.
    pub(crate) fn segment(&self, name: &str) -> Result<Segment, InputError> {
        Ok(self.public.segment(name)?)
    }
}

/// Reads a file from the working directory, or if it is not there, from the folder of the file that names it. Returns
/// the path that was read.
fn read_either(path: &Path, named_by: &Path) -> Result<(PathBuf, Vec<u8>), InputError> {
    let own_folder = named_by.parent().unwrap_or(Path::new("")).join(path);
    for path in [path, &own_folder] {
        match fs::read(path) {
            Ok(bytes) => return Ok((path.to_owned(), bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(InputError::from(error).in_file(path)),
        }
    }
    Err(InputError::NotFound.in_file(path))
}

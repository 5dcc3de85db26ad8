//! Recognizes the kind of a file, for error messages when another kind was expected: by its first bytes, or by the keys
//! of the outermost JSON object. No JSON value is built.

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;
use std::io::BufRead;

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A compiled program of Cairo 0.
    Program,
    /// Stone's proof file.
    Proof,
    /// Stone's public input.
    PublicInput,
    /// Stone's private input.
    PrivateInput,
    /// Stone's parameter file.
    Parameters,
    /// Stone's prover configuration.
    ProverConfig,
    /// The parameters of layout `dynamic`.
    DynamicParams,
    /// A Cairo PIE: a run, zipped.
    Pie,
    /// Another zip archive.
    Zip,
    /// A Sierra program.
    Sierra,
    /// A contract class of Cairo 1, as Sierra.
    SierraClass,
    /// A contract class of Cairo 1, compiled to CASM.
    CasmClass,
    /// A contract class of Cairo 0.
    OldClass,
    /// What `scarb build` makes of a package's executable.
    Executable,
    /// The input of a simple bootloader: a list of tasks.
    TaskList,
}

use FileKind::{
    CasmClass, DynamicParams, Executable, OldClass, Parameters, Pie, PrivateInput, Program, Proof,
    ProverConfig, PublicInput, Sierra, SierraClass, TaskList, Zip,
};

/// The keys that identify every kind of JSON file. If the keys of several kinds are present, the first kind counts.
const KEYS: &[(FileKind, &[&str])] = &[
    (Proof, &["proof_hex"]),
    (PublicInput, &["memory_segments", "public_memory"]),
    (PrivateInput, &["memory_path", "trace_path"]),
    (Parameters, &["field", "stark"]),
    (ProverConfig, &["constraint_polynomial_task_size"]),
    (DynamicParams, &["cpu_component_step"]),
    (SierraClass, &["entry_points_by_type", "sierra_program"]),
    (CasmClass, &["bytecode", "entry_points_by_type"]),
    (OldClass, &["entry_points_by_type", "program"]),
    (Executable, &["entrypoints", "program"]),
    (Sierra, &["funcs", "libfunc_declarations"]),
    (Program, &["builtins", "data"]),
    (TaskList, &["tasks"]),
];

/// The name of every kind in messages, and what to do with such a file.
const WORDS: &[(FileKind, &str, &str)] = &[
    (
        Program,
        "a compiled Cairo 0 program",
        "`quarry prove PROGRAM` runs and proves it",
    ),
    (Proof, "a Stone proof file", "`quarry verify FILE` verifies it"),
    (
        PublicInput,
        "Stone's public input",
        "give it with --public_input_file, beside --private_input_file",
    ),
    (
        PrivateInput,
        "Stone's private input",
        "give it with --private_input_file, beside --public_input_file",
    ),
    (
        Parameters,
        "Stone's parameter file",
        "give it with --parameter_file",
    ),
    (
        ProverConfig,
        "Stone's prover configuration",
        "give it with --prover_config_file",
    ),
    (
        DynamicParams,
        "the parameters of layout dynamic",
        "give them with --dynamic-params",
    ),
    (
        Pie,
        "a Cairo PIE",
        "`quarry prove --pie FILE` proves it under a bootloader",
    ),
    (Zip, "a zip archive", "unpack it, and give the file inside"),
    (Sierra, "a Sierra program", BUILD_EXECUTABLE),
    (SierraClass, "a contract class (Sierra)", CLASS),
    (CasmClass, "a contract class (CASM)", CLASS),
    (OldClass, "a contract class (Cairo 0)", CLASS),
    (
        Executable,
        "a Scarb executable",
        "`quarry prove --executable FILE` runs and proves it",
    ),
    (
        TaskList,
        "a list of tasks",
        "`quarry prove --tasks FILE` proves them under a bootloader",
    ),
];

const BUILD_EXECUTABLE: &str = "give its package a target [executable], build it with `scarb build`, and give the file \
                           NAME.executable.json to `quarry prove --executable`";

const CLASS: &str = "a contract cannot be run by itself: Starknet's tools run it, and a PIE of such a run \
                     needs a bootloader";

/// The first bytes of a zip archive, and the number of bytes before the name of its first entry.
const ZIP: &[u8] = b"PK\x03\x04";
const ZIP_HEADER: usize = 30;

/// The files in a PIE.
const PIE_ENTRIES: &[&[u8]] = &[
    b"additional_data.json",
    b"execution_resources.json",
    b"memory.bin",
    b"metadata.json",
    b"version.json",
];

impl FileKind {
    /// The kind of a file's content; `None` if it is unknown.
    pub fn of(mut content: impl BufRead) -> Option<Self> {
        let start = content.fill_buf().ok()?;
        if start.starts_with(ZIP) {
            return Some(if has_pie_entry(content) { Pie } else { Zip });
        }
        let mut known = KnownKeys(BTreeSet::new());
        // Keys found before an error count, so text after the object does no harm.
        let _ = serde_json::Deserializer::from_reader(content).deserialize_map(&mut known);
        let kind = KEYS
            .iter()
            .find(|(_, keys)| keys.iter().all(|key| known.0.contains(key)));
        kind.map(|(kind, _)| *kind)
    }

    fn words(self) -> (&'static str, &'static str) {
        let words = WORDS.iter().find(|(kind, _, _)| *kind == self);
        words.map_or(("", ""), |(_, name, way)| (name, way))
    }
}

/// Whether a zip archive has an entry of a PIE, at any place. The entries' own headers tell, not the directory at the
/// end, so that the content is read once and nothing of it is kept.
fn has_pie_entry(mut content: impl BufRead) -> bool {
    let longest = PIE_ENTRIES
        .iter()
        .map(|name| name.len())
        .max()
        .unwrap_or_default();
    // Bytes that may begin a header whose end is not read yet.
    let mut kept = Vec::new();
    while let Ok(read) = content.fill_buf() {
        let n = read.len();
        kept.extend_from_slice(read);
        content.consume(n);
        let is_entry = |header: &[u8]| {
            let name = header.get(ZIP_HEADER..).unwrap_or_default();
            header.starts_with(ZIP) && PIE_ENTRIES.iter().any(|entry| name.starts_with(entry))
        };
        if (0..kept.len()).any(|at| is_entry(&kept[at..])) {
            return true;
        }
        if n == 0 {
            break;
        }
        kept.drain(..kept.len().saturating_sub(ZIP_HEADER + longest));
    }
    false
}

/// The name in messages, such as "a Cairo PIE".
impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().0)
    }
}

/// A file of another kind than the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is {found}, not {expected}; {}", found.words().1)]
pub struct WrongKind {
    /// What it is.
    pub found: FileKind,
    /// What was expected.
    pub expected: FileKind,
}

/// Rejects content that is known to be of another kind. Content of an unknown kind passes; its reader reports the
/// error.
///
/// # Errors
/// [`WrongKind`], which says what the file is, and what to do with it.
pub fn expect(content: impl BufRead, expected: FileKind) -> Result<(), WrongKind> {
    match FileKind::of(content) {
        Some(found) if found != expected => Err(WrongKind { found, expected }),
        _ => Ok(()),
    }
}

/// Collects the keys of an object that identify a kind; skips all other keys and all values.
struct KnownKeys(BTreeSet<&'static str>);

impl<'de> Visitor<'de> for &mut KnownKeys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let mut telling = KEYS.iter().flat_map(|(_, keys)| *keys);
            self.0.extend(telling.find(|known| **known == key));
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<FileKind> {
        FileKind::of(text.as_bytes())
    }

    #[test]
    fn every_kind_of_json_is_told_by_its_keys() {
        let cases = [
            (
                Program,
                r#"{"attributes": [], "builtins": [], "data": ["0x1"], "hints": {}, "main_scope": "__main__"}"#,
            ),
            (
                Proof,
                r#"{"proof_hex": "0x", "proof_parameters": {"stark": {}}, "public_input": {}}"#,
            ),
            (
                PublicInput,
                r#"{"layout": "small", "memory_segments": {}, "public_memory": [], "n_steps": 4}"#,
            ),
            (
                PrivateInput,
                r#"{"trace_path": "t", "memory_path": "m", "pedersen": []}"#,
            ),
            (Parameters, r#"{"field": "PrimeField0", "stark": {"fri": {}}}"#),
            (
                ProverConfig,
                r#"{"cached_lde_config": {}, "constraint_polynomial_task_size": 256}"#,
            ),
            (DynamicParams, r#"{"add_mod_ratio": 0, "cpu_component_step": 1}"#),
            (
                Sierra,
                r#"{"version": 1, "type_declarations": [], "libfunc_declarations": [], "funcs": []}"#,
            ),
            (
                SierraClass,
                r#"{"sierra_program": ["0x1"], "entry_points_by_type": {}, "abi": []}"#,
            ),
            (
                CasmClass,
                r#"{"prime": "0x1", "bytecode": [], "hints": [], "entry_points_by_type": {}}"#,
            ),
            (
                OldClass,
                r#"{"abi": [], "entry_points_by_type": {}, "program": {"data": []}}"#,
            ),
            (
                Executable,
                r#"{"program": {"bytecode": [], "hints": []}, "entrypoints": []}"#,
            ),
            (
                TaskList,
                r#"{"tasks": [{"type": "CairoPiePath", "path": "pie.zip"}], "single_page": true}"#,
            ),
        ];
        for (expected, text) in cases {
            assert_eq!(kind(text), Some(expected), "{text}");
            assert_eq!(kind(&format!("{text} // and text behind it")), Some(expected));
        }
        let told: Vec<_> = cases.iter().map(|(kind, _)| *kind).collect();
        assert!(
            KEYS.iter().all(|(kind, _)| told.contains(kind)),
            "a kind without a case"
        );
        for text in [
            "",
            "[]",
            "{}",
            "7",
            r#"{"data": 1}"#,
            r#"{"a": {"proof_hex": 1}}"#,
            "not json",
            "\u{1}",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
    }

    #[test]
    fn a_pie_is_a_zip_archive_of_certain_files() {
        let archive = |name: &str| {
            let mut bytes = ZIP.to_vec();
            bytes.resize(ZIP_HEADER, 0);
            bytes.extend_from_slice(name.as_bytes());
            FileKind::of(&bytes[..])
        };
        for name in ["version.json", "memory.bin", "metadata.json"] {
            assert_eq!(archive(name), Some(Pie));
        }
        assert_eq!(archive("program.json"), Some(Zip));
        assert_eq!(FileKind::of(ZIP), Some(Zip));
        // Another entry may be the first.
        let header = |name: &str| [ZIP, &[0; ZIP_HEADER - ZIP.len()], name.as_bytes()].concat();
        let later = [header("notes.txt"), vec![7; 10_000], header("metadata.json")].concat();
        assert_eq!(FileKind::of(&*later), Some(Pie));
        for size in [1, 16, 4096] {
            let read = std::io::BufReader::with_capacity(size, &*later);
            assert!(has_pie_entry(read), "{size} bytes at a time");
        }
    }

    #[test]
    fn a_wrong_kind_is_said_with_the_way() {
        let proof = &br#"{"proof_hex": "0x"}"#[..];
        assert_eq!(expect(proof, Proof), Ok(()));
        assert_eq!(expect(&b"{}"[..], Proof), Ok(()));
        let error = expect(proof, Program).expect_err("a proof");
        assert_eq!(
            error.to_string(),
            "this is a Stone proof file, not a compiled Cairo 0 program; `quarry verify FILE` verifies it"
        );
        for (i, (kind, name, way)) in WORDS.iter().enumerate() {
            assert!(!name.is_empty() && !way.is_empty());
            assert!(
                WORDS[i + 1..].iter().all(|(other, _, _)| other != kind),
                "{kind:?} twice"
            );
        }
        assert!(
            KEYS.iter()
                .map(|(kind, _)| kind)
                .chain(&[Pie, Zip])
                .all(|kind| !kind.words().0.is_empty())
        );
    }
}

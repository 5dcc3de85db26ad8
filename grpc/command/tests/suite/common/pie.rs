//! Small PIEs, built cell by cell.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;

/// A run of this program, compiled by cairo-compile 0.14.0.1. Its first instruction holds for any value, which only the
/// memory of the run has:
///
/// ```cairo
/// %builtins output
/// func main(output_ptr: felt*) -> (output_ptr: felt*) {
///     [ap] = [ap], ap++;
///     [ap] = 7, ap++;
///     [ap - 1] = [[fp - 3]];
///     [ap] = [fp - 3] + 1, ap++;
///     ret;
/// }
/// ```
const SECRETIVE: [u64; 7] = [
    0x4812_8000_7fff_8000,
    0x4806_8001_7fff_8000,
    7,
    0x4002_8000_7ffd_7fff,
    0x4826_8001_7ffd_8000,
    1,
    0x208b_7fff_7fff_7ffe,
];

/// A program that writes 2^40 cells beyond its frame:
///
/// ```cairo
/// func main() {
///     [ap] = [fp - 2] + 1099511627776, ap++;
///     [ap] = 1, ap++;
///     [ap - 1] = [[ap - 2]];
///     ret;
/// }
/// ```
const FAR: [u64; 6] = [
    0x4826_8001_7ffe_8000,
    1 << 40,
    0x4806_8001_7fff_8000,
    1,
    0x4000_8000_7ffe_7fff,
    0x208b_7fff_7fff_7ffe,
];

/// A program that says that it used one instance of pedersen, and does not look at it:
///
/// ```cairo
/// %builtins pedersen
/// func main(pedersen_ptr: felt*) -> (pedersen_ptr: felt*) {
///     [ap] = [fp - 3] + 3, ap++;
///     ret;
/// }
/// ```
const UNREAD: [u64; 3] = [0x4826_8001_7ffd_8000, 3, 0x208b_7fff_7fff_7ffe];

/// The number that [`secretive`] has in its memory, and nowhere else.
pub const SECRET: u64 = 0x5ec2_e7ca_b1ed_f00d;

/// A PIE before it is zipped.
#[derive(Clone)]
pub struct Parts {
    /// `metadata.json`.
    pub metadata: Value,
    /// `memory.bin`.
    pub memory: Vec<u8>,
}

/// A cell: its segment and offset, and its value.
pub type Cell = ((u64, u64), Word);

/// The value of a cell.
pub enum Word {
    /// A number.
    Number(u64),
    /// An address.
    Pointer(u64, u64),
}

fn encoded((segment, offset): (u64, u64)) -> u64 {
    segment << 47 | offset
}

/// A cell as `memory.bin` has it.
pub fn cell((at, word): &Cell) -> Vec<u8> {
    const FLAG: u64 = 1 << 63;
    let words = match word {
        Word::Number(number) => [encoded(*at) | FLAG, *number, 0, 0, 0],
        Word::Pointer(segment, offset) => [encoded(*at) | FLAG, encoded((*segment, *offset)), 0, 0, FLAG],
    };
    words.into_iter().flat_map(u64::to_le_bytes).collect()
}

impl Parts {
    fn new(program: &[u64], builtins: &[(&str, u64)], n_execution: u64, cells: &[Cell]) -> Self {
        let segment = |index: usize, size: u64| json!({ "index": index, "size": size });
        let of_builtins = (2..)
            .zip(builtins)
            .map(|(i, (name, size))| ((*name).to_owned(), segment(i, *size)));
        let of_builtins: serde_json::Map<_, _> = of_builtins.collect();
        let n_segments = 2 + builtins.len();
        let builtins: Vec<_> = builtins.iter().map(|(name, _)| name).collect();
        let words = (0..).zip(program).map(|(i, word)| ((0, i), Word::Number(*word)));
        let memory = words
            .flat_map(|word| cell(&word))
            .chain(cells.iter().flat_map(cell));
        let prime = "3618502788666131213697322783095070105623107215331596699973092056135872020481";
        let prime: Value = serde_json::from_str(prime).expect("a number");
        Self {
            memory: memory.collect(),
            metadata: json!({
                "program": { "prime": prime, "data": program, "builtins": builtins, "main": 0 },
                "program_segment": segment(0, program.len() as u64),
                "execution_segment": segment(1, n_execution),
                "builtin_segments": of_builtins,
                "ret_fp_segment": segment(n_segments, 0),
                "ret_pc_segment": segment(n_segments + 1, 0),
                "extra_segments": [],
            }),
        }
    }

    /// The PIE as a file.
    pub fn zip(&self) -> Vec<u8> {
        self.zip_with(self.metadata.to_string().as_bytes())
    }

    /// The PIE as a file, with another `metadata.json`.
    pub fn zip_with(&self, metadata: &[u8]) -> Vec<u8> {
        let resources = json!({ "n_steps": 5, "n_memory_holes": 0, "builtin_instance_counter": {} });
        zip(&[
            ("metadata.json", metadata),
            ("memory.bin", &self.memory),
            ("additional_data.json", b"{}"),
            ("execution_resources.json", resources.to_string().as_bytes()),
        ])
    }
}

/// A run whose private input is [`SECRET`] and whose output is `output`; only 7 is right.
pub fn secretive(output: u64) -> Parts {
    let cells = [
        ((1, 0), Word::Pointer(2, 0)),
        ((1, 1), Word::Pointer(3, 0)),
        ((1, 2), Word::Pointer(4, 0)),
        ((1, 3), Word::Number(SECRET)),
        ((2, 0), Word::Number(output)),
    ];
    Parts::new(&SECRETIVE, &[("output", 1)], 6, &cells)
}

/// A run that writes far away.
pub fn far() -> Parts {
    let cells = [((1, 0), Word::Pointer(2, 0)), ((1, 1), Word::Pointer(3, 0))];
    Parts::new(&FAR, &[], 4, &cells)
}

/// An executable that writes far away.
pub fn far_executable() -> Value {
    let words: Vec<_> = FAR.iter().map(|word| format!("{word:#x}")).collect();
    json!({
        "program": { "bytecode": words, "hints": [] },
        "entrypoints": [{ "builtins": [], "offset": 0, "kind": "Bootloader" }],
    })
}

/// A run whose memory has a wrong Pedersen hash, which the program does not read.
pub fn false_hash() -> Parts {
    let cells = [
        ((1, 0), Word::Pointer(2, 0)),
        ((1, 1), Word::Pointer(3, 0)),
        ((1, 2), Word::Pointer(4, 0)),
        ((2, 0), Word::Number(1)),
        ((2, 1), Word::Number(2)),
        ((2, 2), Word::Number(3)),
    ];
    Parts::new(&UNREAD, &[("pedersen", 3)], 4, &cells)
}

/// A PIE that another tool made, of a program that computes a Fibonacci number.
pub fn fibonacci() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tasks/tests/data/fibonacci_pie.zip");
    fs::read(path).expect("a PIE")
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut file);
    for (name, content) in entries {
        let builder = archive
            .new_file(name)
            .compression_method(CompressionMethod::DEFLATE);
        let (mut entry, config) = builder.start().expect("an entry");
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
        writer.write_all(content).expect("a buffer");
        let (encoder, descriptor) = writer.finish().expect("a buffer");
        encoder.finish().expect("a buffer");
        entry.finish(descriptor).expect("a buffer");
    }
    archive.finish().expect("a buffer");
    file
}

//! Why a file is not a PIE that Quarry runs.

use std::fmt;

/// A file in a PIE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The version of the format.
    Version,
    /// The program and the segments.
    Metadata,
    /// The memory.
    Memory,
    /// What builtins need beside the memory.
    AdditionalData,
    /// What the run is said to have used.
    ExecutionResources,
}

impl Entry {
    /// Every entry, with its name and the most bytes that it may have when expanded. That of the memory follows from
    /// the segments.
    const ALL: [(Self, &'static str, u64); 5] = [
        (Self::Version, "version.json", 1 << 10),
        (Self::Metadata, "metadata.json", 1 << 26),
        (Self::Memory, "memory.bin", u64::MAX),
        (Self::AdditionalData, "additional_data.json", 1 << 25),
        (Self::ExecutionResources, "execution_resources.json", 1 << 16),
    ];

    fn row(self) -> (Self, &'static str, u64) {
        Self::ALL[self as usize]
    }

    /// The entry of this name.
    pub(super) fn by_name(name: &[u8]) -> Option<Self> {
        let row = Self::ALL.iter().find(|(_, known, _)| known.as_bytes() == name);
        row.map(|(entry, ..)| *entry)
    }

    /// The name in the archive.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    pub(super) fn max_bytes(self) -> u64 {
        self.row().2
    }
}

/// What the PIEs of a run have a common limit of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// Bytes of their files.
    Bytes,
    /// Memory cells. Runs of programs count too.
    Cells,
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Cells => "memory cells",
        })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a file is not a PIE that Quarry runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PieError {
    /// The file is too large.
    #[error("the file has {size} bytes; at most {most}")]
    TooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        most: usize,
    },
    /// The file is not a zip archive, or a damaged one.
    #[error("not a zip archive, or a damaged one: {0}")]
    Archive(String),
    /// The archive has too many entries.
    #[error("the archive has more than {most} entries")]
    TooManyEntries {
        /// The limit.
        most: usize,
    },
    /// An entry is missing.
    #[error("the archive has no {0}")]
    Missing(Entry),
    /// An entry is there more than once.
    #[error("the archive has more than one {0}")]
    Repeated(Entry),
    /// An entry is compressed or encrypted in a way that PIEs are not.
    #[error("{entry} is {how}; a PIE's entries are deflated or stored")]
    Compression {
        /// The entry.
        entry: Entry,
        /// The method.
        how: String,
    },
    /// An entry is too large when expanded.
    #[error("{entry} has {size} bytes when expanded; at most {most}")]
    EntryTooLarge {
        /// The entry.
        entry: Entry,
        /// The size that the archive states.
        size: u64,
        /// The limit.
        most: u64,
    },
    /// An entry's content is not what the archive says of it.
    #[error("{entry} is damaged: {why}")]
    Damaged {
        /// The entry.
        entry: Entry,
        /// What is wrong.
        why: String,
    },
    /// An entry is not the JSON that it should be.
    #[error("{entry}: {why}")]
    Json {
        /// The entry.
        entry: Entry,
        /// What is wrong, and where.
        why: String,
    },
    /// The version of the format is unknown.
    #[error("version.json says '{0}'; Quarry reads version 1.1")]
    Version(String),
    /// The program is of another field.
    #[error("metadata.json: the program's prime is {0}; Cairo's is 2^251 + 17*2^192 + 1")]
    Prime(String),
    /// A builtin that no bootloader knows, or one at the wrong place.
    #[error("metadata.json: {0}")]
    Builtins(String),
    /// `main` lies outside the program.
    #[error("metadata.json: main is {main}, but the program has {size} words")]
    Main {
        /// The offset.
        main: usize,
        /// The length of the program.
        size: usize,
    },
    /// The index of a segment is not the one that its place gives it.
    #[error("metadata.json: the index of {segment} is {index}; it must be {expected}")]
    SegmentIndex {
        /// The segment.
        segment: String,
        /// Its index.
        index: u64,
        /// The right one.
        expected: usize,
    },
    /// The size of a segment is impossible.
    #[error("metadata.json: the size of {segment} is {size}; it must be {expected}")]
    SegmentSize {
        /// The segment.
        segment: String,
        /// Its size.
        size: u64,
        /// The right one.
        expected: usize,
    },
    /// The segments are too large together.
    #[error("metadata.json: the segments have more than {most} cells together")]
    TooManyCells {
        /// The limit.
        most: usize,
    },
    /// The PIEs of a run are too large together.
    #[error("the PIEs of a run may have at most {most} {what} together")]
    Together {
        /// What there is too much of.
        what: Shared,
        /// The limit.
        most: usize,
    },
    /// The segments are far larger than what lies in them.
    #[error(
        "metadata.json: the segments have {claimed} cells together, but memory.bin has only {found}; at most {most}"
    )]
    EmptyCells {
        /// The cells that the segments have.
        claimed: usize,
        /// The cells that are there.
        found: usize,
        /// The limit for so many cells.
        most: usize,
    },
    /// The memory ends within a cell.
    #[error("memory.bin ends within cell {cell}; a cell has 40 bytes")]
    TornCell {
        /// Its number in the file.
        cell: usize,
    },
    /// The address of a cell is wrong.
    #[error("memory.bin: cell {cell} has the address {address:#x}: {why}")]
    Address {
        /// Its number in the file.
        cell: usize,
        /// The coded address.
        address: u64,
        /// What is wrong.
        why: String,
    },
    /// The value of a cell is wrong.
    #[error("memory.bin: the cell at {segment}:{offset} {why}")]
    Value {
        /// The segment.
        segment: usize,
        /// The offset in it.
        offset: usize,
        /// What is wrong.
        why: String,
    },
    /// Cells that bootloaders rely on are missing.
    #[error("memory.bin: the {name} segment has {found} of its first {expected} cells")]
    MissingCells {
        /// The segment.
        name: &'static str,
        /// How many of them are there.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A signature does not belong to the run.
    #[error(
        "additional_data.json: a signature is for {segment}:{offset}, which is not the first cell of an instance of ecdsa"
    )]
    Signature {
        /// The segment.
        segment: u64,
        /// The offset in it.
        offset: u64,
    },
}

impl PieError {
    /// A stable word for the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "pie.file_size",
            Self::Archive(_) => "pie.archive",
            Self::TooManyEntries { .. } | Self::Repeated(_) => "pie.entries",
            Self::Missing(_) => "pie.missing_entry",
            Self::Compression { .. } => "pie.compression",
            Self::EntryTooLarge { .. } => "pie.entry_size",
            Self::Damaged { .. } => "pie.damaged",
            Self::Json { .. } => "pie.json",
            Self::Version(_) => "pie.version",
            Self::Prime(_) | Self::Builtins(_) | Self::Main { .. } => "pie.program",
            Self::SegmentIndex { .. }
            | Self::SegmentSize { .. }
            | Self::TooManyCells { .. }
            | Self::EmptyCells { .. } => "pie.segments",
            Self::Together { .. } => "pie.together",
            Self::TornCell { .. } | Self::Address { .. } | Self::Value { .. } | Self::MissingCells { .. } => {
                "pie.memory"
            }
            Self::Signature { .. } => "pie.signatures",
        }
    }
}

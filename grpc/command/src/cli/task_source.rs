//! A task before it is run: the files that it is made of. A command runs it itself, or uploads its files.

use crate::cli::failure::Failure;
use crate::cli::source;
use crate::cli::task_reader::in_file;
use quarry_prover_core::file_kind::FileKind;
use quarry_tasks::bootloader::HashFunction;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file, or what would be in it.
#[derive(Clone, Debug)]
pub enum Content {
    /// The file.
    File(PathBuf),
    /// The content.
    Json(Value),
}

impl Content {
    /// The content as the bytes of a file.
    pub fn bytes(&self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::File(path) => source::read(path),
            Self::Json(value) => Ok(value.to_string().into_bytes()),
        }
    }

    /// The content as JSON.
    pub fn json(&self) -> Result<Value, Failure> {
        match self {
            Self::File(path) => source::read_json(path),
            Self::Json(value) => Ok(value.clone()),
        }
    }

    /// The file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Json(_) => None,
        }
    }

    /// A failure that names the file, if there is one.
    pub fn named(&self, failure: Failure) -> Failure {
        match self.file() {
            Some(path) => in_file(path, &failure),
            None => failure,
        }
    }
}

/// What a task is made of.
#[derive(Clone, Debug)]
pub enum TaskSource {
    /// A PIE.
    Pie(PathBuf),
    /// A program, and what its hints read as `program_input`.
    Program {
        /// The compiled program.
        program: Content,
        /// The input.
        input: Option<Content>,
    },
    /// A Scarb executable.
    Executable {
        /// Its file.
        file: PathBuf,
        /// The arguments of its `main`: an array of felts.
        arguments: Option<Content>,
    },
}

impl TaskSource {
    /// The main file and what it must be.
    pub fn main_file(&self) -> Option<(&Path, FileKind)> {
        match self {
            Self::Pie(path) => Some((path, FileKind::Pie)),
            Self::Program { program, .. } => program.file().map(|path| (path, FileKind::Program)),
            Self::Executable { file, .. } => Some((file, FileKind::Executable)),
        }
    }
}

/// A task of a list.
#[derive(Clone, Debug)]
pub struct ListedTask {
    /// What it is made of.
    pub source: TaskSource,
    /// The hash function of its program; `None` takes that of the list.
    pub hash_function: Option<HashFunction>,
}

impl From<TaskSource> for ListedTask {
    fn from(source: TaskSource) -> Self {
        Self {
            source,
            hash_function: None,
        }
    }
}

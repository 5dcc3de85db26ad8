//! Where files are kept: what clients upload, statements, proofs. A file is named by its SHA-256, and is its tenant's alone:
//! who knows the digest of another's file has nothing of it.
//!
//! A trait, so that a fleet may keep them elsewhere, and the folder of an appliance.

mod folder;

pub use crate::digest::digest;
pub use folder::ArtifactFolder;

use crate::internal::StoredJob;
use crate::protocol::{ArtifactRef, JobSpec, job_spec};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a file cannot be had or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// Not the 64 lower-case hexadecimal digits of a SHA-256.
    #[error("'{0}' is no SHA-256 in lower-case hexadecimal")]
    Digest(String),
    /// It is not here.
    #[error("artifact {0} is not here")]
    NotFound(String),
    /// Another upload of the same file is running.
    #[error("artifact {0} is being uploaded by somebody else")]
    Busy(String),
    /// The upload does not go on where it broke off.
    #[error("artifact {sha256}: the upload goes on at {offset}, but {received} bytes are here")]
    Offset {
        /// The file.
        sha256: String,
        /// Where the upload goes on.
        offset: u64,
        /// What is here.
        received: u64,
    },
    /// More bytes than were announced, or than an artifact may have.
    #[error("artifact {sha256}: longer than {size} bytes")]
    TooLong {
        /// The file.
        sha256: String,
        /// The bytes that it may have.
        size: u64,
    },
    /// The bytes do not have the digest that names them.
    #[error("artifact {0}: its bytes have another digest")]
    Damaged(String),
    /// Too little would be left of the disk.
    #[error("the disk has {free} bytes left, {needed} are needed")]
    DiskFull {
        /// What is free.
        free: u64,
        /// The file, and what must stay free.
        needed: u64,
    },
    /// The folder cannot be read or written.
    #[error("artifacts: {0}")]
    Io(#[from] io::Error),
}

/// A file that a tenant's job needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Whose file it is.
    pub tenant: String,
    /// Its name.
    pub sha256: String,
}

/// How much of a file is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Whether all of it is.
    pub complete: bool,
    /// Bytes.
    pub received: u64,
}

/// A file that is being uploaded. What was written stays if this is dropped, to be resumed.
pub trait Upload: Send {
    /// Writes what comes next.
    ///
    /// # Errors
    /// [`ArtifactError::TooLong`], [`ArtifactError::Io`].
    fn write(&mut self, chunk: &[u8]) -> Result<(), ArtifactError>;

    /// Ends the upload: if all bytes are here and have the digest, they are kept, durably; if they have not, all are
    /// forgotten.
    ///
    /// # Errors
    /// [`ArtifactError::Damaged`], [`ArtifactError::Io`].
    fn finish(self: Box<Self>) -> Result<Kept, ArtifactError>;
}

/// A place for files. What a method kept is durable when it returns.
pub trait Artifacts: Send + Sync + 'static {
    /// How much of a tenant's file is here.
    ///
    /// # Errors
    /// [`ArtifactError`].
    fn stat(&self, tenant: &str, sha256: &str) -> Result<Kept, ArtifactError>;

    /// Begins or resumes a tenant's upload.
    ///
    /// # Errors
    /// [`ArtifactError::Busy`], [`ArtifactError::Offset`], [`ArtifactError::DiskFull`] and others.
    fn upload(
        &self,
        tenant: &str,
        artifact: &ArtifactRef,
        offset: u64,
    ) -> Result<Box<dyn Upload>, ArtifactError>;

    /// A local path of a tenant's file that is here, for reading.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`] and others.
    fn path(&self, tenant: &str, sha256: &str) -> Result<PathBuf, ArtifactError>;

    /// Takes a finished file in for a tenant; it is gone from where it was.
    ///
    /// # Errors
    /// [`ArtifactError`].
    fn adopt(&self, tenant: &str, file: &Path) -> Result<ArtifactRef, ArtifactError>;

    /// Whether less of the disk is free than is to be left free.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn is_short(&self) -> Result<bool, ArtifactError>;

    /// Removes what is not referred to and was not touched for `age`, parts of uploads too; gives how many files went.
    ///
    /// # Errors
    /// [`ArtifactError`].
    fn collect(&self, referred: &HashSet<Reference>, age: Duration) -> Result<usize, ArtifactError>;
}

/// What is wrong with files that are needed, a line for each that is missing or damaged.
pub fn wrong(artifacts: &dyn Artifacts, needed: &HashSet<Reference>) -> Vec<String> {
    let check = |Reference { tenant, sha256 }: &Reference| match artifacts
        .path(tenant, sha256)
        .and_then(|path| Ok(digest(File::open(path)?)?))
    {
        Ok(found) if found.sha256 == *sha256 => None,
        Ok(_) => Some(format!("{sha256}: damaged")),
        Err(why) => Some(format!("{sha256}: {why}")),
    };
    let mut wrong: Vec<_> = needed.iter().filter_map(check).collect();
    wrong.sort();
    wrong
}

/// The files that a job is made from, each with what it is.
pub fn named_inputs(spec: &JobSpec) -> Vec<(&'static str, &ArtifactRef)> {
    let files = match &spec.input {
        Some(job_spec::Input::Air(air)) => vec![
            ("public input", &air.public_input),
            ("private input", &air.private_input),
            ("trace", &air.trace),
            ("memory", &air.memory),
        ],
        Some(job_spec::Input::Program(program)) => vec![
            ("program", &program.program),
            ("program input", &program.input),
            ("dynamic_params", &program.dynamic_params),
        ],
        None => Vec::new(),
    };
    let given = files
        .into_iter()
        .filter_map(|(name, file)| Some((name, file.as_ref()?)));
    given.collect()
}

/// The files that a job is made from.
pub fn inputs_of(spec: &JobSpec) -> Vec<&ArtifactRef> {
    named_inputs(spec).into_iter().map(|(_, file)| file).collect()
}

/// All files that a job or its result refers to, its inputs among them or not.
pub(crate) fn references_of(stored: &StoredJob, with_inputs: bool) -> Vec<Reference> {
    let Some(job) = &stored.job else {
        return Vec::new();
    };
    let (spec, statement) = (job.spec.as_ref(), job.statement.as_ref());
    let result = stored.result.as_ref();
    let inputs = spec.filter(|_| with_inputs).map(inputs_of).unwrap_or_default();
    let others = [
        statement.and_then(|statement| statement.public_input.as_ref()),
        statement.and_then(|statement| statement.parameters.as_ref()),
        result.and_then(|result| result.proof.as_ref()),
    ];
    let all = inputs.into_iter().chain(others.into_iter().flatten());
    let reference = |artifact: &ArtifactRef| Reference {
        tenant: job.tenant.clone(),
        sha256: artifact.sha256.clone(),
    };
    all.map(reference).collect()
}

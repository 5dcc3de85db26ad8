//! Storage of artifacts: uploads, statements and proofs. A file is named by its SHA-256 and belongs to its tenant:
//! knowing the digest of another tenant's file gives no access to it.
//!
//! The trait [`Artifacts`], which a fleet could implement with shared storage, and the folder of a single appliance.

mod accounts;
mod disk;
mod files;
mod folder;
mod upload;

pub use disk::{ORDINARY_UPLOAD_BYTES, size as disk_size};
pub use folder::ArtifactFolder;
pub use quarry_client::digest::digest;

use crate::config::TenantLimits;
use crate::job::Job;
use crate::place::PlaceError;
use crate::quota::Exceeded;
use quarry_client::protocol::ArtifactRef;
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Error of the artifact storage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// Not the 64 lower-case hexadecimal digits of a SHA-256.
    #[error("'{0}' is not a SHA-256 in lower-case hexadecimal")]
    Digest(String),
    /// The file is missing or incomplete.
    #[error("artifact {0} not found")]
    NotFound(String),
    /// Another upload of the same file is running.
    #[error("artifact {0} is being uploaded by another client")]
    Busy(String),
    /// The upload starts beyond the bytes that were received.
    #[error("artifact {sha256}: the upload starts at {offset}, but only {received} bytes were received")]
    Offset {
        /// The file.
        sha256: String,
        /// Where the upload resumes.
        offset: u64,
        /// Bytes received so far.
        received: u64,
    },
    /// More bytes than announced, or than an artifact may have.
    #[error("artifact {sha256}: longer than {size} bytes")]
    TooLong {
        /// The file.
        sha256: String,
        /// Maximum size in bytes.
        size: u64,
    },
    /// The stored content does not match its digest, or is no file.
    #[error("artifact {0}: its content does not match its digest")]
    Damaged(String),
    /// The uploaded content does not match its digest.
    #[error("artifact {0}: the digest of the uploaded bytes is another one; they were removed")]
    Mismatch(String),
    /// The disk has too little free space.
    #[error("the disk has {free} bytes free, {needed} are needed")]
    DiskFull {
        /// Free bytes.
        free: u64,
        /// Needed bytes: what is to be written now, and the space that must stay free.
        needed: u64,
    },
    /// What the tenant's uploads may still send does not fit on the disk. The disk is not full for others.
    #[error(
        "the tenant's open uploads may still send {promised} bytes; the disk has {free} bytes free for uploads"
    )]
    NoRoom {
        /// Bytes that its uploads may still send, this one included.
        promised: u64,
        /// Bytes that uploads may take.
        free: u64,
    },
    /// The tenant has reached one of its limits.
    #[error(transparent)]
    Quota(#[from] Exceeded),
    /// The folder was moved or replaced.
    #[error("artifacts: {0}")]
    Moved(#[from] PlaceError),
    /// The folder cannot be read or written.
    #[error("artifacts: {0}")]
    Io(#[from] io::Error),
}

/// A file that a tenant's job needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Tenant that owns the file.
    pub tenant: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// How much of a file is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Whether the file is complete.
    pub complete: bool,
    /// Bytes received.
    pub received: u64,
}

/// What a tenant may store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Its limits.
    pub limits: TenantLimits,
    /// Bytes of the records of its jobs, which count with its files.
    pub records: u64,
}

/// What a tenant uses of the storage, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Its files, complete or not.
    pub stored: u64,
    /// What its open uploads may still send.
    pub promised: u64,
}

/// An upload in progress. If it is dropped, the written bytes stay, to be resumed.
pub trait Upload: Send {
    /// Appends a chunk.
    ///
    /// # Errors
    /// [`ArtifactError::TooLong`], [`ArtifactError::DiskFull`], [`ArtifactError::Io`].
    fn write(&mut self, chunk: &[u8]) -> Result<(), ArtifactError>;

    /// Ends the upload. If all bytes have arrived, checks the digest: a match is stored durably, a mismatch is
    /// discarded. Otherwise the bytes stay, to be resumed.
    ///
    /// # Errors
    /// [`ArtifactError::Damaged`], [`ArtifactError::Io`].
    fn finish(self: Box<Self>) -> Result<Kept, ArtifactError>;
}

/// Storage of artifacts. Stored files are durable when a method returns.
pub trait Artifacts: Send + Sync + 'static {
    /// Returns how much of a tenant's file is stored.
    ///
    /// # Errors
    /// [`ArtifactError`].
    fn stat(&self, tenant: &str, sha256: &str) -> Result<Kept, ArtifactError>;

    /// Begins or resumes a tenant's upload within its limits.
    ///
    /// # Errors
    /// [`ArtifactError::Busy`], [`ArtifactError::Offset`], [`ArtifactError::DiskFull`], [`ArtifactError::NoRoom`],
    /// [`ArtifactError::Quota`] and others.
    fn upload(
        &self,
        tenant: &str,
        artifact: &ArtifactRef,
        offset: u64,
        allowance: &Allowance,
    ) -> Result<Box<dyn Upload>, ArtifactError>;

    /// Returns what a tenant uses.
    ///
    /// # Errors
    /// [`ArtifactError`].
    fn usage(&self, tenant: &str) -> Result<Usage, ArtifactError>;

    /// Returns a local path for reading a tenant's complete file.
    ///
    /// # Errors
    /// [`ArtifactError::NotFound`] and others.
    fn path(&self, tenant: &str, sha256: &str) -> Result<PathBuf, ArtifactError>;

    /// Stores a finished file for a tenant by moving it.
    ///
    /// # Errors
    /// [`ArtifactError`].
    fn adopt(&self, tenant: &str, file: &Path) -> Result<ArtifactRef, ArtifactError>;

    /// Checks that the files are still where they were opened.
    ///
    /// # Errors
    /// [`ArtifactError::Moved`].
    fn check_place(&self) -> Result<(), ArtifactError>;

    /// Whether the disk has no room for an upload of ordinary size ([`ORDINARY_UPLOAD_BYTES`]) above the watermark.
    /// What uploads may still send does not count.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn is_short(&self) -> Result<bool, ArtifactError>;

    /// Removes files and partial uploads that are unreferenced and were not modified for `age`; returns their number.
    ///
    /// # Errors
    /// [`ArtifactError`].
    fn collect(&self, referred: &HashSet<Reference>, age: Duration) -> Result<usize, ArtifactError>;
}

/// Compares a file with its digest.
///
/// # Errors
/// [`ArtifactError::NotFound`], [`ArtifactError::Damaged`], [`ArtifactError::Io`].
pub fn compare(artifacts: &dyn Artifacts, file: &Reference) -> Result<(), ArtifactError> {
    let Reference { tenant, sha256 } = file;
    match digest(File::open(artifacts.path(tenant, sha256)?)?)?.sha256 == *sha256 {
        true => Ok(()),
        false => Err(ArtifactError::Damaged(sha256.clone())),
    }
}

/// All files that a job and its result refer to, with or without its inputs.
pub(crate) fn references_of(job: &Job, with_inputs: bool) -> Vec<Reference> {
    let inputs = job.spec.inputs().filter(|_| with_inputs);
    let first = job.first.iter();
    let statement = job.statement.iter();
    let statement = statement.chain(first.clone().flat_map(|first| &first.statement));
    let stated = statement.flat_map(|statement| {
        [
            &statement.public_input,
            &statement.parameters,
            &statement.fact_topologies,
        ]
    });
    let results = job.result.iter();
    let results = results.flat_map(|result| [&result.proof, &result.calldata]);
    let results = results.chain(first.map(|first| &first.proof));
    let all = inputs.chain(stated.chain(results).flatten());
    let reference = |artifact: &ArtifactRef| Reference {
        tenant: job.tenant.clone(),
        sha256: artifact.sha256.clone(),
    };
    all.map(reference).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_client::protocol::{FirstProof, JobResult, Statement};

    #[test]
    fn a_job_refers_to_the_files_of_both_its_proofs() {
        let file = |name: &str| {
            Some(ArtifactRef {
                sha256: name.to_owned(),
                size: 1,
            })
        };
        let statement = |name: &str| {
            Some(Statement {
                public_input: file(name),
                fact_topologies: file(&format!("{name}: topologies")),
                ..Statement::default()
            })
        };
        let mut job = crate::job::example("tenant");
        job.begin_second_leg(FirstProof {
            proof: file("first proof"),
            statement: statement("first statement"),
            ..FirstProof::default()
        });
        job.statement = statement("statement");
        job.result = Some(JobResult {
            proof: file("proof"),
            ..JobResult::default()
        });
        let mut names: Vec<_> = references_of(&job, false)
            .into_iter()
            .map(|file| file.sha256)
            .collect();
        names.sort();
        let expected = [
            "first proof",
            "first statement",
            "first statement: topologies",
            "proof",
            "statement",
            "statement: topologies",
        ];
        assert_eq!(names, expected);
    }
}

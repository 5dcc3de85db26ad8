//! Maps errors to gRPC status codes, with retry delays where a retry may help.

use crate::artifacts::ArtifactError;
use crate::quota::Exceeded;
use crate::scheduler::{ReproveError, SubmitError};
use crate::store::StoreError;
use crate::text::cut;
use quarry_client::block::BlockError;
use quarry_client::protocol::{Failure, FailureClass};
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Maximum length of a status message in bytes.
const MAX_MESSAGE: usize = 1 << 10;
/// Retry delay while the service is overloaded or paused, or its storage fails.
const LATER: Duration = Duration::from_secs(10);
/// Retry delay for conditions that pass soon, such as a restart.
const SOON: Duration = Duration::from_secs(2);

/// Cuts an overlong message: it is sent in a header.
fn brief(message: String) -> String {
    cut(message, MAX_MESSAGE)
}

/// A status with a retry delay.
pub fn retry(code: Code, message: String, after: Duration) -> Status {
    let message = brief(message);
    Status::with_error_details(code, message, ErrorDetails::with_retry_info(Some(after)))
}

/// The status for an error of the store.
pub fn of_store(error: &StoreError) -> Status {
    let message = brief(error.to_string());
    match error {
        StoreError::NotFound(_) => Status::not_found(message),
        StoreError::Ended(_)
        | StoreError::NoProof { .. }
        | StoreError::Unproved { .. }
        | StoreError::Active(_) => Status::failed_precondition(message),
        StoreError::Nonce(_) => Status::already_exists(message),
        StoreError::PageToken(_) => Status::invalid_argument(message),
        StoreError::Stale { .. } => Status::aborted(message),
        _ => {
            tracing::error!(%error, "store error");
            retry(Code::Unavailable, "the store is unavailable".to_owned(), LATER)
        }
    }
}

/// The status for an error of artifacts.
pub fn of_artifacts(error: &ArtifactError) -> Status {
    let message = brief(error.to_string());
    match error {
        ArtifactError::Digest(_) | ArtifactError::TooLong { .. } | ArtifactError::Mismatch(_) => {
            Status::invalid_argument(message)
        }
        ArtifactError::NotFound(_) => Status::not_found(message),
        ArtifactError::Busy(_) => retry(Code::Aborted, message, SOON),
        ArtifactError::Offset { .. } => Status::out_of_range(message),
        ArtifactError::Damaged(_) => Status::data_loss(message),
        ArtifactError::DiskFull { .. } => retry(Code::ResourceExhausted, message, LATER),
        // It is the tenant's own trouble, as a quota is: the disk is not short.
        ArtifactError::NoRoom { .. } => {
            let mut details = ErrorDetails::with_quota_failure_violation("tenant", &message);
            details.set_retry_info(Some(LATER));
            Status::with_error_details(Code::ResourceExhausted, message, details)
        }
        ArtifactError::Quota(exceeded) => of_quota(exceeded),
        ArtifactError::Io(_) | ArtifactError::Moved(_) => {
            tracing::error!(%error, "artifact storage error");
            retry(
                Code::Unavailable,
                "the artifact storage is unavailable".to_owned(),
                LATER,
            )
        }
    }
}

/// The status for more than a tenant's limit allows. Its details name the tenant's quota too.
pub fn of_quota(exceeded: &Exceeded) -> Status {
    let message = brief(exceeded.to_string());
    let mut details = ErrorDetails::with_quota_failure_violation("tenant", &message);
    let code = match exceeded.retry_after() {
        Some(after) => {
            details.set_retry_info(Some(after));
            Code::ResourceExhausted
        }
        None => Code::FailedPrecondition,
    };
    Status::with_error_details(code, message, details)
}

/// The reason, one of [`UPLOAD_REFUSALS`](crate::metrics::UPLOAD_REFUSALS), for which an upload was rejected; `None` if
/// the client broke it off.
pub fn upload_refusal(status: &Status) -> Option<&'static str> {
    if status.get_details_quota_failure().is_some() {
        return Some("quota");
    }
    match status.code() {
        Code::Aborted => Some("busy"),
        Code::DeadlineExceeded => Some("slow"),
        Code::ResourceExhausted => Some("disk"),
        Code::InvalidArgument | Code::OutOfRange => Some("invalid"),
        Code::Unavailable => Some("storage"),
        _ => None,
    }
}

/// The status for a rejected submission.
pub fn of_submit(error: &SubmitError) -> Status {
    match error {
        SubmitError::Quota(exceeded) => of_quota(exceeded),
        SubmitError::Full(_) | SubmitError::Paused(_) => {
            retry(Code::ResourceExhausted, error.to_string(), LATER)
        }
        SubmitError::Busy(missed) => {
            // By then the current work is done, or the deadline at risk has passed.
            let after = missed.needed.min(missed.left).max(SOON);
            retry(Code::ResourceExhausted, error.to_string(), after)
        }
        // Only the operator can help.
        SubmitError::Block(BlockError::NoKeys) => Status::failed_precondition(error.to_string()),
        SubmitError::Late | SubmitError::Priority { .. } | SubmitError::Block(_) => {
            Status::invalid_argument(error.to_string())
        }
        SubmitError::Reused { .. } => Status::already_exists(error.to_string()),
        SubmitError::Draining => retry(Code::Unavailable, error.to_string(), SOON),
        SubmitError::Artifact(ArtifactError::NotFound(_)) => {
            Status::failed_precondition(brief(error.to_string()))
        }
        SubmitError::Artifact(error) => of_artifacts(error),
        SubmitError::Store(error) => of_store(error),
    }
}

/// The status for a job that does not start over.
pub fn of_reprove(error: &ReproveError) -> Status {
    match error {
        ReproveError::Whole(_) | ReproveError::Missing { .. } | ReproveError::Damaged { .. } => {
            Status::failed_precondition(brief(error.to_string()))
        }
        ReproveError::Ending(_) => Status::unavailable(error.to_string()),
        ReproveError::Artifact(error) => of_artifacts(error),
        ReproveError::Store(error) => of_store(error),
    }
}

/// The status for a job that could not be proved.
pub fn of_failure(failure: &Failure) -> Status {
    let message = brief(format!("{} ({})", failure.message, failure.code));
    match failure.class() {
        FailureClass::InputInvalid => Status::invalid_argument(message),
        FailureClass::Unsupported => Status::unimplemented(message),
        FailureClass::Resource => Status::failed_precondition(message),
        _ => Status::internal(message),
    }
}

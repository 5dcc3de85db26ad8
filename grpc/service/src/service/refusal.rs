//! Refusals of signed submissions: the status of the call, with the service's signed word as a detail.

use super::signing::OwnKey;
use prost::Message;
use quarry_client::envelope::{EnvelopeError, Verified};
use quarry_client::protocol::{Refusal, SignedRefusal};
use tonic::Status;
use tonic_types::StatusExt;

/// Type of the detail, as `google.protobuf.Any` names it.
const DETAIL: &str = "type.googleapis.com/quarry.prover.v1.SignedRefusal";

/// The status for a message that is not accepted.
pub fn of_envelope(error: &EnvelopeError) -> Status {
    Status::invalid_argument(format!("{error} ({})", error.code()))
}

/// Adds the service's signed refusal to the status of a refused submission. If it cannot be signed, the status is as it
/// was: a refusal must not fail.
pub async fn signed(status: Status, code: &str, asked: &Verified, own: &OwnKey) -> Status {
    let retry_after = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let refusal = Refusal {
        request_digest: asked.digest().to_string(),
        code: code.to_owned(),
        message: status.message().to_owned(),
        retry_after: retry_after.and_then(|after| after.try_into().ok()),
    };
    match own.refuse(asked, &refusal).await {
        Ok(envelope) => with_detail(&status, envelope),
        Err(error) => {
            tracing::error!(%error, "a refusal was not signed");
            status
        }
    }
}

/// The status with one more detail.
fn with_detail(status: &Status, envelope: Vec<u8>) -> Status {
    let mut details =
        tonic_types::pb::Status::decode(status.details()).unwrap_or_else(|_| tonic_types::pb::Status {
            code: status.code().into(),
            message: status.message().to_owned(),
            details: Vec::new(),
        });
    details.code = status.code().into();
    details.message = status.message().to_owned();
    details.details.push(prost_types::Any {
        type_url: DETAIL.to_owned(),
        value: SignedRefusal { envelope }.encode_to_vec(),
    });
    let (code, message) = (status.code(), status.message().to_owned());
    Status::with_details(code, message, details.encode_to_vec().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tonic::Code;
    use tonic_types::ErrorDetails;

    #[test]
    fn a_detail_leaves_the_others() {
        let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(7)));
        for status in [
            Status::with_error_details(Code::ResourceExhausted, "full", details),
            Status::invalid_argument("wrong"),
        ] {
            let with = with_detail(&status, vec![1, 2, 3]);
            assert_eq!((with.code(), with.message()), (status.code(), status.message()));
            let retry = |status: &Status| status.get_details_retry_info().map(|info| info.retry_delay);
            assert_eq!(retry(&with), retry(&status));
            let sent = tonic_types::pb::Status::decode(with.details()).unwrap();
            let own = sent
                .details
                .iter()
                .find(|detail| detail.type_url == DETAIL)
                .unwrap();
            assert_eq!(SignedRefusal::decode(&*own.value).unwrap().envelope, [1, 2, 3]);
        }
    }
}

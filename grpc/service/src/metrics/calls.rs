//! Times of gRPC calls, by method and code. Both come from tables: a caller can make no labels.

use super::Register;
use super::labels::OfCall;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Unit;
use prost::Message;
use prost_types::FileDescriptorSet;
use quarry_client::protocol::DESCRIPTORS;
use std::collections::HashMap;
use std::time::Duration;
use tonic::Code;

/// Label of calls of other services than the protocol's (health, reflection), and of methods that do not exist.
const OTHER: &str = "other";

/// Metrics of gRPC calls.
pub(super) struct CallMetrics {
    /// Names of the protocol's methods by path: `/quarry.prover.v1.Prover/GetJob`.
    methods: HashMap<String, String>,
    times: Family<OfCall, Histogram, fn() -> Histogram>,
}

impl CallMetrics {
    /// Registers the metrics.
    pub(super) fn register(r: &mut Register) -> Self {
        let times = Family::new_with_constructor(times as fn() -> Histogram);
        Self {
            methods: methods(),
            times: r.of_unit(
                "grpc_call",
                Unit::Seconds,
                "Time of gRPC calls, with the transfer of their messages",
                times,
            ),
        }
    }

    /// Records a call of a path, which may be anything, and its code.
    pub(super) fn called(&self, path: &str, code: Code, time: Duration) {
        let call = OfCall {
            method: self.methods.get(path).map_or(OTHER, |name| name).to_owned(),
            code: code_name(code),
        };
        self.times.get_or_create(&call).observe(time.as_secs_f64());
    }
}

/// 1 ms to about 4 minutes; streams may take longer.
fn times() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 10))
}

fn methods() -> HashMap<String, String> {
    let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default().file;
    let mut methods = HashMap::new();
    for file in files {
        for service in &file.service {
            for method in &service.method {
                let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                methods.insert(path, method.name().to_owned());
            }
        }
    }
    methods
}

/// The code's name, as the protocol's documentation has it.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Load, Metrics};
    use std::collections::BTreeMap;

    #[test]
    fn a_path_makes_no_label() {
        let metrics = Metrics::new(true);
        let time = Duration::from_millis(3);
        metrics.called("/quarry.prover.v1.Prover/SubmitJob", Code::Ok, time);
        for n in 0..1000 {
            metrics.called(&format!("/hostile/\"{n}"), Code::Unimplemented, time);
        }
        let page = metrics.page(&Load::default(), &BTreeMap::new(), true);
        for line in [
            "quarry_grpc_call_seconds_bucket{le=\"0.001\",method=\"SubmitJob\",code=\"OK\"} 0",
            "quarry_grpc_call_seconds_bucket{le=\"0.004\",method=\"SubmitJob\",code=\"OK\"} 1",
            "quarry_grpc_call_seconds_count{method=\"other\",code=\"UNIMPLEMENTED\"} 1000",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}: {page}");
        }
        assert!(!page.contains("hostile"), "{page}");
    }
}

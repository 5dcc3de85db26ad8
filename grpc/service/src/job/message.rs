//! Converts jobs from records, and to records, answers and events.

use super::Job;
use crate::internal::StoredJob;
use prost_types::Timestamp;
use quarry_client::protocol::{self, JobEvent};
use std::time::SystemTime;

/// A time, if the system can represent it. No time of a job is before 1970, and the earliest of them have no timestamp.
pub(super) fn time(at: Timestamp) -> Option<SystemTime> {
    let at = SystemTime::try_from(at).ok()?;
    Some(at.max(SystemTime::UNIX_EPOCH))
}

impl Job {
    /// The job in a record; `None` if there is none in it.
    pub(crate) fn of_record(record: StoredJob) -> Option<Self> {
        let message = record.job?;
        // Every service recorded the times. Without one, a job counts as new.
        let or_now = |at: Option<Timestamp>| at.and_then(time).unwrap_or_else(SystemTime::now);
        Some(Self {
            state: message.state(),
            id: message.id,
            tenant: message.tenant,
            spec: message.spec.unwrap_or_default().into(),
            stage: message.stage,
            progress: message.progress,
            failure: message.failure,
            validation_done: message.validation_done,
            failed_attempts: message.failed_attempts,
            attempt_failures: message.attempt_failures,
            lease: message.lease_epoch,
            created: or_now(message.created_at),
            updated: or_now(message.updated_at),
            first_event: message.first_event,
            last_event: message.last_event,
            statement: message.statement,
            result: record.result,
            times_reopened: record.times_reopened,
            leg: message.leg,
            first: message.first,
            signed_request: message.signed_request,
        })
    }
}

/// The job as clients see it, without its result.
impl From<Job> for protocol::Job {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            state: job.state.into(),
            spec: Some(job.spec.into()),
            failure: job.failure,
            validation_done: job.validation_done,
            stage: job.stage,
            progress: job.progress,
            failed_attempts: job.failed_attempts,
            attempt_failures: job.attempt_failures,
            lease_epoch: job.lease,
            created_at: Some(job.created.into()),
            updated_at: Some(job.updated.into()),
            first_event: job.first_event,
            last_event: job.last_event,
            tenant: job.tenant,
            statement: job.statement,
            // Only the scheduler knows.
            waits_for: String::new(),
            leg: job.leg,
            first: job.first,
            signed_request: job.signed_request,
        }
    }
}

impl From<Job> for StoredJob {
    fn from(mut job: Job) -> Self {
        Self {
            result: job.result.take(),
            times_reopened: job.times_reopened,
            job: Some(job.into()),
        }
    }
}

/// The event for a job's latest change.
impl From<&Job> for JobEvent {
    fn from(job: &Job) -> Self {
        Self {
            cursor: job.last_event,
            at: Some(job.updated.into()),
            job_id: job.id.clone(),
            state: job.state.into(),
            stage: job.stage.clone(),
            progress: job.progress,
            failure: job.failure.clone(),
            lease_epoch: job.lease,
            leg: job.leg,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use quarry_client::protocol::job_spec::{Input, Parameters};
    use quarry_client::protocol::{
        AirInput, ArtifactRef, BlockReference, CalldataOptions, Claim, Facts, Failure, FirstProof, JobResult,
        JobSpec, JobState, Limits, NamedProfile, PhaseTime, ProgramInput, SignedRequest, Statement,
        WrapOptions,
    };

    fn at(seconds: i64) -> Option<Timestamp> {
        let nanos = 999_999_999;
        Some(Timestamp { seconds, nanos })
    }

    fn file(name: &str) -> Option<ArtifactRef> {
        let sha256 = name.to_owned();
        Some(ArtifactRef { sha256, size: 7 })
    }

    /// A record with every field.
    fn full() -> StoredJob {
        let block = Some(BlockReference {
            number: 7,
            block_hash: "0x1".to_owned(),
            state_diff_commitment: Some("0x2".to_owned()),
            r: "0x3".to_owned(),
            s: "0x4".to_owned(),
            network: "mainnet".to_owned(),
            public_key: "0x5".to_owned(),
        });
        let spec = JobSpec {
            input: Some(Input::Air(AirInput {
                public_input: file("public"),
                private_input: file("private"),
                trace: file("trace"),
                memory: file("memory"),
            })),
            layout: "small".to_owned(),
            parameters: Some(Parameters::Profile(NamedProfile {
                name: "profile".to_owned(),
                security_bits: 80,
            })),
            annotations: Some(false),
            limits: Some(Limits {
                max_steps: 1,
                max_child_memory_bytes: 2,
                max_child_cpu_seconds: 3,
                max_device_seconds: 4,
                max_proof_of_work_bits: 5,
                max_log_n_cosets: 6,
                max_queries: 7,
                max_pie_bytes: 8,
                max_pie_cells: 9,
            }),
            deadline: at(30),
            priority: -7,
            dedup_key: "key".to_owned(),
            // Only one: their order is that of a hash map.
            labels: [("key".to_owned(), "value".to_owned())].into(),
            expected_program_hash: "0x1".to_owned(),
            expected_builtins: vec!["output".to_owned()],
            calldata: Some(CalldataOptions::default()),
            wrap: Some(WrapOptions {
                verifier: file("verifier"),
                expected_verifier_hash: "0x1".to_owned(),
                bootloader: file("bootloader"),
                bootloader_name: "short".to_owned(),
                expected_bootloader_hash: "0x2".to_owned(),
                program_hash_function: "pedersen".to_owned(),
                first_layout: "dynamic".to_owned(),
            }),
            block: block.clone(),
        };
        let statement = Statement {
            public_input: file("public"),
            parameters: file("parameters"),
            layout: "small".to_owned(),
            n_steps: 512,
            program_hash_pedersen: "0x1".to_owned(),
            program_hash_poseidon: "0x2".to_owned(),
            output: vec!["0x7".to_owned()],
            security_bits: 80,
            multiplications: 1e9,
            least_device_bytes: 5,
            host_bytes: 6,
            claim: Some(Claim::default()),
            fact_topologies: file("topologies"),
        };
        let first = Some(FirstProof {
            proof: file("first proof"),
            proof_bytes: file("first bytes"),
            statement: Some(statement.clone()),
            phases: vec![PhaseTime::default()],
            device: "cpu".to_owned(),
        });
        let job = protocol::Job {
            id: "id".to_owned(),
            state: JobState::Verifying.into(),
            spec: Some(spec),
            failure: Some(Failure::default()),
            validation_done: true,
            stage: "fri".to_owned(),
            progress: 0.5,
            failed_attempts: 1,
            lease_epoch: 2,
            created_at: at(10),
            updated_at: at(20),
            first_event: 3,
            last_event: 4,
            tenant: "tenant".to_owned(),
            statement: Some(statement.clone()),
            attempt_failures: vec![Failure::default()],
            waits_for: String::new(),
            leg: 2,
            first: first.clone(),
            signed_request: Some(SignedRequest {
                signer: "key".to_owned(),
                digest: "digest".to_owned(),
            }),
        };
        let result = JobResult {
            job_id: "id".to_owned(),
            proof: file("proof"),
            proof_bytes: file("bytes"),
            statement: Some(statement),
            profile_digest: "parameters".to_owned(),
            phases: vec![PhaseTime::default()],
            device: "cpu".to_owned(),
            build: "quarry".to_owned(),
            finished_at: at(20),
            facts: Some(Facts::default()),
            calldata: file("calldata"),
            calldata_refused: "why".to_owned(),
            first,
            block,
        };
        StoredJob {
            job: Some(job),
            result: Some(result),
            times_reopened: 1,
        }
    }

    /// A record of the least that a service accepts.
    fn minimal() -> StoredJob {
        let spec = JobSpec {
            input: Some(Input::Program(ProgramInput::default())),
            ..JobSpec::default()
        };
        let job = protocol::Job {
            spec: Some(spec),
            created_at: Some(Timestamp::default()),
            updated_at: Some(Timestamp::default()),
            ..protocol::Job::default()
        };
        StoredJob {
            job: Some(job),
            ..StoredJob::default()
        }
    }

    #[test]
    fn a_record_that_is_read_and_written_keeps_its_bytes() {
        for record in [full(), minimal()] {
            let bytes = record.encode_to_vec();
            let read = Job::of_record(StoredJob::decode(&*bytes).unwrap()).unwrap();
            let answer = protocol::Job::from(read.clone());
            assert_eq!(answer, record.job.unwrap());
            assert_eq!(StoredJob::from(read).encode_to_vec(), bytes);
        }
    }

    #[test]
    fn a_record_may_lack_fields() {
        assert_eq!(Job::of_record(StoredJob::default()), None);
        let job = Some(protocol::Job::default());
        let job = Job::of_record(StoredJob {
            job,
            ..StoredJob::default()
        })
        .unwrap();
        assert_eq!(job.spec.inputs().count(), 0);
        assert!(job.updated.elapsed().unwrap().as_secs() < 60, "it counts as new");
    }

    #[test]
    fn every_time_has_a_timestamp() {
        let nanos = -1;
        for seconds in [-1, 0, 1, 1 << 40] {
            let at = time(Timestamp { seconds, nanos }).unwrap();
            assert_eq!(time(at.into()), Some(at));
        }
    }
}

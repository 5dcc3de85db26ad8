//! Entry points for the fuzzer. Each panics if a value that it parsed does not survive a round trip.

use crate::artifacts::{ArtifactFolder, Artifacts};
use crate::config::Config;
use crate::internal::{ChildAnswer, ChildRequest, StoredJob, WorkerReport, WorkerRequest};
use crate::job::{Job, Spec};
use crate::store::{JobStore, Listing, RedbStore};
use crate::{service, wire};
use prost::Message;
use quarry_client::protocol::{JobEvent, JobSpec, SubmitJobRequest, UploadArtifactRequest};

/// Parses and re-serializes the configuration of `quarry serve`.
pub fn config(text: &str) {
    let Ok(config) = toml::from_str::<Config>(text) else {
        return;
    };
    let _ = config.check();
    let again = config.to_text().ok();
    assert_eq!(
        again.and_then(|text| toml::from_str::<Config>(&text).ok()),
        Some(config)
    );
}

/// Checks that a message survives encoding and decoding. A NaN field makes a message unequal to itself, so such
/// messages are not compared.
fn again<M: Message + Default + PartialEq + Clone>(message: &M) {
    let read = M::decode(&*message.encode_to_vec());
    #[allow(clippy::eq_op)]
    let has_order = message == message;
    assert!(read.is_ok_and(|read| read == *message || !has_order));
}

/// Decodes a job submission and an upload message.
pub fn specification(bytes: &[u8]) {
    if let Ok(request) = SubmitJobRequest::decode(bytes) {
        if let Ok(spec) = service::parse_spec(request.spec.clone()) {
            assert_eq!(Spec::from(JobSpec::from(spec.clone())), spec);
        }
        again(&request);
    }
    if let Ok(part) = UploadArtifactRequest::decode(bytes) {
        again(&part);
    }
}

/// Seeds for [`specification`].
pub fn specifications() -> Vec<Vec<u8>> {
    use quarry_client::protocol::job_spec::{Input, Parameters};
    use quarry_client::protocol::task_input::Task;
    use quarry_client::protocol::{
        AirInput, AloneInput, ArtifactRef, BlockReference, CalldataOptions, ExecutableTask, Limits,
        NamedProfile, ProgramInput, ProgramTask, TaskInput, TasksInput, WrapOptions,
    };
    let artifact = Some(ArtifactRef {
        sha256: "ab".repeat(32),
        size: 7,
    });
    let air = AirInput {
        public_input: artifact.clone(),
        private_input: artifact.clone(),
        trace: artifact.clone(),
        memory: artifact.clone(),
    };
    let program = ProgramInput {
        program: artifact.clone(),
        input: artifact.clone(),
        dynamic_params: artifact.clone(),
        min_steps: 1 << 13,
    };
    let alone = AloneInput {
        executable: Some(ExecutableTask {
            executable: artifact.clone(),
            arguments: artifact.clone(),
        }),
        dynamic_params: artifact.clone(),
        min_steps: 1 << 13,
    };
    let kinds = [
        Task::Pie(ArtifactRef::default()),
        Task::Program(ProgramTask {
            program: artifact.clone(),
            input: artifact.clone(),
        }),
        Task::Executable(ExecutableTask {
            executable: artifact.clone(),
            arguments: artifact.clone(),
        }),
    ];
    let task = |kind| TaskInput {
        task: Some(kind),
        program_hash_function: "pedersen".to_owned(),
    };
    let tasks = TasksInput {
        tasks: kinds.into_iter().map(task).collect(),
        bootloader: artifact.clone(),
        expected_bootloader_hash: "0x1".to_owned(),
        program_hash_function: "poseidon".to_owned(),
        dynamic_params: artifact.clone(),
        min_steps: 1 << 13,
        bootloader_name: String::new(),
        continuous_pages: true,
    };
    let by_name = TasksInput {
        bootloader: None,
        bootloader_name: "simple".to_owned(),
        continuous_pages: false,
        ..tasks.clone()
    };
    let profile = NamedProfile {
        name: "integrity-stone6-keccak160".to_owned(),
        security_bits: 96,
    };
    let spec = JobSpec {
        input: Some(Input::Air(air)),
        layout: "starknet".to_owned(),
        parameters: Some(Parameters::ParameterFile("{}".to_owned())),
        annotations: Some(true),
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
        deadline: Some(prost_types::Timestamp {
            seconds: 1 << 40,
            nanos: -1,
        }),
        priority: 7,
        dedup_key: "block".to_owned(),
        labels: [("key".to_owned(), "value".to_owned())].into(),
        expected_program_hash: "0x1".to_owned(),
        expected_builtins: vec!["output".to_owned()],
        calldata: Some(CalldataOptions {
            max_felts: 5000,
            job_id: "7".to_owned(),
            mode: "relaxed".to_owned(),
            network: "mainnet".to_owned(),
        }),
        wrap: None,
        block: Some(BlockReference {
            number: 635_000,
            block_hash: "0x1".to_owned(),
            state_diff_commitment: Some("0x2".to_owned()),
            r: "0x3".to_owned(),
            s: "0x4".to_owned(),
            network: "mainnet".to_owned(),
            public_key: "0x5".to_owned(),
        }),
    };
    let other = JobSpec {
        input: Some(Input::Program(program)),
        parameters: Some(Parameters::Profile(profile)),
        ..spec.clone()
    };
    let of_tasks = JobSpec {
        input: Some(Input::Tasks(tasks)),
        ..other.clone()
    };
    let wrapped = JobSpec {
        input: Some(Input::Tasks(by_name)),
        layout: "recursive_with_poseidon".to_owned(),
        wrap: Some(WrapOptions {
            verifier: artifact.clone(),
            expected_verifier_hash: "0x1".to_owned(),
            bootloader: artifact,
            bootloader_name: String::new(),
            expected_bootloader_hash: "0x1".to_owned(),
            program_hash_function: "poseidon".to_owned(),
            first_layout: "dynamic".to_owned(),
        }),
        ..other.clone()
    };
    let by_itself = JobSpec {
        input: Some(Input::Alone(alone)),
        ..other.clone()
    };
    let request = |spec| {
        let request = SubmitJobRequest {
            spec: Some(spec),
            envelope: Vec::new(),
        };
        request.encode_to_vec()
    };
    [spec, other, of_tasks, by_itself, wrapped].map(request).into()
}

/// Decodes length-prefixed messages between the appliance's processes, and the store's records.
pub fn messages(bytes: &[u8]) {
    fn framed<M: Message + Default + PartialEq + Clone>(mut bytes: &[u8]) {
        if let Ok(message) = wire::receive::<M>(&mut bytes) {
            again(&message);
        }
    }
    framed::<ChildRequest>(bytes);
    framed::<ChildAnswer>(bytes);
    framed::<WorkerRequest>(bytes);
    framed::<WorkerReport>(bytes);
    if let Ok(stored) = StoredJob::decode(bytes) {
        again(&stored);
        if let Some(job) = Job::of_record(stored) {
            let _ = crate::artifacts::references_of(&job, true);
            again(&StoredJob::from(job));
        }
    }
    if let Ok(event) = JobEvent::decode(bytes) {
        again(&event);
    }
}

/// Looks up job ids, page tokens, dedup keys and digests given as text.
pub struct Names {
    store: RedbStore,
    artifacts: ArtifactFolder,
    /// Temporary folder of both; removed on drop.
    _folder: tempfile::TempDir,
}

impl Names {
    /// Creates an empty store and an empty artifact folder.
    ///
    /// # Errors
    /// If they cannot be created.
    pub fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let store = RedbStore::open(&folder.path().join("store.redb"))?;
        let artifacts = ArtifactFolder::open(&folder.path().join("artifacts"), 0, u64::MAX)?;
        Ok(Self {
            store,
            artifacts,
            _folder: folder,
        })
    }

    /// Looks up the text as every kind of name. As a digest, only 64 lower-case hexadecimal digits are accepted.
    pub fn look_for(&self, text: &str) {
        let Self { store, artifacts, .. } = self;
        let listing = Listing {
            page_token: text.to_owned(),
            page_size: 1,
            ..Listing::default()
        };
        let _ = store.list(&listing);
        let _ = store.by_dedup_key(text, text);
        let _ = store.events(0, Some(text), 1);
        assert!(store.get(text).is_err(), "there is nothing");
        let is_digest =
            text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(artifacts.path(text, text).is_err(), "there is nothing");
        assert_eq!(artifacts.stat(text, text).is_ok(), is_digest);
    }
}

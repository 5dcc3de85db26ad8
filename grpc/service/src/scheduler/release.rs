//! Turns a proof into a result: a child verifies it against the job's statement, the proof file is stored, and only
//! then is the result recorded.

use super::prepare::child_time;
use super::{Scheduler, blocking};
use crate::child::verify::PROOF_FILE;
use crate::crash;
use crate::failure::{Stage, failure};
use crate::internal::{ChildRequest, Proved, Verified, Verify, child_answer::Answer, child_request::Task};
use crate::job::{FIRST, Job, SECOND};
use crate::processes::run_child;
use crate::pulse::Process;
use crate::store::{Fence, Renew, StoreError};
use quarry_client::protocol::job_spec::Input;
use quarry_client::protocol::{
    ArtifactRef, Failure, FailureClass, FirstProof, JobResult, JobState, Statement,
};
use quarry_prover_core::calldata::INDEX_FILE;
use std::fmt::Display;
use std::sync::Arc;
use std::time::SystemTime;

/// Name and version of the prover, for results.
pub const BUILD: &str = concat!("quarry ", env!("CARGO_PKG_VERSION"));

impl Scheduler {
    /// Verifies and releases a proof that a device made under the job's lease.
    pub(super) async fn release(&self, job: &Job, device: &str, proved: Proved) -> Result<(), StoreError> {
        let (id, lease) = (&*job.id, job.lease);
        let verifying = |job: &mut Job| {
            job.state = JobState::Verifying;
            job.stage.clear();
            job.progress = 1.0;
        };
        let job = self
            .change(id, Fence::Lease(lease), Renew::Keep, verifying)
            .await?;
        let Some(statement) = job.statement.clone() else {
            let why = "the job has no statement";
            let failure = failure(FailureClass::Internal, Stage::Verify, "verify.statement", why);
            return self.fail(id, Fence::Lease(lease), failure).await;
        };
        let verified = tokio::select! {
            verified = self.verify(&job, &statement, &proved) => verified,
            () = self.stopped(id) => {
                self.forget(id);
                return Ok(());
            }
        };
        let verified = match verified {
            Ok(verified) => verified,
            Err(failure) => return self.fail(id, Fence::Lease(lease), failure).await,
        };
        // No collection between adopting a file and recording the job that refers to it.
        let no_collection = self.collection.put_off().await;
        let (proof, calldata) = match self.adopt_result(&job, &verified).await {
            Ok(adopted) => adopted,
            Err(failure) => return self.fail(id, Fence::Lease(lease), failure).await,
        };
        self.count_proved(device, statement.multiplications, &proved);
        if job.leg == FIRST {
            let first = FirstProof {
                proof: Some(proof),
                proof_bytes: verified.proof_bytes,
                statement: Some(statement),
                phases: proved.phases,
                device: proved.device,
            };
            return self.begin_second_leg(&job, first).await;
        }
        crash::point("release.kept");
        let parameters = statement.parameters.as_ref();
        let result = JobResult {
            job_id: id.to_owned(),
            proof: Some(proof),
            proof_bytes: verified.proof_bytes,
            profile_digest: parameters.map_or(String::new(), |file| file.sha256.clone()),
            statement: Some(statement),
            phases: proved.phases,
            device: proved.device,
            build: BUILD.to_owned(),
            finished_at: Some(SystemTime::now().into()),
            facts: verified.facts,
            calldata,
            calldata_refused: verified.calldata_refused,
            first: job.first,
            block: job.spec.block,
        };
        let succeeded = move |job: &mut Job| {
            job.state = JobState::Succeeded;
            job.result = Some(result.clone());
        };
        self.change(id, Fence::Lease(lease), Renew::Keep, succeeded)
            .await?;
        drop(no_collection);
        crash::point("release.recorded");
        self.forget(id);
        Ok(())
    }

    /// Counts a proof, and learns the device's pace from it.
    fn count_proved(&self, device: &str, work: f64, proved: &Proved) {
        let estimate = self.pace.time(Some(work), 0.5).map(|time| time.as_secs_f64());
        let seconds = self.metrics.proved(device, &proved.phases, estimate);
        self.history.proved(seconds);
        self.pace.add(&proved.device, work, &proved.phases);
    }

    /// Takes the proof file, and the calldata if there is any, as artifacts of the job's tenant.
    async fn adopt_result(
        &self,
        job: &Job,
        verified: &Verified,
    ) -> Result<(ArtifactRef, Option<ArtifactRef>), Failure> {
        let proof = self.adopt(job, PROOF_FILE, &verified.proof_file).await?;
        let calldata = match &*verified.calldata_file {
            "" => None,
            sha256 => Some(self.adopt(job, INDEX_FILE, sha256).await?),
        };
        Ok((proof, calldata))
    }

    /// Takes a file that the child wrote as an artifact of the job's tenant.
    async fn adopt(&self, job: &Job, name: &str, sha256: &str) -> Result<ArtifactRef, Failure> {
        let internal = |code, why: &dyn Display| failure(FailureClass::Internal, Stage::Verify, code, why);
        let (artifacts, tenant) = (Arc::clone(&self.artifacts), job.tenant.clone());
        let file = self.scratch.folder(&job.id).join(name);
        match blocking(move || artifacts.adopt(&tenant, &file)).await {
            Ok(adopted) if adopted.sha256 == sha256 => Ok(adopted),
            Ok(_) => Err(internal(
                "verify.files",
                &format!("{name} is not as the child wrote it"),
            )),
            Err(why) => Err(internal("artifact", &why)),
        }
    }

    /// Verifies the proof in a child process.
    async fn verify(&self, job: &Job, statement: &Statement, proved: &Proved) -> Result<Verified, Failure> {
        let internal = |code, why: &dyn Display| failure(FailureClass::Internal, Stage::Verify, code, why);
        let program = match &job.spec.input {
            Input::Program(program) => program.program.clone(),
            Input::Air(_) | Input::Tasks(_) | Input::Alone(_) => None,
        };
        let files = [&statement.public_input, &statement.parameters, &program];
        let paths = self
            .paths(&job.tenant, files.into_iter().flatten())
            .map_err(|why| internal("artifact", &why))?;
        let limits = self.max_limits();
        let folder = self.scratch.folder(&job.id);
        let mut digests = proved.digests.clone();
        if let Some(prepared) = self
            .state()
            .active
            .get(&job.id)
            .and_then(|active| active.prepared.as_ref())
        {
            digests.extend(prepared.digests.clone());
        }
        let request = ChildRequest {
            folder: folder.display().to_string(),
            limits: Some(limits),
            max_file_bytes: self.settings.max_file_bytes,
            task: Some(Task::Verify(Verify {
                statement: Some(statement.clone()),
                paths,
                // A PIE's memory is as uploaded: no run has computed the cells that the program does not read. The PIE
                // of the second leg is of a run that the service made.
                uploaded: job.leg != SECOND && matches!(job.spec.input, Input::Air(_) | Input::Tasks(_)),
                program,
                calldata: job.spec.of_leg(job.leg).calldata,
                digests,
            })),
        };
        let time = child_time(&limits);
        let pulse = self.pulses.begin(Process::Child, self.settings.max_stall);
        let Answer::Verified(verified) = run_child(&request, Stage::Verify, time, &pulse).await? else {
            return Err(internal("child.answer", &"not an answer to verify"));
        };
        crash::point("release.verified");
        Ok(verified)
    }
}

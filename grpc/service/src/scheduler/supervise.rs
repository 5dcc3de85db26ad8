//! Tasks that survive a panic, which is a bug in Quarry: a loop starts again, and work on a job gives its place back
//! and counts as a failed attempt.

use super::{RETRY_PAUSE, Scheduler, joined};
use crate::failure::{Stage, failure};
use crate::store::{Fence, StoreError};
use quarry_client::protocol::FailureClass;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

/// Counts work in progress.
#[derive(Debug, Default)]
pub(super) struct Places(Arc<()>);

/// One piece of work in progress, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _counted: Arc<()>,
}

impl Places {
    /// Begins a piece of work.
    pub(super) fn take(&self) -> Place {
        Place {
            _counted: Arc::clone(&self.0),
        }
    }

    /// Number of pieces of work in progress.
    pub(super) fn taken(&self) -> usize {
        Arc::strong_count(&self.0).saturating_sub(1)
    }
}

/// Work in progress by tenant.
#[derive(Debug, Default)]
pub(super) struct Lanes(HashMap<String, Places>);

impl Lanes {
    /// Begins a piece of work for a tenant.
    pub(super) fn take(&mut self, tenant: &str) -> Place {
        self.0.retain(|_, places| places.taken() > 0);
        self.0.entry(tenant.to_owned()).or_default().take()
    }

    /// Number of pieces of work in progress.
    pub(super) fn taken(&self) -> usize {
        self.0.values().map(Places::taken).sum()
    }

    /// Whether a tenant has work in progress.
    pub(super) fn has(&self, tenant: &str) -> bool {
        self.0.get(tenant).is_some_and(|places| places.taken() > 0)
    }
}

impl Scheduler {
    /// Runs a loop until it returns. If it panics, it starts again after a pause.
    pub(super) fn keep_running<F>(self: &Arc<Self>, run: impl Fn(Arc<Self>) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let scheduler = Arc::clone(self);
        tokio::spawn(async move {
            while joined(tokio::spawn(run(Arc::clone(&scheduler)))).await.is_err() {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        });
    }

    /// Works on a job in a task of its own, which holds `place`.
    pub(super) fn work_on<F>(self: &Arc<Self>, id: String, place: Place, work: F)
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let scheduler = Arc::clone(self);
        tokio::spawn(async move {
            let result = joined(tokio::spawn(work)).await;
            drop(place);
            match result {
                Ok(Ok(())) => {}
                Ok(Err(error)) => scheduler.recover(&id, error).await,
                Err(_) => scheduler.fail_panicked(&id).await,
            }
            scheduler.wake.notify_waiters();
        });
    }

    /// Counts a failed attempt of a job whose task panicked.
    pub(super) async fn fail_panicked(&self, id: &str) {
        let failure = failure(
            FailureClass::Internal,
            Stage::Prove,
            "scheduler.panic",
            "a task of the scheduler panicked: see the log",
        );
        if let Err(error) = self.fail(id, Fence::Any, failure).await {
            self.recover(id, error).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::{Allowance, ArtifactError, Artifacts, Kept, Reference, Upload, Usage};
    use crate::config::TenantLimits;
    use crate::job::Spec;
    use crate::scheduler::testing;
    use crate::store::RedbStore;
    use quarry_client::protocol::{AirInput, ArtifactRef, JobSpec, JobState, job_spec::Input};
    use std::collections::HashSet;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    /// Finds a file once, when its job is submitted, and then panics.
    #[derive(Default)]
    struct Faulty {
        n_found: AtomicUsize,
        /// Whether collection panics too.
        keeps_all: AtomicBool,
    }

    impl Artifacts for Faulty {
        fn path(&self, _: &str, _: &str) -> Result<PathBuf, ArtifactError> {
            assert_eq!(
                self.n_found.fetch_add(1, Ordering::Relaxed),
                0,
                "the fault of this test"
            );
            Ok(PathBuf::new())
        }

        fn check_place(&self) -> Result<(), ArtifactError> {
            Ok(())
        }

        fn is_short(&self) -> Result<bool, ArtifactError> {
            Ok(false)
        }

        fn collect(&self, _: &HashSet<Reference>, _: Duration) -> Result<usize, ArtifactError> {
            assert!(!self.keeps_all.load(Ordering::Relaxed), "the fault of this test");
            Ok(0)
        }

        fn stat(&self, _: &str, _: &str) -> Result<Kept, ArtifactError> {
            unreachable!("no job gets so far")
        }

        fn upload(
            &self,
            _: &str,
            _: &ArtifactRef,
            _: u64,
            _: &Allowance,
        ) -> Result<Box<dyn Upload>, ArtifactError> {
            unreachable!("no job gets so far")
        }

        fn usage(&self, _: &str) -> Result<Usage, ArtifactError> {
            Ok(Usage::default())
        }

        fn adopt(&self, _: &str, _: &Path) -> Result<ArtifactRef, ArtifactError> {
            unreachable!("no job gets so far")
        }
    }

    async fn start(folder: &Path, artifacts: Arc<Faulty>) -> Arc<Scheduler> {
        let settings = testing::settings(folder);
        let store = RedbStore::open(&settings.store_file).unwrap();
        Scheduler::start(settings, Arc::new(store), artifacts)
            .await
            .unwrap()
    }

    fn spec() -> Spec {
        let input = AirInput {
            public_input: Some(ArtifactRef::default()),
            ..AirInput::default()
        };
        let spec = JobSpec {
            input: Some(Input::Air(input)),
            ..JobSpec::default()
        };
        spec.into()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_that_panics_gives_its_place_back() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Arc::new(Faulty::default());
        let scheduler = start(folder.path(), Arc::clone(&artifacts)).await;
        for _ in 0..2 {
            artifacts.n_found.store(0, Ordering::Relaxed);
            let id = scheduler
                .submit(String::new(), spec(), TenantLimits::default(), None)
                .await
                .unwrap()
                .job
                .id;
            let ended = scheduler.when(|state| (!state.active.contains_key(&id)).then_some(()));
            tokio::time::timeout(Duration::from_secs(60), ended)
                .await
                .unwrap();
            let job = scheduler.with_store(move |store| store.get(&id)).await.unwrap();
            assert_eq!((job.state, job.failed_attempts), (JobState::Failed, 2));
            assert_eq!(job.failure.unwrap().code, "scheduler.panic");
            let causes: Vec<_> = job.attempt_failures.iter().map(|cause| &*cause.code).collect();
            assert_eq!(causes, ["scheduler.panic"; 2]);
        }
        let idle = scheduler.when(|state| (state.preparing.taken() == 0).then_some(()));
        tokio::time::timeout(Duration::from_secs(60), idle).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_collection_that_panics_does_not_end_its_loop() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Arc::new(Faulty::default());
        let scheduler = start(folder.path(), Arc::clone(&artifacts)).await;
        artifacts.keeps_all.store(true, Ordering::Relaxed);
        // It would panic here.
        scheduler.collect_once().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_device_whose_loop_panicked_fails_its_job_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Arc::new(Faulty::default());
        // No attempt is prepared.
        artifacts.n_found.store(1, Ordering::Relaxed);
        let scheduler = start(folder.path(), artifacts).await;
        let job = scheduler.with_store(|store| store.submit("", spec(), None)).await;
        let id = job.unwrap().job.id;
        scheduler.state().devices[0].job_id.clone_from(&id);
        // As its loop does when it starts again.
        tokio::spawn(Arc::clone(&scheduler).drive_device(0));
        let has_ended = async {
            loop {
                let wanted = id.clone();
                let job = scheduler
                    .with_store(move |store| store.get(&wanted))
                    .await
                    .unwrap();
                if job.has_ended() {
                    return job;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(60), has_ended).await;
        let job = ended.expect("the job ends");
        assert_eq!((job.state, job.failed_attempts), (JobState::Failed, 2));
        assert_eq!(job.attempt_failures[0].code, "scheduler.panic");
        assert_eq!(scheduler.devices()[0].job_id, "");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_loop_that_panics_starts_again() {
        let folder = tempfile::tempdir().unwrap();
        let scheduler = start(folder.path(), Arc::default()).await;
        let (runs, mut ran) = tokio::sync::watch::channel(0);
        let runs = Arc::new(runs);
        scheduler.keep_running(move |_| {
            let runs = Arc::clone(&runs);
            async move {
                runs.send_modify(|n| *n += 1);
                assert!(*runs.borrow() > 1, "the first run panics");
            }
        });
        let again = ran.wait_for(|n| *n == 2);
        let again = tokio::time::timeout(Duration::from_secs(60), again).await;
        again.expect("a second run").unwrap();
    }
}

//! Compares all files that jobs need with their digests, and says what an operator can do about those that are wrong.

use crate::artifacts::{ArtifactError, Artifacts, Reference, compare, references_of};
use crate::job::Job;
use crate::store::{JobStore, Listing, StoreError};
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

/// Jobs read from the store at a time.
const PAGE: usize = 500;

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Number of files that jobs need.
    pub n_files: usize,
    /// One line for each that is missing or damaged.
    pub wrong: Vec<String>,
}

/// Checks all needed files. Inputs of ended jobs are not needed: they may have been removed already.
///
/// # Errors
/// [`StoreError`].
pub fn check(store: &dyn JobStore, artifacts: &dyn Artifacts) -> Result<Checked, StoreError> {
    let needed = store.references(SystemTime::now())?;
    let wrong: BTreeMap<_, _> = needed
        .iter()
        .filter_map(|file| Some((file, compare(artifacts, file).err()?)))
        .collect();
    let remedies = match wrong.is_empty() {
        true => HashMap::new(),
        false => remedies(store, &wrong)?,
    };
    let lines = wrong.iter().map(|(file, why)| {
        let why = match why {
            ArtifactError::Damaged(_) => "damaged".to_owned(),
            why => why.to_string(),
        };
        let remedy = remedies.get(file).map_or("", |remedy| remedy);
        format!("{}: {why}{remedy}", file.sha256)
    });
    Ok(Checked {
        n_files: needed.len(),
        wrong: lines.collect(),
    })
}

/// What can be done about files. Of several jobs that need a file, a job that can make it again is named.
fn remedies(
    store: &dyn JobStore,
    wrong: &BTreeMap<&Reference, ArtifactError>,
) -> Result<HashMap<Reference, String>, StoreError> {
    let mut remedies = HashMap::new();
    let mut listing = Listing {
        page_size: PAGE,
        ..Listing::default()
    };
    loop {
        let page = store.list(&listing)?;
        for job in &page.jobs {
            let is_made = job.may_reopen();
            let files = references_of(job, !job.has_ended());
            for file in files.into_iter().filter(|file| wrong.contains_key(file)) {
                if is_made || !remedies.contains_key(&file) {
                    remedies.insert(file, remedy(job));
                }
            }
        }
        if page.next.is_empty() {
            return Ok(remedies);
        }
        listing.page_token = page.next;
    }
}

fn remedy(job: &Job) -> String {
    let id = &job.id;
    match job.may_reopen() {
        true => format!("; `quarry admin reprove {id}` makes it again"),
        false => format!("; job {id} ({}) needs it", job.state.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::{ArtifactFolder, Artifacts};
    use crate::store::{Fence, RedbStore, Renew};
    use quarry_client::protocol::{ArtifactRef, JobResult, JobSpec, JobState, ProgramInput, job_spec::Input};
    use std::fs;

    #[test]
    fn wrong_files_are_named_with_their_jobs() {
        let folder = tempfile::tempdir().unwrap();
        let store = RedbStore::open(&folder.path().join("store.redb")).unwrap();
        let artifacts = ArtifactFolder::open(&folder.path().join("artifacts"), 0, u64::MAX).unwrap();
        let keep = |name: &str| {
            let file = folder.path().join(name);
            fs::write(&file, name).unwrap();
            artifacts.adopt("tenant", &file).unwrap()
        };
        let submit = |input: &ArtifactRef| {
            let program = ProgramInput {
                program: Some(input.clone()),
                ..ProgramInput::default()
            };
            let spec = JobSpec {
                input: Some(Input::Program(program)),
                ..JobSpec::default()
            };
            store.submit("tenant", spec.into(), None).unwrap().job.id
        };
        let [input, waiting, proof, calldata] = ["input", "waiting", "proof", "calldata"].map(keep);
        let ended = submit(&input);
        let succeed = &mut |job: &mut Job| {
            job.state = JobState::Succeeded;
            job.result = Some(JobResult {
                proof: Some(proof.clone()),
                calldata: Some(calldata.clone()),
                ..JobResult::default()
            });
        };
        store.change(&ended, Fence::Any, Renew::Keep, succeed).unwrap();
        let active = submit(&waiting);
        let checked = || check(&store, &artifacts).unwrap();
        assert_eq!((checked().n_files, checked().wrong.len()), (3, 0));

        for sha256 in [&input.sha256, &waiting.sha256] {
            fs::remove_file(artifacts.path("tenant", sha256).unwrap()).unwrap();
        }
        fs::write(artifacts.path("tenant", &proof.sha256).unwrap(), "damage").unwrap();
        let wrong = checked().wrong.join("\n");
        assert_eq!(wrong.lines().count(), 2, "{wrong}");
        let made = format!("{}: damaged; `quarry admin reprove {ended}`", proof.sha256);
        let needed = format!("not found; job {active} (received) needs it");
        assert!(wrong.contains(&made) && wrong.contains(&needed), "{wrong}");
    }
}

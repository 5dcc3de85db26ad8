//! Recently ended jobs, for the status page. Each state has its own bound, so that many successes do not hide the few
//! failures.

use super::overview::{MAX_SHOWN_JOBS, Summary};
use crate::store::{JobStore, Listing, StoreError, newest};
use quarry_client::protocol::JobState;
use std::collections::VecDeque;

/// Jobs of the store that are looked through at the start.
const MAX_RECALLED_JOBS: usize = 1000;

/// Which ended jobs are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedFilter {
    /// All.
    #[default]
    All,
    /// Those that succeeded.
    Succeeded,
    /// Those that failed.
    Failed,
    /// Those that were rejected.
    Rejected,
    /// Those that were cancelled.
    Cancelled,
    /// Those that missed their deadline.
    Expired,
}

impl EndedFilter {
    fn has(self, state: JobState) -> bool {
        match self {
            Self::All => true,
            Self::Succeeded => state == JobState::Succeeded,
            Self::Failed => state == JobState::Failed,
            Self::Rejected => state == JobState::Rejected,
            Self::Cancelled => state == JobState::Cancelled,
            Self::Expired => state == JobState::Expired,
        }
    }
}

/// Recently ended jobs, latest first.
#[derive(Default)]
pub(super) struct EndedJobs(VecDeque<Summary>);

impl EndedJobs {
    /// The jobs that ended before this start.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn recall(store: &dyn JobStore) -> Result<Self, StoreError> {
        use JobState::{Cancelled, Expired, Failed, Rejected, Succeeded};
        let listing = Listing {
            states: vec![Succeeded, Failed, Rejected, Cancelled, Expired],
            page_size: MAX_RECALLED_JOBS,
            ..Listing::default()
        };
        let mut found = Vec::new();
        newest(store, listing, |job| found.push(Summary::of(&job)))?;
        found.sort_by_key(|summary| summary.updated);
        let mut ended = Self::default();
        found.into_iter().for_each(|summary| ended.add(summary));
        Ok(ended)
    }

    /// Adds the job that ended last. Of the jobs in its state, the oldest goes if there are too many.
    pub(super) fn add(&mut self, summary: Summary) {
        let state = summary.state;
        self.0.push_front(summary);
        let mut same = self
            .0
            .iter()
            .enumerate()
            .filter(|(_, other)| other.state == state);
        if let Some((oldest, _)) = same.nth(MAX_SHOWN_JOBS) {
            self.0.remove(oldest);
        }
    }

    /// Removes a job that starts over or was deleted.
    pub(super) fn remove(&mut self, id: &str) {
        self.0.retain(|summary| summary.id != id);
    }

    /// The latest jobs that are wanted.
    pub(super) fn latest(&self, wanted: EndedFilter) -> impl Iterator<Item = &Summary> {
        let wanted = self.0.iter().filter(move |summary| wanted.has(summary.state));
        wanted.take(MAX_SHOWN_JOBS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job;

    #[test]
    fn successes_do_not_hide_failures() {
        let mut ended = EndedJobs::default();
        let mut add = |n: usize, state| {
            let mut job = job::example(&n.to_string());
            job.state = state;
            ended.add(Summary::of(&job));
        };
        add(0, JobState::Failed);
        add(1, JobState::Expired);
        (2..200).for_each(|n| add(n, JobState::Succeeded));
        let tenants = |wanted| -> Vec<String> {
            let latest = ended.latest(wanted);
            latest.map(|summary| summary.view().tenant).collect()
        };
        assert_eq!(tenants(EndedFilter::Failed), ["0"]);
        assert_eq!(tenants(EndedFilter::Expired), ["1"]);
        assert_eq!(tenants(EndedFilter::Rejected), [""; 0]);
        let all = tenants(EndedFilter::All);
        assert_eq!((all.len(), &*all[0], &*all[49]), (50, "199", "150"));
        assert_eq!(tenants(EndedFilter::Succeeded), all);
        assert_eq!(ended.0.len(), 52);
    }
}

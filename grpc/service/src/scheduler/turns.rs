//! Turns of estimates, and of changes of the store: one at a time for each tenant, so that no tenant waits for the
//! large inputs or the many calls of another, and in the order of arrival.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// Changes that clients ask for are made by so many at a time: each takes a thread, and the store makes one after the
/// other.
pub(super) const MAX_CHANGES: usize = 8;

/// The turn of one tenant.
type Own = tokio::sync::Mutex<()>;

/// Who may go on.
#[derive(Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    own: Mutex<HashMap<String, Weak<Own>>>,
    n_taken: AtomicU64,
}

/// A turn, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    /// Number of the turn.
    pub n: u64,
    _of_all: Option<OwnedSemaphorePermit>,
    _own: OwnedMutexGuard<()>,
}

impl Turns {
    /// At most so many have a turn at a time.
    pub(super) fn new(most: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(most)),
            own: Mutex::default(),
            n_taken: AtomicU64::new(0),
        }
    }

    /// Waits for a turn.
    pub(super) async fn take(&self, tenant: &str) -> Turn {
        // First the tenant's own, so that of those who wait for the others each is another tenant.
        let own = self.own(tenant).lock_owned().await;
        Turn {
            // The semaphore is never closed.
            _of_all: Arc::clone(&self.all).acquire_owned().await.ok(),
            n: self.n_taken.fetch_add(1, Ordering::Relaxed),
            _own: own,
        }
    }

    fn own(&self, tenant: &str) -> Arc<Own> {
        let mut all = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, own| own.strong_count() > 0);
        if let Some(own) = all.get(tenant).and_then(Weak::upgrade) {
            return own;
        }
        let own = Arc::default();
        all.insert(tenant.to_owned(), Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;
    use std::pin::pin;

    async fn at_once<T>(turn: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        tokio::select! {
            biased;
            taken = turn => Some(taken),
            () = ready(()) => None,
        }
    }

    #[tokio::test]
    async fn who_comes_first_is_served_first() {
        let turns = Turns::new(2);
        let first = turns.take("a").await;
        let mut own = pin!(turns.take("a"));
        assert!(at_once(&mut own).await.is_none(), "one for each tenant");
        let second = turns.take("b").await;
        let (mut early, mut late) = (pin!(turns.take("c")), pin!(turns.take("d")));
        assert!(at_once(&mut early).await.is_none(), "two in all");
        assert!(at_once(&mut late).await.is_none());
        drop(first);
        assert!(at_once(&mut own).await.is_none(), "others came before");
        assert!(at_once(&mut late).await.is_none(), "another came before");
        let third = at_once(&mut early).await.expect("a turn");
        drop(second);
        let fourth = at_once(&mut late).await.expect("a turn");
        drop(third);
        let fifth = at_once(&mut own).await.expect("a turn");
        assert_eq!((fourth.n, fifth.n), (3, 4));
    }
}

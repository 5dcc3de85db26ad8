//! The blocks that jobs refer to, and the keys of their sequencers.

use super::{Scheduler, blocking};
use crate::job::Spec;
use quarry_client::block::{BlockError, SequencerKeys};
use std::sync::{Arc, Mutex, PoisonError};

/// The keys that are known. A reload changes them.
#[derive(Default)]
pub(super) struct KnownKeys(Mutex<Arc<SequencerKeys>>);

impl KnownKeys {
    fn get(&self) -> Arc<SequencerKeys> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Scheduler {
    /// Changes the keys of sequencers. Jobs that were accepted keep what was verified then.
    pub fn set_sequencer_keys(&self, keys: SequencerKeys) {
        *self.known_keys.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Verifies the signature of the block that a job refers to, if it does. The specification then names the network
    /// and the key.
    ///
    /// # Errors
    /// [`BlockError`].
    pub(super) async fn verify_block(&self, spec: Spec) -> Result<Spec, BlockError> {
        let Some(reference) = spec.block.clone() else {
            return Ok(spec);
        };
        let keys = self.known_keys.get();
        let block = blocking(move || keys.verify(&reference)).await?;
        Ok(Spec {
            block: Some(block),
            ..spec
        })
    }
}

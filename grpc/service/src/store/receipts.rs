//! Receipts: what the service has signed of the jobs that it proved. Those of a key form a chain, each with the digest of
//! the one before it, so that none can be left out later without a gap.

use super::StoreError;
use super::records::find_to_write;
use super::schema::{LAST_RECEIPTS, RECEIPTS, RECEIPTS_OF};
use crate::job::Job;
use redb::{ReadableTable, WriteTransaction};

/// Where a new receipt stands in its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number, from 1.
    pub number: u64,
    /// Digest of the receipt before it; empty for the first.
    pub previous: String,
}

/// A receipt that was signed.
pub struct Signed {
    /// The envelope.
    pub envelope: Vec<u8>,
    /// Its digest.
    pub digest: String,
}

/// Signs the receipt of a job that has succeeded.
pub type Sign<'a> = dyn FnMut(&Job, Link) -> Result<Signed, String> + 'a;

/// [`super::JobStore::receipt`] in a transaction: the receipt, and whether it is new.
pub fn receipt(
    write: &WriteTransaction,
    id: &str,
    prover: &str,
    sign: &mut Sign<'_>,
) -> Result<(Vec<u8>, bool), StoreError> {
    let (number, job) = find_to_write(write, id)?;
    let mut receipts = write.open_table(RECEIPTS)?;
    let mut of_jobs = write.open_table(RECEIPTS_OF)?;
    let found = match of_jobs.get(number)? {
        Some(place) => receipts.get(place.value())?.map(|found| found.value().to_vec()),
        None => None,
    };
    if let Some(found) = found {
        return Ok((found, false));
    }
    if job.result.is_none() {
        return Err(StoreError::Unproved {
            id: job.id,
            state: job.state,
        });
    }
    let mut last = write.open_table(LAST_RECEIPTS)?;
    let link = match last.get(prover)? {
        Some(last) => Link {
            number: last.value().0 + 1,
            previous: last.value().1.to_owned(),
        },
        None => Link {
            number: 1,
            previous: String::new(),
        },
    };
    let in_chain = link.number;
    let signed = sign(&job, link).map_err(|why| StoreError::Receipt { id: job.id, why })?;
    receipts.insert((prover, in_chain), &*signed.envelope)?;
    of_jobs.insert(number, (prover, in_chain))?;
    last.insert(prover, (in_chain, &*signed.digest))?;
    Ok((signed.envelope, true))
}

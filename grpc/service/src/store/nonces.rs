//! Which signed messages have asked for jobs. A message is remembered for a day after it has expired, by its own time:
//! the service refuses it from then on, unless its clock is set back.

use super::StoreError;
use super::schema::{NONCES, NONCES_BY_TIME};
use crate::job::Asked;
use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use std::time::{SystemTime, UNIX_EPOCH};

/// How long a message is remembered after it has expired, in seconds: the clock may be set back by so much.
const KEPT_SECONDS: u64 = 24 * 3600;
/// Messages that are forgotten when another one is recorded: more than one, so that the table shrinks.
const FORGOTTEN_AT_ONCE: usize = 4;

/// Signer and nonce.
type By = (&'static str, &'static [u8]);
/// Digest and id of the job.
type What = (&'static str, &'static str);

/// The id of the job for which this message has asked; `None` if it is new.
///
/// # Errors
/// [`StoreError::Nonce`] if another message has used its nonce.
pub fn used(write: &WriteTransaction, asked: &Asked) -> Result<Option<String>, StoreError> {
    id_of(&write.open_table(NONCES)?, asked)
}

/// [`used`], for reading.
pub fn find(read: &ReadTransaction, asked: &Asked) -> Result<Option<String>, StoreError> {
    id_of(&read.open_table(NONCES)?, asked)
}

fn id_of(nonces: &impl ReadableTable<By, What>, asked: &Asked) -> Result<Option<String>, StoreError> {
    let Some(found) = nonces.get((&*asked.signer, &*asked.nonce))? else {
        return Ok(None);
    };
    let (digest, id) = found.value();
    match digest == asked.digest {
        true => Ok(Some(id.to_owned())),
        false => Err(StoreError::Nonce(id.to_owned())),
    }
}

/// Remembers a message and its job.
pub fn remember(write: &WriteTransaction, asked: &Asked, id: &str) -> Result<(), StoreError> {
    let mut nonces = write.open_table(NONCES)?;
    let mut by_time = write.open_table(NONCES_BY_TIME)?;
    let (signer, nonce) = (&*asked.signer, &*asked.nonce);
    nonces.insert((signer, nonce), (&*asked.digest, id))?;
    by_time.insert((asked.expires, signer, nonce), ())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let before = now.as_secs().saturating_sub(KEPT_SECONDS);
    for _ in 0..FORGOTTEN_AT_ONCE {
        let Some(first) = by_time.first()? else {
            break;
        };
        let (expires, signer, nonce) = first.0.value();
        if expires >= before {
            break;
        }
        let (signer, nonce) = (signer.to_owned(), nonce.to_vec());
        drop(first);
        nonces.remove((&*signer, &*nonce))?;
        by_time.remove((expires, &*signer, &*nonce))?;
    }
    Ok(())
}

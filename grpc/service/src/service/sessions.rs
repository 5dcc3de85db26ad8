//! Sessions of clients that are known by their key: a signed message opens one, and a token then stands for the key.
//!
//! Sessions are not stored. After a restart a client opens another one. So that no message opens a second session then,
//! one that was issued before the start is refused.

use super::rates::Limiter;
use crate::config::Rates;
use quarry_client::digest::{digest, hex};
use quarry_client::envelope::{Digest, PublicKey, Verified};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tonic::{Code, Status};

/// How long a session lasts.
pub const SESSION: Duration = Duration::from_secs(3600);
/// Open sessions of a known client's key. The oldest one ends for another.
const MAX_SESSIONS_OF_A_CLIENT: usize = 64;
/// Open sessions of a stranger's key.
const MAX_SESSIONS_OF_A_STRANGER: usize = 8;
/// Keys of strangers that have sessions. Known clients do not count.
const MAX_STRANGERS: usize = 4096;
/// Messages that have opened sessions of strangers and have not expired. Those of known clients do not count.
const MAX_USED: usize = 1 << 16;
/// Most seconds from issue to expiry of a message that opens a session: each is remembered until it expires.
pub const MAX_MESSAGE_SECONDS: u64 = 600;
/// Retry delay while there are too many.
const LATER: Duration = Duration::from_secs(60);

/// The sessions of all keys.
pub struct Sessions {
    /// When the service started, in seconds since 1970 UTC.
    started: u64,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Keys by the SHA-256 of a token: timing reveals nothing about a token.
    by_token: HashMap<String, Session>,
    /// Digests of tokens, oldest first.
    of_keys: HashMap<PublicKey, OfKey>,
    n_strangers: usize,
    /// Messages that have opened sessions.
    used: HashMap<Digest, Used>,
    /// How many of them are of strangers.
    n_used_by_strangers: usize,
}

struct Used {
    /// When the message expires, in seconds since 1970 UTC.
    expires: u64,
    is_strangers: bool,
}

struct Session {
    key: PublicKey,
    ends: Instant,
}

struct OfKey {
    tokens: VecDeque<String>,
    /// Rate limits, if the key is a stranger's.
    limiter: Option<Arc<Limiter>>,
}

impl Sessions {
    /// No sessions, at a time in seconds since 1970 UTC.
    pub fn new(started: u64) -> Arc<Self> {
        Arc::new(Self {
            started,
            open: Mutex::default(),
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many seconds before the service started a message was issued; `None` if it was issued later. It may have
    /// opened a session then.
    pub fn before_start(&self, issued: u64) -> Option<u64> {
        let seconds = self.started.checked_sub(issued)?;
        (seconds > 0).then_some(seconds)
    }

    /// Opens a session; returns its token. `stranger` has the rate limits of a key that is not a known client's.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` for a message that has opened a session, `RESOURCE_EXHAUSTED` if strangers have too many.
    pub fn begin(&self, message: &Verified, stranger: Option<&Rates>, now: u64) -> Result<String, Status> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)
            .map_err(|why| Status::unavailable(format!("no random numbers: {why}")))?;
        let token = hex(&secret);
        let name = name_of(&token);
        let mut open = self.open();
        open.forget(now);
        let key = message.signer();
        if open.used.contains_key(&message.digest()) {
            let why = "this message has opened a session before: sign another one (envelope.replayed)";
            return Err(Status::already_exists(why));
        }
        let is_full = open.n_used_by_strangers >= MAX_USED
            || (open.n_strangers >= MAX_STRANGERS && !open.of_keys.contains_key(&key));
        if stranger.is_some() && is_full {
            let why = "too many sessions are open".to_owned();
            return Err(super::status::retry(Code::ResourceExhausted, why, LATER));
        }
        let used = Used {
            expires: message.expires(),
            is_strangers: stranger.is_some(),
        };
        open.n_used_by_strangers += usize::from(used.is_strangers);
        open.used.insert(message.digest(), used);
        open.add(key, name, stranger);
        Ok(token)
    }

    /// The key for which a token stands, and the rate limits of a stranger.
    pub fn of_token(&self, token: &str) -> Option<(PublicKey, Option<Arc<Limiter>>)> {
        let open = self.open();
        let session = open.by_token.get(&name_of(token))?;
        if session.ends <= Instant::now() {
            return None;
        }
        let limiter = open.of_keys.get(&session.key).and_then(|of| of.limiter.clone());
        Some((session.key, limiter))
    }
}

impl Open {
    fn add(&mut self, key: PublicKey, name: String, stranger: Option<&Rates>) {
        let of_key = self.of_keys.entry(key).or_insert_with(|| OfKey {
            tokens: VecDeque::new(),
            limiter: None,
        });
        match (stranger, &of_key.limiter) {
            // The limits go on while there are sessions: opening another one does not fill the buckets.
            (Some(rates), None) => {
                of_key.limiter = Some(Limiter::new(rates));
                self.n_strangers += 1;
            }
            (None, Some(_)) => {
                of_key.limiter = None;
                self.n_strangers -= 1;
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        let most = match stranger {
            Some(_) => MAX_SESSIONS_OF_A_STRANGER,
            None => MAX_SESSIONS_OF_A_CLIENT,
        };
        while of_key.tokens.len() >= most
            && let Some(oldest) = of_key.tokens.pop_front()
        {
            self.by_token.remove(&oldest);
        }
        of_key.tokens.push_back(name.clone());
        let ends = Instant::now() + SESSION;
        self.by_token.insert(name, Session { key, ends });
    }

    /// Drops sessions that are over, and messages that count no more by their own time.
    fn forget(&mut self, now: u64) {
        self.used.retain(|_, used| used.expires > now);
        let strangers = self.used.values().filter(|used| used.is_strangers);
        self.n_used_by_strangers = strangers.count();
        let at = Instant::now();
        let by_token = &mut self.by_token;
        by_token.retain(|_, session| session.ends > at);
        self.of_keys.retain(|_, of_key| {
            of_key.tokens.retain(|token| by_token.contains_key(token));
            !of_key.tokens.is_empty()
        });
        let strangers = self.of_keys.values().filter(|of_key| of_key.limiter.is_some());
        self.n_strangers = strangers.count();
    }
}

/// What a token is kept as.
fn name_of(token: &str) -> String {
    digest(token.as_bytes()).map_or_else(|_| String::new(), |digest| digest.sha256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_client::envelope::{Draft, Envelope, Kind, SecretKey};

    const NOW: u64 = 1_800_000_000;

    /// A message of the key of a number, which opens a session.
    fn message(key: usize, nonce: u8) -> Verified {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&(key as u64).to_be_bytes());
        let draft = Draft::new(Kind::Session, "test", NOW).nonce(&[nonce]);
        let bytes = draft.sign(&SecretKey::ed25519(seed)).unwrap();
        Envelope::parse(bytes).unwrap().verify().unwrap()
    }

    fn code(opened: Result<String, Status>) -> Option<Code> {
        opened.err().map(|status| status.code())
    }

    #[test]
    fn a_token_stands_for_the_key_that_signed() {
        let sessions = Sessions::new(NOW);
        let rates = Rates::default();
        let client = sessions.begin(&message(1, 0), None, NOW).unwrap();
        let stranger = sessions.begin(&message(2, 0), Some(&rates), NOW).unwrap();
        let (key, limiter) = sessions.of_token(&client).unwrap();
        assert!(key == message(1, 0).signer() && limiter.is_none());
        let (key, limiter) = sessions.of_token(&stranger).unwrap();
        assert_eq!(key, message(2, 0).signer());
        // Another session of the stranger has the same buckets.
        let second = sessions.begin(&message(2, 1), Some(&rates), NOW).unwrap();
        let (_, same) = sessions.of_token(&second).unwrap();
        assert!(Arc::ptr_eq(&limiter.unwrap(), &same.unwrap()));
        assert!(sessions.of_token("").is_none() && sessions.of_token(&"0".repeat(64)).is_none());
    }

    #[test]
    fn a_message_opens_one_session() {
        let sessions = Sessions::new(NOW);
        let begin = |now| code(sessions.begin(&message(1, 0), None, now));
        assert_eq!(begin(NOW), None);
        assert_eq!(begin(NOW + 599), Some(Code::AlreadyExists));
        assert_eq!(sessions.before_start(NOW - 1), Some(1));
        assert_eq!(sessions.before_start(NOW), None);
        assert_eq!(sessions.before_start(NOW + 1), None);
    }

    #[test]
    fn the_oldest_session_of_a_key_ends_for_another() {
        let sessions = Sessions::new(NOW);
        let rates = Rates::default();
        for (key, rates, most) in [
            (1, None, MAX_SESSIONS_OF_A_CLIENT),
            (2, Some(&rates), MAX_SESSIONS_OF_A_STRANGER),
        ] {
            let begin = |nonce| sessions.begin(&message(key, nonce), rates, NOW).unwrap();
            let tokens: Vec<_> = (0..=most as u8).map(begin).collect();
            let is_open = |token: &String| sessions.of_token(token).is_some();
            assert!(!is_open(&tokens[0]) && tokens[1..].iter().all(is_open));
        }
    }

    #[test]
    fn a_flood_of_keys_leaves_room_for_clients() {
        let sessions = Sessions::new(NOW);
        let rates = Rates::default();
        for key in 0..MAX_STRANGERS {
            assert_eq!(code(sessions.begin(&message(key, 0), Some(&rates), NOW)), None);
        }
        let one_more = sessions.begin(&message(MAX_STRANGERS, 0), Some(&rates), NOW);
        assert_eq!(code(one_more), Some(Code::ResourceExhausted));
        assert_eq!(
            code(sessions.begin(&message(0, 1), Some(&rates), NOW)),
            None,
            "it has one"
        );
        assert_eq!(
            code(sessions.begin(&message(MAX_STRANGERS, 0), None, NOW)),
            None,
            "a client"
        );
    }
}

//! Sessions: a client that an appliance knows by its key gets a token for its other calls.

use crate::connection::{Token, bearer};
use crate::envelope::{Draft, Kind, PublicKey, Signer};
use crate::error::{ClientError, SigningError};
use crate::protocol::sessions_client::SessionsClient;
use crate::protocol::{GetSigningRequest, OpenSessionRequest};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, watch};
use tonic::Code;
use tonic::transport::Channel;

/// Length of a random nonce in bytes.
const NONCE_BYTES: usize = 16;

/// An appliance that takes signed messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// The network that it takes messages for.
    pub network: String,
    /// Its public key.
    pub prover: PublicKey,
}

impl Receiver {
    /// Asks an appliance who it is. It must have the expected key, if there is one.
    pub(crate) async fn ask(
        sessions: &mut SessionsClient<Channel>,
        expected: Option<PublicKey>,
    ) -> Result<Self, ClientError> {
        let answer = sessions.get_signing(GetSigningRequest {}).await;
        let signing = match answer {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == Code::Unimplemented => return Err(SigningError::Older.into()),
            Err(status) => return Err(status.into()),
        };
        let prover: PublicKey = signing.public_key.parse().map_err(SigningError::Key)?;
        match expected.filter(|expected| *expected != prover) {
            Some(expected) => Err(SigningError::OtherProver {
                expected,
                got: prover,
            }
            .into()),
            None => Ok(Self {
                network: signing.network,
                prover,
            }),
        }
    }
}

/// The session of a client and its clones, one at a time.
pub(crate) struct Session {
    sessions: SessionsClient<Channel>,
    signer: Signer,
    /// The key that the appliance must have.
    prover: Option<PublicKey>,
    /// The token, for the requests.
    token: watch::Sender<Option<Token>>,
    /// Held while a session is opened.
    opening: Mutex<()>,
}

impl Session {
    pub(crate) fn new(
        sessions: SessionsClient<Channel>,
        signer: Signer,
        prover: Option<PublicKey>,
        token: watch::Sender<Option<Token>>,
    ) -> Self {
        Self {
            sessions,
            signer,
            prover,
            token,
            opening: Mutex::default(),
        }
    }

    /// Opens a session in place of the one that the appliance has refused. Does nothing if another clone of the client
    /// has done so already.
    pub(crate) async fn renew(&self, refused: Option<&Token>) -> Result<(), ClientError> {
        let _opening = self.opening.lock().await;
        if self.token.borrow().as_ref() == refused {
            let token = self.open().await?;
            self.token.send_replace(Some(token));
        }
        Ok(())
    }

    /// Opens a session; returns its token.
    async fn open(&self) -> Result<Token, ClientError> {
        let mut sessions = self.sessions.clone();
        let receiver = Receiver::ask(&mut sessions, self.prover).await?;
        let draft = Draft::new(Kind::Session, &receiver.network, now())
            .audience(Some(receiver.prover))
            .nonce(&random_nonce()?);
        let envelope = self.signer.seal(draft).await.map_err(SigningError::from)?;
        let opened = sessions.open_session(OpenSessionRequest { envelope }).await?;
        bearer(&opened.into_inner().token)
    }
}

/// A nonce that no message had before.
///
/// # Errors
/// [`SigningError::Random`].
pub fn random_nonce() -> Result<[u8; NONCE_BYTES], SigningError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(SigningError::Random)?;
    Ok(nonce)
}

/// The clock, in seconds since 1970 UTC.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

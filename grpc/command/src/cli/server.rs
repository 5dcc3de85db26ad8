//! The connection of the client commands to a service: its flags, signals, and the failures of calls.

use crate::cli::failure::{Failure, Kind};
use crate::cli::key_source::key_of_environment;
use crate::cli::shell::quoted;
use crate::cli::source::read;
use crate::cli::terminal;
use quarry_client::envelope::{KeyError, PublicKey, Signer};
use quarry_client::{Client, ClientError, Connection, SigningError, speaks_tls};
use quarry_service::failure::chain;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tonic_types::StatusExt;

/// Where a service listens by default.
const DEFAULT_SERVER: &str = "http://127.0.0.1:7474";

/// How to reach the service.
#[derive(Debug, clap::Args)]
pub struct Server {
    /// Address of the service: HOST:PORT or http://HOST:PORT, https://HOST:PORT for TLS
    #[arg(
        long,
        value_name = "HOST:PORT",
        env = "QUARRY_SERVER",
        default_value = DEFAULT_SERVER
    )]
    server: String,
    /// File with the token that identifies this client, if the service requires one
    #[arg(long, value_name = "FILE", env = "QUARRY_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// CA certificates (PEM) that the service's certificate is checked against
    #[arg(long, value_name = "FILE", env = "QUARRY_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Certificate of this client (PEM), if the service requires one
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// Private key of --cert-file (PEM)
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// Sign jobs with the key of this file (`quarry key new`), or by the signer at http://HOST:PORT/PATH on this
    /// machine. Without a token or certificate, the key also identifies this client [default: the key in the
    /// environment variable QUARRY_KEY, if it is set]
    #[arg(long, value_name = "FILE|URL", env = "QUARRY_SIGN")]
    sign: Option<String>,
    /// Public key that the service must have; if it has another one, the command sends it nothing. To sign for a service
    /// that is not on this machine, the command needs its key
    #[arg(long, value_name = "KEY", env = "QUARRY_PROVER", value_parser = parse_public_key)]
    prover: Option<PublicKey>,
}

/// Parses a public key that a caller names.
pub fn parse_public_key(text: &str) -> Result<PublicKey, KeyError> {
    let key: PublicKey = text.parse()?;
    key.check().map(|()| key)
}

impl Server {
    /// Connects, runs `ask` and prints the text that it returns. SIGINT or SIGTERM ends it with
    /// [`Failure::interrupted`], even while the reader of standard output stalls.
    pub fn ask<F>(&self, ask: impl FnOnce(Client) -> F) -> Result<(), Failure>
    where
        F: Future<Output = Result<String, Failure>>,
    {
        self.ask_until(ask, Failure::interrupted)
    }

    /// [`Server::ask`] with the failure to return on SIGINT or SIGTERM.
    pub fn ask_until<F>(
        &self,
        ask: impl FnOnce(Client) -> F,
        on_stop: impl FnOnce() -> Failure,
    ) -> Result<(), Failure>
    where
        F: Future<Output = Result<String, Failure>>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|why| Failure::new(Kind::Internal, why))?;
        let asked = runtime.block_on(async {
            let internal = |why| Failure::new(Kind::Internal, why);
            let mut interrupt = signal(SignalKind::interrupt()).map_err(internal)?;
            let mut terminate = signal(SignalKind::terminate()).map_err(internal)?;
            let asked = async {
                let connection = self.connection().await?;
                let client = match Client::connect(&connection).await {
                    Ok(client) => client,
                    Err(error) => return Err(self.explained(error.into()).await),
                };
                match ask(client).await {
                    Ok(text) => terminal::print_some_aside(text).await.map(drop),
                    Err(failure) if failure.is_broken => Err(self.explained(failure).await),
                    Err(failure) => Err(failure),
                }
            };
            tokio::select! {
                asked = asked => asked,
                _ = interrupt.recv() => Err(on_stop()),
                _ = terminate.recv() => Err(on_stop()),
            }
        });
        // Do not wait for a file that is still being read, nor for a reader that stalls.
        runtime.shutdown_background();
        asked
    }

    /// How to connect: reads the files, and asks the signer for its key.
    async fn connection(&self) -> Result<Connection, Failure> {
        let token = self.token_file.as_deref().map(read).transpose()?;
        let token = token.map(|token| String::from_utf8_lossy(&token).trim().to_owned());
        let identity = match (&self.cert_file, &self.key_file) {
            (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
            _ => None,
        };
        let signer = match &self.sign {
            Some(place) => Some(
                Signer::open(place)
                    .await
                    .map_err(SigningError::from)
                    .map_err(ClientError::from)?,
            ),
            None => key_of_environment()?.map(Signer::from),
        };
        Ok(Connection {
            server: self.server.clone(),
            token,
            authority: self.ca_file.as_deref().map(read).transpose()?,
            identity,
            signer,
            prover: self.prover,
        })
    }

    /// A failure of the connection, with what is wrong with the address if that can be found out.
    async fn explained(&self, failure: Failure) -> Failure {
        let is_tls = self.server.starts_with("https://");
        let server = &self.server;
        match speaks_tls(server).await {
            Some(true) if !is_tls => Failure::bad_input(format!(
                "the service at {server} expects TLS: write https:// before its address (--server)"
            )),
            Some(false) if is_tls => Failure::bad_input(format!(
                "{failure}; the service at {server} has no TLS: if that is intended, write http:// before its \
                 address (--server)"
            )),
            None if failure.kind == Kind::Unavailable => Failure {
                message: format!("{failure}; is a service running there? --server names its address"),
                ..failure
            },
            _ => failure,
        }
    }

    /// A command line for the same service: `quarry watch ID`, with the flags that neither the environment nor the
    /// defaults give.
    pub fn line(&self, command: &str) -> String {
        let prover = self.prover.map(|key| key.to_string());
        let flags = [
            ("--server", Some(self.server.as_ref()), "QUARRY_SERVER"),
            ("--token-file", self.token_file.as_deref(), "QUARRY_TOKEN_FILE"),
            ("--ca-file", self.ca_file.as_deref(), "QUARRY_CA_FILE"),
            ("--cert-file", self.cert_file.as_deref(), ""),
            ("--key-file", self.key_file.as_deref(), ""),
            ("--sign", self.sign.as_deref().map(Path::new), "QUARRY_SIGN"),
            ("--prover", prover.as_deref().map(Path::new), "QUARRY_PROVER"),
        ];
        let mut line = format!("quarry {command}");
        for (flag, value, variable) in flags {
            let is_known = |value: &Path| match std::env::var_os(variable) {
                Some(known) => known == value.as_os_str(),
                None => value == Path::new(DEFAULT_SERVER),
            };
            if let Some(value) = value.filter(|value| !is_known(value)) {
                line += &format!(" {flag} {}", quoted(&value.display().to_string()));
            }
        }
        line
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let kind = match &error {
            ClientError::Connect { source, .. } if !is_away(source) => Kind::BadInput,
            ClientError::Status(status) if status.code() == tonic::Code::Internal => Kind::Internal,
            ClientError::Signing(error) if error.is_rejection() => Kind::Rejected,
            error if error.is_damage() => Kind::Internal,
            error if error.is_transient() => Kind::Unavailable,
            _ => Kind::BadInput,
        };
        let ClientError::Status(status) = &error else {
            return Self::from_error(kind, &error);
        };
        let message = match std::error::Error::source(&**status) {
            Some(source) => format!("{}: {}", status.message(), chain(source)),
            None => status.message().to_owned(),
        };
        let hint = match status.get_details_retry_info().and_then(|info| info.retry_delay) {
            Some(delay) => format!("; try again in {} s", delay.as_secs_f64().ceil()),
            None if status.code() == tonic::Code::Unknown => {
                "; is this the gRPC address (default port 7474) or the status page's (7475)?".to_owned()
            }
            None => String::new(),
        };
        let failure = Self::new(kind, message + &hint);
        Self {
            // An error that the service sent has no source here.
            is_broken: std::error::Error::source(&**status).is_some(),
            ..failure
        }
    }
}

/// Whether the connection failed because no service answers, not because the address or a certificate is wrong.
fn is_away(error: &(dyn std::error::Error + 'static)) -> bool {
    let sources = std::iter::successors(Some(error), |error| error.source());
    let mut io = sources.filter_map(|error| error.downcast_ref::<io::Error>());
    io.next()
        .is_some_and(|error| error.kind() != io::ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Status;

    #[test]
    fn damage_is_no_bad_input() {
        let kind = |error: ClientError| Failure::from(error).kind;
        assert_eq!(kind(ClientError::Damaged("ab12".to_owned())), Kind::Internal);
        assert_eq!(
            kind(Status::data_loss("its content differs").into()),
            Kind::Internal
        );
        assert_eq!(kind(Status::not_found("no such job").into()), Kind::BadInput);
    }
}

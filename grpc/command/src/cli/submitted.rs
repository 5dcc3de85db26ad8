//! A job that was submitted, signed if there is a signer, and the acceptance that a service signs.

use crate::cli::failure::{Failure, Kind};
use crate::cli::output::Target;
use crate::cli::terminal;
use quarry_client::protocol::{Job, JobSpec};
use quarry_client::{Client, ClientError, SignedJob, random_nonce};
use serde_json::json;
use std::path::Path;

/// A submitted job.
pub struct Submitted {
    /// The job.
    pub job: Job,
    /// Whether it existed before.
    pub existing: bool,
    signed: Option<SignedJob>,
}

impl Submitted {
    /// Submits a job.
    pub async fn submit(client: &mut Client, spec: JobSpec) -> Result<Self, Failure> {
        if !client.has_signer() {
            let submitted = client.submit(spec).await?;
            return Ok(Self {
                job: submitted.job.unwrap_or_default(),
                existing: submitted.existing,
                signed: None,
            });
        }
        let nonce = random_nonce().map_err(ClientError::from)?;
        let signed = client.submit_signed(&spec, &nonce).await?;
        Ok(Self {
            job: signed.job.clone(),
            existing: signed.existing,
            signed: Some(signed),
        })
    }
}

/// The file of `--acceptance`.
pub struct AcceptanceFile(Target);

impl AcceptanceFile {
    /// Checks that it can be written.
    pub fn check(path: &Path) -> Result<Self, Failure> {
        Target::check(path).map(Self)
    }

    /// Refuses a client that signs nothing: it would get no acceptance.
    pub fn expect_signer(&self, client: &Client) -> Result<(), Failure> {
        let why = "--acceptance: a service accepts signed jobs in writing, and no others; add --sign";
        client
            .has_signer()
            .then_some(())
            .ok_or_else(|| Failure::bad_input(why))
    }

    /// Writes the acceptance of a job, if it is one that others would accept.
    pub fn write(&self, submitted: &Submitted) -> Result<(), Failure> {
        let Some(signed) = &submitted.signed else {
            return Ok(());
        };
        let id = &submitted.job.id;
        let (acceptance, _) = signed.check_acceptance().map_err(|why| {
            let message = format!("job {id} is submitted, but {why}");
            Failure::new(Kind::Rejected, message).with_details(&json!({ "id": id }))
        })?;
        self.0.write(acceptance.bytes())?;
        let (signer, path) = (acceptance.signer(), self.0.path().display());
        terminal::tell(format_args!("acceptance by {signer} written to '{path}'\n"));
        Ok(())
    }
}

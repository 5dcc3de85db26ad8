//! The options of `prove --wrap` and `submit --wrap` that say how the wrapped proof is made: its Cairo verifier, and
//! the bootloader that runs it.

use crate::cli::bootloader::{self, HashChoice, parse_hash_function};
use crate::cli::failure::Failure;
use crate::cli::kinds;
use crate::cli::statement::parse_felt;
use crate::cli::upload;
use quarry_client::Client;
use quarry_client::protocol::WrapOptions;
use quarry_kernels::{Felt, felt};
use quarry_prover_core::file_kind::FileKind;
use quarry_tasks::bootloader::HashFunction;
use std::path::PathBuf;

/// The id of the option that asks for a wrapped proof.
const WRAP: &str = "wrap";

/// How a proof is wrapped.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct WrapArgs {
    /// With --wrap: compiled Cairo verifier (JSON) of the inner proof's layout [default: StarkWare's]
    #[arg(long, value_name = "FILE", requires = WRAP)]
    pub verifier: Option<PathBuf>,
    /// With --wrap: refuse a Cairo verifier with another program hash (Pedersen or Poseidon, as a bootloader's output
    /// has it)
    #[arg(long, value_name = "HASH", requires = WRAP, value_parser = parse_felt)]
    pub expect_verifier_hash: Option<Felt>,
    /// With --wrap: bootloader that runs the Cairo verifier, as --bootloader of `quarry wrap`
    #[arg(long, value_name = "layout|short|simple|FILE", requires = WRAP, default_value = bootloader::DEFAULT)]
    pub wrap_bootloader: PathBuf,
    /// With --wrap: refuse another program hash of that bootloader (Pedersen or Poseidon, as `quarry verify` shows
    /// them)
    #[arg(long, value_name = "HASH", requires = WRAP, value_parser = parse_felt)]
    pub expect_wrap_bootloader_hash: Option<Felt>,
    /// With --wrap: hash function of the Cairo verifier's program in the output; auto takes the one with which the run
    /// has fewer steps
    #[arg(long, value_name = "auto|pedersen|poseidon", requires = WRAP, default_value = "auto")]
    #[arg(value_parser = parse_hash_function)]
    pub wrap_program_hash_function: HashChoice,
}

impl WrapArgs {
    /// Rejects files of the wrong kind, before a service is contacted.
    pub fn check(&self) -> Result<(), Failure> {
        let own = bootloader::own_file(&self.wrap_bootloader);
        let mut files = self.verifier.as_deref().into_iter().chain(own);
        files.try_for_each(|path| kinds::expect(path, FileKind::Program))
    }

    /// Uploads the files, and returns how a job wraps a first proof in this layout.
    pub async fn upload(&self, client: &mut Client, first_layout: &str) -> Result<WrapOptions, Failure> {
        let verifier = upload::file(client, self.verifier.as_deref()).await?;
        let (bootloader, bootloader_name) = bootloader::upload(client, &self.wrap_bootloader).await?;
        let hex = |hash: &Option<Felt>| hash.as_ref().map(felt::to_hex).unwrap_or_default();
        let hash_function = self.wrap_program_hash_function.0.map(HashFunction::name);
        Ok(WrapOptions {
            verifier,
            expected_verifier_hash: hex(&self.expect_verifier_hash),
            bootloader,
            bootloader_name,
            expected_bootloader_hash: hex(&self.expect_wrap_bootloader_hash),
            program_hash_function: hash_function.unwrap_or_default().to_owned(),
            first_layout: first_layout.to_owned(),
        })
    }
}

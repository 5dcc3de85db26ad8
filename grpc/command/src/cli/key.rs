//! `quarry key`: keys that sign messages.

use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::key_form::Form;
use crate::cli::key_source::secret_key;
use crate::cli::table::Table;
use crate::cli::terminal;
use quarry_client::envelope::{PublicKey, Scheme, SecretKey};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Examples for `key --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry key new --out client.key
      prints the public key; give that one to operators, who let it submit jobs
  quarry key show client.key
  quarry key new --out starknet.key --scheme stark
  quarry key export starknet.key --format starknet
      prints the public key as Starknet's tools write it
  quarry key export client.key --secret --format pem > client.pem
      prints the secret, for OpenSSL: keep it as safe as the key file

A key file is one line, `ed25519:` or `stark:` and 64 digits. Quarry reads it only if nobody but its
owner can. Whoever has it signs in your name. If no FILE is given, the environment variable QUARRY_KEY
has the text of the key. docs/envelope.md says what is signed, and how.";

/// Arguments of `key`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key, write it to a new file, and print its public key
    New {
        /// Path of the file; it must not exist
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        /// Signature scheme: ed25519, or stark for ECDSA on the curve of Starknet's accounts
        #[arg(long, value_name = "ed25519|stark", default_value = "ed25519", value_parser = parse_scheme)]
        scheme: Scheme,
        /// Print one JSON object on standard output
        #[arg(long)]
        json: bool,
    },
    /// Show a key's public key and scheme
    Show {
        /// Key file [default: the key in the environment variable QUARRY_KEY]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Print one JSON object on standard output
        #[arg(long)]
        json: bool,
    },
    /// Print a key for other tools: the public key, or with --secret the secret
    Export {
        /// Key file [default: the key in the environment variable QUARRY_KEY]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Print the secret
        #[arg(long)]
        secret: bool,
        /// Form of the key
        #[arg(long, value_enum, default_value_t)]
        format: Form,
    },
}

impl Args {
    /// Whether the action prints JSON on standard output.
    pub fn is_json(&self) -> bool {
        match self.action {
            Action::New { json, .. } | Action::Show { json, .. } => json,
            Action::Export { .. } => false,
        }
    }
}

fn parse_scheme(name: &str) -> Result<Scheme, String> {
    let mut schemes = Scheme::ALL.into_iter();
    schemes
        .find(|scheme| scheme.name() == name)
        .ok_or_else(|| "expected one of ed25519, stark".to_owned())
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.action {
        Action::New { out, scheme, json } => new(out, *scheme, *json),
        Action::Show { file, json } => show(file.as_deref(), *json),
        Action::Export { file, secret, format } => export(file.as_deref(), *secret, *format),
    }
}

fn new(out: &Path, scheme: Scheme, is_json: bool) -> Result<(), Failure> {
    let key = SecretKey::random(scheme)
        .map_err(|why| Failure::new(Kind::Internal, format!("no random key: {why}")))?;
    key.write_new(out).or_bad_input()?;
    terminal::tell(format_args!("secret key written to '{}'\n", out.display()));
    match is_json {
        true => terminal::print_json(&Shown::of(&key.public_key())),
        false => terminal::print(format_args!("{}\n", key.public_key())),
    }
}

fn show(file: Option<&Path>, is_json: bool) -> Result<(), Failure> {
    let shown = Shown::of(&secret_key(file)?.public_key());
    if is_json {
        return terminal::print_json(&shown);
    }
    let mut table = Table::default();
    table.row("public key", &shown.public_key);
    table.row("scheme", shown.scheme);
    table.row_if("on Starknet", shown.starknet);
    terminal::print(table)
}

fn export(file: Option<&Path>, is_secret: bool, format: Form) -> Result<(), Failure> {
    let key = secret_key(file)?;
    let text = match is_secret {
        true => format.secret(&key)?,
        false => format.public(&key.public_key())?,
    };
    terminal::print(format_args!("{text}\n"))
}

/// What is shown of a key.
#[derive(Serialize)]
struct Shown {
    public_key: String,
    scheme: &'static str,
    /// The public key as Starknet's tools write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    starknet: Option<String>,
}

impl Shown {
    fn of(key: &PublicKey) -> Self {
        Self {
            public_key: key.to_string(),
            scheme: key.scheme().name(),
            starknet: Form::Starknet.public(key).ok(),
        }
    }
}

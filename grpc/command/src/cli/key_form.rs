//! The forms in which other tools take keys.

use crate::cli::failure::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quarry_client::digest::hex;
use quarry_client::envelope::{KEY_BYTES, PublicKey, Scheme, SecretKey};

/// What comes before the seed in the PKCS #8 form of an Ed25519 key (DER): RFC 8410, section 7.
const PKCS8_PREFIX: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
/// What comes before a public Ed25519 key in its SubjectPublicKeyInfo (DER): RFC 8410, section 4.
const SPKI_PREFIX: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// A form of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Quarry's: the scheme, a colon, 64 digits
    #[default]
    Text,
    /// A number from 0x on, as Starknet's tools take it; for keys of the Stark curve
    Starknet,
    /// PEM, as OpenSSL takes it (RFC 8410: PKCS #8 or SubjectPublicKeyInfo); for Ed25519
    Pem,
}

impl Form {
    /// A secret key in this form.
    pub fn secret(self, key: &SecretKey) -> Result<String, Failure> {
        self.check(key.public_key().scheme())?;
        Ok(match self {
            Self::Text => key.to_secret_text(),
            Self::Starknet => number(&key.to_secret_bytes()),
            Self::Pem => pem("PRIVATE KEY", PKCS8_PREFIX, &key.to_secret_bytes()),
        })
    }

    /// A public key in this form.
    pub fn public(self, key: &PublicKey) -> Result<String, Failure> {
        self.check(key.scheme())?;
        Ok(match self {
            Self::Text => key.to_string(),
            Self::Starknet => number(key.bytes()),
            Self::Pem => pem("PUBLIC KEY", SPKI_PREFIX, key.bytes()),
        })
    }

    /// Refuses a key that has no such form.
    fn check(self, scheme: Scheme) -> Result<(), Failure> {
        let (name, other) = match (self, scheme) {
            (Self::Starknet, Scheme::Ed25519) => ("starknet", "text or pem"),
            (Self::Pem, Scheme::Stark) => ("pem", "text or starknet"),
            _ => return Ok(()),
        };
        let message = format!("--format {name}: no form of {scheme} keys; use {other}");
        Err(Failure::bad_input(message))
    }
}

/// A number from `0x` on, without leading zeros.
fn number(bytes: &[u8; KEY_BYTES]) -> String {
    let digits = hex(bytes);
    format!("0x{:0>1}", digits.trim_start_matches('0'))
}

/// A PEM file (RFC 7468), without its last end of line. A key of Ed25519 is one line of base64.
fn pem(label: &str, prefix: &[u8], key: &[u8; KEY_BYTES]) -> String {
    let content = STANDARD.encode([prefix, key].concat());
    format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----")
}

//! Keys that sign envelopes.

use super::SIGNATURE_BYTES;
use crate::digest::{hex, unhex};
use crate::stark_curve;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use starknet_crypto::Felt;
use std::fmt;
use std::str::FromStr;

/// Length of a key in bytes, public or secret, in both schemes.
pub const KEY_BYTES: usize = 32;
/// Of a hash that is to be signed on the Stark curve, this many of the first byte's bits are kept: 251 in all.
const HASH_MASK: u8 = 0x07;
/// Of a random number for a Stark key, these bits of the first byte are kept: the order has 252 bits.
const ORDER_MASK: u8 = 0x0f;

/// A signature scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Ed25519 (RFC 8032), checked strictly: no weak keys, one form of each signature.
    Ed25519,
    /// ECDSA over the Stark curve, as Starknet's accounts and validators use it. Of the two signatures `s` and `n - s`
    /// only the one with the lower `s` is valid.
    Stark,
}

impl Scheme {
    /// All schemes.
    pub const ALL: [Self; 2] = [Self::Ed25519, Self::Stark];

    /// Its name before a key's digits.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Stark => "stark",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It has another form.
    #[error("not a key: a key is `ed25519:` or `stark:` and 64 lower-case hexadecimal digits")]
    Form,
    /// A secret Stark key is 0 or not below the order of the curve, or a public one is not below the prime.
    #[error("not a key of the Stark curve: the number is out of range")]
    OutOfRange,
    /// The public key is no point of the curve, or one of those for which anyone can sign.
    #[error("not a public key: it is no point of the curve, or a weak one")]
    NoPoint,
}

/// A public key. Its text is `ed25519:` or `stark:` and 64 lower-case hexadecimal digits: the key of RFC 8032, or the x
/// coordinate, big-endian.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey {
    scheme: Scheme,
    bytes: [u8; KEY_BYTES],
}

impl PublicKey {
    /// Its scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }

    /// Whether it is a point of its curve and not weak. A key of a file of settings should be asked; a signature of a
    /// key for which this is false never verifies.
    ///
    /// # Errors
    /// [`KeyError::NoPoint`].
    pub fn check(&self) -> Result<(), KeyError> {
        let is_point = match self.scheme {
            Scheme::Ed25519 => VerifyingKey::from_bytes(&self.bytes).is_ok_and(|key| !key.is_weak()),
            Scheme::Stark => stark_curve::is_public_key(Felt::from_bytes_be(&self.bytes)),
        };
        is_point.then_some(()).ok_or(KeyError::NoPoint)
    }

    /// Whether this is the signature of this key over these bytes. With a Stark key it takes about a millisecond.
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        match self.scheme {
            Scheme::Ed25519 => VerifyingKey::from_bytes(&self.bytes).is_ok_and(|key| {
                key.verify_strict(signed, &Signature::from_bytes(signature))
                    .is_ok()
            }),
            Scheme::Stark => {
                let (r, s) = signature.split_at(SIGNATURE_BYTES / 2);
                let (Some(r), Some(s)) = (felt(r), felt(s)) else {
                    return false;
                };
                let key = Felt::from_bytes_be(&self.bytes);
                stark_curve::is_low(s) && stark_curve::verify(key, stark_hash(signed), r, s)
            }
        }
    }
}

/// What is signed on the Stark curve: the low 251 bits of the bytes' SHA-256.
fn stark_hash(signed: &[u8]) -> Felt {
    let mut hash: [u8; 32] = Sha256::digest(signed).into();
    hash[0] &= HASH_MASK;
    Felt::from_bytes_be(&hash)
}

/// A number below the prime, from exactly 32 bytes, big-endian.
fn felt(bytes: &[u8]) -> Option<Felt> {
    let bytes: &[u8; KEY_BYTES] = bytes.try_into().ok()?;
    let felt = Felt::from_bytes_be(bytes);
    (felt.to_bytes_be() == *bytes).then_some(felt)
}

/// Splits a key's text: scheme and bytes.
fn parse(text: &str) -> Result<(Scheme, [u8; KEY_BYTES]), KeyError> {
    let (name, digits) = text.split_once(':').ok_or(KeyError::Form)?;
    let mut schemes = Scheme::ALL.into_iter();
    let scheme = schemes
        .find(|scheme| scheme.name() == name)
        .ok_or(KeyError::Form)?;
    let bytes = unhex(digits).ok_or(KeyError::Form)?;
    Ok((scheme, bytes))
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (scheme, bytes) = parse(text)?;
        if scheme == Scheme::Stark && felt(&bytes).is_none() {
            return Err(KeyError::OutOfRange);
        }
        Ok(Self { scheme, bytes })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scheme, hex(&self.bytes))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A secret key. Its text has the form of a public one. It is never printed by `Debug`.
///
/// The arithmetic of the Stark curve does not take constant time: on a machine that others can measure, use Ed25519 or a
/// signer elsewhere.
#[derive(Clone)]
pub struct SecretKey(Secret);

#[derive(Clone)]
enum Secret {
    Ed25519(Box<SigningKey>),
    Stark { secret: Felt, public: Felt },
}

impl SecretKey {
    /// The Ed25519 key of a seed: 32 random bytes.
    pub fn ed25519(seed: [u8; KEY_BYTES]) -> Self {
        Self(Secret::Ed25519(Box::new(SigningKey::from_bytes(&seed))))
    }

    /// The Stark key of a number, big-endian: random, from 1 to below the order of the curve.
    ///
    /// # Errors
    /// [`KeyError::OutOfRange`].
    pub fn stark(number: [u8; KEY_BYTES]) -> Result<Self, KeyError> {
        let secret = felt(&number).ok_or(KeyError::OutOfRange)?;
        let public = stark_curve::public_key(&secret).ok_or(KeyError::OutOfRange)?;
        Ok(Self(Secret::Stark { secret, public }))
    }

    /// A new key, of the system's random numbers.
    ///
    /// # Errors
    /// If the system has none.
    pub fn random(scheme: Scheme) -> Result<Self, getrandom::Error> {
        loop {
            let mut bytes = [0; KEY_BYTES];
            getrandom::fill(&mut bytes)?;
            match scheme {
                Scheme::Ed25519 => return Ok(Self::ed25519(bytes)),
                Scheme::Stark => bytes[0] &= ORDER_MASK,
            }
            // About half of the numbers of 252 bits are below the order. Reducing the others would favour small keys.
            if let Ok(key) = Self::stark(bytes) {
                return Ok(key);
            }
        }
    }

    /// Its public key.
    pub fn public_key(&self) -> PublicKey {
        match &self.0 {
            Secret::Ed25519(key) => PublicKey {
                scheme: Scheme::Ed25519,
                bytes: key.verifying_key().to_bytes(),
            },
            Secret::Stark { public, .. } => PublicKey {
                scheme: Scheme::Stark,
                bytes: public.to_bytes_be(),
            },
        }
    }

    /// The secret: the seed of an Ed25519 key, the number of a Stark key, big-endian.
    pub fn to_secret_bytes(&self) -> [u8; KEY_BYTES] {
        match &self.0 {
            Secret::Ed25519(key) => key.to_bytes(),
            Secret::Stark { secret, .. } => secret.to_bytes_be(),
        }
    }

    /// The text of the secret, to be kept.
    pub fn to_secret_text(&self) -> String {
        format!("{}:{}", self.public_key().scheme, hex(&self.to_secret_bytes()))
    }

    /// Signs bytes. The same bytes have the same signature.
    pub(super) fn sign(&self, signed: &[u8]) -> [u8; SIGNATURE_BYTES] {
        match &self.0 {
            Secret::Ed25519(key) => key.sign(signed).to_bytes(),
            Secret::Stark { secret, .. } => {
                // Hash and secret are in range, so there is a signature. Two zeros are none.
                let (r, s) = stark_curve::sign(secret, &stark_hash(signed)).unwrap_or_default();
                let mut signature = [0; SIGNATURE_BYTES];
                let (left, right) = signature.split_at_mut(SIGNATURE_BYTES / 2);
                left.copy_from_slice(&r.to_bytes_be());
                right.copy_from_slice(&s.to_bytes_be());
                signature
            }
        }
    }
}

impl FromStr for SecretKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match parse(text)? {
            (Scheme::Ed25519, seed) => Ok(Self::ed25519(seed)),
            (Scheme::Stark, number) => Self::stark(number),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey of {}", self.public_key())
    }
}

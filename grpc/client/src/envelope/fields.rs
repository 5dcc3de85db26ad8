//! The fields of an envelope's body as bytes: each is its length (4 bytes, big-endian) and its content.

use super::{
    EnvelopeError, Kind, MAX_NETWORK_BYTES, MAX_NONCE_BYTES, MAX_PAYLOAD_BYTES, PublicKey, TAG, VERSION,
};
use std::ops::Range;

/// Bytes of the length before each field.
const LENGTH_BYTES: usize = 4;

/// The body's fields, in their order behind tag and version.
pub(super) struct Fields {
    pub(super) kind: Kind,
    pub(super) network: String,
    pub(super) audience: Option<PublicKey>,
    pub(super) signer: PublicKey,
    pub(super) nonce: Vec<u8>,
    pub(super) issued: u64,
    pub(super) expires: u64,
    /// Where the payload lies in the envelope.
    pub(super) payload: Range<usize>,
}

impl Fields {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, EnvelopeError> {
        if reader.field("tag", TAG.len())? != TAG {
            return Err(EnvelopeError::Form { field: "tag" });
        }
        let [version] = reader.array("version")?;
        if version != VERSION {
            return Err(EnvelopeError::Version { version });
        }
        // Fields are read in the order in which they stand here.
        Ok(Self {
            kind: Kind::from_name(reader.field("kind", usize::MAX)?).ok_or(EnvelopeError::Kind)?,
            network: network(reader)?,
            audience: match reader.field("audience", usize::MAX)? {
                [] => None,
                key => Some(public_key("audience", key)?),
            },
            signer: public_key("signer", reader.field("signer", usize::MAX)?)?,
            nonce: nonce(reader)?,
            issued: u64::from_be_bytes(reader.array("issued")?),
            expires: u64::from_be_bytes(reader.array("expires")?),
            payload: {
                reader.field("payload", MAX_PAYLOAD_BYTES)?;
                reader.last.clone()
            },
        })
    }
}

fn network(reader: &mut Reader<'_>) -> Result<String, EnvelopeError> {
    let field = "network";
    let name = std::str::from_utf8(reader.field(field, MAX_NETWORK_BYTES)?);
    let name = name.ok().filter(|name| is_network(name));
    name.map(str::to_owned).ok_or(EnvelopeError::Form { field })
}

fn nonce(reader: &mut Reader<'_>) -> Result<Vec<u8>, EnvelopeError> {
    match reader.field("nonce", MAX_NONCE_BYTES)? {
        [] => Err(EnvelopeError::Form { field: "nonce" }),
        nonce => Ok(nonce.to_vec()),
    }
}

fn public_key(field: &'static str, text: &[u8]) -> Result<PublicKey, EnvelopeError> {
    let key = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    key.ok_or(EnvelopeError::Key { field })
}

/// Whether a network can have this name: 1 to 64 of `A-Z a-z 0-9 _ . -`.
pub fn is_network(name: &str) -> bool {
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=MAX_NETWORK_BYTES).contains(&name.len()) && name.bytes().all(may_stand)
}

/// Appends a field.
pub(super) fn write(out: &mut Vec<u8>, content: &[u8]) {
    // Contents are bounded far below 4 GiB before they are written.
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    out.extend(length.to_be_bytes());
    out.extend(content);
}

/// Reads fields one after the other.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Where the content of the last field lies.
    last: Range<usize>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            last: 0..0,
        }
    }

    /// Number of bytes read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The next field, if it is no longer than this.
    pub(super) fn field(&mut self, field: &'static str, max: usize) -> Result<&'a [u8], EnvelopeError> {
        let malformed = EnvelopeError::Form { field };
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let Some((length, rest)) = rest.split_first_chunk::<LENGTH_BYTES>() else {
            return Err(malformed);
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some(content) = rest.get(..length).filter(|_| length <= max) else {
            return Err(malformed);
        };
        let start = self.position + LENGTH_BYTES;
        self.position = start + length;
        self.last = start..self.position;
        Ok(content)
    }

    /// The next field, of exactly `N` bytes.
    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], EnvelopeError> {
        let content = self.field(field, N)?;
        content.try_into().map_err(|_| EnvelopeError::Form { field })
    }

    /// Refuses bytes after the last field.
    pub(super) fn end(&self) -> Result<(), EnvelopeError> {
        let is_end = self.position == self.bytes.len();
        is_end.then_some(()).ok_or(EnvelopeError::Form { field: "end" })
    }
}

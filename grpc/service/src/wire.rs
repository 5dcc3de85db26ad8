//! Framing of messages between the appliance's processes: a 4-byte big-endian length, then the encoded message.

use prost::Message;
use std::io::{self, Read, Write};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Largest message. The longest ones carry a program's output.
const MAX_BYTES: usize = 64 << 20;

/// The message with its length; too long a one is an error of kind `InvalidData`, as it would be for the receiver.
fn frame(message: &impl Message) -> io::Result<Vec<u8>> {
    let length = checked(message.encoded_len())?;
    let header = u32::try_from(length).map_err(io::Error::other)?.to_be_bytes();
    Ok([&header[..], &message.encode_to_vec()].concat())
}

fn length(header: [u8; 4]) -> io::Result<usize> {
    checked(u32::from_be_bytes(header) as usize)
}

fn checked(length: usize) -> io::Result<usize> {
    if length > MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a message of {length} bytes; at most {MAX_BYTES}"),
        ));
    }
    Ok(length)
}

fn decode<M: Message + Default>(body: &[u8]) -> io::Result<M> {
    M::decode(body).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))
}

/// Writes a message and flushes.
pub fn send(to: &mut impl Write, message: &impl Message) -> io::Result<()> {
    to.write_all(&frame(message)?)?;
    to.flush()
}

/// Reads a message; end of input before it is an error of kind `UnexpectedEof`.
pub fn receive<M: Message + Default>(from: &mut impl Read) -> io::Result<M> {
    let mut header = [0; 4];
    from.read_exact(&mut header)?;
    let mut body = vec![0; length(header)?];
    from.read_exact(&mut body)?;
    decode(&body)
}

/// [`send`], without blocking.
pub async fn send_async(to: &mut (impl AsyncWrite + Unpin), message: &impl Message) -> io::Result<()> {
    to.write_all(&frame(message)?).await?;
    to.flush().await
}

/// [`receive`], without blocking.
pub async fn receive_async<M: Message + Default>(from: &mut (impl AsyncRead + Unpin)) -> io::Result<M> {
    let mut header = [0; 4];
    from.read_exact(&mut header).await?;
    let mut body = vec![0; length(header)?];
    from.read_exact(&mut body).await?;
    decode(&body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_client::protocol::ArtifactRef;

    #[test]
    fn messages_pass_and_lengths_are_bounded() {
        let message = ArtifactRef {
            sha256: "ab".to_owned(),
            size: 7,
        };
        let mut bytes = Vec::new();
        send(&mut bytes, &message).unwrap();
        let read = |bytes: &[u8]| receive::<ArtifactRef>(&mut &*bytes);
        assert_eq!(read(&bytes).unwrap(), message);
        let kind = |bytes: &[u8]| read(bytes).unwrap_err().kind();
        assert_eq!(kind(&bytes[..bytes.len() - 1]), io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(&[0xff; 8]), io::ErrorKind::InvalidData);
        assert_eq!(kind(&[0, 0, 0, 1, 0xff]), io::ErrorKind::InvalidData);
        let long = ArtifactRef {
            sha256: "a".repeat(MAX_BYTES),
            size: 0,
        };
        let refused = send(&mut io::sink(), &long).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    }
}

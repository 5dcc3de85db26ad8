//! The data of a Cairo program's panic, as text.

use cairo_vm::Felt252;
use num_traits::ToPrimitive;
use std::fmt;

/// The first felt of a `ByteArray` in panic data, which tells it from other felts.
const BYTE_ARRAY: &str = "0x46a6158a16a947e5916b2a2ca68501a45e93d7110e81aa2d6438b1c57c879a3";

/// Number of bytes of a full word of a `ByteArray`, and the most that a short string has.
const WORD: usize = 31;

/// What a program panicked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanicData(pub Vec<Felt252>);

impl fmt::Display for PanicData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &self.0[..];
        if rest.is_empty() {
            return f.write_str("no data");
        }
        let mut separator = "";
        while let Some((first, others)) = rest.split_first() {
            f.write_str(separator)?;
            separator = ", ";
            match byte_array(rest) {
                Some((text, left)) => {
                    write!(f, "\"{text}\"")?;
                    rest = left;
                }
                None => {
                    match short_string(first) {
                        Some(text) => write!(f, "'{text}'")?,
                        None => write!(f, "{first:#x}")?,
                    }
                    rest = others;
                }
            }
        }
        Ok(())
    }
}

/// A felt as the short string that it may be: printable characters only.
fn short_string(felt: &Felt252) -> Option<String> {
    let bytes = felt.to_bytes_be();
    let text = &bytes[bytes.iter().position(|&byte| byte != 0)?..];
    printable(text).filter(|_| text.len() <= WORD)
}

/// A `ByteArray` at the beginning of felts, and the felts behind it.
fn byte_array(felts: &[Felt252]) -> Option<(String, &[Felt252])> {
    let (magic, rest) = felts.split_first()?;
    if *magic != Felt252::from_hex(BYTE_ARRAY).ok()? {
        return None;
    }
    let (n_words, rest) = rest.split_first()?;
    let (words, rest) = rest.split_at_checked(n_words.to_usize()?)?;
    let ([pending, pending_length], rest) = rest.split_first_chunk()?;
    let mut text = Vec::new();
    let lengths = words.iter().map(|word| (word, WORD));
    let pending_length = pending_length.to_usize().filter(|length| *length < WORD)?;
    for (word, length) in lengths.chain([(pending, pending_length)]) {
        let bytes = word.to_bytes_be();
        let (zeros, bytes) = bytes.split_at(bytes.len() - length);
        zeros.iter().all(|&byte| byte == 0).then_some(())?;
        text.extend_from_slice(bytes);
    }
    Some((printable(&text)?, rest))
}

fn printable(text: &[u8]) -> Option<String> {
    let is_printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let text = text.iter().all(is_printable).then_some(text)?;
    String::from_utf8(text.to_vec()).ok()
}

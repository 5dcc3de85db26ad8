//! Texts of bounded length. An input may make a message as long as it likes, for example with a hint of megabytes.

/// Maximum length, in bytes, of a text in the store that the service does not refuse when it is too long.
pub const MAX_STORED_BYTES: usize = 4 << 10;

/// Cuts an overlong text to at most `most` bytes. It keeps the beginning, and a quarter from the end, where messages
/// say what to do.
pub fn cut(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let note = format!(" [.. {} bytes in all ..] ", text.len());
    let left = most.saturating_sub(note.len());
    let tail = left / 4;
    let head = text.floor_char_boundary(left - tail);
    let tail = text.ceil_char_boundary(text.len() - tail);
    let mut cut = String::with_capacity(most);
    cut.extend([&text[..head], &*note, &text[tail..]]);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_stay() {
        let short = "x".repeat(100);
        assert_eq!(cut(short.clone(), 100), short);
        for symbol in ["x", "é", "€", "🙂"] {
            for n in 100..110 {
                let long = format!("begin {} end", symbol.repeat(n));
                let cut = cut(long.clone(), 100);
                assert!(cut.len() <= 100 && cut.len() > 80, "{} {cut}", cut.len());
                assert!(cut.starts_with("begin ") && cut.ends_with(" end"), "{cut}");
                assert!(cut.contains(&format!("{} bytes in all", long.len())), "{cut}");
            }
        }
        // No limit is too small to be kept.
        for most in 0..60 {
            assert!(cut("x".repeat(61), most).len() <= most.max(30), "{most}");
        }
    }
}

//! The text of one of Stone's JSON files.
//!
//! Stone reads with jsoncpp 1.8.4 in its default mode: comments (`//` to the end of the line, `/* */`) may stand
//! between tokens, anything may follow the value, and of members with the same name the last counts. This reader
//! accepts all of that. It is stricter than Stone in some respects: the file must be UTF-8; numbers must have JSON's
//! spelling (no `01`, no `1.`); a string that is read must hold no raw control character and no half of a surrogate
//! pair. It does not reject everything that Stone rejects (a comment between a name and its colon, more than 1000
//! nested values that are not read).

use super::Place;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};
use std::borrow::Cow;

/// The text of a file up to the end of its value, without comments. The value is known to be JSON.
pub(crate) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// The text of a file.
    ///
    /// # Errors
    /// Not JSON; the error has the line and column in the file.
    pub fn new(file: &'a str) -> Result<Self, serde_json::Error> {
        let mut text = without_comments(file);
        let mut values = Deserializer::from_str(&text).into_iter::<IgnoredAny>();
        match values.next() {
            Some(value) => drop(value?),
            // Fails with the position where the text ends.
            None => drop(serde_json::from_str::<IgnoredAny>(&text)?),
        }
        let end = values.byte_offset();
        match &mut text {
            Cow::Borrowed(text) => *text = text.get(..end).unwrap_or(text),
            Cow::Owned(text) => text.truncate(end),
        }
        Ok(Self(text))
    }

    /// The root of the value.
    pub fn root(&self) -> Place<'_> {
        Place::root(self.0.trim())
    }
}

/// Reads one of Stone's files (an input, parameters, a configuration) as a JSON value, with the comments and the
/// trailing text that Stone accepts.
///
/// # Errors
/// Not JSON, or values nested more than 127 deep; the error has the line and column in the file.
pub fn value(file: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(&Text::new(file)?.0)
}

/// The text with blanks in place of comments. Line breaks are kept, so errors have the right line and column.
fn without_comments(text: &str) -> Cow<'_, str> {
    let mut plain = String::new();
    let mut copied = 0;
    let comments = Comments { text, position: 0 };
    for (start, end) in comments {
        if plain.is_empty() {
            plain.reserve_exact(text.len());
        }
        plain.push_str(&text[copied..start]);
        plain.extend(text[start..end].bytes().map(|byte| match byte {
            b'\n' => '\n',
            _ => ' ',
        }));
        copied = end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    plain.push_str(&text[copied..]);
    Cow::Owned(plain)
}

/// Iterates over the positions of the comments in a text. A comment that does not end is not recognized.
struct Comments<'a> {
    text: &'a str,
    position: usize,
}

impl Iterator for Comments<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        loop {
            let rest = &self.text[self.position..];
            let start = self.position + rest.find(['"', '/'])?;
            let rest = &self.text[start..];
            let length = match rest.as_bytes() {
                [b'"', ..] => {
                    self.position = start + string_length(rest)?;
                    continue;
                }
                [b'/', b'/', ..] => rest.find(['\n', '\r']).unwrap_or(rest.len()),
                [b'/', b'*', ..] => rest[2..].find("*/")? + 4,
                _ => return None,
            };
            self.position = start + length;
            return Some((start, self.position));
        }
    }
}

/// The length of the string that the text begins with, quotes included.
fn string_length(text: &str) -> Option<usize> {
    let mut end = 1;
    loop {
        end += text[end..].find(['"', '\\'])?;
        if text[end..].starts_with('"') {
            return Some(end + 1);
        }
        // A character after a backslash has one byte, or else this is not JSON.
        end += 2;
        if !text.is_char_boundary(end) {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn comments_may_stand_between_tokens() {
        let text = "// one\n{ /* two */ \"a\" : // three\r\n [1, /**/ 2 /* // */], \"b\": \"// no /* comment\\\" */\" } // end";
        let expected = json!({ "a": [1, 2], "b": "// no /* comment\" */" });
        assert_eq!(value(text).expect("JSON with comments"), expected);
    }

    #[test]
    fn anything_may_follow_the_value() {
        for rest in [
            "",
            " ",
            "}",
            "x",
            " {",
            "\u{0}é",
            "/* not closed",
            "// \" /*",
            "\"open",
            "\\",
        ] {
            let text = format!("{{\"a\": 1}}{rest}");
            assert_eq!(value(&text).ok(), Some(json!({ "a": 1 })), "{rest:?}");
        }
    }

    #[test]
    fn text_without_comments_is_not_copied() {
        let text = Text::new(" {\"a\": \"http://b\"} rest").expect("JSON");
        assert!(matches!(text.0, Cow::Borrowed(" {\"a\": \"http://b\"}")));
    }

    #[test]
    fn errors_say_line_and_column_of_the_file() {
        for (text, line, column) in [
            ("{ /* é */ \"a\": x }", 1, 17),
            ("// one\n/* two\nthree */ {\"a\" 1}", 3, 15),
            ("{\"a\": 1, // b\n \"b\": /* not closed }", 2, 7),
            ("{\"a\": tr/**/ue}", 1, 9),
            ("{\"a\": 1/**/2}", 1, 12),
            ("/ {}", 1, 1),
            ("{\"a\": \"\\é\"}", 1, 9),
            ("  // nothing", 1, 12),
            ("", 1, 0),
        ] {
            let error = value(text).expect_err(text);
            assert_eq!((error.line(), error.column()), (line, column), "{text}: {error}");
        }
    }
}

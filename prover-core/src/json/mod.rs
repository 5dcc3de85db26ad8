//! Reader of Stone's JSON files: values with their paths, so that an error names the place and the expected value.

mod text;

pub(crate) use text::Text;
pub use text::value;

use quarry_kernels::{Felt, felt};
use serde::de::IgnoredAny;
use serde_json::Number;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;

/// A value in a JSON file that is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: expected {expected}, found {found}")]
pub struct JsonError {
    /// The path of the value, such as `/key/0/key`.
    pub path: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// A place in a JSON text. A missing value and `null` are the same, as in Stone.
///
/// It holds the text of its value, which is parsed on demand: a file of which little is read takes little memory,
/// whatever it contains.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    /// The value: JSON without surrounding whitespace.
    text: &'a str,
    name: Name<'a>,
    parent: Option<&'a Place<'a>>,
}

/// The name of a place within its parent.
#[derive(Clone)]
enum Name<'a> {
    /// None: the place is a root.
    Root,
    /// The key of an object.
    Key(Cow<'a, str>),
    /// The index in an array.
    Index(usize),
}

/// The text of a missing value.
const NOTHING: &str = "null";

/// Maximum length of the excerpt of the offending value in an error.
const EXCERPT: usize = 60;

impl<'a> Place<'a> {
    /// The root of a text that is known to be JSON without surrounding whitespace.
    pub fn root(text: &'a str) -> Self {
        Self {
            text,
            name: Name::Root,
            parent: None,
        }
    }

    /// The same value as the root of its own document: the paths in errors begin here.
    pub fn as_root(&self) -> Place<'a> {
        Place::root(self.text)
    }

    fn child<'b>(&'b self, name: Name<'b>, text: &'b str) -> Place<'b> {
        let parent = Some(self);
        Place { text, name, parent }
    }

    fn path(&self) -> String {
        let above = self.parent.map(Self::path).unwrap_or_default();
        match &self.name {
            Name::Root => above,
            Name::Key(key) => format!("{above}/{key}"),
            Name::Index(index) => format!("{above}/{index}"),
        }
    }

    /// An error that says what was expected here.
    pub fn error(&self, expected: impl Into<String>) -> JsonError {
        let found = match self.text.as_bytes().first() {
            Some(b'n') => "nothing".to_owned(),
            Some(b'{') => "an object".to_owned(),
            Some(b'[') => "an array".to_owned(),
            _ => self.text.chars().take(EXCERPT).collect(),
        };
        let path = self.path();
        JsonError {
            path: if path.is_empty() { "/".to_owned() } else { path },
            expected: expected.into(),
            found,
        }
    }

    /// The members with these names, in one pass through the object. If the object has a name twice, the last member
    /// counts.
    pub fn keys<'b, const N: usize>(&'b self, names: [&'b str; N]) -> Result<[Place<'b>; N], JsonError> {
        let mut places = names.map(|name| self.child(Name::Key(name.into()), NOTHING));
        for (key, text) in self.pairs()? {
            let key = string(key);
            for (place, name) in places.iter_mut().zip(names) {
                if key.as_deref() == Some(name) {
                    place.text = text;
                }
            }
        }
        Ok(places)
    }

    /// The member called `name`.
    pub fn key<'b>(&'b self, name: &'b str) -> Result<Place<'b>, JsonError> {
        let [place] = self.keys([name])?;
        Ok(place)
    }

    /// The place itself; `None` if the value is missing.
    pub fn if_present(self) -> Option<Place<'a>> {
        (self.text != NOTHING).then_some(self)
    }

    /// Reads all members, at most `most`.
    pub fn members<T>(
        &self,
        most: usize,
        read: impl Fn(&Place<'_>) -> Result<T, JsonError>,
    ) -> Result<BTreeMap<String, T>, JsonError> {
        let mut members = BTreeMap::new();
        for (key, text) in self.pairs()? {
            let key = string(key).ok_or_else(|| self.error("names that are valid strings"))?;
            let value = read(&self.child(Name::Key(key.as_ref().into()), text))?;
            members.insert(key.into_owned(), value);
            if members.len() > most {
                return Err(self.error(format!("at most {most} members")));
            }
        }
        Ok(members)
    }

    /// All elements.
    pub fn elements(&self) -> Result<impl Iterator<Item = Place<'_>>, JsonError> {
        if !self.text.starts_with('[') {
            return Err(self.error("an array"));
        }
        let items = Items(self.text).enumerate();
        Ok(items.map(|(i, text)| self.child(Name::Index(i), text)))
    }

    /// Checks that this is an object.
    pub fn object(&self) -> Result<(), JsonError> {
        let is_object = self.text.starts_with('{');
        is_object.then_some(()).ok_or_else(|| self.error("an object"))
    }

    /// The keys, as written in the file, and the values.
    fn pairs(&self) -> Result<impl Iterator<Item = (&'a str, &'a str)> + use<'a>, JsonError> {
        self.object()?;
        let mut items = Items(self.text);
        Ok(iter::from_fn(move || Some((items.next()?, items.next()?))))
    }

    /// An unsigned integer. Like Stone's parser, accepts an exponent or `.0`.
    pub fn unsigned(&self) -> Result<u64, JsonError> {
        let integral = |x: f64| (x >= 0.0 && x < 2f64.powi(64) && x.fract() == 0.0).then_some(x as u64);
        let number: Option<Number> = serde_json::from_str(self.text).ok();
        let unsigned = |number: Number| number.as_u64().or_else(|| number.as_f64().and_then(integral));
        number
            .and_then(unsigned)
            .ok_or_else(|| self.error("an unsigned integer"))
    }

    /// An unsigned integer of 32 bits: Stone's `AsSizeT`.
    pub fn size(&self) -> Result<u32, JsonError> {
        u32::try_from(self.unsigned()?).map_err(|_| self.error("an unsigned integer of 32 bits"))
    }

    /// A string.
    pub fn string(&self) -> Result<Cow<'a, str>, JsonError> {
        string(self.text).ok_or_else(|| self.error("a string"))
    }

    /// A boolean.
    pub fn boolean(&self) -> Result<bool, JsonError> {
        self.text.parse().map_err(|_| self.error("a boolean"))
    }

    /// A field element: a `0x` string. (Stone reduces values of p and above. That would give one statement several
    /// forms, so this rejects them.)
    pub fn felt(&self) -> Result<Felt, JsonError> {
        felt::from_hex(&self.string()?)
            .ok_or_else(|| self.error("a field element as 0x-prefixed hexadecimal below p"))
    }
}

/// The string that `text` encodes; copied only if it has escapes.
fn string(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(text).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// Iterates over the items of an array, or the keys and values of an object in turn. Holds the rest of a text that is
/// known to be JSON.
struct Items<'a>(&'a str);

impl<'a> Iterator for Items<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        // Skip the bracket or separator before the item.
        let text = self.0.get(1..)?.trim_ascii_start();
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
        // There is no item at the closing bracket.
        values.next()?.ok()?;
        let (item, rest) = text.split_at_checked(values.byte_offset())?;
        self.0 = rest.trim_ascii_start();
        Some(item)
    }
}

#[cfg(test)]
mod tests;

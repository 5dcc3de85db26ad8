//! Measures JSON without keeping it.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The length as which a number counts: that of the longest of 64 bits.
const MAX_DIGITS: usize = 20;

/// A JSON value that is shorter than `LIMIT`. Each value and key counts as one more than the length of its text.
pub(super) struct SmallerThan<const LIMIT: usize>(usize);

impl<'de, const LIMIT: usize> Deserialize<'de> for SmallerThan<LIMIT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Measure::<LIMIT>).map(Self)
    }
}

struct Measure<const LIMIT: usize>;

impl<const LIMIT: usize> Measure<LIMIT> {
    /// A size that grew by one and this, if it is small enough.
    fn grown<E: Error>(size: usize, by: usize) -> Result<usize, E> {
        let size = size.saturating_add(by).saturating_add(1);
        let is_small = size < LIMIT;
        is_small
            .then_some(size)
            .ok_or_else(|| E::custom(format!("a hint is too long: it has {LIMIT} characters or more")))
    }
}

impl<'de, const LIMIT: usize> Visitor<'de> for Measure<LIMIT> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of fewer than {LIMIT} characters")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
        Self::grown(0, text.len())
    }

    fn visit_unit<E: Error>(self) -> Result<usize, E> {
        Self::grown(0, 0)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<usize, E> {
        Self::grown(0, 0)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<usize, E> {
        Self::grown(0, MAX_DIGITS)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<usize, E> {
        Self::grown(0, MAX_DIGITS)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<usize, E> {
        Self::grown(0, MAX_DIGITS)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let mut size = 0;
        while let Some(SmallerThan::<LIMIT>(value)) = list.next_element()? {
            size = Self::grown(size, value)?;
        }
        Self::grown(size, 0)
    }

    // A number may arrive here too, as an object of one text: the crate serde_json keeps the digits of large ones.
    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<usize, A::Error> {
        let mut size = 0;
        while let Some((SmallerThan::<LIMIT>(key), SmallerThan::<LIMIT>(value))) = object.next_entry()? {
            size = Self::grown(size, key.saturating_add(value))?;
        }
        Self::grown(size, 0)
    }
}

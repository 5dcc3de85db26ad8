//! JSON that is read with a limit on what it holds, and field elements in it.

use cairo_vm::Felt252;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// The field's prime.
pub(crate) const PRIME: &str = "3618502788666131213697322783095070105623107215331596699973092056135872020481";

/// A list of at most `MOST` values.
pub(crate) struct AtMost<T, const MOST: usize>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for AtMost<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = ListVisitor::<T, MOST>(PhantomData);
        deserializer.deserialize_seq(visitor).map(Self)
    }
}

struct ListVisitor<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for ListVisitor<T, MOST> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST} values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while values.len() < MOST {
            match list.next_element()? {
                Some(value) => values.push(value),
                None => return Ok(values),
            }
        }
        match list.next_element::<IgnoredAny>()? {
            Some(_) => Err(A::Error::custom(format!("more than {MOST} values in a list"))),
            None => Ok(values),
        }
    }
}

/// An object of at most `MOST` entries, each once.
pub(super) struct AtMostKeys<K, V, const MOST: usize>(pub(super) BTreeMap<K, V>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>, const MOST: usize> Deserialize<'de>
    for AtMostKeys<K, V, MOST>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = ObjectVisitor::<K, V, MOST>(PhantomData);
        deserializer.deserialize_map(visitor).map(Self)
    }
}

struct ObjectVisitor<K, V, const MOST: usize>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>, const MOST: usize> Visitor<'de>
    for ObjectVisitor<K, V, MOST>
{
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object of at most {MOST} entries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = object.next_entry()? {
            if entries.len() == MOST {
                return Err(A::Error::custom(format!("more than {MOST} entries in an object")));
            }
            if entries.insert(key, value).is_some() {
                return Err(A::Error::custom("a key of an object is there twice"));
            }
        }
        Ok(entries)
    }
}

/// A field element, written as a decimal number below the prime.
#[derive(Clone, Copy)]
pub(super) struct JsonFelt(pub(super) Felt252);

impl<'de> Deserialize<'de> for JsonFelt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        let text = number.as_str();
        let is_below = (text.len(), text) < (PRIME.len(), PRIME);
        let is_decimal = text.bytes().all(|digit| digit.is_ascii_digit());
        let felt = Felt252::from_dec_str(text).ok();
        felt.filter(|_| is_decimal && is_below)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("{text} is not a field element")))
    }
}

//! Addresses to listen on: `IP:PORT`, or a name of this machine such as `localhost:7474`.

use serde::{Deserialize, Deserializer, de};
use std::net::{SocketAddr, ToSocketAddrs};

/// Reads an address. Of a name with several addresses, it takes the first of IPv4 if there is one.
///
/// # Errors
/// If it is no address, or its name has none; the text says what was expected.
pub fn parse(text: &str) -> Result<SocketAddr, String> {
    let refuse = |why: String| format!("'{text}': {why}; expected HOST:PORT, such as localhost:7474");
    let found = text.to_socket_addrs().map_err(|why| refuse(why.to_string()))?;
    let found: Vec<_> = found.collect();
    let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
    first
        .copied()
        .ok_or_else(|| refuse("the name has no address".to_owned()))
}

/// [`parse`] for a configuration file.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    parse(&String::deserialize(from)?).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_addresses() {
        for (text, address) in [
            ("127.0.0.1:7474", "127.0.0.1:7474"),
            ("[::1]:1", "[::1]:1"),
            ("localhost:7474", "127.0.0.1:7474"),
        ] {
            assert_eq!(parse(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in [
            "",
            "7474",
            "localhost",
            "localhost:no",
            "localhost:65536",
            "http://localhost:1",
        ] {
            assert!(parse(text).unwrap_err().contains("HOST:PORT"), "{text}");
        }
    }
}

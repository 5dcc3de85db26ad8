//! The keys of sequencers, `[[sequencer_keys]]`: jobs may refer to blocks that they signed.

use super::{Config, ConfigError};
use quarry_client::block::SequencerKeys;
use serde::{Deserialize, Serialize};

/// A key of a network's sequencer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SequencerKey {
    /// Name of the network, which results carry: `mainnet`.
    pub network: String,
    /// The x coordinate (0x..), as `get_public_key` of the feeder gateway answers it.
    pub public_key: String,
    /// Number of the first block that it may sign.
    #[serde(default)]
    pub first_block: u64,
    /// Number of the last one. Default: it signs still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_block: Option<u64>,
}

impl Config {
    /// The keys of sequencers.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] for a key that cannot be one.
    pub fn sequencer_keys(&self) -> Result<SequencerKeys, ConfigError> {
        let mut keys = SequencerKeys::default();
        for key in &self.sequencer_keys {
            let blocks = key.first_block..=key.last_block.unwrap_or(u64::MAX);
            let added = keys.add(&key.network, &key.public_key, blocks);
            added.map_err(|why| ConfigError::Refused(format!("sequencer_keys: {why}")))?;
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0x48253ff2c3bed7af18bde0b611b083b39445959102d4947c51c4db6aa4f4e58";

    fn config(key: &str) -> Config {
        toml::from_str(&format!("[[sequencer_keys]]\n{key}")).unwrap()
    }

    #[test]
    fn a_key_is_valid_for_all_blocks_unless_the_file_says_otherwise() {
        let text = format!("network = \"mainnet\"\npublic_key = \"{KEY}\"");
        let always = config(&text);
        always.check().unwrap();
        let mut expected = SequencerKeys::default();
        expected.add("mainnet", KEY, 0..=u64::MAX).unwrap();
        assert_eq!(always.sequencer_keys().unwrap(), expected);
        let sometimes = config(&format!("{text}\nfirst_block = 5\nlast_block = 9"));
        let mut expected = SequencerKeys::default();
        expected.add("mainnet", KEY, 5..=9).unwrap();
        assert_eq!(sometimes.sequencer_keys().unwrap(), expected);
        for config in [always, sometimes] {
            let again = toml::from_str::<Config>(&config.to_text().unwrap()).unwrap();
            assert_eq!(again, config);
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_with_its_place() {
        let error = |key: &str| config(key).check().unwrap_err().to_string();
        let why = error("network = \"mainnet\"\npublic_key = \"48253\"");
        assert!(why.starts_with("sequencer_keys: public_key:"), "{why}");
        let why = error(&format!(
            "network = \"a\"\npublic_key = \"{KEY}\"\nfirst_block = 9\nlast_block = 5"
        ));
        assert_eq!(why, "sequencer_keys: last_block 5 is before first_block 9");
    }
}

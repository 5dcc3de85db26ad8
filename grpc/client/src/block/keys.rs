//! The keys with which sequencers sign blocks.

use super::{BlockError, canonical, felt, message};
use crate::protocol::BlockReference;
use crate::stark_curve;
use starknet_crypto::Felt;
use std::ops::RangeInclusive;

/// Public keys of sequencers, each of one network and valid for a range of its blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SequencerKeys(Vec<Key>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    network: String,
    /// The x coordinate.
    public_key: Felt,
    blocks: RangeInclusive<u64>,
}

/// Why a key cannot be one of a sequencer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It belongs to no network.
    #[error("network: it is empty")]
    Network,
    /// It is not a point of the curve.
    #[error(
        "public_key: it is not the x coordinate of a point on the Stark curve (0x and at most 64 digits)"
    )]
    PublicKey,
    /// It is valid for no block.
    #[error("last_block {last} is before first_block {first}")]
    Blocks {
        /// The first block.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// It would not tell which network a block is of.
    #[error("public_key: networks '{0}' and '{1}' have the same: it would not tell of which a block is")]
    Shared(String, String),
}

impl SequencerKeys {
    /// Adds a key of a network: the x coordinate, as `get_public_key` of Starknet's feeder gateway answers it, and the
    /// numbers of the blocks that it may sign.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn add(
        &mut self,
        network: &str,
        public_key: &str,
        blocks: RangeInclusive<u64>,
    ) -> Result<(), KeyError> {
        if network.is_empty() {
            return Err(KeyError::Network);
        }
        if blocks.is_empty() {
            let (first, last) = blocks.into_inner();
            return Err(KeyError::Blocks { first, last });
        }
        let public_key = felt("public_key", public_key).map_err(|_| KeyError::PublicKey)?;
        if !stark_curve::is_public_key(public_key) {
            return Err(KeyError::PublicKey);
        }
        let is_shared = |key: &&Key| key.public_key == public_key && key.network != network;
        if let Some(other) = self.0.iter().find(is_shared) {
            return Err(KeyError::Shared(other.network.clone(), network.to_owned()));
        }
        self.0.push(Key {
            network: network.to_owned(),
            public_key,
            blocks,
        });
        Ok(())
    }

    /// Finds the key that signed a block. Returns the reference in its [`canonical`] form with this key and its
    /// network. Takes about a millisecond for each key that is valid for the block.
    ///
    /// A signature (r, s) that verifies has a second form that anyone can make: do not tell blocks apart by it.
    ///
    /// # Errors
    /// [`BlockError`].
    pub fn verify(&self, reference: &BlockReference) -> Result<BlockReference, BlockError> {
        let reference = canonical(reference)?;
        if self.0.is_empty() {
            return Err(BlockError::NoKeys);
        }
        let candidates: Vec<_> = self.0.iter().filter(|key| key.may_sign(&reference)).collect();
        if candidates.is_empty() {
            return Err(BlockError::NoKey(reference.number));
        }
        let message = message(&reference)?;
        let (r, s) = (felt("r", &reference.r)?, felt("s", &reference.s)?);
        let signed = |key: &&Key| stark_curve::verify(key.public_key, message, r, s);
        let key = candidates.into_iter().find(signed);
        let key = key.ok_or(BlockError::Signature(reference.number))?;
        Ok(BlockReference {
            network: key.network.clone(),
            public_key: key.public_key.to_hex_string(),
            ..reference
        })
    }
}

impl Key {
    /// Whether the key is valid for a block, and is what the reference in canonical form names.
    fn may_sign(&self, reference: &BlockReference) -> bool {
        let is_named = |name: &str, own: &str| name.is_empty() || name == own;
        self.blocks.contains(&reference.number)
            && is_named(&reference.network, &self.network)
            && is_named(&reference.public_key, &self.public_key.to_hex_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `get_public_key` of alpha-mainnet, alpha-sepolia and integration-sepolia, from the tests of pathfinder
    /// (eqlabs/pathfinder, `crates/common/src/signature.rs` and `crates/pathfinder/src/sync.rs`).
    const MAINNET: &str = "0x48253ff2c3bed7af18bde0b611b083b39445959102d4947c51c4db6aa4f4e58";
    const SEPOLIA: &str = "0x1252b6bce1351844c677869c6327e80eae1535755b611c66b8f46e595b40eea";
    const INTEGRATION: &str = "0x4e4856eb36dbd5f4a7dca29f7bb5232974ef1fb7eb5b597c58077174c294da1";

    /// A public block: network, key, number, block hash, state diff commitment (older form), r and s.
    type Vector = (
        &'static str,
        &'static str,
        u64,
        &'static str,
        Option<&'static str>,
        [&'static str; 2],
    );

    /// Answers of `get_signature`. Sources: tests of pathfinder (`crates/common/src/signature.rs`) and fixtures of Juno
    /// (NethermindEth/juno, `clients/feeder/testdata/NETWORK/signature/NUMBER.json`).
    const VECTORS: [Vector; 6] = [
        // Pathfinder. The older form.
        (
            "mainnet",
            MAINNET,
            635_000,
            "0x164685e53f274ecb60a3941303a6ee913aeb9016fbca5ba65c1cb8bdaee17a0",
            Some("0x620efa2bd1149abe485486efa35c29571b4883f9f54a7f4938389276b0579ff"),
            [
                "0x222679bdc9007386f5c2de62e89839b442799f356b24657af77e2a8aa87e74d",
                "0x16c9d0bab74fe4f268705559e16ebb36a5326e75c6a580e6ad3194fb9a0b1ed",
            ],
        ),
        // Juno. The older form.
        (
            "sepolia",
            SEPOLIA,
            56_377,
            "0x609e8ffabfdca05b5a2e7c1bd99fc95a757e7b4ef9186aeb1f301f3741458ce",
            Some("0x240ef4af65887caa96298e2820bb0e0884fcc4f2d5770a9b3aafdab118cd571"),
            [
                "0x27901a327fc1b9990874ed5d06f16f02440b6a1ef605e13943f9fb32743faa8",
                "0x186003cc2cea1204343e62bc160ec3ac5ea6eb563d487f87a866ec0f477b57e",
            ],
        ),
        // Pathfinder. The last block of 0.13.1.1 there: its signature was renewed in the newer form.
        (
            "integration-sepolia",
            INTEGRATION,
            35_747,
            "0x77140bef51bbb4d1932f17cc5081825ff18465a1df4440ca0429a4fa80f1dc5",
            None,
            [
                "0x44b4fef018bb755107ed0caab714f628c0804b2a8787664c5210e607aed3004",
                "0x2ea6ecf5d11f0eba14e867c8d771ab958b55e45ded7ce93a1fe78045593f22b",
            ],
        ),
        // Pathfinder. The first block of 0.13.2 there.
        (
            "integration-sepolia",
            INTEGRATION,
            35_748,
            "0x1ea2a9cfa3df5297d58c0a04d09d276bc68d40fe64701305bbe2ed8f417e869",
            None,
            [
                "0x45161746eecbeae297f45a1f407ab702310f4e52c5e9350ed6f542fa8e98413",
                "0x3e67cfbc5b179ba55a3b687228d8fe40626233f6691b4aabe308fcd6d71dcdb",
            ],
        ),
        // Juno.
        (
            "mainnet",
            MAINNET,
            763_497,
            "0x13cdfde1b22e43f7ecd54ead737250908aad983d814140d79f46f3df63f824d",
            None,
            [
                "0x110890f1133cc355fd1553891eaf2a56243415282b1847b4b60e777475a7f8a",
                "0x4dad0ab16f917d88654ec5f7a608f70301c99c0947c28bec60eda2bcdbab89a",
            ],
        ),
        // Juno.
        (
            "sepolia",
            SEPOLIA,
            5_508_517,
            "0x1bc700b76ff8be561bacc6d63897bc7e5873b2f1a8aa56d9a5f361085aa2a27",
            None,
            [
                "0x1db38f7301c3f0ec13ff8e67688c9bba1d9121ba9d000c4abe561286117b4c9",
                "0x29ba689af484ee8be3659440841cb4edca96f7639863861499ab40bc3b23731",
            ],
        ),
    ];

    fn reference(vector: &Vector) -> BlockReference {
        let (_, _, number, hash, commitment, [r, s]) = *vector;
        BlockReference {
            number,
            block_hash: hash.to_owned(),
            state_diff_commitment: commitment.map(str::to_owned),
            r: r.to_owned(),
            s: s.to_owned(),
            ..BlockReference::default()
        }
    }

    fn keys(of: &[(&str, &str, RangeInclusive<u64>)]) -> SequencerKeys {
        let mut keys = SequencerKeys::default();
        for (network, key, blocks) in of {
            keys.add(network, key, blocks.clone()).expect("a key");
        }
        keys
    }

    fn all() -> SequencerKeys {
        let every = || 0..=u64::MAX;
        keys(&[
            ("mainnet", MAINNET, every()),
            ("sepolia", SEPOLIA, every()),
            ("integration-sepolia", INTEGRATION, every()),
        ])
    }

    #[test]
    fn public_blocks_verify() {
        for vector in &VECTORS {
            let reference = reference(vector);
            let expected = BlockReference {
                network: vector.0.to_owned(),
                public_key: vector.1.to_owned(),
                ..reference.clone()
            };
            assert_eq!(all().verify(&reference), Ok(expected.clone()), "{vector:?}");
            assert_eq!(all().verify(&expected), Ok(expected), "{vector:?}");
        }
    }

    #[test]
    fn whatever_is_changed_the_signature_fails() {
        let more = |text: &str| format!("{:#x}", felt("", text).expect("a felt") + Felt::ONE);
        for vector in &VECTORS {
            let own = reference(vector);
            let commitment = match &own.state_diff_commitment {
                Some(commitment) => [None, Some(more(commitment))],
                None => [Some("0x0".to_owned()), Some("0x1".to_owned())],
            };
            let mut others = vec![
                BlockReference {
                    block_hash: more(&own.block_hash),
                    ..own.clone()
                },
                BlockReference {
                    r: more(&own.r),
                    ..own.clone()
                },
                BlockReference {
                    s: more(&own.s),
                    ..own.clone()
                },
            ];
            others.extend(commitment.map(|state_diff_commitment| BlockReference {
                state_diff_commitment,
                ..own.clone()
            }));
            for other in others {
                let error = Err(BlockError::Signature(own.number));
                assert_eq!(all().verify(&other), error, "{other:?}");
            }
        }
    }

    #[test]
    fn a_key_counts_for_its_blocks_only() {
        let block = reference(&VECTORS[0]);
        let number = block.number;
        let of = |blocks| keys(&[("mainnet", MAINNET, blocks), ("sepolia", SEPOLIA, 7..=7)]);
        for blocks in [number..=number, 0..=number, number..=u64::MAX] {
            assert!(of(blocks.clone()).verify(&block).is_ok(), "{blocks:?}");
        }
        for blocks in [0..=number - 1, number + 1..=u64::MAX] {
            assert_eq!(of(blocks).verify(&block), Err(BlockError::NoKey(number)));
        }
        let none = SequencerKeys::default();
        assert_eq!(none.verify(&block), Err(BlockError::NoKeys));
    }

    #[test]
    fn a_reference_may_name_network_and_key() {
        let number = VECTORS[0].2;
        let named = |network: &str, public_key: &str| BlockReference {
            network: network.to_owned(),
            public_key: public_key.to_owned(),
            ..reference(&VECTORS[0])
        };
        let padded = MAINNET.replace("0x", "0x0");
        for (network, key) in [("mainnet", ""), ("", MAINNET), ("mainnet", &*padded)] {
            let verified = all().verify(&named(network, key)).expect("it is signed");
            assert_eq!((&*verified.network, &*verified.public_key), ("mainnet", MAINNET));
        }
        for (network, key, error) in [
            ("sepolia", "", BlockError::Signature(number)),
            ("", SEPOLIA, BlockError::Signature(number)),
            ("sepolia", MAINNET, BlockError::NoKey(number)),
            ("devnet", "", BlockError::NoKey(number)),
            ("", "0x5", BlockError::NoKey(number)),
        ] {
            assert_eq!(all().verify(&named(network, key)), Err(error), "{network} {key}");
        }
    }

    /// A signature with which `starknet-crypto` panics: its signer, who has the secret 1, chose hash = r.
    #[test]
    fn a_signature_made_to_meet_infinity_is_refused() {
        let generator = stark_curve::public_key(&Felt::ONE)
            .expect("in range")
            .to_hex_string();
        let trap = BlockReference {
            block_hash: "0x5".to_owned(),
            r: "0x5".to_owned(),
            s: "0x1".to_owned(),
            ..BlockReference::default()
        };
        let keys = keys(&[("devnet", &generator, 0..=u64::MAX)]);
        assert_eq!(keys.verify(&trap), Err(BlockError::Signature(0)));
    }

    #[test]
    fn a_key_must_be_one() {
        let mut keys = keys(&[("mainnet", MAINNET, 0..=10)]);
        let off_curve = (0..20_u64)
            .map(Felt::from)
            .find(|x| !stark_curve::is_public_key(*x));
        let off_curve = off_curve.expect("half of all").to_hex_string();
        for (network, key, blocks, error) in [
            ("", SEPOLIA, 0..=1, KeyError::Network),
            ("sepolia", "1252", 0..=1, KeyError::PublicKey),
            ("sepolia", &*off_curve, 0..=1, KeyError::PublicKey),
            (
                "sepolia",
                SEPOLIA,
                RangeInclusive::new(2, 1),
                KeyError::Blocks { first: 2, last: 1 },
            ),
            (
                "sepolia",
                MAINNET,
                20..=30,
                KeyError::Shared("mainnet".to_owned(), "sepolia".to_owned()),
            ),
        ] {
            assert_eq!(keys.add(network, key, blocks), Err(error));
        }
        assert_eq!(
            keys.add("mainnet", MAINNET, 20..=30),
            Ok(()),
            "valid for two ranges"
        );
    }
}

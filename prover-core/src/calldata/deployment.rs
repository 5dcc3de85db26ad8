//! Where Integrity's contracts are deployed.

/// A network of Starknet on which Integrity is deployed.
#[derive(Debug)]
pub struct Deployment {
    /// The network's name.
    pub network: &'static str,
    /// The address of the contract `FactRegistry`.
    pub fact_registry: &'static str,
}

/// The networks; the first is for tests. Source: `deployed_contracts.md` of Integrity 2.1.
pub const DEPLOYMENTS: [Deployment; 2] = [
    Deployment {
        network: "sepolia",
        fact_registry: "0x4ce7851f00b6c3289674841fd7a1b96b6fd41ed1edc248faccd672c26371b8c",
    },
    Deployment {
        network: "mainnet",
        fact_registry: "0xcc63a1e8e7824642b89fa6baf996b8ed21fa4707be90ef7605570ca8e4f00b",
    },
];

impl Deployment {
    /// The deployment on a network.
    pub fn on(network: &str) -> Option<&'static Self> {
        DEPLOYMENTS.iter().find(|found| found.network == network)
    }
}

//! Jobs for blocks: the service accepts one only if a sequencer that it knows signed the block.

use crate::common::appliance::{Appliance, signal, until};
use crate::common::jobs::{JOB, folder};
use quarry_client::ClientError;
use quarry_client::protocol::{BlockReference, JobSpec, ProgramInput, job_spec::Input};
use serde_json::{Value, json};
use tonic::Code;

/// `get_public_key` of alpha-mainnet. The key and the block are from the tests of pathfinder (eqlabs/pathfinder,
/// `crates/common/src/signature.rs`).
const MAINNET: &str = "0x48253ff2c3bed7af18bde0b611b083b39445959102d4947c51c4db6aa4f4e58";
/// `get_public_key` of integration-sepolia, from there too.
const INTEGRATION: &str = "0x4e4856eb36dbd5f4a7dca29f7bb5232974ef1fb7eb5b597c58077174c294da1";

/// `get_signature` of block 635000 of mainnet, in the older form.
fn older() -> Value {
    json!({
        "block_number": 635_000,
        "signature": [
            "0x222679bdc9007386f5c2de62e89839b442799f356b24657af77e2a8aa87e74d",
            "0x16c9d0bab74fe4f268705559e16ebb36a5326e75c6a580e6ad3194fb9a0b1ed",
        ],
        "signature_input": {
            "block_hash": "0x164685e53f274ecb60a3941303a6ee913aeb9016fbca5ba65c1cb8bdaee17a0",
            "state_diff_commitment": "0x620efa2bd1149abe485486efa35c29571b4883f9f54a7f4938389276b0579ff",
        },
    })
}

/// `get_signature` of block 35748 of integration-sepolia, in the newer form.
fn newer() -> Value {
    json!({
        "block_hash": "0x1ea2a9cfa3df5297d58c0a04d09d276bc68d40fe64701305bbe2ed8f417e869",
        "signature": [
            "0x45161746eecbeae297f45a1f407ab702310f4e52c5e9350ed6f542fa8e98413",
            "0x3e67cfbc5b179ba55a3b687228d8fe40626233f6691b4aabe308fcd6d71dcdb",
        ],
    })
}

fn key(network: &str, key: &str, more: &str) -> String {
    format!("[[sequencer_keys]]\nnetwork = \"{network}\"\npublic_key = \"{key}\"\n{more}\n")
}

#[test]
fn a_result_names_the_block_its_network_and_the_key() {
    let folder = folder();
    let keys = key("integration-sepolia", INTEGRATION, "first_block = 35748");
    folder.write(
        "quarry.toml",
        key("mainnet", MAINNET, "last_block = 670000") + &keys,
    );
    folder.write("older.json", older().to_string());
    folder.write("newer.json", newer().to_string());
    let service = Appliance::start(&folder, "--config quarry.toml");
    let server = format!("--server http://{}", service.address);

    let submit = format!("{JOB} --dedup-key block-635000 --block older.json --wait {server}");
    let id = folder.quarry(&submit).exits(0).stdout;
    let again = folder.quarry(&submit).exits(0).says(&["existing job"]);
    assert_eq!(again.stdout, id, "the key is used for the same block");
    let other = submit.replace("older.json", "newer.json --block-number 35748");
    folder.quarry(&other).exits(2).says(&["they differ in block"]);

    let get = format!("get {} {server}", id.trim());
    let got = folder.quarry(&format!("{get} --json")).exits(0).json();
    let signed = older();
    let expected = json!({
        "number": 635_000,
        "block_hash": signed["signature_input"]["block_hash"],
        "state_diff_commitment": signed["signature_input"]["state_diff_commitment"],
        "signature": signed["signature"],
        "network": "mainnet",
        "public_key": MAINNET,
    });
    assert_eq!(got["result"]["block"], expected);
    assert_eq!(got["block"], expected);
    let text = folder.quarry(&get).exits(0).stdout;
    let hash = signed["signature_input"]["block_hash"].as_str().unwrap();
    assert!(
        text.contains(&format!("635000 of mainnet, hash {hash}")),
        "{text}"
    );
    assert!(text.contains(&format!("signed by key {MAINNET}")), "{text}");

    let submit = format!("{JOB} --block newer.json --block-number 35748 --json {server}");
    let job = folder.quarry(&submit).exits(0).json();
    assert_eq!(job["block"]["network"], "integration-sepolia");
    assert_eq!(job["block"]["state_diff_commitment"], Value::Null);
    let without = folder.quarry(&format!("{JOB} --json {server}")).exits(0).json();
    assert_eq!(without["block"], Value::Null);
}

#[test]
fn a_block_that_is_not_known_to_be_signed_is_refused() {
    let folder = folder();
    folder.write("quarry.toml", key("mainnet", MAINNET, "last_block = 635000"));
    let service = Appliance::start(&folder, "--config quarry.toml");
    let server = format!("--server http://{}", service.address);
    let refused = |block: Value, why: &str| {
        folder.write("block.json", block.to_string());
        let line = format!("{JOB} --block block.json {server}");
        folder.quarry(&line).exits(2).says(&[why]);
    };
    let mut forged = older();
    forged["signature_input"]["block_hash"] = json!("0x1");
    refused(
        forged,
        "no key that is valid for block 635000 made this signature",
    );
    let mut later = older();
    later["block_number"] = json!(635_001);
    refused(later, "valid for block 635001");
    refused(newer(), "--block-number");
    let mut wrong = older();
    wrong["signature"][0] = json!("0x0");
    refused(wrong, "r must be at least 1 and below 2^251");
    let metric = "quarry_submissions_refused_total{reason=\"block\"}";
    assert_eq!(service.metric(metric), Some(2.0));
    let listed = folder.quarry(&format!("list {server}")).exits(0).stdout;
    assert_eq!(listed.lines().count(), 1, "no job: {listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_keys_says_so_and_a_reload_brings_them() {
    let folder = folder();
    folder.write("quarry.toml", "");
    let service = Appliance::start(&folder, "--config quarry.toml");
    let mut client = service.client().await;
    let program = client.upload(&folder.file("program.json")).await.unwrap();
    let signed = older();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let block = BlockReference {
        number: 635_000,
        block_hash: text(&signed["signature_input"]["block_hash"]),
        state_diff_commitment: Some(text(&signed["signature_input"]["state_diff_commitment"])),
        r: text(&signed["signature"][0]),
        s: text(&signed["signature"][1]),
        ..BlockReference::default()
    };
    let spec = |block| JobSpec {
        input: Some(Input::Program(ProgramInput {
            program: Some(program.clone()),
            ..ProgramInput::default()
        })),
        block: Some(block),
        ..JobSpec::default()
    };
    let mut code = async |block| match client.submit(spec(block)).await {
        Ok(_) => Code::Ok,
        Err(ClientError::Status(status)) => status.code(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(code(block.clone()).await, Code::FailedPrecondition);
    folder.write("quarry.toml", key("mainnet", MAINNET, ""));
    signal("HUP", service.id());
    until("the reload", || {
        service.log().contains("sequencer_keys").then_some(())
    });
    let on = |network: &str| BlockReference {
        network: network.to_owned(),
        ..block.clone()
    };
    assert_eq!(code(on("sepolia")).await, Code::InvalidArgument);
    assert_eq!(code(on(&"x".repeat(300))).await, Code::InvalidArgument);
    assert_eq!(
        code(BlockReference::default()).await,
        Code::InvalidArgument,
        "no felts"
    );
    assert_eq!(code(on("mainnet")).await, Code::Ok);
}

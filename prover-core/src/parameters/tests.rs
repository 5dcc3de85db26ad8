use super::*;

fn base() -> Value {
    json!({
        "field": "PrimeField0",
        "use_extension_field": false,
        "stark": {
            "log_n_cosets": 4,
            "fri": {
                "fri_step_list": [0, 4, 3],
                "last_layer_degree_bound": 64,
                "n_queries": 18,
                "proof_of_work_bits": 24,
            },
        },
    })
}

fn with(changes: Value) -> Value {
    let mut value = base();
    for (key, change) in changes.as_object().expect("an object") {
        value[key] = change.clone();
    }
    value
}

fn accepted(changes: Value) -> bool {
    Parameters::from_json(&with(changes)).is_ok_and(|parameters| parameters.fits(512).is_ok())
}

#[test]
fn defaults_are_stones() {
    let parameters = Parameters::from_json(&base()).expect("valid");
    let masked = Hash::Keccak256Masked160Msb;
    let hashes = CommitmentHashes {
        top: masked,
        bottom: masked,
        n_top_layers: 0,
    };
    assert_eq!(parameters.commitment_hashes, hashes);
    assert_eq!(
        (parameters.channel_hash, parameters.page_hash),
        (Hash::Keccak256, Hash::Keccak256)
    );
    assert!(!parameters.verifier_friendly_channel_updates);
    assert_eq!(parameters.security_bits(), 18 * 4 + 24);
    assert!(parameters.warnings().is_empty());
    let felt = with(json!({ "channel_hash": "poseidon3", "statement": { "page_hash": "pedersen" } }));
    assert_eq!(
        Parameters::from_json(&felt).expect("valid").pow_hash,
        Hash::Blake256
    );
    assert_eq!(
        Parameters::from_json(&parameters.to_json()).expect("valid"),
        parameters
    );
}

#[test]
fn what_stone_refuses_is_refused() {
    let felt = |commitment: &str| {
        json!({
            "channel_hash": "poseidon3",
            "commitment_hash": commitment,
            "statement": { "page_hash": "pedersen" },
        })
    };
    for good in [
        "keccak256_masked160_lsb",
        "blake256_masked248_lsb",
        "poseidon3",
        "pedersen",
    ] {
        assert!(accepted(felt(good)), "{good}");
    }
    for bad in [
        "keccak256",
        "blake256",
        "keccak256_masked160_msb",
        "blake256_masked160_msb",
    ] {
        assert!(!accepted(felt(bad)), "{bad}");
        // Poseidon on every layer leaves no node to the bad hash; on one layer fewer it does.
        let mut mixed = felt(bad);
        mixed["verifier_friendly_commitment_hash"] = json!("poseidon3");
        mixed["n_verifier_friendly_commitment_layers"] = json!(18);
        assert!(accepted(mixed.clone()), "{bad}");
        mixed["n_verifier_friendly_commitment_layers"] = json!(17);
        assert!(!accepted(mixed.clone()), "{bad}");
        mixed["channel_hash"] = json!("keccak256");
        assert!(!accepted(mixed), "{bad}");
    }
    let mut pages = felt("poseidon3");
    pages["statement"] = json!(null);
    let mut pow = felt("poseidon3");
    pow["pow_hash"] = json!("poseidon3");
    let refused = [
        pages,
        pow,
        json!({ "commitment_hash": "sha256" }),
        json!({ "channel_hash": "pedersen" }),
        json!({ "field": "PrimeField1" }),
        json!({ "field": null }),
        json!({ "use_extension_field": true }),
        json!({ "statement": { "page_hash": "blake256" } }),
        json!({ "verifier_friendly_channel_updates": "yes" }),
        json!({ "n_verifier_friendly_commitment_layers": -1 }),
        json!({ "stark": null }),
    ];
    for changes in refused {
        assert!(!accepted(changes.clone()), "{changes}");
    }
}

/// Stone's Pedersen hashes only whole 32-byte words. All messages of a transcript are whole words, except that of the
/// proof of work, which has 41 bytes.
#[test]
fn a_pedersen_transcript_has_no_proof_of_work() {
    let pedersen = |bits: u32| {
        let mut value = with(json!({ "channel_hash": "pedersen" }));
        value["stark"]["fri"]["proof_of_work_bits"] = json!(bits);
        Parameters::from_json(&value)
    };
    let parameters = pedersen(0).expect("Stone takes it");
    parameters.fits(512).expect("fits");
    assert_eq!(parameters.security_bits(), 18 * 4);
    let warnings = parameters.warnings();
    assert!(
        warnings.len() == 1 && warnings[0].starts_with("channel_hash pedersen: "),
        "{warnings:?}"
    );
    assert_eq!(
        Parameters::from_json(&parameters.to_json()).expect("valid"),
        parameters
    );
    for bits in [1, 24] {
        let error = pedersen(bits).expect_err("no message of whole words").to_string();
        assert!(
            error.starts_with("parameters: channel_hash: pedersen")
                && error.contains("proof_of_work_bits to 0"),
            "{error}"
        );
    }
}

#[test]
fn masked_hashes_give_security_away() {
    let bits = |changes: Value| {
        let parameters = Parameters::from_json(&with(changes)).expect("weak but valid");
        (parameters.security_bits(), parameters.warnings().len())
    };
    assert_eq!(
        bits(json!({ "channel_hash": "keccak256_masked160_msb" })),
        (10 * 4 + 24, 1)
    );
    assert_eq!(
        bits(json!({ "channel_hash": "keccak256_masked160_lsb" })),
        (13 * 4, 2)
    );
    assert_eq!(
        bits(json!({ "channel_hash": "blake256_masked248_lsb" })),
        (18 * 4 + 16, 2)
    );
    let felt = json!({
        "channel_hash": "poseidon3",
        "commitment_hash": "keccak256_masked160_lsb",
        "pow_hash": "keccak256_masked160_lsb",
        "statement": { "page_hash": "pedersen" },
    });
    assert_eq!(bits(felt), (18 * 4, 1));
}

#[test]
fn errors_name_the_key_and_what_is_allowed() {
    let cases = [
        (
            "/stark/fri/fri_step_list",
            json!([]),
            "/stark/fri/fri_step_list: expected at least one step",
        ),
        (
            "/stark/fri/fri_step_list",
            json!([0, 0]),
            "/stark/fri/fri_step_list/1: expected an integer from 1 to 47, found 0",
        ),
        (
            "/stark/fri/n_queries",
            json!(0),
            "/stark/fri/n_queries: expected an integer from 1 to 65536, found 0",
        ),
        (
            "/stark/fri/proof_of_work_bits",
            json!(65),
            "/stark/fri/proof_of_work_bits: expected an integer from 0 to 64",
        ),
        (
            "/stark/fri/last_layer_degree_bound",
            json!(48),
            "expected a power of two, found 48",
        ),
        (
            "/stark/log_n_cosets",
            json!(0),
            "/stark/log_n_cosets: expected an integer from 1 to 47",
        ),
        (
            "/stark/log_n_cosets",
            json!("4"),
            "/stark/log_n_cosets: expected an unsigned integer, found \"4\"",
        ),
    ];
    for (pointer, value, expected) in cases {
        let mut json = base();
        *json.pointer_mut(pointer).expect("the test's own") = value;
        let error = Parameters::from_json(&json).expect_err(pointer).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_misfit_is_refused_with_what_would_fit() {
    let parameters = Parameters::from_json(&base()).expect("valid");
    parameters.fits(512).expect("fits");
    let error = parameters.fits(8192).expect_err("17 is not 13").to_string();
    assert_eq!(
        error,
        "parameters: log2(last_layer_degree_bound) + sum(fri_step_list) = 6 + 7 = 13, but log2(n_steps) + 4 = 17; \
         would fit: last_layer_degree_bound 1024, or fri_step_list [0, 4, 3, 4], or n_steps 512"
    );
    let error = parameters.fits(1).expect_err("4 is not 13").to_string();
    assert!(error.ends_with("= 4; would fit: n_steps 512"), "{error}");
    assert!(parameters.fits(500).is_err());
    let mut wide = parameters;
    wide.log_n_cosets = 40;
    assert!(wide.fits(512).is_err());
}

#[test]
fn the_stone_version_is_kept_in_the_file() {
    let version = |name: Value| Parameters::from_json(&with(json!({ "stone_version": name })));
    let stone5 = version(json!("stone5")).expect("valid");
    assert_eq!(stone5.stone_version, StoneVersion::Stone5);
    assert_eq!(stone5.to_json()["stone_version"], "stone5");
    assert_eq!(Parameters::from_json(&stone5.to_json()).expect("valid"), stone5);
    let stone6 = version(json!("stone6")).expect("valid");
    assert_eq!(stone6, Parameters::from_json(&base()).expect("valid"));
    // A file for Stone v3 has only keys that Stone knows.
    assert_eq!(stone6.to_json().get("stone_version"), None);
    for bad in [json!("stone7"), json!(5)] {
        let error = version(bad).expect_err("no such version").to_string();
        assert!(error.contains("/stone_version: expected"), "{error}");
    }
}

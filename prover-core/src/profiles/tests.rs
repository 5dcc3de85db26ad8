use super::*;

/// Profiles, step counts and security targets to test.
fn shapes() -> impl Iterator<Item = (&'static Profile, u64, u32)> {
    PROFILES.iter().flat_map(|profile| {
        let targets = [1, 50, 80, 96, 100];
        let targets = targets
            .into_iter()
            .filter(|&target| u64::from(target) >= profile.limits.min_security_bits);
        targets.flat_map(move |target| (0..=32).map(move |log| (profile, 1 << log, target)))
    })
}

#[test]
fn parameters_fit_and_reach_the_target() {
    for (profile, n_steps, target) in shapes() {
        let parameters = profile.parameters(n_steps, target).unwrap();
        let name = format!("{} {n_steps} {target}", profile.name);
        parameters
            .fits(n_steps)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(parameters.security_bits() >= target.into(), "{name}");
        assert_eq!(parameters.warnings(), [""; 0], "{name}");
        // One query less would miss the target.
        let without_one = parameters.security_bits() - u64::from(parameters.log_n_cosets);
        assert!(
            parameters.fri.n_queries == 1 || without_one < target.into(),
            "{name}"
        );
    }
}

#[test]
fn parameters_are_read_back_as_they_were_written() {
    for (profile, n_steps, target) in shapes() {
        let parameters = profile.parameters(n_steps, target).unwrap();
        assert_eq!(Parameters::from_json(&parameters.to_json()).unwrap(), parameters);
    }
}

#[test]
fn an_integrity_proof_is_as_its_verifier_reads_it() {
    for profile in PROFILES {
        if !profile.name.starts_with("integrity") {
            continue;
        }
        let parameters = profile.parameters(1 << 13, 96).unwrap();
        assert_eq!(parameters.fri.fri_step_list, [0, 4, 4, 3]);
        assert_eq!(parameters.channel_hash, Hash::Poseidon3);
        assert_eq!(parameters.page_hash, Hash::Pedersen);
        assert!(parameters.verifier_friendly_channel_updates && profile.annotations);
        let named = |version: StoneVersion| profile.name.contains(version.name());
        assert!(named(parameters.stone_version), "{}", profile.name);
    }
}

/// Blake2s is cheap to prove with, Poseidon is cheap for a Cairo verifier: only the rows of the trace tables, which are
/// most of what is hashed, get Blake2s.
#[test]
fn a_cairo_verifier_reads_blake_in_the_rows_only() {
    let profile = Profile::by_name("cairo-verifier").unwrap();
    for log_steps in [10, 19] {
        let parameters = profile.parameters(1 << log_steps, 96).unwrap();
        let height = log_steps + 4 + parameters.log_n_cosets;
        let mut expected = vec![Hash::Poseidon3; height as usize];
        expected.push(Hash::Blake256Masked248Lsb);
        assert_eq!(parameters.commitment_hashes.layers(height), expected);
        // The first layer of FRI that is folded is lower.
        let folded = height - parameters.fri.fri_step_list[1];
        assert!(
            !parameters
                .commitment_hashes
                .layers(folded)
                .contains(&Hash::Blake256Masked248Lsb)
        );
    }
}

#[test]
fn a_settlement_proof_is_as_reported() {
    let profile = Profile::by_name("l1-sharp").unwrap();
    let parameters = profile.parameters(1 << 14, DEFAULT_SECURITY_BITS).unwrap();
    let file = serde_json::json!({
        "field": "PrimeField0",
        "use_extension_field": false,
        "stone_version": "stone5",
        "stark": {
            "log_n_cosets": 6,
            "fri": {
                "fri_step_list": [0, 4, 4, 4],
                "last_layer_degree_bound": 64,
                "n_queries": 11,
                "proof_of_work_bits": 30,
            },
        },
    });
    assert_eq!(Parameters::from_json(&file).unwrap(), parameters);
    assert_eq!(parameters.security_bits(), 96);
    assert_eq!(
        profiles_of("recursive_large_output"),
        ["l1-sharp", "stone", "dev"]
    );
    assert!(profile.warning().unwrap().contains("registered"));
    assert_eq!(Profile::default_profile().warning(), None);
}

#[test]
fn parameters_outside_a_verifiers_limits_are_refused() {
    let check = |profile: &str, change: fn(&mut Parameters)| {
        let profile = Profile::by_name(profile).unwrap();
        let mut parameters = profile.parameters(1 << 14, 96).unwrap();
        change(&mut parameters);
        profile.check(&parameters).map_err(|error| error.to_string())
    };
    let refused = |profile: &str, change: fn(&mut Parameters), why: &str| {
        let error = check(profile, change).unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    refused(
        "l1-sharp",
        |p| p.fri.n_queries = 49,
        "n_queries is 49, 1 to 48 is accepted",
    );
    refused(
        "l1-sharp",
        |p| p.fri.fri_step_list[1] = 1,
        "fri_step_list[1] is 1, 2 to 4 is accepted",
    );
    refused(
        "l1-sharp",
        |p| p.fri.last_layer_degree_bound = 2048,
        "log2(last_layer_degree_bound) is 11, 0 to 10",
    );
    refused(
        "l1-sharp",
        |p| p.fri.proof_of_work_bits = 29,
        "proof_of_work_bits is 29, 30 to 50 is accepted; bits of security is 95, at least 96",
    );
    refused(
        "l1-sharp",
        |p| p.stone_version = StoneVersion::Stone6,
        "stone_version is stone6, only stone5 is accepted",
    );
    let keccak = "integrity-stone6-keccak160";
    refused(
        keccak,
        |p| p.fri.fri_step_list[0] = 1,
        "fri_step_list[0] is 1, only 0 is accepted",
    );
    refused(
        keccak,
        |p| p.channel_hash = Hash::Keccak256,
        "channel_hash is keccak256, only poseidon3 is accepted",
    );
    refused(
        keccak,
        |p| p.verifier_friendly_channel_updates = false,
        "verifier_friendly_channel_updates is false",
    );
    refused(
        keccak,
        |p| p.fri.fri_step_list = vec![0],
        "length of fri_step_list is 1, 2 to 15",
    );
    // The number of layers with Poseidon is free.
    assert_eq!(check(keccak, |p| p.commitment_hashes.n_top_layers = 100), Ok(()));
    // Stone's verifier accepts everything that its files can express.
    assert_eq!(check("stone", |p| p.channel_hash = Hash::Blake256), Ok(()));

    let error = Profile::by_name("l1-sharp").unwrap().parameters(1 << 14, 90);
    assert!(error.unwrap_err().to_string().contains("at least 96"));
}

#[test]
fn statements_that_a_verifier_cannot_take() {
    let statement = |layout: &str, page: u64| {
        PublicInput::from_json(&serde_json::json!({
            "layout": layout, "n_steps": 16, "rc_min": 0, "rc_max": 1, "memory_segments": {},
            "public_memory": [
                { "address": 1, "value": "0x1", "page": 0 },
                { "address": 9, "value": "0x1", "page": page },
            ],
        }))
        .unwrap()
    };
    let check = |profile: &str, layout: &str, page: u64| {
        let profile = Profile::by_name(profile).unwrap();
        profile.check_statement(&statement(layout, page))
    };
    let profile = "integrity-stone6-blake248";
    assert_eq!(check(profile, "small", 0), Ok(()));
    assert_eq!(check(profile, "small", 1), Err(ProfileError::Pages { profile }));
    assert_eq!(check("l1-sharp", "recursive_large_output", 1), Ok(()));
    let error = check(profile, "plain", 0).unwrap_err().to_string();
    assert!(
        error.ends_with("profiles that allow it are stone, dev"),
        "{error}"
    );
}

#[test]
fn fri_steps_are_few_and_even() {
    let table: [(u32, &[u32], u32); 7] = [
        (4, &[0, 1], 3),
        (10, &[0, 4], 6),
        (11, &[0, 3, 2], 6),
        (13, &[0, 4, 3], 6),
        (15, &[0, 3, 3, 3], 6),
        (17, &[0, 4, 4, 3], 6),
        (19, &[0, 4, 3, 3, 3], 6),
    ];
    for (log_degree, steps, last) in table {
        assert_eq!(fri_steps(log_degree, 1), (steps.to_vec(), last), "{log_degree}");
    }
    assert_eq!(fri_steps(4, 2), (vec![0, 2], 2));
    assert_eq!(fri_steps(7, 2), (vec![0, 2], 5));
    assert_eq!(fri_steps(11, 2), (vec![0, 3, 2], 6));
}

#[test]
fn the_default_is_what_an_outside_verifier_reads() {
    let parameters = Profile::default_profile()
        .parameters(1 << 13, DEFAULT_SECURITY_BITS)
        .unwrap();
    assert_eq!(parameters.security_bits(), 96);
    assert_eq!(parameters.commitment_hashes.bottom, Hash::Keccak256Masked160Lsb);
    assert!(!Profile::default_profile().allows("plain"));
    assert!(Profile::default_profile().allows("small"));
}

#[test]
fn stones_profile_is_stones_example() {
    let parameters = Profile::by_name("stone").unwrap().parameters(512, 96).unwrap();
    let file = serde_json::json!({
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
    });
    assert_eq!(Parameters::from_json(&file).unwrap(), parameters);
}

#[test]
fn what_cannot_be_had_is_said() {
    let profile = Profile::default_profile();
    for n_steps in [0, 3, 513, 1 << 33, u64::MAX] {
        let error = profile.parameters(n_steps, 96).unwrap_err();
        assert_eq!(error, ProfileError::Steps { n_steps });
    }
    let error = profile.parameters(512, u32::MAX).unwrap_err().to_string();
    assert!(error.contains("at most 309 bits"), "{error}");
    assert!(profile.parameters(512, 309).is_ok());
    assert!(profile.parameters(512, 310).is_err());
    let error = Profile::by_name("l2").unwrap_err().to_string();
    assert!(error.contains("'l2'") && error.contains("dev"), "{error}");
}

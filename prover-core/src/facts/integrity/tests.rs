use super::*;
use crate::cairo::public_input::{PublicInput, PublicMemoryCell};
use crate::facts::vectors::{SHARP_BOOTLOADER, atlantic, felt, felts};
use crate::profiles::PROFILES;

/// A public run in layout small.
fn c1() -> PublicInput {
    PublicInput::parse(include_str!("../../../tests/data/small/c1/public_input.json")).unwrap()
}

fn parameters(profile: &str) -> Parameters {
    Profile::by_name(profile)
        .unwrap()
        .parameters(1 << 16, 96)
        .unwrap()
}

/// By hand: `poseidon_hash_many` of `starkware/cairo/lang/vm/crypto.py` over the cells that the contracts hash.
#[test]
fn each_mode_hashes_the_contracts_cells() {
    let program = "0x12fcb502630b8ac2138ad58f1b8aeb6b9f39b8ca0a87a7a1191154c7bc701c3";
    let all_but_output = "0x58fec09634594172f1ddf888d1cbe92c4bbeaa8eb86d01f66c241bb22161684";
    let cases = [
        (
            MemoryVerification::Strict,
            program,
            "0x1fa4ca87a96e616e3a3f53c7dedb1e657bef11ebbfa40abcc2ee9accd1a7cab",
        ),
        (
            MemoryVerification::Relaxed,
            program,
            "0x1fa4ca87a96e616e3a3f53c7dedb1e657bef11ebbfa40abcc2ee9accd1a7cab",
        ),
        (
            MemoryVerification::Cairo1,
            all_but_output,
            "0x2d4c16cfa026dccede3b97a2c1f0b3c326150c3241450f07cd143dc4d24d507",
        ),
    ];
    for (mode, program_hash, expected_fact) in cases {
        let cells = hashed_cells(&c1(), mode).unwrap();
        let hash = poseidon::hash_many(&cells.program);
        assert_eq!(hash, felt(program_hash), "{}", mode.name());
        let output_hash = poseidon::hash_many(&cells.output);
        let expected = "0x28e6f356c48a363cf90eac9285dbf2ce74cc87789e930867441bb8a0313b726";
        assert_eq!(output_hash, felt(expected));
        assert_eq!(fact(hash, &cells.output), felt(expected_fact));
    }
}

#[test]
fn memories_that_the_contracts_cannot_read_are_refused() {
    use MemoryVerification::{Cairo1, Relaxed, Strict};
    type Change = fn(&mut PublicInput);
    fn set(public: &mut PublicInput, name: &str, begin: u64, stop: u64) {
        let segment = public.memory_segments.get_mut(name).unwrap();
        (segment.begin_addr, segment.stop_ptr) = (begin, stop);
    }
    fn more(address: u64) -> PublicMemoryCell {
        PublicMemoryCell {
            address,
            value: Felt::from(0u64),
            page: 0,
        }
    }
    let cases: [(MemoryVerification, Change, &str); 17] = [
        (
            Strict,
            |p| p.public_memory.insert(87, more(88)),
            "expects address 211 next, found address 88",
        ),
        (
            Strict,
            |p| p.public_memory.swap(85, 86),
            "expects address 86 next, found address 87",
        ),
        (
            Strict,
            |p| p.public_memory.push(more(217)),
            "strict expects the end next, found address 217",
        ),
        (
            Strict,
            |p| set(p, "execution", 84, 1),
            "expects address 0 next, found address 211",
        ),
        (
            Relaxed,
            |p| {
                set(p, "output", 217, 217);
                p.public_memory.truncate(91);
            },
            "expects address 217 next, found the end",
        ),
        (
            Relaxed,
            |p| set(p, "output", 9, 8),
            "'output' ends before it begins",
        ),
        (Strict, |p| p.public_memory[9].page = 1, "continuous pages"),
        (Cairo1, |p| p.public_memory[9].page = 1, "continuous pages"),
        (
            Strict,
            |p| set(p, "program", 2, 6),
            "mode strict wants the program at address 1",
        ),
        (
            Cairo1,
            |p| set(p, "program", 2, 6),
            "mode cairo1 wants the program at address 1",
        ),
        (
            Relaxed,
            |p| set(p, "program", 2, 6),
            "expects address 2 next, found address 1",
        ),
        (
            Relaxed,
            |p| p.public_memory.swap(3, 4),
            "expects address 4 next, found address 5",
        ),
        (
            Strict,
            |p| p.public_memory.truncate(92),
            "expects address 216 next, found the end",
        ),
        (
            Strict,
            |p| set(p, "execution", 1, 9),
            "'program' ends before it begins",
        ),
        (
            Relaxed,
            |p| set(p, "execution", u64::MAX, 0),
            "next, found address",
        ),
        (
            Cairo1,
            |p| set(p, "output", 9, 8),
            "'output' ends before it begins",
        ),
        (
            Cairo1,
            |p| set(p, "output", 0, u64::MAX),
            "has 93 cells on page 0",
        ),
    ];
    for (mode, change, expected) in cases {
        let mut public = c1();
        change(&mut public);
        let error = hashed_cells(&public, mode).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut public = c1();
    public.memory_segments.remove("output");
    assert!(matches!(
        hashed_cells(&public, Relaxed),
        Err(CellsError::Segment(_))
    ));
}

#[test]
fn bootloaded_facts_are_the_published_ones() {
    // Published by Herodotus: integrity-hashes-calculator, a comment in `app/page.tsx` (computed by micro-starknet).
    let stone_bootloader = felt("0x40519557c48b25e7e7d27cb27297300b94909028c327b385990f0b649920cc3");
    let fibonacci = felt("0x59874649ccc5a0a15ee77538f1eb760acb88cab027a2d48f4246bf17b7b7694");
    let expected = felt("0x7e5c70a21c04ac05f296a3ff378eb31789f0665150980fef53cb3d09dd5b4fd");
    assert_eq!(
        bootloaded_fact(stone_bootloader, fibonacci, &felts("0x5 0xd")),
        expected
    );
    // Published: see `vectors::atlantic`.
    let real = bootloaded_fact(
        felt(SHARP_BOOTLOADER),
        felt(atlantic::PROGRAM_HASH),
        &felts(atlantic::OUTPUT),
    );
    assert_eq!(real, felt(atlantic::INTEGRITY_FACT));
}

/// Published by petscheit/bankai: comments at the end of its Starknet client, "Dynamic" and "Wrapped".
#[test]
fn wrapped_facts_are_the_published_ones() {
    let bootloader = felt(SHARP_BOOTLOADER);
    let wrapper = felt("0x193641eb151b0f41674641089952e60bc3aded26e3cf42793655c562b8c3aa0");
    let task = felt("0x61c9a8dc4629396452bffa605c59c947a4a344d85c6496f591787f2b6c422db");
    let output = felts(
        "0x5d0311ddd386651921936a0b7373eb78 0xe9860b10fbbaba73406d75c730de134d
         0xf11e20d00175aa256439064009c9c462 0xe230206d9ff801787ee0a8c9162d7846
         0x8a92568013993c8ed740b92bd5793883 0x4bff5824ce30177dca473afdeb840538 0x1e0 0x62a001",
    );
    let bootloaded = "0x87393846ed7a88f1c49b21131e142e94c24f257451fd54f3ea84cc6c75c2b7";
    assert_eq!(bootloaded_fact(bootloader, task, &output), felt(bootloaded));
    let wrapped = "0x6eb3f948e3dae93777e01b0a2f16caf6074a8b97ae328f77819e135c0892bed";
    assert_eq!(wrapped_fact(wrapper, bootloader, task, &output), felt(wrapped));
}

/// The event `FactRegistered` of transaction 0x2abd1c724bad04717dace7c3a43679f7624ce131b54a9b2d332fdb7fba8b438 on
/// Starknet Sepolia (block 15653468), as bal7hazar/slingfall quotes it.
#[test]
fn a_real_verification_hash() {
    let parameters = parameters("integrity-stone6-keccak160");
    let strict = MemoryVerification::Strict;
    let configuration = Configuration::of("recursive_with_poseidon", strict, &parameters).unwrap();
    let fact = felt("0x28f151c76e4eda65ae06ba04d2524faf8f310732e76e4af43564560d35468a1");
    let expected = "0x11ccd33719b01f02d7b33aac564f76126f5c05201e23eb6303d24aa24480e4d";
    assert_eq!(verification_hash(fact, &configuration, 60), felt(expected));
}

/// By hand: `poseidon_hash_many([from_bytes(word.encode()) for word in settings])`.
#[test]
fn configuration_hashes_are_those_of_the_settings() {
    use MemoryVerification::{Cairo1, Relaxed, Strict};
    let keccak6 = parameters("integrity-stone6-keccak160");
    let keccak5 = parameters("integrity-stone5-keccak160");
    let mut blake5 = parameters("integrity-stone6-blake248");
    blake5.stone_version = keccak5.stone_version;
    let cases = [
        (
            "small",
            Strict,
            &keccak6,
            "0x30687b6815225fd525614098406257586aa947fa2b7fdd5a9bfe1a918824917",
        ),
        (
            "small",
            Cairo1,
            &blake5,
            "0x5da442b85a8dc279f9b6be6f12480dda53e84793c6dd17fe1a00b608ff387b1",
        ),
        (
            "starknet",
            Relaxed,
            &keccak5,
            "0x76825f1c9f593c56518fd0db7caeb4c24f1d95664eef007f9112c2f988d9a0",
        ),
    ];
    for (layout, mode, parameters, expected) in cases {
        let configuration = Configuration::of(layout, mode, parameters).unwrap();
        assert_eq!(configuration.hash(), felt(expected), "{configuration:?}");
    }
}

#[test]
fn proofs_that_the_contracts_refuse_have_no_configuration() {
    let of = |layout, parameters: &Parameters| {
        let error = Configuration::of(layout, MemoryVerification::Strict, parameters).unwrap_err();
        error.to_string()
    };
    let error = of("recursive", &parameters("stone"));
    assert!(
        error.contains("no setting for commitment_hash keccak256_masked160_msb"),
        "{error}"
    );
    let good = parameters("integrity-stone6-keccak160");
    let error = of("plain", &good);
    assert!(
        error.contains("no verifier for layout 'plain'; it has dex, "),
        "{error}"
    );
    let mut parameters = good.clone();
    parameters.fri.proof_of_work_bits = 19;
    let error = of("recursive", &parameters);
    assert!(
        error.contains("proof_of_work_bits is 19, 20 to 49 is accepted"),
        "{error}"
    );
    let mut parameters = good;
    parameters.channel_hash = Hash::Keccak256;
    let error = of("recursive", &parameters);
    assert!(
        error.contains("channel_hash is keccak256, only poseidon3 is accepted"),
        "{error}"
    );
}

#[test]
fn security_is_counted_alike_where_there_is_a_configuration() {
    let mut counted = 0;
    for profile in PROFILES {
        let parameters = parameters(profile.name);
        if Configuration::of("recursive", MemoryVerification::Strict, &parameters).is_ok() {
            assert_eq!(security_bits(&parameters), parameters.security_bits());
            counted += 1;
        }
    }
    // Those of Integrity and that of the Cairo verifiers, which have the same limits.
    assert_eq!(counted, 4);
    // The contracts count the queries that a masked transcript loses; Quarry does not.
    let mut masked = parameters("stone");
    masked.channel_hash = Hash::Keccak256Masked160Lsb;
    assert_eq!(security_bits(&masked), 18 * 4 + 24);
    assert!(masked.security_bits() < security_bits(&masked));
}

#[test]
fn modes_have_the_names_of_the_settings() {
    for (name, mode) in RunMode::NAMED {
        let is_integritys = ["strict", "relaxed", "cairo1"].contains(&name);
        let setting = MemoryVerification::of(mode).map(MemoryVerification::name);
        assert_eq!(setting, is_integritys.then_some(name));
    }
}

use super::*;

fn example() -> Value {
    json!({
        "layout": "plain", "n_steps": 16, "rc_min": 1, "rc_max": 65535,
        "memory_segments": {
            "program": { "begin_addr": 1, "stop_ptr": 3 },
            "execution": { "begin_addr": 5, "stop_ptr": 9 },
        },
        "public_memory": [
            { "address": 1, "value": "0x40780017fff7fff", "page": 0 },
            { "address": 2, "value": "0x0", "page": 0 },
            { "address": 7, "value": "0xA", "page": 1 },
            { "address": 8, "value": "0xb", "page": 1 },
        ],
    })
}

fn changed(pointer: &str, value: Value) -> Value {
    let mut example = example();
    *example
        .pointer_mut(pointer)
        .expect("the pointer is the test's own") = value;
    example
}

#[test]
fn reads_and_writes() {
    let input = PublicInput::from_json(&example()).expect("valid");
    assert_eq!(input.public_memory[2].value, Felt::from(10u64));
    assert_eq!(PublicInput::from_json(&input.to_json()).expect("valid"), input);
    let cells = PublicCells::of(&input);
    assert_eq!(
        cells.range(1, 3).expect("public"),
        [Felt::from(0x40780017fff7fffu64), Felt::from(0u64)]
    );
    assert!(matches!(
        cells.range(1, u64::MAX),
        Err(PublicInputError::NotPublic(3))
    ));
}

#[test]
fn numbers_are_taken_as_stone_takes_them() {
    let input = |value| PublicInput::from_json(&changed("/n_steps", value));
    assert_eq!(input(json!(32.0)).expect("integral").n_steps, 32);
    for bad in [
        json!("16"),
        json!(-16),
        json!(16.5),
        json!(null),
        json!(15),
        json!(0),
    ] {
        assert!(input(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn errors_say_where_and_what() {
    let p = "0x800000000000011000000000000000000000000000000000000000000000001";
    let cases = [
        (
            "/public_memory/1/value",
            json!(p),
            "/public_memory/1/value: expected a field element",
        ),
        (
            "/public_memory/1/value",
            json!(7),
            "/public_memory/1/value: expected a string, found 7",
        ),
        (
            "/public_memory/3/page",
            json!(4294967296u64),
            "/public_memory/3/page: expected",
        ),
        (
            "/public_memory/3/address",
            json!(9),
            "page 1 is not continuous: address 9 follows 7",
        ),
        ("/public_memory", json!([]), "no cell on page 0"),
        (
            "/memory_segments/program",
            json!([]),
            "/memory_segments/program: expected an object, found an array",
        ),
        ("/rc_max", json!(65536), "rc_max 65536"),
        ("/rc_min", json!(65536), "rc_min 65536"),
    ];
    for (pointer, value, expected) in cases {
        let error = PublicInput::from_json(&changed(pointer, value))
            .expect_err(pointer)
            .to_string();
        assert!(error.contains(expected), "{pointer}: {error}");
    }
    assert!(matches!(
        PublicInput::parse("{"),
        Err(PublicInputError::Syntax(_))
    ));
}

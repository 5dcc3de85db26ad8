//! Arguments and panic data as text.

use quarry_tasks::executable::{Felt252, PanicData, parse_argument, read_arguments};

/// The field's prime.
const PRIME: &str = "3618502788666131213697322783095070105623107215331596699973092056135872020481";

/// The first felt of a `ByteArray` in panic data.
const BYTE_ARRAY: &str = "0x46a6158a16a947e5916b2a2ca68501a45e93d7110e81aa2d6438b1c57c879a3";

fn read(text: &str) -> Result<Vec<i128>, String> {
    let felts = read_arguments(text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(felts
        .iter()
        .map(|felt| felt.to_bigint().try_into().expect("small"))
        .collect())
}

#[test]
fn a_file_is_an_array_of_felts() {
    assert_eq!(read(r#"[1, "2", "0x3"]"#), Ok(vec![1, 2, 3]));
    assert_eq!(
        read(r#"["0x1", ["0x2", "0x3"], [], [[4]]]"#),
        Ok(vec![1, 2, 2, 3, 0, 1, 1, 4])
    );
    for (text, why) in [
        ("{}", "not a JSON array"),
        ("[1", "not a JSON array"),
        ("[1.5]", "1.5 is not a field element"),
        ("[1, null]", "[1]: null is not"),
        (r#"["0xg"]"#, "not a field element"),
        (r#"[""]"#, "not a field element"),
        (r#"["1e3"]"#, "not a field element"),
    ] {
        let error = read(text).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    assert!(read(&deep).is_err());
}

#[test]
fn an_argument_is_below_the_prime() {
    assert_eq!(parse_argument("0x10").expect("hex"), Felt252::from(16));
    assert_eq!(
        parse_argument("-1").expect("negative"),
        Felt252::from(0) - Felt252::from(1)
    );
    for text in ["", "-", "0x", "+1", " 1", "1 2", "a", PRIME, &"9".repeat(100_000)] {
        let error = parse_argument(text).expect_err(text);
        assert_eq!(error.code(), "executable.arguments");
    }
}

fn felt(text: &str) -> Felt252 {
    Felt252::from_bytes_be_slice(text.as_bytes())
}

fn text(felts: &[Felt252]) -> String {
    PanicData(felts.to_vec()).to_string()
}

#[test]
fn short_strings_and_numbers_are_told_apart() {
    assert_eq!(text(&[felt("Input too long")]), "'Input too long'");
    assert_eq!(text(&[felt("a"), Felt252::from(7)]), "'a', 0x7");
    assert_eq!(text(&[]), "no data");
    assert_eq!(text(&[Felt252::from(0)]), "0x0");
    let control = felt("a\u{1b}[2J");
    assert_eq!(text(&[control]), format!("{control:#x}"));
}

#[test]
fn byte_arrays_are_text() {
    let magic = Felt252::from_hex(BYTE_ARRAY).expect("hex");
    let word = "0123456789012345678901234567890";
    let array = [magic, 1.into(), felt(word), felt("and more"), 8.into()];
    assert_eq!(text(&array), format!("\"{word}and more\""));
    let then = [&array[..], &[9.into()]].concat();
    assert_eq!(text(&then), format!("\"{word}and more\", 0x9"));
    // What only begins like one is shown as felts.
    let torn = [magic, 7.into(), felt(word)];
    assert_eq!(text(&torn), format!("{magic:#x}, 0x7, '{word}'"));
    let long = [magic, 0.into(), felt("abc"), 99.into()];
    assert!(text(&long).ends_with("'abc', 'c'"), "{}", text(&long));
}

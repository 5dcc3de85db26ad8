//! The failure codes of docs/protocol.md are those that the library has.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The errors of the library, whose codes begin with the word, and the codes that a service reports as limits.
const ERRORS: [(&str, &str, &[&str]); 2] = [
    (
        "pie",
        "tasks/src/pie/error.rs",
        &["pie.file_size", "pie.together"],
    ),
    (
        "executable",
        "tasks/src/executable/error.rs",
        &["executable.steps", "executable.memory"],
    ),
];

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).expect("a file of the repository")
}

/// What stands in a text between these two.
fn quoted<'a>(text: &'a str, before: &str, after: &str) -> BTreeSet<&'a str> {
    let begun = text.split(before).skip(1);
    begun.filter_map(|rest| rest.split(after).next()).collect()
}

#[test]
fn the_table_has_every_code_of_an_input() {
    let page = read("docs/protocol.md");
    for (word, path, limits) in ERRORS {
        // The codes are the only texts of this form in the file.
        let source = read(path);
        let source = quoted(&source, &format!("\"{word}."), "\"");
        let mut expected: BTreeSet<_> = source.iter().map(|code| format!("{word}.{code}")).collect();
        for limit in limits {
            assert!(expected.remove(*limit), "{limit}");
        }
        let table = quoted(&page, &format!("| `input.{word}."), "`");
        let table: BTreeSet<_> = table.iter().map(|code| format!("{word}.{code}")).collect();
        assert_eq!(table, expected);
    }
}

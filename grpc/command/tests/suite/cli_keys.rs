//! `quarry key`: keys that sign messages.

use crate::common::{Folder, Ran};
use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The secret and the public key of RFC 8410, section 10, as PEM and as Quarry writes them.
const SECRET: &str = "ed25519:d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
const SECRET_PEM: &str = "\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "ed25519:19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
const PUBLIC_PEM: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
";
/// The Stark key 1 has the curve's generator as its public key.
const STARK: &str = "stark:0000000000000000000000000000000000000000000000000000000000000001";
const GENERATOR: &str = "0x1ef15c18599971b7beced415a40f0c7deacfd9b0d1819e03d723d8bc943cfca";

/// Writes a key file that only its owner can read.
fn write_key(folder: &Folder, name: &str, key: &str) {
    folder.write(name, format!("{key}\n"));
    set_mode(&folder.file(name), 0o600);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs the command with a key in the environment.
fn with_variable(folder: &Folder, key: &str, line: &str) -> Ran {
    let mut command = folder.command(line);
    Ran::from(command.env("QUARRY_KEY", key).output().unwrap())
}

#[test]
fn a_new_key_is_its_owners() {
    let folder = Folder::new();
    for scheme in ["ed25519", "stark"] {
        let made = folder.quarry(&format!("key new --out {scheme}.key --scheme {scheme}"));
        let made = made.exits(0).says(&["written", &format!("{scheme}.key")]);
        let public = made.stdout.trim_end();
        assert!(public.starts_with(&format!("{scheme}:")), "{public}");
        let path = folder.file(&format!("{scheme}.key"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let shown = folder.quarry(&format!("key show {scheme}.key")).exits(0).stdout;
        assert!(shown.contains(public), "{shown}");
        let secret = fs::read_to_string(&path).unwrap();
        assert!(!shown.contains(secret.trim_end()), "{shown}");
    }
    let made = folder.quarry("key new --out other.key --json").exits(0).json();
    assert_eq!(made, folder.quarry("key show other.key --json").exits(0).json());
}

/// A key that is overwritten is lost.
#[test]
fn no_key_is_overwritten() {
    let folder = Folder::new();
    write_key(&folder, "client.key", SECRET);
    folder
        .quarry("key new --out client.key")
        .exits(2)
        .says(&["client.key", "exists"]);
    assert_eq!(
        fs::read_to_string(folder.file("client.key")).unwrap().trim_end(),
        SECRET
    );
    folder
        .quarry("key new --out no/folder.key")
        .exits(2)
        .says(&["no/folder.key"]);
    folder
        .quarry("key new --out a.key --scheme rsa")
        .exits(2)
        .says(&["ed25519"]);
    folder.quarry("key new").exits(2).says(&["--out"]);
    assert_eq!(folder.names(), ["client.key"]);
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let folder = Folder::new();
    write_key(&folder, "client.key", SECRET);
    for mode in [0o640, 0o604, 0o660] {
        set_mode(&folder.file("client.key"), mode);
        for line in ["key show client.key", "key export client.key --secret"] {
            let refused = folder.quarry(line).exits(2).says(&["client.key", "chmod 600"]);
            assert_eq!(refused.stdout, "");
        }
    }
}

#[test]
fn a_key_is_shown_in_all_its_forms() {
    let folder = Folder::new();
    write_key(&folder, "client.key", SECRET);
    write_key(&folder, "stark.key", STARK);
    let digits = format!("{:0>64}", GENERATOR.trim_start_matches("0x"));
    let shown = |line: &str| folder.quarry(line).exits(0).json();
    assert_eq!(
        shown("key show client.key --json"),
        json!({ "public_key": PUBLIC, "scheme": "ed25519" })
    );
    assert_eq!(
        shown("key show stark.key --json"),
        json!({ "public_key": format!("stark:{digits}"), "scheme": "stark", "starknet": GENERATOR })
    );
    let text = folder.quarry("key show stark.key").exits(0).stdout;
    assert!(text.contains(GENERATOR) && text.contains(&digits), "{text}");
}

#[test]
fn other_tools_get_keys_in_their_forms() {
    let folder = Folder::new();
    write_key(&folder, "client.key", SECRET);
    write_key(&folder, "stark.key", STARK);
    let line = |text: &str| format!("{text}\n");
    for (arguments, expected) in [
        ("client.key", line(PUBLIC)),
        ("client.key --secret", line(SECRET)),
        ("client.key --format pem", PUBLIC_PEM.to_owned()),
        ("client.key --format pem --secret", SECRET_PEM.to_owned()),
        ("stark.key --format starknet", line(GENERATOR)),
        ("stark.key --format starknet --secret", line("0x1")),
        ("stark.key --secret", line(STARK)),
    ] {
        let exported = folder.quarry(&format!("key export {arguments}")).exits(0);
        assert_eq!(exported.stdout, expected, "{arguments}");
    }
    for (arguments, why) in [
        ("client.key --format starknet", "ed25519"),
        ("stark.key --format pem --secret", "stark"),
        ("client.key --format der", "pem"),
    ] {
        let refused = folder
            .quarry(&format!("key export {arguments}"))
            .exits(2)
            .says(&[why]);
        assert_eq!(refused.stdout, "", "{arguments}");
    }
}

/// A file on the command line comes before the environment; no message repeats a secret, even one with a slip.
#[test]
fn a_key_can_come_from_the_environment() {
    let folder = Folder::new();
    write_key(&folder, "stark.key", STARK);
    let shown = with_variable(&folder, SECRET, "key show --json").exits(0).json();
    assert_eq!(shown["public_key"], PUBLIC);
    let shown = with_variable(&folder, SECRET, "key show stark.key --json")
        .exits(0)
        .json();
    assert_eq!(shown["starknet"], GENERATOR);
    let slip = SECRET.to_uppercase();
    let refused = with_variable(&folder, &slip, "key show")
        .exits(2)
        .says(&["QUARRY_KEY", "not a key"]);
    assert!(!refused.stderr.contains("D4EE72"), "{}", refused.stderr);
    folder.quarry("key show").exits(2).says(&["QUARRY_KEY", "file"]);
    write_key(&folder, "bad.key", &slip);
    let refused = folder.quarry("key show bad.key --json").exits(2);
    assert!(!format!("{refused:?}").contains("D4EE72"), "{refused:?}");
    assert_eq!(refused.json()["error"]["kind"], "bad input");
}

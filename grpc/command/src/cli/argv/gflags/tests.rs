use super::super::STAND_INS;
use super::*;
use clap::{Arg, ArgAction, Command};

fn ours() -> Command {
    let prove = Command::new("prove").args([
        Arg::new("json").long("json").action(ArgAction::SetTrue),
        Arg::new("out").long("out").short('o'),
        Arg::new("profile").long("profile"),
    ]);
    Command::new("quarry").subcommands([prove, Command::new("verify")])
}

fn environment(name: &str) -> Option<OsString> {
    let set = [
        ("FLAGS_out_file", "from_environment"),
        ("FLAGS_generate_annotations", "yes"),
        ("FLAGS_fromenv", "fromenv"),
        ("FLAGS_undefok", "odd"),
    ];
    set.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.into())
}

fn read(program: &str, line: &str) -> Result<Line, Failure> {
    let command = ours();
    let stand_in = STAND_INS.iter().find(|known| known.name == program).unwrap();
    let words = line.split_whitespace().map(OsString::from);
    Reader::new(stand_in, &command, &environment).read(program.into(), words)
}

/// The required flags, and what they are read as.
const NEEDED: &str = "--public_input_file=a --private_input_file b --parameter_file=c";
const READ: &str = "prove --public-input-file=a --private-input-file=b --parameter-file=c";

/// The arguments that a line adds to the required flags.
fn flags(line: &str) -> String {
    let line =
        read("cpu_air_prover", &format!("{NEEDED} {line}")).unwrap_or_else(|why| panic!("{line}: {why}"));
    let text = line.args[1..].join(OsStr::new(" ")).into_string().unwrap();
    text.strip_prefix(READ).unwrap_or(&text).trim().to_owned()
}

fn refusal(line: &str) -> String {
    match read("cpu_air_prover", &format!("{NEEDED} {line}")) {
        Ok(line) => panic!("{line:?}"),
        Err(failure) => {
            assert_eq!(failure.kind.exit_code(), 2);
            failure.message
        }
    }
}

#[test]
fn words_and_flags_as_gflags_reads_them() {
    let table = [
        ("program.json - --out_file=p", "--out-file=p"),
        // A boolean does not take the next word, so it is true here.
        ("--generate_annotations false", "--generate-annotations=true"),
        ("--generate_annotations=f true", "--generate-annotations=false"),
        ("--nogenerate_annotations=true", "--generate-annotations=false"),
        ("--nogenerate-annotations", "--generate-annotations=false"),
        ("--generate_annotations=perhaps", "--generate-annotations=perhaps"),
        ("-out-file -odd-name", "--out-file=-odd-name"),
        ("-logtostderr --v=1 -v 2 --minloglevel 3 --nolog_prefix", ""),
        // Everything after `--` is a word.
        ("-- --out_file=p", ""),
        // Quarry's own flags, with their values.
        ("--json --profile stone word -o f", "--json --profile=stone -o=f"),
        ("--json=0 --nojson", ""),
        ("--json=true", "--json"),
        // Unknown flags are left to clap; they do not take the next word.
        ("--odd word -x=1 ---y", "--odd -x=1 ---y"),
        ("--odd --noeven=1 --undefok=odd,even", ""),
        ("--undefok odd_name --odd-name --other", "--other"),
        ("--help", "prove --help"),
        ("--helpshort --odd", "prove --help"),
        ("--helpfull --version", "prove --help"),
        ("--helpmatch out", "prove --help"),
        ("--nohelp --help=false", ""),
        ("--version", "--version"),
        ("--version=no", ""),
    ];
    for (given, expected) in table {
        assert_eq!(flags(given), expected, "{given}");
    }
    let line = read("cpu_air_verifier", "proof.json -in_file p").unwrap();
    assert_eq!(
        line.args[1..],
        ["verify", "--min-security-bits=0", "--run=any", "--in-file=p"]
    );
    assert!(refusal("--out_file").contains("--out-file has no value"));
    assert!(refusal("--help=perhaps").contains("'perhaps' is not a boolean"));
}

#[test]
fn what_is_missing_is_said_in_stones_words() {
    let message = read("cpu_air_prover", "program.json --public_input_file=a")
        .unwrap_err()
        .message;
    for text in [
        "missing: --private_input_file, --parameter_file;",
        "--prover_config_file=FILE",
        "--out_file=FILE",
    ] {
        assert!(message.contains(text), "{message}");
    }
    // A profile of Quarry replaces the parameter file.
    read(
        "cpu_air_prover",
        "--public_input_file=a --private_input_file=b --profile=stone",
    )
    .unwrap();
    let message = read("cpu_air_verifier", "proof.json").unwrap_err().message;
    assert!(message.contains("missing: --in_file;"), "{message}");
    // Help and version need no other flags.
    read("cpu_air_prover", "--version").unwrap();
}

#[test]
fn flags_of_the_environment() {
    assert_eq!(
        flags("--fromenv=out_file,generate-annotations"),
        "--out-file=from_environment --generate-annotations=true"
    );
    assert_eq!(
        flags("--tryfromenv=n_threads,out_file"),
        "--out-file=from_environment"
    );
    assert_eq!(flags("--fromenv="), "");
    assert_eq!(flags("--odd --fromenv undefok"), "");
    // As in gflags, unknown flags are rejected, whether their variable is set or not.
    assert_eq!(flags("--tryfromenv=odd"), "--odd");
    assert_eq!(flags("--tryfromenv=odd --undefok=odd"), "");
    assert!(refusal("--fromenv=n_threads").contains("has no FLAGS_n_threads; set it"));
    assert!(refusal("--fromenv=a,,b").contains("'' is not a name"));
    assert!(refusal("--fromenv=--out_file").contains("'--out_file' is not a name"));
    assert!(refusal("--fromenv=fromenv").contains("does one of them name itself?"));
}

#[test]
fn flags_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let inner = file("inner", "--out_file=inner");
    let outer = file(
        "outer",
        &format!(
            "# a comment\r\n\n  --generate_annotations\r\n-n_threads=2\n--flagfile={inner}\n--out_file word\n--odd=1\n\
             --v\ncpu_air_verifier other\n--out_file=skipped\n./x cpu_*_prove?\nother\n--tryfromenv=n_threads\n--json\n"
        ),
    );
    let line = read(
        "cpu_air_prover",
        &format!("{NEEDED} --flagfile {outer} --out_file=last"),
    )
    .unwrap();
    let read_flags = line.args[5..].join(OsStr::new(" "));
    assert_eq!(
        read_flags.to_str().unwrap(),
        "--generate-annotations=true --n-threads=2 --out-file=inner --json --out-file=last"
    );
    // Lines that gflags silently skips; we note them.
    let lines = ["line 6: '--out_file word'", "line 7: '--odd=1'", "line 8: '--v'"];
    assert_eq!(line.notes.len(), lines.len());
    for (note, expected) in line.notes.iter().zip(lines) {
        assert!(note.contains(expected), "{note}");
    }
    assert_eq!(
        flags(&format!("--flagfile={inner},{inner}")),
        "--out-file=inner --out-file=inner"
    );

    assert!(refusal("--flagfile=no/such").contains("--flagfile: cannot read 'no/such'"));
    let endless = file("endless", "");
    file("endless", &format!("--flagfile={endless},{endless}"));
    assert!(refusal(&format!("--flagfile={endless}")).contains("does one of them name itself?"));
    let large = file("large", &"#".repeat(MAX_FILE as usize + 1));
    assert!(refusal(&format!("--flagfile={large}")).contains("more than 1048576 bytes"));
}

#[test]
fn patterns() {
    for (pattern, name, expected) in [
        ("cpu", "cpu", true),
        ("cpu", "cpu_", false),
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "abc", true),
        ("a*c", "abbc", true),
        ("a*c*", "abcb", true),
        ("a*c", "abcb", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*b*b", "abab", true),
    ] {
        assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
    }
}

#[test]
fn the_tables_do_not_overlap() {
    for (name, _, _) in OWN {
        assert!(!name.contains('_') && spelling::kind(name).is_none(), "{name}");
    }
}

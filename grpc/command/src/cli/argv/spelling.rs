//! The flag spellings of gflags, which Stone's programs accept and existing scripts use.
//!
//! In gflags, `-flag v`, `--flag v`, `-flag=v` and `--flag=v` are the same, and so are `-` and `_` inside a name. A
//! boolean is `--flag`, `--noflag` or `--flag=` followed by one of ten words, and never takes the next argument. This
//! module rewrites all of them to the one spelling that clap knows: `--flag-name=value`.

use std::ffi::{OsStr, OsString};

/// The kind of value that a flag of Stone's programs takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value.
    Value,
    /// A boolean.
    Boolean,
    /// A value that has no effect in Quarry: the flag is dropped.
    IgnoredValue,
    /// A boolean that has no effect in Quarry: the flag is dropped.
    IgnoredBoolean,
}

/// The flags of `cpu_air_prover` and `cpu_air_verifier`, including those of their logging library, glog.
const FLAGS: &[(&str, Kind)] = &[
    ("annotation-file", Kind::Value),
    ("extra-output-file", Kind::Value),
    ("fix-public-input", Kind::Boolean),
    ("generate-annotations", Kind::Boolean),
    ("in-file", Kind::Value),
    ("n-threads", Kind::Value),
    ("out-file", Kind::Value),
    ("override-random-seed", Kind::Value),
    ("parameter-file", Kind::Value),
    ("private-input-file", Kind::Value),
    ("prover-config-file", Kind::Value),
    ("public-input-file", Kind::Value),
    // How Stone cuts its transforms into tasks: no effect on the bytes of a proof.
    ("four-step-fft-threshold", Kind::IgnoredValue),
    ("log-min-twiddle-shift-task-size", Kind::IgnoredValue),
    // Flags of glog.
    ("alsologtoemail", Kind::IgnoredValue),
    ("alsologtostderr", Kind::IgnoredBoolean),
    ("colorlogtostderr", Kind::IgnoredBoolean),
    ("drop-log-memory", Kind::IgnoredBoolean),
    ("log-backtrace-at", Kind::IgnoredValue),
    ("log-dir", Kind::IgnoredValue),
    ("log-link", Kind::IgnoredValue),
    ("log-prefix", Kind::IgnoredBoolean),
    ("logbuflevel", Kind::IgnoredValue),
    ("logbufsecs", Kind::IgnoredValue),
    ("logemaillevel", Kind::IgnoredValue),
    ("logfile-mode", Kind::IgnoredValue),
    ("logmailer", Kind::IgnoredValue),
    ("logtostderr", Kind::IgnoredBoolean),
    ("max-log-size", Kind::IgnoredValue),
    ("minloglevel", Kind::IgnoredValue),
    ("stderrthreshold", Kind::IgnoredValue),
    ("stop-logging-if-full-disk", Kind::IgnoredBoolean),
    ("symbolize-stacktrace", Kind::IgnoredBoolean),
    ("v", Kind::IgnoredValue),
    ("vmodule", Kind::IgnoredValue),
];

const TRUE: &[&str] = &["1", "t", "true", "y", "yes"];
const FALSE: &[&str] = &["0", "f", "false", "n", "no"];

/// Rewrites the words of a command line. A word that is not a flag of Stone's passes unchanged (except for `_` in the
/// name of a long flag), for clap to judge.
pub fn normalise(mut args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut out = Vec::new();
    while let Some(arg) = args.next() {
        if arg == "--" {
            out.push(arg);
            break;
        }
        let Some((dashes, name, value)) = split(&arg) else {
            out.push(arg);
            continue;
        };
        match (look_up(&name, kind), value) {
            (Some((Kind::Value | Kind::IgnoredValue, _)), None) => {
                // gflags takes the next argument whatever it looks like.
                let Some(value) = args.next() else {
                    out.push(arg);
                    continue;
                };
                if kind(&name) == Some(Kind::Value) {
                    let mut joined = OsString::from(format!("--{name}="));
                    joined.push(value);
                    out.push(joined);
                }
            }
            (Some((Kind::Value, _)), Some(value)) => out.push(format!("--{name}={value}").into()),
            (Some((Kind::Boolean, negated)), value) => out.push(boolean(&name, negated, value).into()),
            (Some((Kind::IgnoredValue | Kind::IgnoredBoolean, _)), _) => {}
            (None, Some(value)) if dashes == 2 => out.push(format!("--{name}={value}").into()),
            (None, None) if dashes == 2 => out.push(format!("--{name}").into()),
            (None, _) => out.push(arg),
        }
    }
    out.extend(args);
    out
}

/// Splits a flag into the number of its dashes, its name with `-` for `_`, and the value after `=`.
pub fn split(arg: &OsStr) -> Option<(usize, String, Option<&str>)> {
    let arg = arg.to_str()?;
    let body = arg.trim_start_matches('-');
    let dashes = arg.len() - body.len();
    if body.is_empty() || !(1..=2).contains(&dashes) {
        return None;
    }
    let (name, value) = match body.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (body, None),
    };
    Some((dashes, name.replace('_', "-"), value))
}

/// The kind of one of Stone's flags, by its name.
pub fn kind(name: &str) -> Option<Kind> {
    let flag = FLAGS.iter().find(|(known, _)| *known == name);
    flag.map(|(_, kind)| *kind)
}

/// The kind of the flag with this name, and whether the name is the `no` form of a boolean. `kind` looks up a flag.
pub fn look_up(name: &str, kind: impl Fn(&str) -> Option<Kind>) -> Option<(Kind, bool)> {
    if let Some(kind) = kind(name) {
        return Some((kind, false));
    }
    let kind = kind(name.strip_prefix("no")?)?;
    matches!(kind, Kind::Boolean | Kind::IgnoredBoolean).then_some((kind, true))
}

/// The boolean that a word means in gflags.
pub fn truth(word: &str) -> Option<bool> {
    let is_one_of = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    match word {
        _ if is_one_of(TRUE) => Some(true),
        _ if is_one_of(FALSE) => Some(false),
        _ => None,
    }
}

fn boolean(name: &str, negated: bool, value: Option<&str>) -> String {
    match value {
        None if negated => format!("--{}=false", name.strip_prefix("no").unwrap_or(name)),
        None => format!("--{name}=true"),
        Some(value) => match truth(value).filter(|_| !negated) {
            Some(truth) => format!("--{name}={truth}"),
            // Not one of the ten words: clap reports it.
            None => format!("--{name}={value}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> String {
        let args = line.split(' ').map(OsString::from);
        normalise(args).join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn every_spelling() {
        let table = [
            ("q prove --out_file f", "q prove --out-file=f"),
            ("q prove -out_file f", "q prove --out-file=f"),
            ("q prove --out_file=f", "q prove --out-file=f"),
            ("q prove -out_file=f", "q prove --out-file=f"),
            ("q prove --out-file=a=b", "q prove --out-file=a=b"),
            ("q prove -out-file -odd-name", "q prove --out-file=-odd-name"),
            (
                "q prove --generate_annotations x",
                "q prove --generate-annotations=true x",
            ),
            ("q -generate_annotations", "q --generate-annotations=true"),
            ("q --generate_annotations=true", "q --generate-annotations=true"),
            ("q --generate_annotations=T", "q --generate-annotations=true"),
            ("q --generate_annotations=1", "q --generate-annotations=true"),
            ("q --generate_annotations=Yes", "q --generate-annotations=true"),
            ("q --generate_annotations=y", "q --generate-annotations=true"),
            ("q -generate_annotations=false", "q --generate-annotations=false"),
            ("q --generate_annotations=f", "q --generate-annotations=false"),
            ("q --generate_annotations=0", "q --generate-annotations=false"),
            ("q --generate_annotations=NO", "q --generate-annotations=false"),
            ("q --generate_annotations=n", "q --generate-annotations=false"),
            ("q --nogenerate_annotations", "q --generate-annotations=false"),
            ("q -nogenerate-annotations", "q --generate-annotations=false"),
            (
                "q --generate_annotations=perhaps",
                "q --generate-annotations=perhaps",
            ),
            ("q --nogenerate_annotations=1", "q --nogenerate-annotations=1"),
            (
                "q -logtostderr --v=1 -v 2 --minloglevel 3 --nolog_prefix -n_threads 4",
                "q --n-threads=4",
            ),
            ("q verify -in_file p", "q verify --in-file=p"),
            ("q prove --out f --min_steps=4", "q prove --out f --min-steps=4"),
            ("q prove -o f_f a_b -", "q prove -o f_f a_b -"),
            ("q prove --json -- --out_file f", "q prove --json -- --out_file f"),
            ("q prove --out_file", "q prove --out_file"),
            ("q prove ---x -- -y", "q prove ---x -- -y"),
        ];
        for (given, expected) in table {
            assert_eq!(run(given), expected, "{given}");
        }
    }

    #[test]
    fn the_table_has_one_spelling_a_flag() {
        for (i, (name, _)) in FLAGS.iter().enumerate() {
            assert!(!name.contains('_'), "{name}");
            assert!(FLAGS[i + 1..].iter().all(|(other, _)| other != name), "{name}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn names_that_are_not_utf8_pass() {
        use std::os::unix::ffi::OsStringExt;
        let odd = OsString::from_vec(vec![b'p', 0xff]);
        let args = ["verify".into(), "--in_file".into(), odd.clone()];
        let mut joined = OsString::from("--in-file=");
        joined.push(&odd);
        assert_eq!(normalise(args.into_iter())[1], joined);
        assert_eq!(normalise([odd.clone()].into_iter()), [odd]);
    }
}

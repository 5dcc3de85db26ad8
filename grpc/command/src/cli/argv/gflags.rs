//! Reads the command lines of Stone's programs by the rules of gflags.
//!
//! Words that are not flags are ignored. Flags also come from files (`--flagfile`) and from the environment
//! (`--fromenv`, `--tryfromenv`), and unknown ones may be allowed (`--undefok`).

use super::spelling::{self, Kind, look_up, split, truth};
use super::{Line, StandIn};
use crate::cli::failure::Failure;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};

/// The flags of gflags itself.
const OWN: &[(&str, Kind, Own)] = &[
    ("flagfile", Kind::Value, Own::FlagFile),
    ("fromenv", Kind::Value, Own::FromEnv),
    ("help", Kind::Boolean, Own::Help),
    ("helpfull", Kind::Boolean, Own::Help),
    ("helpmatch", Kind::Value, Own::Help),
    ("helpon", Kind::Value, Own::Help),
    ("helppackage", Kind::Boolean, Own::Help),
    ("helpshort", Kind::Boolean, Own::Help),
    ("helpxml", Kind::Boolean, Own::Help),
    ("tryfromenv", Kind::Value, Own::TryFromEnv),
    ("undefok", Kind::Value, Own::UndefOk),
    ("version", Kind::Boolean, Own::Version),
];

#[derive(Clone, Copy)]
enum Own {
    FlagFile,
    FromEnv,
    TryFromEnv,
    UndefOk,
    Help,
    Version,
}

/// Maximum number of flag files and variables that one command line may name. Only a file or variable that names itself
/// exceeds it.
const MAX_LISTS: usize = 100;

/// Maximum size of a flag file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Reads a command line; holds what was read so far.
pub struct Reader<'a> {
    stand_in: &'static StandIn,
    command: &'a clap::Command,
    environment: &'a dyn Fn(&str) -> Option<OsString>,
    flags: Vec<OsString>,
    unknown: Vec<(String, OsString)>,
    allowed: Vec<String>,
    help: bool,
    version: bool,
    n_lists: usize,
    notes: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(
        stand_in: &'static StandIn,
        command: &'a clap::Command,
        environment: &'a dyn Fn(&str) -> Option<OsString>,
    ) -> Self {
        Self {
            stand_in,
            command,
            environment,
            flags: Vec::new(),
            unknown: Vec::new(),
            allowed: Vec::new(),
            help: false,
            version: false,
            n_lists: 0,
            notes: Vec::new(),
        }
    }

    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// Flags without a value, flag files and lists that cannot be read or refer to themselves, and missing flags.
    pub fn read(
        mut self,
        program: OsString,
        mut words: impl Iterator<Item = OsString>,
    ) -> Result<Line, Failure> {
        while let Some(word) = words.next() {
            if word == "--" {
                break;
            }
            // In gflags, `-` is not a flag.
            if !word.as_encoded_bytes().starts_with(b"-") || word == "-" {
                continue;
            }
            let flag =
                split(&word).map(|(_, name, value)| (look_up(&name, |name| self.kind(name)), name, value));
            match flag {
                Some((Some((kind, negated)), name, value)) => {
                    let value = match (value, kind) {
                        (None, Kind::Value | Kind::IgnoredValue) => {
                            // gflags takes the next word whatever it looks like.
                            let value = words.next();
                            Some(value.ok_or_else(|| self.error(format!("the flag --{name} has no value")))?)
                        }
                        (value, _) => value.map(OsString::from),
                    };
                    self.take(&name, kind, negated, value)?;
                }
                Some((None, name, _)) => self.unknown.push((name, word)),
                None => self.unknown.push((String::new(), word)),
            }
        }
        self.finish(program)
    }

    fn error(&self, message: impl std::fmt::Display) -> Failure {
        Failure::bad_input(format!("{}: {message}", self.stand_in.name))
    }

    /// The kind of a flag of Stone's, of gflags itself, or of Quarry.
    fn kind(&self, name: &str) -> Option<Kind> {
        let own = || OWN.iter().find(|(known, _, _)| *known == name).map(|own| own.1);
        spelling::kind(name)
            .or_else(own)
            .or_else(|| self.kind_of_ours(name))
    }

    fn kind_of_ours(&self, name: &str) -> Option<Kind> {
        let command = self.command.find_subcommand(self.stand_in.command)?;
        let is_it = |arg: &&clap::Arg| {
            arg.get_long() == Some(name) || arg.get_short().is_some_and(|short| name == short.to_string())
        };
        let arg = command.get_arguments().find(is_it)?;
        let takes_values = arg.get_action().takes_values();
        Some(if takes_values { Kind::Value } else { Kind::Boolean })
    }

    /// Handles a known flag.
    fn take(
        &mut self,
        name: &str,
        kind: Kind,
        negated: bool,
        value: Option<OsString>,
    ) -> Result<(), Failure> {
        let name = if negated {
            name.strip_prefix("no").unwrap_or(name)
        } else {
            name
        };
        let value = match kind {
            Kind::Boolean if negated => "false".into(),
            Kind::Boolean => {
                let value = value.unwrap_or_else(|| "true".into());
                let truth = value.to_str().and_then(truth);
                truth.map_or(value, |truth| truth.to_string().into())
            }
            _ => value.unwrap_or_default(),
        };
        let Some((_, _, own)) = OWN.iter().find(|(known, _, _)| *known == name) else {
            self.pass(name, kind, &value);
            return Ok(());
        };
        match own {
            Own::Help => self.help = kind == Kind::Value || self.is_true(name, &value)?,
            Own::Version => self.version = self.is_true(name, &value)?,
            Own::UndefOk => {
                let names = self.list(name, &value)?;
                self.allowed
                    .extend(names.iter().map(|name| name.replace('_', "-")));
            }
            Own::FlagFile => {
                for path in self.list(name, &value)? {
                    self.flag_file(&path)?;
                }
            }
            Own::FromEnv | Own::TryFromEnv => {
                let must_be = matches!(own, Own::FromEnv);
                for variable in self.list(name, &value)? {
                    self.variable(name, &variable, must_be)?;
                }
            }
        }
        Ok(())
    }

    /// Passes a flag on to clap, if it has an effect. Quarry's own booleans take no value there.
    fn pass(&mut self, name: &str, kind: Kind, value: &OsStr) {
        let is_ours = spelling::kind(name).is_none();
        let dashes = if name.len() == 1 { "-" } else { "--" };
        let mut flag = OsString::from(format!("{dashes}{name}"));
        match kind {
            Kind::IgnoredValue | Kind::IgnoredBoolean => return,
            Kind::Boolean if is_ours && value == "false" => return,
            Kind::Boolean if is_ours && value == "true" => {}
            Kind::Value | Kind::Boolean => {
                flag.push("=");
                flag.push(value);
            }
        }
        self.flags.push(flag);
    }

    fn is_true(&self, name: &str, value: &OsStr) -> Result<bool, Failure> {
        let truth = value.to_str().and_then(truth);
        truth.ok_or_else(|| self.error(format!("--{name}: '{}' is not a boolean", value.display())))
    }

    /// The entries of a comma-separated list.
    fn list(&self, name: &str, value: &OsStr) -> Result<Vec<String>, Failure> {
        let text = value
            .to_str()
            .ok_or_else(|| self.error(format!("--{name}: the value is not valid UTF-8")))?;
        let entries: Vec<_> = text
            .split(',')
            .filter(|_| !text.is_empty())
            .map(str::to_owned)
            .collect();
        match entries
            .iter()
            .find(|entry| entry.is_empty() || entry.starts_with('-'))
        {
            Some(entry) => Err(self.error(format!("--{name}: '{entry}' is not a name; write --{name}=a,b"))),
            None => Ok(entries),
        }
    }

    fn count_list(&mut self, name: &str, entry: &str) -> Result<(), Failure> {
        self.n_lists += 1;
        if self.n_lists > MAX_LISTS {
            return Err(self.error(format!(
                "--{name}={entry}: more than {MAX_LISTS} flag files and variables; does one of them name itself?"
            )));
        }
        Ok(())
    }

    /// Reads a flag file. A line is a flag (`--flag=value`), a comment, or a list of program names to which the flags
    /// after it apply. As in gflags, other lines are skipped.
    fn flag_file(&mut self, path: &str) -> Result<(), Failure> {
        self.count_list("flagfile", path)?;
        let text = read_limited(path)
            .map_err(|why| self.error(format!("--flagfile: cannot read '{path}': {why}")))?;
        let (mut is_for_us, mut among_names) = (true, false);
        for (i, line) in text.lines().map(str::trim_start).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if !line.starts_with('-') {
                is_for_us &= among_names;
                among_names = true;
                is_for_us |= line
                    .split(' ')
                    .any(|pattern| matches(pattern, self.stand_in.name));
                continue;
            }
            among_names = false;
            if is_for_us && !self.line(line)? {
                self.notes.push(format!(
                    "'{path}', line {}: '{line}' is not a known flag with its value (--flag=value); line ignored",
                    i + 1
                ));
            }
        }
        Ok(())
    }

    /// Handles a line of a flag file; `false` if it is not a known flag with its value.
    fn line(&mut self, line: &str) -> Result<bool, Failure> {
        let Some((_, name, value)) = split(OsStr::new(line)) else {
            return Ok(false);
        };
        match (look_up(&name, |name| self.kind(name)), value) {
            (None, _) | (Some((Kind::Value | Kind::IgnoredValue, _)), None) => Ok(false),
            (Some((kind, negated)), value) => {
                self.take(&name, kind, negated, value.map(OsString::from))?;
                Ok(true)
            }
        }
    }

    /// Handles the flag that the environment variable `FLAGS_name` sets.
    fn variable(&mut self, list: &str, name: &str, must_be: bool) -> Result<(), Failure> {
        self.count_list(list, name)?;
        let (flag, variable) = (
            name.replace('_', "-"),
            format!("FLAGS_{}", name.replace('-', "_")),
        );
        let Some(kind) = self.kind(&flag) else {
            self.unknown.push((flag, format!("--{name}").into()));
            return Ok(());
        };
        match (self.environment)(&variable) {
            Some(value) => self.take(&flag, kind, false, Some(value)),
            None if must_be => Err(self.error(format!(
                "--{list}={name}: the environment has no {variable}; set it, or use --tryfromenv"
            ))),
            None => Ok(()),
        }
    }

    fn finish(self, program: OsString) -> Result<Line, Failure> {
        let stand_in = self.stand_in;
        let mut args = vec![program];
        if self.help {
            args.extend([stand_in.command, "--help"].map(OsString::from));
        } else if self.version {
            args.push("--version".into());
        } else {
            args.extend([stand_in.command].iter().chain(stand_in.ways).map(OsString::from));
            args.extend(self.flags.iter().cloned());
            let allowed = |name: &str| {
                let positive = name.strip_prefix("no").unwrap_or(name);
                self.allowed
                    .iter()
                    .any(|allowed| allowed == name || allowed == positive)
            };
            let unknown: Vec<_> = self.unknown.iter().filter(|(name, _)| !allowed(name)).collect();
            if unknown.is_empty() {
                self.check_required()?;
            }
            // Clap reports the unknown flags.
            args.extend(unknown.into_iter().map(|(_, word)| word.clone()));
        }
        Ok(Line {
            args,
            notes: self.notes,
            stand_in: Some(stand_in),
        })
    }

    /// Fails if required flags are missing.
    fn check_required(&self) -> Result<(), Failure> {
        let is_given = |name: &&str| {
            let flag = format!("--{name}=");
            let flags = self.flags.iter().map(|flag| flag.as_encoded_bytes());
            flags.into_iter().any(|given| given.starts_with(flag.as_bytes()))
        };
        let required = self.stand_in.required.iter();
        let missing: Vec<_> = required
            .filter(|names| !names.iter().any(is_given))
            .filter_map(|names| names.first())
            .map(|name| format!("--{}", name.replace('-', "_")))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(self.error(format!(
            "missing: {}; usage:\n  {}\n(words without dashes are ignored, as in Stone's program; 'quarry {} --help' \
             shows all options)",
            missing.join(", "),
            self.stand_in.usage(),
            self.stand_in.command,
        )))
    }
}

/// Reads a flag file, up to the maximum size.
fn read_limited(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it has more than {MAX_FILE} bytes")));
    }
    Ok(text)
}

/// Whether a name matches a pattern: `*` stands for any characters, `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut read) = (0, 0);
    // The position of the last `*`, and how much of the name was read when it matched nothing.
    let mut star = None;
    while read < name.len() {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at, read));
                at += 1;
            }
            (Some(&byte), _) if byte == b'?' || byte == name[read] => {
                at += 1;
                read += 1;
            }
            (_, Some((place, from))) => {
                star = Some((place, from + 1));
                at = place + 1;
                read = from + 1;
            }
            _ => return false,
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests;

//! The command line: Quarry's own or, under the name of one of Stone's programs, one read by the rules of gflags.

mod gflags;
mod spelling;

use crate::cli::failure::Failure;
use gflags::Reader;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// A program of Stone's that `quarry` replaces when called through a link of that name or with the name as first word.
#[derive(Debug)]
pub struct StandIn {
    /// The name of Stone's program.
    name: &'static str,
    /// The subcommand of `quarry` that does the same.
    command: &'static str,
    /// Flags that make the subcommand behave like Stone's program.
    ways: &'static [&'static str],
    /// Required flags: at least one of each list.
    required: &'static [&'static [&'static str]],
    /// The file flags of Stone's program, for the usage line.
    files: &'static str,
}

/// Stone's programs. Stone's verifier accepts valid proofs with any parameters and of any run.
const STAND_INS: &[StandIn] = &[
    StandIn {
        name: "cpu_air_prover",
        command: "prove",
        ways: &[],
        required: &[
            &["public-input-file"],
            &["private-input-file"],
            &["parameter-file", "profile"],
        ],
        files: "--public_input_file=FILE --private_input_file=FILE --prover_config_file=FILE --parameter_file=FILE \
                --out_file=FILE",
    },
    StandIn {
        name: "cpu_air_verifier",
        command: "verify",
        ways: &["--min-security-bits=0", "--run=any"],
        required: &[&["in-file"]],
        files: "--in_file=FILE",
    },
];

impl StandIn {
    /// Looks up a program by its file name, in any folder.
    fn named(program: &OsStr) -> Option<&'static Self> {
        let name = Path::new(program).file_name()?;
        STAND_INS.iter().find(|known| name == known.name)
    }

    /// The usage line.
    fn usage(&self) -> String {
        format!("{} {} [OPTIONS]", self.name, self.files)
    }
}

/// A command line that clap can parse.
#[derive(Debug)]
pub struct Line {
    /// The arguments, the program's name first.
    pub args: Vec<OsString>,
    /// Notes for the user about how it was read.
    pub notes: Vec<String>,
    stand_in: Option<&'static StandIn>,
}

impl Line {
    /// Adapts the help and usage of the command to the name that the program was called by.
    pub fn command(&self, command: clap::Command) -> clap::Command {
        let Some(stand_in) = self.stand_in else {
            return command;
        };
        command.mut_subcommand(stand_in.command, |command| {
            let without_words = |arg: clap::Arg| if arg.is_positional() { arg.hide(true) } else { arg };
            command.override_usage(stand_in.usage()).mut_args(without_words)
        })
    }
}

/// Reads a whole command line, the program's name first. `command` describes Quarry's own flags.
///
/// # Errors
/// Bad usage of one of Stone's programs. Bad usage of Quarry's own commands is left to clap.
pub fn read(args: impl IntoIterator<Item = OsString>, command: &clap::Command) -> Result<Line, Failure> {
    let mut args = args.into_iter().peekable();
    let program = args.next().unwrap_or_default();
    let by_link = StandIn::named(&program);
    let stand_in = by_link.or_else(|| args.peek().and_then(|word| StandIn::named(word)));
    let Some(stand_in) = stand_in else {
        let mut line = vec![program];
        line.extend(spelling::normalise(args));
        return Ok(Line {
            args: line,
            notes: Vec::new(),
            stand_in,
        });
    };
    let args = args.skip(usize::from(by_link.is_none()));
    Reader::new(stand_in, command, &|name| std::env::var_os(name)).read(program, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> String {
        let args = line.split(' ').map(OsString::from);
        let line = read(args, &clap::Command::new("quarry")).unwrap();
        line.args.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn stones_names_are_known_as_link_and_as_first_word() {
        let table = [
            (
                "cpu_air_verifier -in_file=f",
                "cpu_air_verifier verify --min-security-bits=0 --run=any --in-file=f",
            ),
            (
                "q cpu_air_verifier word -in_file=f",
                "q verify --min-security-bits=0 --run=any --in-file=f",
            ),
            (
                "/usr/bin/cpu_air_prover --version",
                "/usr/bin/cpu_air_prover --version",
            ),
            ("q cpu_air_prover --helpshort", "q prove --help"),
            // Positional words of Quarry's own commands are kept.
            ("q verify cpu_air_verifier", "q verify cpu_air_verifier"),
            (
                "q prove program.json --out_file f",
                "q prove program.json --out-file=f",
            ),
        ];
        for (given, expected) in table {
            assert_eq!(run(given), expected, "{given}");
        }
        assert_eq!(read([], &clap::Command::new("quarry")).unwrap().args, [""]);
    }
}

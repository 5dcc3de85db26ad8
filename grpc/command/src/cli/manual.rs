//! `quarry completions` and `quarry man`: files for shells and for `man`, generated from the command line's definition.

use crate::cli::failure::{Failure, OrFailure};
use crate::cli::terminal;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use std::path::PathBuf;

/// Examples for `completions --help`.
pub const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  quarry completions bash > ~/.local/share/bash-completion/completions/quarry
  quarry completions zsh > ~/.zfunc/_quarry
  quarry completions fish > ~/.config/fish/completions/quarry.fish";

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// Prints a shell's completions of the command.
pub fn completions(args: &Completions, command: &Command) -> Result<(), Failure> {
    // `clap_complete` would offer hidden subcommands too.
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    let mut shown = Command::new("quarry")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(shown.cloned());
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut shown, "quarry", &mut script);
    terminal::print(String::from_utf8_lossy(&script))
}

/// Examples for `man --help`.
pub const MAN_EXAMPLES: &str = "\
Examples:
  quarry man | man -l -
  quarry man --folder ~/.local/share/man/man1
      writes the page of each subcommand too, such as quarry-prove.1";

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Manual {
    /// Write the pages of the command and of its subcommands to this folder, instead of the command's on standard
    /// output
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Prints the manual page, or writes all pages.
pub fn man(args: &Manual, command: Command) -> Result<(), Failure> {
    if let Some(folder) = &args.folder {
        let written = std::fs::create_dir_all(folder);
        let written = written.and_then(|()| clap_mangen::generate_to(command, folder));
        return written
            .map_err(|why| Failure::bad_input(format!("cannot write to '{}': {why}", folder.display())));
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page).or_bad_input()?;
    terminal::print(String::from_utf8_lossy(&page))
}

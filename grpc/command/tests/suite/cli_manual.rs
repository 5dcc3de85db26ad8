//! Completions and manual pages.

use crate::common::Folder;

/// The subcommands that `--help` lists.
fn subcommands(folder: &Folder) -> Vec<String> {
    let help = folder.quarry("--help").exits(0).stdout;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    // The lines of a long description are indented further.
    let names = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let name = line.strip_prefix("  ")?;
        (!name.starts_with(' ')).then(|| name.split(' ').next().unwrap_or_default().to_owned())
    });
    let names: Vec<_> = names.filter(|name| name != "help").collect();
    assert!(names.len() > 20, "{names:?}");
    names
}

#[test]
fn every_shell_completes_every_subcommand() {
    let folder = Folder::new();
    let names = subcommands(&folder);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = folder.quarry(&format!("completions {shell}")).exits(0).stdout;
        // Users do not call the hidden subcommands: the service starts its processes with them.
        assert!(!script.contains("worker"), "{shell}");
        for name in &names {
            assert!(script.contains(name.as_str()), "{shell}: {name}");
        }
    }
    folder.quarry("completions nosh").exits(2).says(&["bash"]);
}

#[test]
fn the_manual_names_every_subcommand() {
    let folder = Folder::new();
    let page = folder.quarry("man").exits(0).stdout;
    folder.quarry("man --folder pages/man1").exits(0);
    for name in subcommands(&folder) {
        // roff writes a hyphen as `\-`.
        let in_page = name.replace('-', "\\-");
        assert!(page.contains(&format!("quarry\\-{in_page}(1)")), "{name}: {page}");
        assert!(
            folder.file(&format!("pages/man1/quarry-{name}.1")).is_file(),
            "{name}"
        );
    }
    folder.write("file", "");
    folder
        .quarry("man --folder file")
        .exits(2)
        .says(&["cannot write to 'file'"]);
}

//! Usage, help, `doctor` and `params`.

use crate::common::{Folder, Ran};

#[test]
fn help_teaches() {
    let folder = Folder::new();
    let help = folder.quarry("--help").exits(0).stdout;
    for text in ["prove", "verify", "check", "inspect", "params", "doctor", "130"] {
        assert!(help.contains(text), "{text}: {help}");
    }
    let commands = help.split_once("Commands:").unwrap().1.lines().skip(1);
    // Continuation lines are indented further.
    let commands = commands.take_while(|line| !line.is_empty());
    let commands = commands.filter(|line| !line.starts_with("   "));
    let commands = commands.filter_map(|line| line.split_whitespace().next());
    let commands: Vec<_> = commands.filter(|command| *command != "help").collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let help = folder.quarry(&format!("{command} --help")).exits(0).stdout;
        assert!(
            help.contains("Examples:") && help.contains("quarry "),
            "{command}: {help}"
        );
    }
}

#[test]
fn bad_usage_exits_with_2() {
    let folder = Folder::new();
    let lines = [
        "",
        "prowe",
        "prove",
        "prove p.json --no-such-flag",
        "prove --public_input_file a",
        "prove p.json --public_input_file a --private_input_file b",
        "prove p.json --security-bits 80 --parameter_file f",
        "prove p.json --explain --layout small",
        "layouts --steps 16",
        "layouts small --steps 100",
        "prove p.json --generate_annotations=perhaps",
        "verify",
        "verify --in_file a b",
    ];
    for line in lines {
        folder.quarry(line).exits(2);
    }
    folder
        .quarry("prove p.json --profile none")
        .exits(2)
        .says(&["none", "integrity-stone6-keccak160"]);
    folder.quarry("prove p.json --n_threads 0").exits(2);
    folder
        .quarry("prove no/such.json")
        .exits(2)
        .says(&["no/such.json"]);
    folder
        .quarry("verify no/such.json")
        .exits(2)
        .says(&["no/such.json"]);
    folder
        .quarry("inspect no/such.json")
        .exits(2)
        .says(&["no/such.json"]);
    assert_eq!(folder.names(), [""; 0]);
}

/// A file of the wrong kind: the message says what the file is and how to use it.
#[test]
fn files_of_other_kinds_are_named() {
    let folder = Folder::new();
    let mut pie = b"PK\x03\x04".to_vec();
    pie.resize(30, 0);
    pie.extend_from_slice(b"version.json{}");
    folder.write("pie.zip", pie);
    for (name, text) in [
        (
            "sierra.json",
            r#"{"version": 1, "type_declarations": [], "libfunc_declarations": [], "funcs": []}"#,
        ),
        (
            "executable.json",
            r#"{"program": {"bytecode": [], "hints": []}, "entrypoints": []}"#,
        ),
        (
            "class.json",
            r#"{"sierra_program": [], "entry_points_by_type": {}}"#,
        ),
        (
            "casm.json",
            r#"{"prime": "0x1", "bytecode": [], "entry_points_by_type": {}}"#,
        ),
        ("program.json", r#"{"builtins": [], "data": [], "prime": "0x1"}"#),
        (
            "proof.json",
            r#"{"proof_hex": "0x", "proof_parameters": {}, "public_input": {}}"#,
        ),
        (
            "public.json",
            r#"{"layout": "small", "memory_segments": {}, "public_memory": []}"#,
        ),
        ("private.json", r#"{"trace_path": "t", "memory_path": "m"}"#),
        ("params.json", r#"{"field": "PrimeField0", "stark": {}}"#),
        ("tasks.json", r#"{"tasks": []}"#),
    ] {
        folder.write(name, text);
    }
    for (line, is, not, way) in [
        (
            "prove pie.zip",
            "a Cairo PIE",
            "a compiled Cairo 0 program",
            "bootloader",
        ),
        (
            "prove sierra.json",
            "a Sierra program",
            "a compiled Cairo 0 program",
            "scarb build",
        ),
        (
            "prove executable.json --layout small",
            "a Scarb executable",
            "a compiled Cairo 0 program",
            "quarry prove --executable",
        ),
        (
            "check casm.json",
            "a contract class (CASM)",
            "a compiled Cairo 0 program",
            "Starknet",
        ),
        (
            "prove class.json --explain",
            "a contract class (Sierra)",
            "a compiled Cairo 0 program",
            "Starknet",
        ),
        (
            "prove proof.json",
            "a Stone proof file",
            "a compiled Cairo 0 program",
            "quarry verify",
        ),
        (
            "check public.json",
            "Stone's public input",
            "a compiled Cairo 0 program",
            "--public_input_file",
        ),
        (
            "verify program.json",
            "a compiled Cairo 0 program",
            "a Stone proof file",
            "quarry prove",
        ),
        (
            "verify proof.json --expect-program executable.json",
            "a Scarb executable",
            "a compiled Cairo 0 program",
            "quarry prove --executable",
        ),
        (
            "verify --in_file pie.zip",
            "a Cairo PIE",
            "a Stone proof file",
            "bootloader",
        ),
        (
            "inspect params.json",
            "Stone's parameter file",
            "a Stone proof file",
            "--parameter_file",
        ),
        (
            "prove --pie proof.json",
            "a Stone proof file",
            "a Cairo PIE",
            "quarry verify",
        ),
        (
            "prove --public_input_file private.json --private_input_file public.json",
            "Stone's private input",
            "Stone's public input",
            "--private_input_file",
        ),
        (
            "prove program.json --parameter_file proof.json",
            "a Stone proof file",
            "Stone's parameter file",
            "quarry verify",
        ),
        (
            "prove program.json --profile stone --dynamic-params params.json",
            "Stone's parameter file",
            "the parameters of layout dynamic",
            "--parameter_file",
        ),
        (
            "prove tasks.json",
            "a list of tasks",
            "a compiled Cairo 0 program",
            "quarry prove --tasks",
        ),
        (
            "prove --tasks pie.zip",
            "a Cairo PIE",
            "a list of tasks",
            "quarry prove --pie",
        ),
        (
            "submit --tasks program.json",
            "a compiled Cairo 0 program",
            "a list of tasks",
            "quarry prove PROGRAM",
        ),
        (
            "wrap program.json",
            "a compiled Cairo 0 program",
            "a Stone proof file",
            "quarry prove PROGRAM",
        ),
        (
            "calldata pie.zip --out calls",
            "a Cairo PIE",
            "a Stone proof file",
            "quarry prove --pie",
        ),
        (
            "submit pie.zip",
            "a Cairo PIE",
            "a compiled Cairo 0 program",
            "bootloader",
        ),
        (
            "estimate proof.json",
            "a Stone proof file",
            "a compiled Cairo 0 program",
            "quarry verify",
        ),
    ] {
        let said = format!("this is {is}, not {not}; ");
        folder.quarry(line).exits(2).says(&["error: '", &said, way]);
    }
}

#[test]
fn stones_programs_answer_as_gflags_does() {
    let folder = Folder::new();
    folder
        .quarry("cpu_air_prover program.json --public_input_file=a")
        .exits(2)
        .says(&[
            "missing: --private_input_file, --parameter_file",
            "cpu_air_prover --public_input_file=FILE",
            "--prover_config_file=FILE",
            "--out_file=FILE",
        ]);
    folder
        .quarry("cpu_air_verifier proof.json")
        .exits(2)
        .says(&["missing: --in_file"]);
    for line in ["cpu_air_prover --helpshort", "cpu_air_prover --help --odd"] {
        let help = folder.quarry(line).exits(0).stdout;
        assert!(
            help.contains("Usage: cpu_air_prover --public_input_file=FILE"),
            "{help}"
        );
        assert!(!help.contains("[PROGRAM]"), "{help}");
    }
    let version = folder.quarry("cpu_air_verifier --version").exits(0).stdout;
    assert_eq!(version, format!("quarry {}\n", env!("CARGO_PKG_VERSION")));
    folder
        .quarry("cpu_air_verifier --flagfile=no/such")
        .exits(2)
        .says(&["no/such"]);
    folder
        .quarry("cpu_air_verifier --in_file=p --odd")
        .exits(2)
        .says(&["--odd"]);
    // Quarry's own commands do not know this flag.
    folder
        .quarry("verify --undefok=odd --odd p")
        .exits(2)
        .says(&["--undefok"]);
}

#[test]
fn failures_are_json_when_json_is_asked_for() {
    let failed = Folder::new().quarry("verify no/such.json --json").exits(2).json();
    assert_eq!(failed["error"]["kind"], "bad input");
    assert!(
        failed["error"]["message"]
            .as_str()
            .unwrap()
            .contains("no/such.json")
    );
}

#[test]
fn doctor_reports_for_people_and_programs() {
    let folder = Folder::new();
    let report = folder.quarry("doctor --json").exits(0).json();
    assert!(report["cpu"]["threads"].as_u64().unwrap() >= 1);
    assert!(report["rates"]["field_multiplications"].as_f64().unwrap() > 1e5);
    assert!(report["rates"]["ntt_elements"].as_f64().unwrap() > 1e4);
    assert!(report["warnings"].is_array());
    let table = folder.quarry("doctor").exits(0).stdout;
    assert!(table.contains("field multiplications, one core"), "{table}");
}

#[test]
fn parameters_are_written_and_read_again() {
    let folder = Folder::new();
    folder
        .quarry("params --steps 8192 --out p.json")
        .exits(0)
        .says(&["96"]);
    let written = std::fs::read_to_string(folder.file("p.json")).unwrap();
    let printed = folder.quarry("params --steps 8192").exits(0).stdout;
    assert_eq!(written, printed);
    let value: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(value["channel_hash"], "poseidon3");
    assert_eq!(
        value["stark"]["fri"]["fri_step_list"],
        serde_json::json!([0, 4, 4, 3])
    );
    folder
        .quarry("params --steps 8191")
        .exits(2)
        .says(&["8191", "power of two"]);
    folder
        .quarry("params --steps 8192 --security-bits 100000")
        .exits(2)
        .says(&["at most"]);
    let list = folder.quarry("params --list").exits(0).stdout;
    for name in [
        "integrity-stone6-keccak160",
        "integrity-stone6-blake248",
        "stone",
        "dev",
    ] {
        assert!(list.contains(name), "{list}");
    }
}

#[test]
fn layouts_are_shown() {
    let folder = Folder::new();
    let table = folder.quarry("layouts").exits(0).stdout;
    let row = |name: &str| {
        let mut lines = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines.find(|row| row[0] == name).expect("a row")
    };
    assert_eq!(row("plain"), ["plain", "6", "+", "2", "47", "49", "3", "1"]);
    assert_eq!(row("small"), ["small", "23", "+", "2", "179", "201", "3", "512"]);
    let rows = folder.quarry("layouts --json").exits(0).json();
    assert_eq!(rows.as_array().unwrap().len() + 1, table.lines().count());

    let small = folder.quarry("layouts small --steps 1024 --json").exits(0).json();
    assert_eq!(small["n_constraints"], 179);
    assert_eq!(small["builtins"][0]["name"], "pedersen");
    assert_eq!(small["builtins"][0]["held"], 128);
    let text = folder.quarry("layouts small --steps 1024").exits(0).stdout;
    for part in [
        "1 in 8 steps",
        "1024 steps hold",
        "integrity-stone6-keccak160",
        "ecdsa",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let dynamic = folder.quarry("layouts dynamic --json").exits(0).json();
    assert_eq!(
        dynamic["builtins"].as_array().map(Vec::len),
        Some(10),
        "{dynamic}"
    );
    folder.quarry("layouts large").exits(2).says(&["large", "small"]);
}

/// Flags override the environment, the environment the file, and the file the defaults.
#[test]
fn the_configuration_of_the_service() {
    let folder = Folder::new();
    folder.write(
        "file.toml",
        "data = 'from-file'\nhttp = '127.0.0.1:1'\ndevices = ['cuda:7']\ndrain_seconds = 5\n",
    );
    let printed = |line: &str, environment: &[(&str, &str)]| {
        let mut command = folder.command(line);
        command.envs(environment.iter().copied());
        Ran::from(command.output().expect("the program starts"))
            .exits(0)
            .stdout
    };
    let environment = [
        ("QUARRY_DEVICES", "cpu,wgpu:1"),
        ("QUARRY_DATA", "from-environment"),
    ];
    let line = "serve --config file.toml --data from-flags --print-config";
    let text = printed(line, &environment);
    for value in [
        "data = \"from-flags\"",
        "devices = [\"cpu\", \"wgpu:1\"]",
        "http = \"127.0.0.1:1\"",
        "listen = \"127.0.0.1:7474\"",
        "drain_seconds = 5",
    ] {
        assert!(
            text.lines().any(|line| line == value),
            "{value} is not in:\n{text}"
        );
    }
    // The printed text is itself a configuration file.
    folder.write("printed.toml", &text);
    assert_eq!(printed("serve --config printed.toml --print-config", &[]), text);
    assert!(
        folder.names().iter().all(|name| name.ends_with(".toml")),
        "nothing was served"
    );

    folder.write("typo.toml", "lisen = '127.0.0.1:1'\n");
    folder
        .quarry("serve --config typo.toml --print-config")
        .exits(2)
        .says(&["typo.toml", "lisen"]);
}

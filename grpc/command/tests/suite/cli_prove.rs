//! `prove` and `check` as processes: the same bytes as Stone under every name, and the handling of failures.

use crate::common::{Folder, Ran, assert_stones_proof};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

const INPUTS: &str = "--public_input_file=public_input.json --private_input_file=private_input.json";
const PLAIN: &str = "plain/fib_2p9";

#[test]
fn stones_inputs_give_stones_proof() {
    let folder = Folder::with_case(PLAIN);
    let spellings = [
        "prove -public_input_file public_input.json --private-input-file=private_input.json \
         -prover_config_file=prover_config.json --parameter_file params_blake.json -out_file=proof.json \
         -n_threads 2 --logtostderr --v=1 --nogenerate_annotations",
        "cpu_air_prover --public_input_file=public_input.json --private_input_file=private_input.json \
         --prover_config_file=prover_config.json --parameter_file=params_blake.json --out_file=proof.json",
    ];
    for line in spellings {
        folder
            .quarry(line)
            .exits(0)
            .says(&["steps", "512", "security", "peak memory"]);
        let proof = folder.json("proof.json");
        assert_stones_proof(&proof, PLAIN, "blake");
        assert_eq!(proof["prover_config"], folder.json("prover_config.json"));
        assert_eq!(proof["public_input"], folder.json("public_input.json"));
        assert_eq!(proof["private_input"], folder.json("private_input.json"));
        assert_eq!(proof["proof_parameters"], folder.json("params_blake.json"));
        assert!(proof.get("annotations").is_none());
        fs::remove_file(folder.file("proof.json")).unwrap();
    }
}

/// Stone's input files may have comments, and text after the JSON value.
#[test]
fn comments_in_stones_inputs_are_taken() {
    let folder = Folder::with_case(PLAIN);
    for name in ["public_input", "private_input", "prover_config", "params_blake"] {
        let file = folder.file(&format!("{name}.json"));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("// by hand\n/* {{ */ {text} // the end }}")).unwrap();
    }
    folder
        .quarry(&format!(
            "prove {INPUTS} --prover_config_file=prover_config.json --parameter_file=params_blake.json --out_file=p.json"
        ))
        .exits(0);
    assert_stones_proof(&folder.json("p.json"), PLAIN, "blake");
}

#[test]
#[cfg(unix)]
fn a_link_stands_in_for_stones_programs() {
    let folder = Folder::with_case(PLAIN);
    for name in ["cpu_air_prover", "cpu_air_verifier"] {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_quarry"), folder.file(name)).unwrap();
    }
    let line =
        format!("{INPUTS} --parameter_file=params_blake.json --out_file=p.json --generate_annotations");
    folder.run(&folder.file("cpu_air_prover"), &line).exits(0);
    assert_stones_proof(&folder.json("p.json"), PLAIN, "blake");
    assert!(folder.json("p.json")["annotations"].is_array());
    let line = "-in_file p.json -annotation_file a.txt --extra_output_file=e.txt --min-security-bits=0";
    folder.run(&folder.file("cpu_air_verifier"), line).exits(0);
    assert!(fs::read_to_string(folder.file("a.txt")).unwrap().contains("P->V"));
    assert!(folder.file("e.txt").exists());
}

/// Positional words, flag files and environment variables, as scripts for Stone's programs use them.
#[test]
fn stones_programs_take_flags_from_everywhere() {
    let folder = Folder::with_case(PLAIN);
    folder.write(
        "prover.flags",
        "# the usual inputs\n--public_input_file=public_input.json\n--private_input_file=private_input.json\n\
         --prover_config_file=prover_config.json\n\ncpu_air_verifier\n--parameter_file=params_odd.json\n",
    );
    let line = "cpu_air_prover program.json --flagfile prover.flags --fromenv=parameter_file,out_file --odd \
                --undefok=odd --generate_annotations true";
    let mut command = folder.command(line);
    command
        .env("FLAGS_parameter_file", "params_blake.json")
        .env("FLAGS_out_file", "p.json");
    Ran::from(command.output().unwrap()).exits(0);
    assert_stones_proof(&folder.json("p.json"), PLAIN, "blake");
    assert!(folder.json("p.json")["annotations"].is_array());
    folder
        .quarry("cpu_air_verifier word --in_file=p.json -- --odd")
        .exits(0);
}

#[test]
fn memory_is_planned_before_the_work() {
    let folder = Folder::with_case(PLAIN);
    let line = format!("prove {INPUTS} --parameter_file=params_blake.json --out p.json");
    let plan = |memory: &str| {
        folder
            .quarry(&format!("{line} --plan --json {memory}"))
            .exits(0)
            .json()
    };
    let (lean, full) = (plan(""), plan("--memory 1GiB"));
    assert_eq!(
        (&lean["n_kept_cosets"], &full["n_kept_cosets"]),
        (&0.into(), &2.into())
    );
    let peak = |plan: &serde_json::Value| plan["peak_bytes"].as_u64().unwrap();
    assert!(peak(&lean) < peak(&full));
    assert!(!folder.file("p.json").exists(), "a plan proves nothing");
    folder
        .quarry(&format!(
            "{line} --plan --out nowhere/p.json --write-inputs inputs"
        ))
        .exits(0);
    assert!(!folder.file("inputs").exists(), "a plan writes nothing");

    // Too little for any plan: rejected, with the memory that is needed.
    let needed = peak(&lean).to_string();
    folder
        .quarry(&format!("{line} --memory {}B", peak(&lean) - 1))
        .exits(2)
        .says(&["needs", &needed, "more memory"]);
    folder
        .quarry(&format!("{line} --memory {needed}B --json"))
        .exits(0);
    assert_stones_proof(&folder.json("p.json"), PLAIN, "blake");
}

/// The list gives the `--device` name of every device; a missing device is rejected with what was found.
#[test]
fn devices_are_listed() {
    let folder = Folder::with_case(PLAIN);
    let listed = folder.quarry("devices --json").exits(0).json();
    assert!(listed["cpu"].as_str().unwrap().starts_with("CPU"));
    let devices = listed["devices"].as_array().unwrap();
    let text = folder.quarry("devices").exits(0);
    for device in devices {
        let [name, ask] = ["name", "device"].map(|key| device[key].as_str().unwrap());
        assert!(
            text.stdout.contains(name) && text.stdout.contains(ask),
            "{}",
            text.stdout
        );
        let is_software = device["is_software"].as_bool().unwrap();
        assert_eq!(is_software, ask.starts_with("wgpu-software:"), "{ask}");
        if is_software {
            let unasked = ask.replace("-software", "");
            let line = format!("prove {INPUTS} --parameter_file=params_blake.json --device {unasked} --plan");
            folder.quarry(&line).exits(2).says(&["software", ask]);
        }
    }
    let n_cuda = devices
        .iter()
        .filter(|device| device["device"].as_str().unwrap().starts_with("cuda"));
    assert!(n_cuda.count() > 0 || listed["no_cuda"].is_string());
    for missing in ["cuda:99", "wgpu:99"] {
        let line = format!("prove {INPUTS} --parameter_file=params_blake.json --device {missing} --plan");
        folder.quarry(&line).exits(2).says(&["no d"]);
    }
}

#[test]
fn the_device_is_named() {
    let folder = Folder::with_case(PLAIN);
    let line = format!("prove {INPUTS} --parameter_file=params_blake.json --out p.json --json");
    let on_cpu = folder.quarry(&format!("{line} --device cpu")).exits(0);
    assert!(on_cpu.json()["device"].as_str().unwrap().starts_with("CPU"));
    assert!(on_cpu.stderr.contains("note: device: CPU"), "{}", on_cpu.stderr);
    assert!(!on_cpu.stderr.contains("CUDA"), "{}", on_cpu.stderr);
    folder
        .quarry(&format!("{line} --device abacus"))
        .exits(2)
        .says(&["abacus", "auto, cpu, cuda"]);
    // No machine has this many GPUs: the message gives their number or says that there is no driver.
    folder
        .quarry(&format!("{line} --device cuda:999"))
        .exits(2)
        .says(&["CUDA"]);
    // `auto` names the device that it takes, and says why if that is not a GPU.
    let on_any = folder.quarry(&line).exits(0);
    let is_cpu = on_any.json()["device"].as_str().unwrap().starts_with("CPU");
    assert!(!is_cpu || on_any.stderr.contains("(CUDA: "), "{}", on_any.stderr);
}

#[test]
fn a_program_alone_is_enough() {
    let folder = Folder::with_case(PLAIN);
    let line = "prove program.json --input program_input.json --profile dev --layout plain --out p.json --json \
                --write-parameters params.json --write-inputs inputs --progress json";
    let ran = folder.quarry(line).exits(0);
    let summary = ran.json();
    assert_eq!(summary["layout"], "plain");
    assert_eq!(summary["n_steps"], 512);
    assert_eq!(summary["profile"], "dev");
    assert_eq!(summary["verified"], true);
    assert!(summary["security_bits"].as_u64().unwrap() >= 96);
    assert!(summary["peak_resident_bytes"].as_u64().unwrap() > 1 << 20);
    assert!(summary["phases"].as_array().unwrap().len() > 8);
    assert!(
        summary["device_memory"]
            .as_array()
            .unwrap()
            .iter()
            .any(|phase| phase["peak_bytes"] != 0)
    );
    let lines = ran.stderr.lines().map(serde_json::from_str::<serde_json::Value>);
    // The other lines are notes about the device.
    let fractions: Vec<f64> = lines
        .filter_map(|line| line.expect("JSON")["fraction"].as_f64())
        .collect();
    assert!(fractions.len() > 8 && fractions.is_sorted(), "{fractions:?}");

    // Proving again from the written files gives the same proof.
    let again = "prove --public_input_file inputs/public_input.json --private_input_file \
                 inputs/private_input.json --parameter_file params.json --out again.json";
    folder.quarry(again).exits(0);
    assert_eq!(
        folder.json("again.json")["proof_hex"],
        folder.json("p.json")["proof_hex"]
    );
    assert_eq!(
        folder.json("again.json")["public_input"],
        folder.json("p.json")["public_input"]
    );
    folder.quarry("verify p.json").exits(0);

    let line = "prove program.json --input program_input.json --profile dev --min-steps 600 --json";
    assert_eq!(folder.quarry(line).exits(0).json()["n_steps"], 1024);
}

#[test]
fn a_program_gives_stones_proof() {
    let folder = Folder::with_case(PLAIN);
    let line = "prove program.json --input program_input.json --parameter_file params_blake.json -o p.json";
    folder.quarry(line).exits(0);
    assert_stones_proof(&folder.json("p.json"), PLAIN, "blake");
}

#[test]
fn the_layout_is_one_that_the_profiles_verifier_knows() {
    let folder = Folder::with_case(PLAIN);
    let line = "prove program.json --input program_input.json --layout plain";
    folder
        .quarry(line)
        .exits(2)
        .says(&["integrity-stone6-keccak160", "plain", "stone, dev"]);
    folder
        .quarry(&format!("prove {INPUTS}"))
        .exits(2)
        .says(&["plain", "stone, dev"]);
    folder
        .quarry(&format!("prove {INPUTS} --profile dev --layout small"))
        .exits(2)
        .says(&["plain"]);
    // Rejected before the program runs: without its input, the run itself would fail.
    folder
        .quarry("prove program.json --layout plain --profile l1-sharp")
        .exits(2)
        .says(&["profile 'l1-sharp'", "layout 'plain'"]);
    folder
        .quarry("prove program.json --layout all_cairo")
        .exits(2)
        .says(&["all_cairo", "Stone v3 itself cannot prove it", "dynamic"]);
    folder
        .quarry("prove program.json --layout large")
        .exits(2)
        .says(&["large", "small"]);
    assert!(!folder.file("proof.json").exists());
}

#[test]
fn programs_that_fail_are_told_apart_from_us() {
    let folder = Folder::with_case(PLAIN);
    let line = "prove program.json --input program_input.json --profile dev";
    folder
        .quarry(&format!("{line} --step-limit 100"))
        .exits(2)
        .says(&["100"]);
    folder.quarry("prove program.json --profile dev").exits(2);
    folder.write("bad.json", "{\"prime\": ");
    folder.quarry("prove bad.json").exits(2).says(&["bad.json"]);
    folder
        .quarry("prove program.json --input bad.json")
        .exits(2)
        .says(&["bad.json"]);
}

#[test]
fn parameters_that_do_not_fit_are_refused_with_the_equation() {
    let folder = Folder::with_case(PLAIN);
    let mut params = folder.json("params_blake.json");
    params["stark"]["fri"]["last_layer_degree_bound"] = 32.into();
    folder.write("odd.json", params.to_string());
    let line = format!("prove {INPUTS} --parameter_file odd.json");
    folder
        .quarry(&line)
        .exits(2)
        .says(&["log2(last_layer_degree_bound)", "log2(n_steps) + 4"]);
    folder.write("odd.json", "{}");
    folder.quarry(&line).exits(2).says(&["odd.json"]);
    folder
        .quarry(&format!("prove {INPUTS} --parameter_file none.json"))
        .exits(2)
        .says(&["none.json"]);
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_the_work() {
    let folder = Folder::with_case(PLAIN);
    let begin = Instant::now();
    let line = format!("prove {INPUTS} --profile dev --out");
    folder
        .quarry(&format!("{line} no/such/folder/p.json"))
        .exits(2)
        .says(&["no/such/folder/p.json"]);
    folder.quarry(&format!("{line} .")).exits(2);
    let before = folder.names();
    folder
        .quarry(&format!("{line} p.json --write-parameters no/p.json"))
        .exits(2)
        .says(&["no/p.json"]);
    assert_eq!(folder.names(), before);
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "the work was done first"
    );
}

#[test]
fn broken_inputs_are_bad_input() {
    let folder = Folder::with_case(PLAIN);
    let files = [
        "public_input.json",
        "private_input.json",
        "trace.bin",
        "memory.bin",
    ];
    for file in files {
        let whole = fs::read(folder.file(file)).unwrap();
        for part in [0, 1, whole.len() / 2 - 1, whole.len() - 5] {
            folder.write(file, &whole[..part]);
            folder.quarry(&format!("prove {INPUTS} --profile dev")).exits(2);
            folder.quarry(&format!("check {INPUTS}")).exits(2);
        }
        fs::remove_file(folder.file(file)).unwrap();
        folder
            .quarry(&format!("prove {INPUTS} --profile dev"))
            .exits(2)
            .says(&[file]);
        folder.write(file, whole);
    }
    let (trace, memory) = (
        fs::read(folder.file("trace.bin")).unwrap(),
        fs::read(folder.file("memory.bin")).unwrap(),
    );
    folder.write("trace.bin", memory);
    folder.write("memory.bin", trace);
    folder.quarry(&format!("prove {INPUTS} --profile dev")).exits(2);
    assert!(!folder.file("proof.json").exists());
}

#[test]
fn check_names_the_constraint_that_fails() {
    let folder = Folder::with_case(PLAIN);
    folder
        .quarry(&format!("check {INPUTS}"))
        .exits(0)
        .says(&["47 constraints hold"]);
    let report = folder.quarry(&format!("check {INPUTS} --json")).exits(0).json();
    assert_eq!(report["n_rows"], 8192);
    // The allocation pointer before step 100 is one too large.
    let mut trace = fs::read(folder.file("trace.bin")).unwrap();
    trace[100 * 24] += 1;
    folder.write("trace.bin", trace);
    let ran = folder.quarry(&format!("check {INPUTS} --json")).exits(3);
    let details = &ran.json()["error"]["details"];
    assert_eq!(details["name"], "cpu/update_registers/update_ap/ap_update");
    assert_eq!(details["row"], 16 * 99);
    assert!(!details["cells"].as_array().unwrap().is_empty(), "{ran:?}");
    ran.says(&[
        "cpu/update_registers/update_ap/ap_update",
        "row 1584",
        "cpu/registers/ap[100]",
    ]);
    // `prove` rejects these inputs before any work.
    folder
        .quarry(&format!("prove {INPUTS} --profile dev"))
        .exits(2)
        .says(&["step 99"]);
}

#[test]
#[cfg(unix)]
fn an_interrupt_stops_soon_and_leaves_nothing() {
    let folder = Folder::with_case(PLAIN);
    // 60 bits of proof of work would take years.
    let mut params = folder.json("params_blake.json");
    params["stark"]["fri"]["proof_of_work_bits"] = 60.into();
    folder.write("params.json", params.to_string());
    for phase in ["trace", "composition", "proof of work"] {
        let before = folder.names();
        let line = format!("prove {INPUTS} --parameter_file params.json --out p.json --progress json");
        let mut child = folder.command(&line).spawn().expect("the command starts");
        let mut progress = BufReader::new(child.stderr.take().expect("standard error")).lines();
        let is_there = |line: std::io::Result<String>| line.unwrap().contains(&format!("\"{phase}\""));
        assert!(progress.any(is_there), "{phase}");
        let asked = Instant::now();
        let interrupt = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(interrupt.expect("kill").success());
        assert_eq!(
            ends_within(&mut child, Duration::from_secs(1)),
            Some(130),
            "{phase}"
        );
        assert!(asked.elapsed() < Duration::from_secs(1));
        assert_eq!(folder.names(), before);
    }
}

/// The exit code of a child that ends within the limit; otherwise the child is killed.
#[cfg(unix)]
fn ends_within(child: &mut Child, limit: Duration) -> Option<i32> {
    let begin = Instant::now();
    while begin.elapsed() < limit {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("a child");
    child.wait().expect("a child").code()
}

#[test]
fn the_choice_of_a_layout_is_explained() {
    let folder = Folder::with_case(PLAIN);
    let line = "prove program.json --input program_input.json --explain";
    let text = folder.quarry(&format!("{line} --profile stone")).exits(0).stdout;
    assert!(text.ends_with("the cheapest usable layout is plain\n"), "{text}");
    let report = folder.quarry(&format!("{line} --json")).exits(0).json();
    let candidates = report["candidates"].as_array().unwrap();
    assert_eq!(report["layout"], candidates[0]["layout"]);
    assert!(candidates[0]["multiplications"].as_f64().unwrap() > 0.0);
    let plain = candidates.iter().find(|c| c["layout"] == "plain").unwrap();
    let why = plain["refused"].as_str().unwrap();
    assert!(why.contains("integrity-stone6-keccak160"), "{why}");
    assert!(!folder.file("proof.json").exists());
}

#[test]
fn a_profile_holds_a_parameter_file_to_its_limits() {
    let folder = Folder::with_case(PLAIN);
    let line = format!("prove {INPUTS} --parameter_file params_base.json --profile");
    folder.quarry(&format!("{line} l1-sharp")).exits(2).says(&[
        "SHARP",
        "proof_of_work_bits",
        "stone_version is stone6",
    ]);
    folder.quarry(&format!("{line} stone")).exits(0);
}

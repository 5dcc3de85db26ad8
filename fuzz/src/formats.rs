//! What the fuzzer does with each format: it parses the input, and parses again what is written from the result.

use crate::argv::normalise;
use crate::targets::{Run, file};
use quarry_kernels::CpuDevice;
use quarry_prover_core::cairo::input::{ProverInput, TraceEntry};
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::memory::Memory;
use quarry_prover_core::cairo::private_input::PrivateInput;
use quarry_prover_core::cairo::public_input::PublicInput;
use quarry_prover_core::cairo::runner::{self, Executable, RunOptions};
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::inspect::{inspect, inspect_pie};
use quarry_prover_core::json;
use quarry_prover_core::parameters::Parameters;
use quarry_prover_core::proof::{ProofFile, Version, WrittenProofFile};
use quarry_prover_core::prover;
use quarry_prover_core::statement::Statement;
use quarry_prover_core::verifier::{Recording, Verifier};
use quarry_service::fuzzing;
use quarry_tasks::bootloader::Tasks;
use quarry_tasks::executable::{self, Felt252};
use quarry_tasks::pie::{self, PieLimits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

type Prepared = Result<Run, Box<dyn Error>>;
type Seeds = Result<Vec<Vec<u8>>, Box<dyn Error>>;

/// The case that provides the other files beside the fuzzed one.
const CASE: &str = "tests/data/plain/fib_2p9";
/// Run options with a step limit.
const SHORT: RunOptions = RunOptions {
    max_steps: 1 << 12,
    min_steps: 0,
    prints: false,
};

fn text_of(path: &str) -> Result<String, Box<dyn Error>> {
    Ok(String::from_utf8(file(path)?)?)
}

/// Checks that a value written as JSON is the same when the function reads it back.
fn again<T: PartialEq + std::fmt::Debug, E>(
    value: &T,
    written: &Value,
    read: impl Fn(&Value) -> Result<T, E>,
) {
    let text = written.to_string();
    let parsed: Value = serde_json::from_str(&text).expect("what was written");
    assert_eq!(read(&parsed).ok().as_ref(), Some(value));
}

pub fn public_input() -> Prepared {
    let parameters = Parameters::parse(&text_of(&format!("{CASE}/params_blake.json"))?)?;
    Ok(Box::new(move |bytes| {
        let Some(public) = str::from_utf8(bytes)
            .ok()
            .and_then(|text| PublicInput::parse(text).ok())
        else {
            return;
        };
        again(&public, &public.to_json(), PublicInput::from_json);
        let _ = Layout::of(&public);
        if let Ok(verifier) = Statement::new(&public, &parameters).and_then(Verifier::new) {
            let _ = verifier.claim();
        }
    }))
}

pub fn private_input(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    if let Ok(private) = PrivateInput::from_json(&value) {
        again(
            &private,
            &private.to_json("trace", "memory"),
            PrivateInput::from_json,
        );
    }
}

pub fn trace(bytes: &[u8]) {
    if let Ok(entries) = TraceEntry::all_from_bytes(bytes) {
        let written: Vec<u8> = entries.iter().flat_map(TraceEntry::to_bytes).collect();
        assert_eq!(written, bytes);
    }
}

pub fn memory(bytes: &[u8]) {
    if let Ok(memory) = Memory::from_bytes(bytes) {
        let again = Memory::from_bytes(&memory.to_bytes()).expect("what was written");
        assert_eq!(again, memory);
        let last = memory.cells().last();
        assert_eq!(
            last.and_then(|(address, _)| memory.get(address)),
            last.map(|(_, value)| value)
        );
    }
}

/// Patches a file. Each patch is an offset of 3 bytes, a length, and that many bytes.
fn patch(file: &mut [u8], patches: &[u8]) {
    let mut rest = patches;
    while let [a, b, c, length, more @ ..] = rest {
        let length = usize::from(*length % 64).min(more.len());
        let (patch, left) = more.split_at(length);
        if !file.is_empty() {
            let offset = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
            let offset = offset % file.len();
            let length = length.min(file.len() - offset);
            file[offset..offset + length].copy_from_slice(&patch[..length]);
        }
        rest = left;
    }
}

pub fn patches() -> Seeds {
    Ok(vec![
        Vec::new(),
        vec![0, 0, 0, 1, 0xff],
        [[7, 1, 0, 8], [0; 4], [0; 4], [9, 0, 0, 1]].concat(),
    ])
}

/// A patched trace and memory, which no machine has produced: filling the columns of a proof must not panic on them.
pub fn execution() -> Prepared {
    let public = PublicInput::parse(&text_of(&format!("{CASE}/public_input.json"))?)?;
    let private = serde_json::from_slice(&file(&format!("{CASE}/private_input.json"))?)?;
    let private = PrivateInput::from_json(&private)?;
    let (trace, memory) = (
        file(&format!("{CASE}/trace.bin"))?,
        file(&format!("{CASE}/memory.bin"))?,
    );
    let device = CpuDevice::new(Some(1))?;
    let n_bytes = trace.len();
    Ok(Box::new(move |bytes| {
        let mut both = [&trace[..], &memory[..]].concat();
        patch(&mut both, bytes);
        let (trace, memory) = both.split_at(n_bytes);
        let (Ok(trace), Ok(memory)) = (TraceEntry::all_from_bytes(trace), Memory::from_bytes(memory)) else {
            return;
        };
        let input = ProverInput {
            public: public.clone(),
            private: private.clone(),
            trace,
            memory,
        };
        let _ = prover::check(&device, &input);
    }))
}

pub fn parameters(bytes: &[u8]) {
    let Some(parameters) = str::from_utf8(bytes)
        .ok()
        .and_then(|text| Parameters::parse(text).ok())
    else {
        return;
    };
    again(&parameters, &parameters.to_json(), Parameters::from_json);
    for log_steps in [0, 9, 40, 63] {
        let _ = parameters.fits(1 << log_steps);
    }
}

pub fn prover_config(bytes: &[u8]) {
    let value = str::from_utf8(bytes).ok().and_then(|text| json::value(text).ok());
    if let Some(value) = value {
        again(&value, &value, |value| Ok::<_, ()>(value.clone()));
    }
}

pub fn proof_file(bytes: &[u8]) {
    let Some(parsed) = str::from_utf8(bytes)
        .ok()
        .and_then(|text| ProofFile::parse(text).ok())
    else {
        return;
    };
    let written = WrittenProofFile {
        annotations: None,
        private_input: Value::Null,
        proof: parsed.proof.clone(),
        proof_parameters: parsed.parameters.to_json(),
        prover_config: Value::Null,
        public_input: parsed.statement.to_json(),
        version: Version::default(),
    };
    let again = ProofFile::parse(&written.to_text()).expect("what was written");
    let n_annotations = 0;
    assert_eq!(
        again,
        ProofFile {
            n_annotations,
            ..parsed
        }
    );
    let _ = inspect(&again);
}

/// A whole proof file, which is large, and a small one with a truncated proof.
pub fn proof_files() -> Seeds {
    let whole = text_of(&format!("{CASE}/proof_blake.json"))?;
    let mut small: Value = serde_json::from_str(&whole)?;
    let hex = small["proof_hex"].as_str().ok_or("a proof")?;
    small["proof_hex"] = hex.chars().take(2 + 2 * 256).collect::<String>().into();
    small["annotations"] = serde_json::json!(["a"]);
    small["private_input"] = Value::Null;
    small["public_input"]["public_memory"]
        .as_array_mut()
        .ok_or("public memory")?
        .truncate(3);
    let commented = format!("// a proof\n{small:#} /* and its end */ }}");
    Ok(vec![commented.into_bytes(), whole.into_bytes()])
}

/// A patched proof, or arbitrary bytes: only the genuine proof is accepted.
pub fn proof() -> Prepared {
    let genuine = ProofFile::parse(&text_of(&format!("{CASE}/proof_blake.json"))?)?;
    let statement = Box::leak(Box::new(genuine.statement.clone()));
    let parameters = Box::leak(Box::new(genuine.parameters.clone()));
    let verifier = Verifier::new(Statement::new(statement, parameters)?)?;
    let expectation = Expectation::any();
    verifier.verify(&genuine.proof, &expectation)?;
    Ok(Box::new(move |bytes| {
        let mut patched = genuine.proof.clone();
        patch(&mut patched, bytes);
        for proof in [bytes, &patched] {
            let accepted = verifier.verify(proof, &expectation).is_ok();
            assert_eq!(accepted, proof == genuine.proof);
        }
        let _ = verifier.verify_recorded(&patched, &expectation, Recording::Lines);
    }))
}

pub fn program(bytes: &[u8]) {
    if runner::program_builtins(bytes).is_ok() {
        let _ = runner::run(Executable::program(bytes, None), "plain", &SHORT);
        let _ = runner::run(Executable::program(bytes, None), "all_solidity", &SHORT);
    }
}

pub fn pie(bytes: &[u8]) {
    let limits = PieLimits {
        max_bytes: 1 << 20,
        max_cells: 1 << 16,
    };
    if let Ok(pie) = pie::read(bytes, &limits) {
        let _ = inspect_pie(&pie);
        let _ = runner::run(Executable::Tasks(&Tasks::new(vec![pie])), "small", &SHORT);
    }
}

/// An executable, run without arguments and with some.
pub fn executable(bytes: &[u8]) {
    if let Ok(executable) = executable::read(bytes) {
        for arguments in [&[][..], &[3, 4, 5].map(Felt252::from)] {
            let _ = executable.run_to_pie(arguments, SHORT.max_steps);
        }
    }
}

pub fn program_input() -> Prepared {
    let programs = [
        file("examples/cubes/program.json")?,
        file("examples/collatz/program.json")?,
    ];
    Ok(Box::new(move |bytes| {
        if let Ok(input) = serde_json::from_slice::<Value>(bytes) {
            for program in &programs {
                let _ = runner::run(Executable::program(program, Some(&input)), "small", &SHORT);
            }
        }
    }))
}

pub fn dynamic_params() -> Prepared {
    let program = file("examples/cubes/program.json")?;
    let input: Value = serde_json::from_slice(&file("examples/cubes/input.json")?)?;
    Ok(Box::new(move |bytes| {
        let Ok(params) = serde_json::from_slice::<BTreeMap<String, u64>>(bytes) else {
            return;
        };
        if let Ok(run) = runner::run_dynamic(Executable::program(&program, Some(&input)), &params, &SHORT) {
            let _ = Layout::of(&run.public);
        }
    }))
}

pub fn config(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        fuzzing::config(text);
    }
}

/// A configuration with a value for every key that has no default.
pub fn a_config() -> Vec<u8> {
    let more = "\n[tls]\ncertificate = \"c\"\nkey = \"k\"\nclient_authority = \"a\"\n\n[[clients]]\nsha256 = \"00\"\n\
        tenant = \"t\"\nroles = [\"submit\", \"read\", \"admin\"]\nmax_active_jobs = 3\n\
        limits = { max_stored_bytes = 1, max_promised_bytes = 2, max_estimates = 3, max_priority = 4, \
        max_device_seconds_per_day = 5 }\nrates.calls = { per_second = 1, burst = 5 }\n";
    (quarry_service::config::Config::default()
        .to_text()
        .unwrap_or_default()
        .replace("clients = []\n", "")
        + more)
        .into_bytes()
}

/// Arguments, separated by line feeds. Normalising normalised arguments changes nothing.
pub fn argv(bytes: &[u8]) {
    let args = bytes
        .split(|byte| *byte == b'\n')
        .map(|arg| OsString::from_vec(arg.to_vec()));
    let regular = normalise(args);
    assert_eq!(normalise(regular.clone().into_iter()), regular);
}

pub fn an_argv() -> Vec<u8> {
    b"prove\n-in_file=a\n--parameter-file\nb\n--nogenerate_annotations\n-fix_public_input=t\n-v\n1\n--\n-out_file=x".to_vec()
}

pub fn names() -> Prepared {
    let names = fuzzing::Names::new()?;
    Ok(Box::new(move |bytes| {
        if let Ok(text) = str::from_utf8(bytes) {
            names.look_for(text);
        }
    }))
}

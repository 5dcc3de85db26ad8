//! Converts what a proof shows to the protocol's form, and builds the expectation of a job.

use quarry_client::protocol::{self, BuiltinsBinding, Claim};
use quarry_kernels::Felt;
use quarry_kernels::felt::{from_hex, to_hex};
use quarry_prover_core::cairo::run::{RunMode, Task, TaskHash};
use quarry_prover_core::claim::{Binding, Verified};
use quarry_prover_core::expectation::Expectation;
use quarry_prover_core::facts::{CompiledProgram, FactOptions, ProofFacts, Verification};
use quarry_prover_core::verifier::Verifier;

/// Converts a claim to the protocol's form.
pub fn claim(verified: &Verified) -> Claim {
    let builtin = |builtin: &quarry_prover_core::cairo::run::SeenBuiltin| protocol::Builtin {
        name: builtin.name.clone().unwrap_or_default(),
        in_layout: builtin.in_layout,
    };
    let bootloaded = verified.bootloaded.as_ref();
    let mut claim = Claim {
        run: verified.run.name().to_owned(),
        run_modes: verified
            .run_modes
            .iter()
            .map(|mode| mode.name().to_owned())
            .collect(),
        builtins: verified.builtins.iter().flatten().map(builtin).collect(),
        bootloader: bootloaded
            .and_then(|one| one.bootloader)
            .unwrap_or_default()
            .to_owned(),
        bootloader_config: bootloaded
            .iter()
            .flat_map(|one| &one.config)
            .map(to_hex)
            .collect(),
        tasks: bootloaded.iter().flat_map(|one| &one.tasks).map(task).collect(),
        warnings: verified.warnings.clone(),
        ..Default::default()
    };
    claim.set_builtins_binding(match verified.builtins_binding {
        Binding::Unbound => BuiltinsBinding::Unbound,
        Binding::Number => BuiltinsBinding::Number,
        Binding::Layout => BuiltinsBinding::Layout,
        Binding::List => BuiltinsBinding::List,
    });
    claim
}

fn task(task: &Task) -> protocol::Task {
    let hash_function = match task.hash_function {
        TaskHash::Pedersen => "pedersen",
        TaskHash::Poseidon => "poseidon",
        TaskHash::PedersenOrPoseidon => "pedersen_or_poseidon",
        TaskHash::Unknown => "unknown",
    };
    protocol::Task {
        program_hash: to_hex(&task.program_hash),
        hash_function: hash_function.to_owned(),
        output: task.output.iter().map(to_hex).collect(),
    }
}

/// The expectation for a proof of any kind of run: program hash, builtins and layout, as far as given. `None` if the
/// hash is not a field element.
pub fn expectation(hash: &str, builtins: Option<Vec<String>>, layout: &str) -> Option<Expectation> {
    let program_hash = match hash {
        "" => None,
        hash => Some(from_hex(hash)?),
    };
    Some(Expectation {
        min_security_bits: 0,
        run: RunMode::Any,
        program_hash,
        builtins,
        layout: Some(layout.to_owned()).filter(|layout| !matches!(&**layout, "" | "auto")),
        ..Expectation::default()
    })
}

/// Computes the facts in the protocol's form; `None` for a run that has no facts.
pub fn facts(verifier: &Verifier<'_>, program: Option<&CompiledProgram>) -> Option<protocol::Facts> {
    let options = FactOptions {
        program,
        ..FactOptions::default()
    };
    let ProofFacts {
        facts, mode, tasks, ..
    } = ProofFacts::of(verifier, options).ok()?;
    let digest = |fact: Option<[u8; 32]>| {
        let digits = |fact: [u8; 32]| fact.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        fact.map_or(String::new(), |fact| format!("0x{}", digits(fact)))
    };
    let verification = facts.integrity_verification.as_ref();
    let of_verification =
        |hash: fn(&Verification) -> Felt| verification.map_or(String::new(), |one| to_hex(&hash(one)));
    Some(protocol::Facts {
        mode: mode.to_owned(),
        output_hash: to_hex(&facts.output_hash),
        integrity_fact: to_hex(&facts.integrity_fact),
        configuration_hash: of_verification(|one| one.configuration_hash),
        verification_hash: of_verification(|one| one.verification_hash),
        security_bits: facts.integrity_security_bits,
        sharp_fact: digest(facts.sharp_fact),
        task_sharp_facts: tasks.iter().map(|task| digest(task.sharp_fact)).collect(),
        notes: facts.notes,
    })
}

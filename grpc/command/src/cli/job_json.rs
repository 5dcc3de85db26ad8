//! Jobs, their events and their results as JSON: what `get`, `list`, `watch` and `submit` print.

use crate::cli::block_args::block_json;
use quarry_client::protocol::{
    ArtifactRef, Claim, Facts, Failure, FirstProof, Job, JobEvent, JobResult, Statement,
};
use serde_json::{Value, json};

/// An event as JSON.
pub fn event_json(event: &JobEvent) -> Value {
    json!({
        "cursor": event.cursor,
        "at": event.at.map(|at| at.to_string()),
        "job": event.job_id,
        "state": event.state().name(),
        "stage": event.stage,
        "progress": event.progress,
        "leg": event.leg,
        "failure": event.failure.as_ref().map(failure_json),
        "lease_epoch": event.lease_epoch,
    })
}

/// A job as JSON.
pub fn job_json(job: &Job) -> Value {
    let spec = job.spec.clone().unwrap_or_default();
    json!({
        "id": job.id,
        "state": job.state().name(),
        "stage": job.stage,
        "waits_for": job.waits_for,
        "progress": job.progress,
        "leg": job.leg,
        "first": job.first.as_ref().map(first_json),
        "validation_done": job.validation_done,
        "failure": job.failure.as_ref().map(failure_json),
        "failed_attempts": job.failed_attempts,
        "attempt_failures": job.attempt_failures.iter().map(failure_json).collect::<Vec<_>>(),
        "lease_epoch": job.lease_epoch,
        "created_at": job.created_at.map(|at| at.to_string()),
        "updated_at": job.updated_at.map(|at| at.to_string()),
        "dedup_key": spec.dedup_key,
        "labels": spec.labels,
        "block": spec.block.as_ref().map(block_json),
        "statement": job.statement.as_ref().map(statement_json),
    })
}

fn statement_json(statement: &Statement) -> Value {
    json!({
        "layout": statement.layout,
        "n_steps": statement.n_steps,
        "program_hash_pedersen": statement.program_hash_pedersen,
        "program_hash_poseidon": statement.program_hash_poseidon,
        "output": statement.output,
        "security_bits": statement.security_bits,
        "fact_topologies": statement.fact_topologies.as_ref().map(file_json),
        "claim": statement.claim.as_ref().map(claim_json),
    })
}

fn file_json(file: &ArtifactRef) -> Value {
    json!({"sha256": file.sha256, "size": file.size})
}

fn first_json(first: &FirstProof) -> Value {
    json!({
        "proof_file": file_json(&first.proof.clone().unwrap_or_default()),
        "statement": first.statement.as_ref().map(statement_json),
        "device": first.device,
    })
}

fn claim_json(claim: &Claim) -> Value {
    let binding = claim.builtins_binding().as_str_name();
    let tasks = claim.tasks.iter().map(|task| {
        json!({"program_hash": task.program_hash, "hash_function": task.hash_function, "output": task.output})
    });
    let builtins = claim.builtins.iter();
    json!({
        "run": claim.run,
        "run_modes": claim.run_modes,
        "builtins": builtins.map(|one| json!({"name": one.name, "in_layout": one.in_layout})).collect::<Vec<_>>(),
        "builtins_binding": binding.trim_start_matches("BUILTINS_BINDING_").to_lowercase(),
        "bootloader": claim.bootloader,
        "bootloader_config": claim.bootloader_config,
        "tasks": tasks.collect::<Vec<_>>(),
        "warnings": claim.warnings,
    })
}

fn facts_json(facts: &Facts) -> Value {
    json!({
        "mode": facts.mode,
        "output_hash": facts.output_hash,
        "integrity_fact": facts.integrity_fact,
        "configuration_hash": facts.configuration_hash,
        "verification_hash": facts.verification_hash,
        "security_bits": facts.security_bits,
        "sharp_fact": facts.sharp_fact,
        "task_sharp_facts": facts.task_sharp_facts,
        "notes": facts.notes,
    })
}

/// A result as JSON.
pub fn result_json(result: &JobResult) -> Value {
    let proof = result.proof.clone().unwrap_or_default();
    let bytes = result.proof_bytes.clone().unwrap_or_default();
    let phases = result.phases.iter().map(|phase| {
        let time = phase.time.unwrap_or_default();
        json!({"phase": phase.phase, "seconds": time.seconds as f64 + f64::from(time.nanos) / 1e9,
               "device_peak_bytes": phase.device_peak_bytes})
    });
    json!({
        "proof_file": file_json(&proof),
        "proof": file_json(&bytes),
        "profile_digest": result.profile_digest,
        "device": result.device,
        "build": result.build,
        "phases": phases.collect::<Vec<_>>(),
        "facts": result.facts.as_ref().map(facts_json),
        "calldata_file": result.calldata.as_ref().map(file_json),
        "calldata_refused": result.calldata_refused,
        "block": result.block.as_ref().map(block_json),
    })
}

fn failure_json(failure: &Failure) -> Value {
    let class = failure.class().as_str_name().trim_start_matches("FAILURE_CLASS_");
    json!({"class": class, "code": failure.code, "message": failure.message, "stage": failure.stage,
           "retryable": failure.retryable})
}

//! Submits a program to a proving service, waits for its proof and writes it:
//! `cargo run -p quarry-client --example submit -- URL KEY program.json input.json proof.json`.
//!
//! KEY is the idempotency key: running it again with the same key returns the same job.

use quarry_client::protocol::{JobSpec, JobState, ProgramInput, job_spec::Input};
use quarry_client::{Client, Connection};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [server, key, program, input, proof] = &arguments[..] else {
        return Err("usage: submit URL KEY PROGRAM.json INPUT.json PROOF.json".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(submit(server, key, [program, input, proof].map(Path::new)))
}

async fn submit(server: &str, key: &str, [program, input, proof]: [&Path; 3]) -> Result<(), Box<dyn Error>> {
    let mut client = Client::connect(&Connection {
        server: server.to_owned(),
        ..Connection::default()
    })
    .await?;
    let program = ProgramInput {
        program: Some(client.upload(program).await?),
        input: Some(client.upload(input).await?),
        ..Default::default()
    };
    let spec = JobSpec {
        dedup_key: key.to_owned(),
        input: Some(Input::Program(program)),
        ..Default::default()
    };
    let job = client.submit(spec).await?.job.ok_or("the service sent no job")?;
    let job = client
        .wait(&job.id, |event| {
            eprintln!("{:3.0} % {}", 100.0 * event.progress, event.stage);
        })
        .await?;
    if job.state() != JobState::Succeeded {
        let failure = job.failure.unwrap_or_default();
        return Err(format!("the job has failed: {} ({})", failure.message, failure.code).into());
    }
    let result = client.result(&job.id).await?;
    let artifact = result.proof.ok_or("the result has no proof")?;
    client.download(&artifact, proof).await?;
    println!("job {}: {}", job.id, proof.display());
    Ok(())
}

//! Compiles the messages between the service's processes and those of an OTLP collector, without `protoc`.

use std::error::Error;

/// The public protocol, which internal messages contain, belongs to the client.
const FOLDERS: [&str; 2] = ["proto", "../client/proto"];

fn main() -> Result<(), Box<dyn Error>> {
    for folder in FOLDERS {
        println!("cargo:rerun-if-changed={folder}");
    }
    let internal = protox::compile(["quarry/internal/v1/internal.proto"], FOLDERS)?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(false)
        .extern_path(".quarry.prover.v1", "::quarry_client::protocol")
        .compile_fds(internal)?;
    let traces = protox::compile(["opentelemetry/trace.proto"], FOLDERS)?;
    tonic_prost_build::configure()
        .build_server(false)
        .compile_fds(traces)?;
    Ok(())
}

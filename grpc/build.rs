//! Compiles the protocol's files, without `protoc`.

use prost::Message;
use std::error::Error;
use std::path::PathBuf;

const FOLDER: &str = "proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={FOLDER}");
    let public = protox::compile(["quarry/prover/v1/prover.proto"], [FOLDER])?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    // What reflection serves.
    std::fs::write(out.join("prover.bin"), public.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(public)?;

    let folder = out.join("admin");
    std::fs::create_dir_all(&folder)?;
    let admin = protox::compile(["quarry/admin/v1/admin.proto"], [FOLDER])?;
    std::fs::write(folder.join("admin.bin"), admin.encode_to_vec())?;
    tonic_prost_build::configure()
        .out_dir(folder)
        .extern_path(".quarry.prover.v1", "crate::protocol")
        .compile_fds(admin)?;

    let folder = out.join("internal");
    std::fs::create_dir_all(&folder)?;
    let internal = protox::compile(["quarry/internal/v1/internal.proto"], [FOLDER])?;
    tonic_prost_build::configure()
        .out_dir(folder)
        .build_client(false)
        .build_server(false)
        .extern_path(".quarry.prover.v1", "crate::protocol")
        .compile_fds(internal)?;

    let traces = protox::compile(["opentelemetry/trace.proto"], [FOLDER])?;
    tonic_prost_build::configure()
        .build_server(false)
        .compile_fds(traces)?;
    Ok(())
}

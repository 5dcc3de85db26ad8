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
    Ok(())
}

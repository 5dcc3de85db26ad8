//! A fuzzer whose target is named by QUARRY_FUZZ_TARGET. `run` builds it and runs it on every target.
//!
//! A target must not panic on any input, and an input that it accepts must be the same after it is written and read
//! again. libFuzzer watches time and memory.
#![no_main]

#[path = "../../grpc/command/src/cli/argv/spelling.rs"]
#[allow(dead_code)]
mod argv;
mod envelope;
mod formats;
mod targets;

use std::env;
use std::fs;
use std::panic;
use std::path::Path;
use std::sync::OnceLock;
use targets::{TARGETS, Target};

/// The prepared target.
static TARGET: OnceLock<Box<dyn Fn(&[u8]) + Send + Sync>> = OnceLock::new();

fn choose() -> Result<(), Box<dyn std::error::Error>> {
    let name = env::var("QUARRY_FUZZ_TARGET")?;
    if name == "list" {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        std::process::exit(0);
    }
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.ok_or_else(|| format!("no target '{name}': 'list' lists them"))?;
    if let Some(folder) = env::var_os("QUARRY_FUZZ_SEEDS") {
        write_seeds(target, Path::new(&folder))?;
    }
    let _ = TARGET.set((target.prepare)()?);
    Ok(())
}

/// Panics of the virtual machine, which is a dependency, become errors of the program that it runs; whether they do is
/// part of the test. All other panics are findings.
fn bear_panics_of_the_machine() {
    let abort = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        let file = panic.location().map_or("", |location| location.file());
        if !file.contains("/cairo-vm-") {
            abort(panic);
        }
    }));
}

/// Writes the seeds: whole files, which the fuzzer would hardly find by itself.
fn write_seeds(target: &Target, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    for (index, seed) in (target.seeds)()?.iter().enumerate() {
        fs::write(folder.join(format!("seed-{index}")), seed)?;
    }
    Ok(())
}

libfuzzer_sys::fuzz_target!(
    init: {
        bear_panics_of_the_machine();
        if let Err(why) = choose() {
            eprintln!("{why}");
            std::process::exit(2);
        }
    },
    |bytes: &[u8]| {
        if let Some(target) = TARGET.get() {
            target(bytes);
        }
    }
);

//! `quarry devices`: lists the devices that can prove.

use crate::cli::device::{DeviceSelection, start_cpu};
use crate::cli::failure::Failure;
use crate::cli::table::{Table, bytes};
use crate::cli::terminal;
use quarry_kernels::{CudaDevice, Description, Device, WgpuDevice};
use serde_json::{Value, json};

/// Examples for `devices --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry devices
  quarry devices --json | jq -r '.devices[].device'";

/// Arguments of `devices`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let cpu = start_cpu(None)?.name();
    let (gpus, no_cuda) = match CudaDevice::list() {
        Ok(gpus) => (gpus, None),
        Err(why) => (Vec::new(), Some(why.to_string())),
    };
    let devices: Vec<Description> = gpus.into_iter().chain(WgpuDevice::list()).collect();
    if args.json {
        let devices: Vec<Value> = devices.iter().map(to_json).collect();
        return terminal::print_json(&json!({"cpu": cpu, "devices": devices, "no_cuda": no_cuda}));
    }
    let mut first = Table::default();
    first.row("cpu", cpu);
    first.row_if("cuda", no_cuda.map(|why| format!("none ({why})")));
    if !devices.iter().any(|device| device.kind == "wgpu") {
        first.row("wgpu", "none (no adapter found through Vulkan or Metal)");
    }
    terminal::print(first)?;
    devices
        .iter()
        .try_for_each(|device| terminal::print(format_args!("\n{}", to_table(device))))
}

fn to_json(device: &Description) -> Value {
    let limits: serde_json::Map<_, _> = device
        .limits
        .iter()
        .map(|(name, n)| (name.to_string(), json!(n)))
        .collect();
    let features: serde_json::Map<_, _> = device
        .features
        .iter()
        .map(|(name, has)| (name.to_string(), json!(has)))
        .collect();
    json!({
        "device": DeviceSelection::of(device).to_string(),
        "name": device.name,
        "interface": device.interface,
        "driver": device.driver,
        "is_software": device.is_software,
        "memory_bytes": device.memory_bytes,
        "limits": limits,
        "features": features,
    })
}

fn to_table(device: &Description) -> Table {
    let mut table = Table::default();
    let software = if device.is_software {
        " (software: correct but slow)"
    } else {
        ""
    };
    table.row(DeviceSelection::of(device), format!("{}{software}", device.name));
    table.row("  interface", &device.interface);
    table.row("  driver", &device.driver);
    table.row_if("  memory", device.memory_bytes.map(bytes));
    for (name, limit) in &device.limits {
        let limit = match name.strip_prefix("bytes of ") {
            Some(_) => bytes(*limit),
            None => limit.to_string(),
        };
        table.row(format!("  {}", name.trim_start_matches("bytes of ")), limit);
    }
    for (name, has) in &device.features {
        table.row(format!("  {name}"), if *has { "yes" } else { "no" });
    }
    table
}

//! The command `capabilities`: what a service can do, and what it allows the caller.

use crate::cli::failure::Failure;
use crate::cli::grid::Grid;
use crate::cli::server::Server;
use crate::cli::table::{Table, bytes};
use quarry_client::protocol::{Capabilities, DeviceInfo, Quota, Tenant};
use serde_json::{Value, json};

/// Examples for `capabilities --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry capabilities
  quarry capabilities --json | jq -r '.layouts[]'
  quarry capabilities --json | jq .tenant.active_jobs";

/// Arguments of `capabilities`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    server: Server,
}

/// Shows the service's devices, layouts, profiles and limits, and the limits and the use of the caller's tenant.
pub fn run(args: &Args) -> Result<(), Failure> {
    args.server.ask(async |mut client| {
        let capabilities = client.capabilities().await?;
        Ok(match args.json {
            true => format!("{:#}\n", json_of(&capabilities)),
            false => text_of(&capabilities),
        })
    })
}

fn json_of(capabilities: &Capabilities) -> Value {
    let limits = capabilities.limits.unwrap_or_default();
    let devices = capabilities.devices.iter().map(|device| {
        json!({"name": device.name, "description": device.description, "job": device.job_id,
               "starts": device.starts})
    });
    let profiles = capabilities.profiles.iter().map(|profile| &profile.name);
    json!({
        "version": capabilities.version,
        "devices": devices.collect::<Vec<_>>(),
        "layouts": capabilities.layouts,
        "profiles": profiles.collect::<Vec<_>>(),
        "max_steps": limits.max_steps,
        "max_device_seconds": limits.max_device_seconds,
        "max_proof_of_work_bits": limits.max_proof_of_work_bits,
        "max_log_n_cosets": limits.max_log_n_cosets,
        "max_queries": limits.max_queries,
        "max_pie_bytes": limits.max_pie_bytes,
        "max_pie_cells": limits.max_pie_cells,
        "max_artifact_bytes": capabilities.max_artifact_bytes,
        "max_queued_jobs": capabilities.max_queued_jobs,
        "paused": capabilities.paused,
        "tenant": capabilities.tenant.as_ref().map(tenant_json),
    })
}

fn tenant_json(tenant: &Tenant) -> Value {
    let mut value = json!({"name": tenant.name, "max_priority": tenant.max_priority});
    for (name, quota, _) in quotas(tenant) {
        value[name] = json!({"used": quota.used, "max": quota.max});
    }
    value["record_bytes"] = tenant.record_bytes.into();
    value
}

/// The quotas of a tenant that the service tells, by their names in the protocol, and how people read their numbers.
fn quotas(tenant: &Tenant) -> impl Iterator<Item = (&'static str, Quota, fn(u64) -> String)> {
    let plain: fn(u64) -> String = |number| number.to_string();
    let table = [
        ("stored_bytes", tenant.stored_bytes, bytes as fn(u64) -> String),
        ("promised_bytes", tenant.promised_bytes, bytes),
        ("active_jobs", tenant.active_jobs, plain),
        ("estimates", tenant.estimates, plain),
        ("device_seconds_today", tenant.device_seconds_today, plain),
    ];
    table
        .into_iter()
        .filter_map(|(name, quota, format)| Some((name, quota?, format)))
}

fn text_of(capabilities: &Capabilities) -> String {
    let limits = capabilities.limits.unwrap_or_default();
    let mut table = Table::default();
    table.row("version", &capabilities.version);
    for device in &capabilities.devices {
        table.row("device", device_text(device));
    }
    table.row("layouts", capabilities.layouts.join(", "));
    let profiles: Vec<_> = capabilities
        .profiles
        .iter()
        .map(|profile| &*profile.name)
        .collect();
    table.row("profiles", profiles.join(", "));
    table.row("steps of a job", format!("at most {}", limits.max_steps));
    table.row(
        "device time of a job",
        format!("at most {} s", limits.max_device_seconds),
    );
    table.row(
        "file",
        format!("at most {}", bytes(capabilities.max_artifact_bytes)),
    );
    table.row_if("paused", capabilities.paused.as_ref());
    let Some(tenant) = &capabilities.tenant else {
        return table.to_string();
    };
    let mut grid = Grid::new(["your tenant", "used", "at most"]);
    let unlimited = || "no limit".to_owned();
    for (name, quota, format) in quotas(tenant) {
        let most = quota.max.map_or_else(unlimited, format);
        grid.row([name.replace('_', " "), format(quota.used), most]);
        if let Some(of_records) = tenant.record_bytes.filter(|_| name == "stored_bytes") {
            grid.row(["  of them records".to_owned(), bytes(of_records), String::new()]);
        }
    }
    let most = tenant
        .max_priority
        .map_or_else(unlimited, |most| most.to_string());
    grid.row(["priority".to_owned(), String::new(), most]);
    format!("{table}\n{grid}")
}

fn device_text(device: &DeviceInfo) -> String {
    let what = match &*device.description {
        "" => &device.note,
        description => description,
    };
    match &*device.job_id {
        "" => format!("{}: {what}", device.name),
        job => format!("{}: {what}, job {job}", device.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_sees_its_limits_and_its_use() {
        let capabilities = Capabilities {
            tenant: Some(Tenant {
                name: "a".to_owned(),
                stored_bytes: Some(Quota {
                    used: 3 << 19,
                    max: Some(1 << 30),
                }),
                record_bytes: Some(1 << 20),
                active_jobs: Some(Quota { used: 7, max: None }),
                max_priority: Some(10),
                ..Tenant::default()
            }),
            ..Capabilities::default()
        };
        let text = text_of(&capabilities);
        let has = |name: &str, words: &[&str]| {
            let line = text.lines().find(|line| line.starts_with(name));
            let rest: Vec<_> = line
                .unwrap()
                .strip_prefix(name)
                .unwrap()
                .split_whitespace()
                .collect();
            assert_eq!(rest, words, "{text}");
        };
        has("stored bytes", &["1.5", "MiB", "1.0", "GiB"]);
        has("  of them records", &["1.0", "MiB"]);
        has("active jobs", &["7", "no", "limit"]);
        has("priority", &["10"]);
        let json = json_of(&capabilities);
        assert_eq!(
            json["tenant"]["stored_bytes"],
            json!({"used": 3 << 19, "max": 1 << 30})
        );
        assert_eq!(json["tenant"]["active_jobs"]["max"], Value::Null);
    }
}

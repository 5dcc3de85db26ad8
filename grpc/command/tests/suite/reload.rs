//! Reloads at SIGHUP: limits, rates, certificates; signals that are no reason to end.

use crate::common::Folder;
use crate::common::appliance::{Appliance, signal, until};
use crate::common::identity::{authority, certificate};
use quarry_client::protocol::Capabilities;
use quarry_client::{Client, ClientError, Connection};
use rcgen::{CertifiedIssuer, KeyPair};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

type Authority = CertifiedIssuer<'static, KeyPair>;

const TLS: &str = "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";
const EXPIRY: &str = "quarry_certificate_expiry_timestamp_seconds{file=\"tls.certificate\"}";

fn write_certificate(folder: &Folder, authority: &Authority) {
    let (certificate, key, _) = certificate(authority, "localhost");
    folder.write("cert.pem", certificate);
    folder.write("key.pem", key);
}

async fn ask(service: &Appliance, authority: &Authority) -> Result<Capabilities, ClientError> {
    let port = service.address.rsplit(':').next().unwrap();
    let connection = Connection {
        server: format!("https://localhost:{port}"),
        authority: Some(authority.pem().into_bytes()),
        ..Connection::default()
    };
    Client::connect(&connection).await?.capabilities().await
}

/// The fields of the events with a message.
fn events(service: &Appliance, message: &str) -> Vec<Value> {
    let events = service.log();
    let events = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let events = events.map(|event| event["fields"].clone());
    events.filter(|fields| fields["message"] == message).collect()
}

#[test]
fn a_start_reads_the_configuration_once() {
    let folder = Folder::new();
    let pipe = folder.file("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    let writer = std::thread::spawn(move || {
        // Waits for a reader. A second one gets something else.
        let mut first = fs::File::options().write(true).open(&pipe).unwrap();
        fs::remove_file(&pipe).unwrap();
        fs::write(&pipe, "not a configuration").unwrap();
        first.write_all(b"drain_seconds = 7\n").unwrap();
    });
    drop(Appliance::start(&folder, "--config pipe"));
    writer.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reloads_what_it_can_and_names_the_rest() {
    let folder = Folder::new();
    let (old, new) = (authority(), authority());
    write_certificate(&folder, &old);
    folder.write("quarry.toml", TLS);
    let service = Appliance::start(&folder, "--config quarry.toml");
    assert!(ask(&service, &old).await.is_ok() && ask(&service, &new).await.is_err());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(service.metric(EXPIRY).unwrap() > now.as_secs_f64());

    for name in ["USR1", "USR2"] {
        signal(name, service.id());
        let ignored = format!("SIG{name} is ignored");
        until(&ignored, || events(&service, &ignored).first().cloned());
    }
    write_certificate(&folder, &new);
    folder.write(
        "quarry.toml",
        format!(
            "drain_seconds = 7\n[limits]\nmax_steps = 1024\n[limits_per_tenant]\nmax_active_jobs = 3\n{TLS}"
        ),
    );
    signal("HUP", service.id());
    let reloaded = "reloaded the configuration";
    let reload = until("a reload", || events(&service, reloaded).first().cloned());
    let changed = "limits.max_steps, limits_per_tenant.max_active_jobs, tls.certificate, tls.key";
    assert_eq!(reload["changed"], changed);
    assert_eq!(reload["needs_restart"], "drain_seconds");
    let capabilities = ask(&service, &new).await.unwrap();
    assert_eq!(capabilities.limits.unwrap().max_steps, 1024);
    let tenant = capabilities.tenant.unwrap();
    assert_eq!(tenant.active_jobs.unwrap().max, Some(3));
    assert_eq!(
        tenant.stored_bytes.unwrap().max,
        None,
        "the one tenant owns the machine"
    );
    assert!(ask(&service, &old).await.is_err(), "the old certificate is gone");

    // What is refused changes nothing.
    folder.write("key.pem", "no key");
    signal("HUP", service.id());
    let refused = "the reload was refused: nothing has changed";
    let refused = until("a refusal", || events(&service, refused).first().cloned());
    assert!(refused["why"].as_str().unwrap().contains("tls.key"), "{refused}");
    assert!(ask(&service, &new).await.is_ok());

    // The admin command does the same, and says what came of it.
    write_certificate(&folder, &new);
    let rates = "[rates]\nfailures = { per_second = 1, burst = 1 }\n";
    folder.write("quarry.toml", format!("{TLS}{rates}"));
    folder.quarry("admin reload --data data").exits(0).says(&[
        "0 clients loaded",
        "changed: limits.max_steps, limits_per_tenant.max_active_jobs, rates.failures, tls.certificate, tls.key",
        "needs a restart: nothing",
    ]);
}

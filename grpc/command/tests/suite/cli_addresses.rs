//! Addresses of a service as people write them, and what is said of wrong ones.

use crate::common::Folder;
use crate::common::appliance::Appliance;
use crate::common::identity::{authority, certificate};
use serde_json::Value;

#[test]
fn a_name_and_a_port_are_an_address() {
    let folder = Folder::new();
    // Flags come in the order of the command line, the last one counts.
    let service = Appliance::start(&folder, "--listen localhost:0 --http localhost:0");
    let port = service.address.strip_prefix("127.0.0.1:").unwrap();
    for server in [&*service.address, &format!("localhost:{port}")] {
        folder.quarry(&format!("capabilities --server {server}")).exits(0);
    }
    // The log says where people and backups find things.
    let log = service.log();
    let serving = log.lines().find(|line| line.contains("\"serving\"")).unwrap();
    let fields = serde_json::from_str::<Value>(serving).unwrap()["fields"].clone();
    assert_eq!(fields["status_page"], format!("http://{}/", service.http));
    let data = folder.file("data");
    assert_eq!(fields["data"], data.canonicalize().unwrap().to_str().unwrap());

    folder.write("named.toml", "listen = \"localhost:7474\"\n");
    let printed = folder.quarry("serve --config named.toml --print-config").exits(0);
    assert!(
        printed.stdout.contains("listen = \"127.0.0.1:7474\""),
        "{printed:?}"
    );
    folder
        .quarry("serve --listen nowhere")
        .exits(2)
        .says(&["HOST:PORT"]);
}

#[test]
fn a_wrong_scheme_is_recognised() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    for command in ["list", "capabilities"] {
        folder
            .quarry(&format!("{command} --server https://{}", service.address))
            .exits(2)
            .says(&["has no TLS", "http://"]);
    }
    drop(service);

    let authority = authority();
    let (certificate, key, _) = certificate(&authority, "localhost");
    folder.write("cert.pem", certificate);
    folder.write("key.pem", key);
    folder.write(
        "tls.toml",
        "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n",
    );
    let service = Appliance::start(&folder, "--config tls.toml");
    for server in [service.address.clone(), format!("http://{}", service.address)] {
        folder
            .quarry(&format!("list --server {server}"))
            .exits(2)
            .says(&["expects TLS", "https://"]);
    }
}

//! The files for operators match the service: units, containers, alerts, dashboards, traces.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, long_job, until};
use crate::common::identity::{authority, certificate};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Attribute;
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use quarry_client::Client;
use quarry_client::protocol::{JobSpec, JobState};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::TcpListenerStream;

const PLAIN: &str = "plain/fib_2p9";

fn deployed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name);
    fs::read_to_string(path).expect("a file to deploy")
}

/// A service after a proof and a rejected job; the jobs' ids.
async fn after_two_jobs(case: &Folder, flags: &str) -> (Appliance, String, String) {
    let service = Appliance::start(case, flags);
    let mut client = service.client().await;
    let good = air_job(&mut client, case, "blake").await;
    let bad = JobSpec {
        expected_program_hash: "0x1".to_owned(),
        labels: [("key-of-a-label".to_owned(), "value-of-a-label".to_owned())].into(),
        ..good.clone()
    };
    let good = ends(&mut client, good, JobState::Succeeded).await;
    let bad = ends(&mut client, bad, JobState::Rejected).await;
    (service, good, bad)
}

async fn ends(client: &mut Client, spec: JobSpec, state: JobState) -> String {
    let id = client.submit(spec).await.unwrap().job.unwrap().id;
    let job = client.wait(&id, |_| {}).await.unwrap();
    assert_eq!(job.state(), state, "{job:?}");
    id
}

/// Metric names in an expression, and the label values that it requires.
fn metrics_in(expression: &str) -> Vec<(String, Vec<String>)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find("quarry_") {
        rest = &rest[at..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let labels = after.strip_prefix('{').and_then(|labels| labels.split_once('}'));
        let labels = labels.map_or("", |(labels, _)| labels).split(',');
        found.push((name.to_owned(), labels.flat_map(wanted).collect()));
        rest = after;
    }
    found
}

/// The label values that a matcher requires: each alternative of `=~"a|b"`, unless it is a pattern or a variable.
fn wanted(matcher: &str) -> Vec<String> {
    let (name, values) = match matcher.split_once("=~") {
        Some(parts) => parts,
        None if matcher.contains("=\"") => return vec![matcher.to_owned()],
        None => return Vec::new(),
    };
    let values = values.trim_matches('"').split('|');
    let values = values.filter(|value| value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    values.map(|value| format!("{name}=\"{value}\"")).collect()
}

fn strings<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|value| strings(value, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| strings(value, key, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_and_dashboard_are_over_metrics_that_there_are() {
    let case = Folder::with_case(PLAIN);
    let (service, ..) = after_two_jobs(&case, "").await;
    let (_, _, page) = service.page("/metrics");
    // A service with TLS has metrics of its certificate.
    let secure = Folder::new();
    let (certificate, key, _) = certificate(&authority(), "localhost");
    secure.write("cert.pem", certificate);
    secure.write("key.pem", key);
    secure.write(
        "quarry.toml",
        "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n",
    );
    let secure = Appliance::start(&secure, "--config quarry.toml");
    let secure = secure.page("/metrics").2;
    // `.ci/run` shows both to promtool.
    if let Some(folder) = std::env::var_os("QUARRY_EXPOSITIONS") {
        for (name, page) in [("plain", &page), ("secure", &secure)] {
            fs::write(Path::new(&folder).join(name), page).unwrap();
        }
    }
    let page = page + &secure;
    let lines: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
    let name_of = |line: &&str| line.split(['{', ' ']).next().unwrap().to_owned();
    let names: BTreeSet<String> = lines.iter().map(name_of).collect();

    let rules: Value = serde_norway::from_str(&deployed("prometheus-rules.yml")).unwrap();
    let dashboard: Value = serde_json::from_str(&deployed("grafana-dashboard.json")).unwrap();
    let (mut alerts, mut panels) = (Vec::new(), Vec::new());
    strings(&rules, "expr", &mut alerts);
    strings(&dashboard, "expr", &mut panels);
    strings(&dashboard["templating"], "query", &mut panels);
    assert!(alerts.len() >= 10 && panels.len() >= 15, "{alerts:?} {panels:?}");
    let mut used = BTreeSet::new();
    for expression in alerts.iter().chain(&panels) {
        for (name, labels) in metrics_in(expression) {
            assert!(
                names.contains(&name),
                "{name} in '{expression}' is not in: {names:#?}"
            );
            let of_name = |line: &&&str| name_of(line) == name;
            for label in labels {
                let has = lines.iter().filter(of_name).any(|line| line.contains(&label));
                assert!(has, "{label} in '{expression}' is not in: {page}");
            }
            used.insert(name);
        }
    }
    // Every metric is used by a rule or the dashboard.
    let base = |name: &String| {
        let ends = ["_bucket", "_sum", "_count"];
        let base = ends.iter().find_map(|end| name.strip_suffix(end));
        base.unwrap_or(name).to_owned()
    };
    let used: BTreeSet<String> = used.iter().map(base).collect();
    assert_eq!(names.iter().map(base).collect::<BTreeSet<_>>(), used);
    let mut ids = Vec::new();
    let panels = dashboard["panels"].as_array().unwrap();
    panels
        .iter()
        .for_each(|panel| ids.push(panel["id"].as_u64().unwrap()));
    assert!(ids.iter().collect::<BTreeSet<_>>().len() == ids.len(), "{ids:?}");
}

/// Reads the service manager's notifications until one with this name.
fn told(socket: &UnixDatagram, name: &str) -> String {
    let start = Instant::now();
    loop {
        let mut bytes = [0; 4096];
        let n = socket
            .recv(&mut bytes)
            .unwrap_or_else(|why| panic!("{name}: {why}"));
        let message = String::from_utf8(bytes[..n].to_vec()).unwrap();
        if message.lines().any(|line| line == name) {
            return message;
        }
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "{name} is not told: {message}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_is_told_and_a_drain_lets_proofs_end() {
    let folder = Folder::new();
    let path = folder.file("notify");
    let abstract_name = format!("quarry-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
    let sockets = [
        (UnixDatagram::bind(&path).unwrap(), path.display().to_string()),
        (
            UnixDatagram::bind_addr(&address).unwrap(),
            format!("@{abstract_name}"),
        ),
    ];
    for (socket, name) in &sockets {
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let env = [("NOTIFY_SOCKET", &**name), ("WATCHDOG_USEC", "300000")];
        let service = Appliance::start_with(&folder, "", &env).unwrap();
        let ready = told(socket, "READY=1");
        assert!(ready.contains(&service.address), "{ready}");
        let start = Instant::now();
        (0..3).for_each(|_| drop(told(socket, "WATCHDOG=1")));
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        let mut client = service.client().await;
        let spec = long_job(&mut client, 1 << 12).await;
        let id = client.submit(spec.clone()).await.unwrap().job.unwrap().id;
        while client.get(&id).await.unwrap().state() != JobState::Running {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // However the drain is requested, the manager is notified.
        if name.starts_with('@') {
            folder.quarry("admin drain --data data").exits(0);
        } else {
            crate::common::appliance::signal("TERM", service.id());
        }
        told(socket, "STOPPING=1");
        told(socket, "EXTEND_TIMEOUT_USEC=30000000");
        until("a drain", || {
            let (status, _, reasons) = service.page("/readyz");
            (status == 503 && reasons.contains("draining")).then_some(())
        });
        assert!(client.submit(spec).await.is_err(), "no more are taken");
        // The running job finishes and is present after the next start.
        assert_eq!(service.wait().code(), Some(0));
        let service = Appliance::start(&folder, "");
        let job = service.client().await.get(&id).await.unwrap();
        assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    }
    // The watchdog is not served if it is meant for another process.
    let (socket, name) = &sockets[0];
    let env = [
        ("NOTIFY_SOCKET", &**name),
        ("WATCHDOG_USEC", "100000"),
        ("WATCHDOG_PID", "1"),
    ];
    let service = Appliance::start_with(&folder, "", &env).unwrap();
    told(socket, "READY=1");
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(socket.recv(&mut [0; 64]).is_err());
    drop(service);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_drain() {
    let folder = Folder::new();
    for by_signal in [true, false] {
        let service = Appliance::start(&folder, "");
        let mut client = service.client().await;
        let spec = long_job(&mut client, 1 << 18).await;
        let id = client.submit(spec).await.unwrap().job.unwrap().id;
        while client.get(&id).await.unwrap().state() != JobState::Running {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        match by_signal {
            true => crate::common::appliance::signal("INT", service.id()),
            false => drop(folder.quarry("admin drain --data data").exits(0)),
        }
        until("a drain", || service.log().contains("\"draining\"").then_some(()));
        std::thread::sleep(Duration::from_millis(300));
        let begin = Instant::now();
        crate::common::appliance::signal("INT", service.id());
        until("a word", || service.log().contains("told again").then_some(()));
        assert_eq!(service.wait().code(), Some(0));
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
        let service = Appliance::start(&folder, "");
        service.client().await.cancel(&id).await.unwrap();
    }
}

#[test]
fn the_container_is_built_from_every_crate() {
    let workspace = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml"));
    let workspace = workspace.expect("the workspace");
    let members = workspace
        .lines()
        .find_map(|line| line.strip_prefix("members = ["));
    let container = deployed("Containerfile");
    for member in members.expect("a list").trim_end_matches(']').split(", ") {
        let folder = member.trim_matches('"').split('/').next().expect("a folder");
        let copied = format!("COPY {folder} {folder}");
        assert!(container.lines().any(|line| line == copied), "no '{copied}'");
    }
}

#[test]
fn unit_and_container_start_the_service_as_it_is() {
    let folder = Folder::new();
    let unit = deployed("quarry.service");
    let value = |key: &str| {
        let mut lines = unit.lines().filter_map(|line| line.split_once('='));
        lines.find(|(name, _)| *name == key).map(|(_, value)| value)
    };
    let start = value("ExecStart")
        .unwrap()
        .strip_prefix("/usr/local/bin/quarry ")
        .unwrap();
    let config = folder.quarry(&format!("{start} --print-config")).exits(0).stdout;
    assert!(config.contains("data = \"/var/lib/quarry\""), "{config}");
    assert_eq!(
        (value("Type"), value("StateDirectory")),
        (Some("notify"), Some("quarry"))
    );
    let seconds = |text: &str| text.trim().parse::<u64>().unwrap();
    let drain = config
        .lines()
        .find_map(|line| line.strip_prefix("drain_seconds = "))
        .unwrap();
    assert!(
        seconds(value("TimeoutStopSec").unwrap()) > seconds(drain),
        "time to drain"
    );
    let longest = config
        .lines()
        .find_map(|line| line.strip_prefix("max_drain_seconds = "))
        .unwrap();

    let container = deployed("Containerfile");
    let stop = container.split("--stop-timeout ").nth(1).unwrap();
    let stop = stop.split(' ').next().unwrap();
    assert!(seconds(stop) > seconds(longest), "the longest time to drain");
    let list = |key: &str| -> Vec<String> {
        let line = container.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        serde_json::from_str(&line[line.find('[').unwrap()..]).unwrap()
    };
    let config = folder.quarry(&format!("{} --print-config", list("CMD ").join(" ")));
    assert!(config.exits(0).stdout.contains("http = \"0.0.0.0:7475\""));
    assert!(container.contains("\nUSER 65532"), "not as root");
    let check = list("HEALTHCHECK ");
    let is_healthy = |port: &str| {
        let script = check[2].replace("7475", port);
        Command::new(&check[0])
            .args([&check[1], &script])
            .output()
            .unwrap()
            .status
            .success()
    };
    let service = Appliance::start(&folder, "");
    let port = service.http.rsplit(':').next().unwrap().to_owned();
    assert!(is_healthy(&port));
    drop(service);
    assert!(!is_healthy(&port));
}

/// A trace collector.
struct Collector(mpsc::UnboundedSender<ExportTraceServiceRequest>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        self.0.send(request.into_inner()).unwrap();
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|found| found.value.clone()?.value) {
        Some(Attribute::StringValue(text)) => text,
        Some(Attribute::IntValue(number)) => number.to_string(),
        other => panic!("{key}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_of_jobs_reach_a_collector() {
    let (send, mut requests) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector = tonic::transport::Server::builder().add_service(TraceServiceServer::new(Collector(send)));
    tokio::spawn(collector.serve_with_incoming(TcpListenerStream::new(listener)));

    let case = Folder::with_case(PLAIN);
    let (_service, good, bad) = after_two_jobs(&case, &format!("--otlp-endpoint {endpoint}")).await;
    let mut spans: Vec<Span> = Vec::new();
    while spans.iter().filter(|span| span.parent_span_id.is_empty()).count() < 2 {
        let request = tokio::time::timeout(Duration::from_secs(30), requests.recv()).await;
        let request = request.expect("a trace in time").unwrap();
        let text = format!("{request:?}");
        assert!(text.contains("service.name"), "{text}");
        assert!(!text.contains("a-label"), "no label: {text}");
        for resource in request.resource_spans {
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    let of = |id: &str| -> Vec<&Span> {
        let trace = u128::from_str_radix(id, 16).unwrap().to_be_bytes();
        spans.iter().filter(|span| span.trace_id == trace).collect()
    };
    let trace = of(&good);
    let root = trace.iter().find(|span| span.parent_span_id.is_empty()).unwrap();
    assert_eq!(root.name, "job");
    assert_eq!(root.status.as_ref().unwrap().code(), StatusCode::Ok);
    assert_eq!(
        (
            attribute(root, "quarry.job.state"),
            attribute(root, "quarry.steps")
        ),
        ("succeeded".into(), "512".into())
    );
    let under = |parent: &Span| -> Vec<&str> {
        let children = trace.iter().filter(|span| span.parent_span_id == parent.span_id);
        children.map(|span| &*span.name).collect()
    };
    assert_eq!(
        under(root),
        ["received", "validating", "queued", "running", "verifying"]
    );
    let running = trace.iter().find(|span| span.name == "running").unwrap();
    let phases = under(running);
    assert!(
        ["commit trace", "composition", "FRI"]
            .iter()
            .all(|phase| phases.contains(phase)),
        "{phases:?}"
    );
    let ids: BTreeSet<_> = trace.iter().map(|span| &span.span_id).collect();
    assert_eq!(ids.len(), trace.len());
    for span in &trace {
        let [begin, end] = [span.start_time_unix_nano, span.end_time_unix_nano];
        assert!(
            begin <= end && begin >= root.start_time_unix_nano && end <= root.end_time_unix_nano,
            "{span:?}"
        );
    }
    let rejected = of(&bad);
    let root = rejected
        .iter()
        .find(|span| span.parent_span_id.is_empty())
        .unwrap();
    assert_eq!(root.status.as_ref().unwrap().code(), StatusCode::Error);
    assert_eq!(attribute(root, "quarry.failure.code"), "input.program_hash");

    // An unreachable collector does not disturb the service.
    drop(requests);
    let case = Folder::with_case(PLAIN);
    let (service, ..) = after_two_jobs(&case, "--otlp-endpoint http://127.0.0.1:9").await;
    until("a warning", || {
        service.log().contains("traces dropped").then_some(())
    });
}

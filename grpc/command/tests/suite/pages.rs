//! The HTTP pages: headers, private data, misbehaving clients.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, get, get_as, until};
use quarry_client::protocol::JobSpec;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_json_and_tells_no_secrets() {
    let case = Folder::with_case("plain/fib_2p9");
    let service = Appliance::start(&case, "");
    until("readiness", || (service.page("/readyz").0 == 200).then_some(()));
    let mut client = service.client().await;
    let spec = JobSpec {
        labels: [("key-of-a-label".to_owned(), "value-of-a-label".to_owned())].into(),
        dedup_key: "a-dedup-key".to_owned(),
        deadline: Some((SystemTime::now() + Duration::from_secs(600)).into()),
        ..air_job(&mut client, &case, "blake").await
    };
    let id = client.submit(spec.clone()).await.unwrap().job.unwrap().id;
    client.wait(&id, |_| {}).await.unwrap();
    let bad = JobSpec {
        expected_program_hash: "0x1".to_owned(),
        dedup_key: String::new(),
        deadline: None,
        ..spec
    };
    let refused = client.submit(bad).await.unwrap().job.unwrap().id;
    client.wait(&refused, |_| {}).await.unwrap();

    let (status, head, body) = service.page("/status.json");
    assert_eq!(status, 200);
    assert!(head.contains("content-type: application/json"), "{head}");
    let all: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&all["state"], &all["n_active"]),
        (&"ready".into(), &0.into()),
        "{all}"
    );
    assert_eq!(all["devices"][0]["name"], "cpu");
    let ended: Vec<_> = all["ended"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&ended[0]["id"], &ended[1]["id"]),
        (&refused.clone().into(), &id.clone().into()),
        "the latest first"
    );
    assert_eq!(
        (&ended[0]["state"], &ended[1]["state"]),
        (&"rejected".into(), &"succeeded".into())
    );
    assert_eq!(ended[0]["failure"][1], "input.program_hash");
    assert_eq!(
        (&ended[1]["layout"], &ended[1]["n_steps"]),
        (&"plain".into(), &512.into())
    );
    let left = |job: &Value| job["left_seconds"].as_f64();
    assert!(
        left(ended[1]).is_some_and(|left| left > 0.0 && left < 600.0),
        "{all}"
    );
    assert_eq!(
        (left(ended[0]), &ended[0]["attempt_failures"]),
        (None, &Value::Array(Vec::new()))
    );
    let disk = |name: &str| all["disk"][name].as_u64().unwrap();
    assert!(disk("free_bytes") > 0 && disk("store_bytes") > 0, "{all}");
    assert_eq!(disk("reserve_bytes"), 1 << 30);
    until("the size of the artifacts", || {
        let all: Value = serde_json::from_str(&service.page("/status.json").2).unwrap();
        (all["disk"]["artifacts_bytes"].as_u64() > Some(1000)).then_some(())
    });
    for (wanted, n, first) in [
        ("all", 2, &refused),
        ("succeeded", 1, &id),
        ("rejected", 1, &refused),
        ("failed", 0, &id),
    ] {
        let (_, _, body) = service.page(&format!("/status.json?ended={wanted}"));
        let all: Value = serde_json::from_str(&body).unwrap();
        let ended = all["ended"].as_array().unwrap();
        assert_eq!(ended.len(), n, "{wanted}: {all}");
        assert!(
            ended.iter().take(1).all(|job| job["id"] == **first),
            "{wanted}: {all}"
        );
    }
    assert_eq!(service.page("/status.json?ended=never").0, 400);
    for secret in ["key-of-a-label", "value-of-a-label", "a-dedup-key"] {
        assert!(!body.contains(secret), "{body}");
    }
    for span in ["hour", "day"] {
        let (_, _, body) = service.page(&format!("/history.json?span={span}"));
        let history: Value = serde_json::from_str(&body).unwrap();
        let sum = |name: &str| -> u64 {
            history[name]
                .as_array()
                .unwrap()
                .iter()
                .map(|n| n.as_u64().unwrap())
                .sum()
        };
        assert_eq!(
            (sum("succeeded"), sum("rejected"), sum("failed")),
            (1, 1, 0),
            "{body}"
        );
        assert!(
            history["p50"]
                .as_array()
                .unwrap()
                .iter()
                .any(|p50| p50.as_f64() > Some(0.0)),
            "{body}"
        );
    }
    assert_eq!(service.page("/history.json?span=week").0, 400);

    // Ended jobs are shown after a restart.
    drop(service);
    let service = Appliance::start(&case, "");
    let all: Value = serde_json::from_str(&service.page("/status.json").2).unwrap();
    assert_eq!(all["ended"].as_array().unwrap().len(), 2, "{all}");
}

#[test]
fn a_browser_is_told_to_hold_to_it() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    for path in [
        "/",
        "/page.css",
        "/page.js",
        "/charts.js",
        "/elements.js",
        "/icon.svg",
        "/status.json",
        "/metrics",
        "/no_such_page",
    ] {
        let (_, head, _) = service.page(path);
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self';",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(head.contains(header), "{path}: {header} is not in {head}");
        }
    }
    let (_, _, page) = service.page("/");
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "nothing from elsewhere"
    );
    assert!(
        !page.contains("style=") && !page.contains("onclick"),
        "nothing inline"
    );
    for path in ["/page.js", "/charts.js", "/elements.js"] {
        let (_, _, script) = service.page(path);
        for never in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!script.contains(never), "{path}: {never}");
        }
    }
}

#[test]
fn where_others_come_the_page_is_not_shown_unless_told() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "--http 0.0.0.0:0");
    let local = service.http.replace("0.0.0.0", "127.0.0.1");
    for path in ["/", "/status.json", "/history.json", "/page.js"] {
        assert_eq!(get(&local, path).0, 404, "{path}");
    }
    assert_eq!(get(&local, "/metrics").0, 200);
    drop(service);
    folder.write("shown.toml", "status_page = true");
    let service = Appliance::start(&folder, "--http 0.0.0.0:0 --config shown.toml");
    let local = service.http.replace("0.0.0.0", "127.0.0.1");
    assert_eq!(get(&local, "/status.json").0, 200);
    drop(service);
    folder.write("hidden.toml", "status_page = false");
    let service = Appliance::start(&folder, "--config hidden.toml");
    assert_eq!(service.page("/status.json").0, 404);
    assert!(service.page("/").2.contains("status_page = true"));
}

/// A connection from another local address.
fn connect_from(from: [u8; 4], to: &str) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        socket.connect(to.parse().unwrap()).await.unwrap()
    });
    let stream = stream.into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream
}

#[test]
fn a_name_that_became_ours_opens_nothing() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let port = service.http.rsplit(':').next().unwrap();
    for (host, status) in [
        ("localhost".to_owned(), "200"),
        (format!("127.0.0.1:{port}"), "200"),
        ("[::1]:80".to_owned(), "200"),
        ("evil.example".to_owned(), "421"),
        (format!("evil.example:{port}"), "421"),
        ("192.0.2.1".to_owned(), "421"),
        ("localhost.evil.example".to_owned(), "421"),
        ("evil.example@localhost".to_owned(), "400"),
        ("localhost\r\nHost: localhost".to_owned(), "400"),
        ("localhost\r\nHost: evil.example".to_owned(), "400"),
        ("evil.example\r\nHost: localhost".to_owned(), "400"),
        ("local host".to_owned(), "400"),
    ] {
        let mut stream = TcpStream::connect(&service.http).unwrap();
        let request = format!("GET /status.json HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {said}");
    }
}

#[test]
fn clients_of_pages_that_misbehave() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let say = |text: &str| {
        let mut stream = TcpStream::connect(&service.http).unwrap();
        // The service may have closed it by then.
        let _ = stream.write_all(text.as_bytes());
        stream
    };
    // More connections than an address may have, each with half a request.
    let start = Instant::now();
    let slow: Vec<_> = (0..300)
        .map(|_| say("GET / HTTP/1.1\r\nHost: localhost\r\nX-"))
        .collect();
    // They keep neither their own address out nor others.
    for from in [[127, 0, 0, 1], [127, 0, 0, 2]] {
        let mut other = connect_from(from, &service.http);
        other.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
        let mut said = String::new();
        other.read_to_string(&mut said).unwrap();
        assert!(said.ends_with("ok\n"), "{said}");
    }
    let is_closed = |mut stream: &TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let ended = stream.read(&mut [0]);
        ended.map_or_else(
            |why| why.kind() == std::io::ErrorKind::ConnectionReset,
            |n_bytes| n_bytes == 0,
        )
    };
    assert!(slow[..236].iter().all(is_closed), "the oldest");
    assert!(
        start.elapsed() < Duration::from_secs(14),
        "before their time is over: {:?}",
        start.elapsed()
    );
    let mut rest = Vec::new();
    let mut last = slow.last().unwrap();
    last.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    last.read_to_end(&mut rest).expect("an end of the connection");
    drop(slow);
    until("a place", || {
        let mut stream = say("GET /healthz HTTP/1.0\r\n\r\n");
        let mut said = String::new();
        let _ = stream.read_to_string(&mut said);
        said.contains("200").then_some(())
    });
    let answer = |text: &str| {
        let mut answer = String::new();
        let mut stream = say(text);
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // If the connection was reset, keep what was received.
        let _ = stream.read_to_string(&mut answer);
        answer.lines().next().unwrap_or_default().to_owned()
    };
    let closing = "Host: localhost\r\nConnection: close\r\n";
    for method in ["POST", "PUT", "DELETE"] {
        let text = format!("{method} /status.json HTTP/1.1\r\n{closing}Content-Length: 0\r\n\r\n");
        assert!(answer(&text).contains("405"), "{method}");
    }
    assert!(answer(&format!("HEAD / HTTP/1.1\r\n{closing}\r\n")).contains("200"));
    let long = "x".repeat(1 << 20);
    for text in [
        format!("GET /{long} HTTP/1.1\r\n"),
        format!("GET / HTTP/1.1\r\nX: {long}\r\n"),
        "\0\0\r\n\r\n".to_owned(),
    ] {
        let answer = answer(&text);
        assert!(answer.is_empty() || answer.contains(" 4"), "{answer}");
    }
    assert_eq!(service.page("/healthz").0, 200);
}

#[test]
fn metrics_are_in_the_format_that_is_asked_for() {
    let folder = Folder::new();
    let service = Appliance::start(&folder, "");
    let page = |accept| get_as(&service.http, "/metrics", accept);
    let (_, head, text) = page("*/*");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    assert!(
        text.contains("# TYPE quarry_jobs_ended_total counter\n") && !text.contains("# EOF"),
        "{text}"
    );
    let (_, head, open) = page("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
    assert!(
        head.contains("content-type: application/openmetrics-text"),
        "{head}"
    );
    assert!(
        open.contains("# TYPE quarry_jobs_ended counter\n") && open.ends_with("# EOF\n"),
        "{open}"
    );
}

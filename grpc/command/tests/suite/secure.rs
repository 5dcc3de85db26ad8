//! TLS, tokens, certificates, roles, tenants and quotas; misbehaving clients.

use crate::common::Folder;
use crate::common::appliance::{Appliance, air_job, long_job};
use crate::common::identity::{authority, certificate, code, sha256};
use quarry_client::protocol::{
    JobSpec, JobState, ListJobsRequest, WatchJobsRequest, job_spec::Input, job_spec::Parameters,
};
use quarry_client::{Client, ClientError, Connection};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tonic::Code;

const PLAIN: &str = "plain/fib_2p9";

async fn connect(connection: &Connection) -> Client {
    Client::connect(connection).await.expect("a connection")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_what() {
    let case = Folder::with_case(PLAIN);
    let authority = authority();
    let (certificate, key, _) = certificate(&authority, "localhost");
    case.write("cert.pem", certificate);
    case.write("key.pem", key);
    let client = |token: &str, tenant: &str, roles: &str| {
        let digest = sha256(token.as_bytes());
        format!(
            "[[clients]]\nsha256 = \"{digest}\"\ntenant = \"{tenant}\"\nroles = [{roles}]\nmax_active_jobs = 1\n"
        )
    };
    let clients = [
        client("token-of-a", "a", "\"submit\", \"read\""),
        client("token-of-b", "b", "\"submit\", \"read\""),
        client("token-of-reader", "a", "\"read\""),
        client("token-of-admin", "", "\"admin\""),
        client("token-of-auditor", "", "\"read\", \"admin\""),
    ];
    let tls = "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";
    case.write("secure.toml", format!("{tls}{}", clients.join("")));
    let service = Appliance::start(&case, "--config secure.toml");
    let with = |token: Option<&str>| Connection {
        server: format!(
            "https://localhost:{}",
            service.address.rsplit(':').next().unwrap()
        ),
        token: token.map(str::to_owned),
        authority: Some(authority.pem().into_bytes()),
        ..Connection::default()
    };
    let plain = Client::connect(&service.connection()).await;
    match plain {
        Err(_) => {}
        Ok(mut client) => assert!(client.capabilities().await.is_err(), "nothing without TLS"),
    }
    let mut nobody = connect(&with(None)).await;
    assert_eq!(code(nobody.capabilities().await), Code::Unauthenticated);
    let mut wrong = connect(&with(Some("token-of-nobody"))).await;
    assert_eq!(code(wrong.capabilities().await), Code::Unauthenticated);

    let mut a = connect(&with(Some("token-of-a"))).await;
    let mut b = connect(&with(Some("token-of-b"))).await;
    let mut reader = connect(&with(Some("token-of-reader"))).await;
    let mut admin = connect(&with(Some("token-of-admin"))).await;
    let spec = JobSpec {
        dedup_key: "key-of-a".to_owned(),
        ..air_job(&mut a, &case, "blake").await
    };
    assert_eq!(code(reader.submit(spec.clone()).await), Code::PermissionDenied);
    assert_eq!(code(admin.submit(spec.clone()).await), Code::PermissionDenied);
    let id = a.submit(spec.clone()).await.unwrap().job.unwrap().id;
    assert!(a.submit(spec.clone()).await.unwrap().existing);
    let quota = a
        .submit(JobSpec {
            dedup_key: String::new(),
            ..spec.clone()
        })
        .await;
    match quota {
        Err(ClientError::Status(status)) => {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
            let details = tonic_types::StatusExt::get_details_retry_info(&*status);
            assert!(
                details.is_some_and(|info| info.retry_delay.is_some()),
                "{status:?}"
            );
        }
        // The first job may have ended already.
        other => assert_eq!(
            a.get(&id).await.unwrap().state(),
            JobState::Succeeded,
            "{other:?}"
        ),
    }

    // Another tenant's job is not found.
    assert_eq!(code(b.get(&id).await), Code::NotFound);
    assert_eq!(code(b.cancel(&id).await), Code::NotFound);
    assert_eq!(code(b.delete(&id).await), Code::NotFound);
    assert_eq!(code(reader.delete(&id).await), Code::PermissionDenied);
    assert_eq!(code(b.by_dedup_key("key-of-a").await), Code::NotFound);
    let of_a = WatchJobsRequest {
        after: 0,
        job_id: id.clone(),
    };
    assert_eq!(code(b.watch(of_a).await), Code::NotFound);
    assert_eq!(code(b.result(&id).await), Code::NotFound);
    assert!(b.list(ListJobsRequest::default()).await.unwrap().jobs.is_empty());
    assert_eq!(
        code(b.watch(WatchJobsRequest::default()).await),
        Code::PermissionDenied
    );
    assert_eq!(reader.get(&id).await.unwrap().id, id);
    assert_eq!(admin.get(&id).await.unwrap().id, id);
    let job = a.wait(&id, |_| {}).await.unwrap();
    assert_eq!(job.state(), JobState::Succeeded, "{job:?}");
    let proof = reader.result(&id).await.unwrap().proof.unwrap();
    reader.download(&proof, &case.file("proof.json")).await.unwrap();

    // Neither are its files, even with their digests.
    let to = case.file("foreign.json");
    assert_eq!(code(b.download(&proof, &to).await), Code::NotFound);
    assert_eq!(code(b.download_of("a", &proof, &to).await), Code::NotFound);
    assert_eq!(code(b.submit(spec.clone()).await), Code::FailedPrecondition);
    // Dedup keys are per tenant: with its own files, b gets its own job.
    let of_b = JobSpec {
        input: air_job(&mut b, &case, "blake").await.input,
        ..spec
    };
    let of_b = b.submit(of_b).await.unwrap();
    assert!(!of_b.existing && of_b.job.unwrap().id != id);
    let mut auditor = connect(&with(Some("token-of-auditor"))).await;
    assert_eq!(code(auditor.download(&proof, &to).await), Code::NotFound);
    auditor.download_of("a", &proof, &to).await.unwrap();
    assert!(!service.log().contains("token-of"), "no secret in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_leaves_in_the_clear() {
    let secret = Connection {
        server: "http://quarry.example:7474".to_owned(),
        token: Some("token-of-a".to_owned()),
        identity: Some((b"certificate".to_vec(), b"key-of-a".to_vec())),
        ..Connection::default()
    };
    let told = format!("{secret:?}");
    assert!(
        told.contains("quarry.example") && !told.contains("token-of-a"),
        "{told}"
    );
    let is_refused = async |connection: Connection| {
        matches!(Client::connect(&connection).await, Err(ClientError::Plain { .. }))
    };
    let token_alone = Connection {
        identity: None,
        ..secret.clone()
    };
    assert!(is_refused(secret.clone()).await && is_refused(token_alone.clone()).await);
    for server in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"] {
        let near = |connection: &Connection| Connection {
            server: server.to_owned(),
            ..connection.clone()
        };
        assert!(!is_refused(near(&token_alone)).await, "{server}");
        assert!(
            is_refused(near(&secret)).await,
            "a certificate that TLS would show"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_clients() {
    let folder = Folder::new();
    let authority = authority();
    let (server_cert, server_key, _) = certificate(&authority, "localhost");
    let (client_cert, client_key, der) = certificate(&authority, "client");
    let (other_cert, other_key, _) = certificate(&authority, "other");
    let stranger_authority = crate::common::identity::authority();
    let (stranger_cert, stranger_key, _) = certificate(&stranger_authority, "client");
    folder.write("cert.pem", server_cert);
    folder.write("key.pem", server_key);
    folder.write("ca.pem", authority.pem());
    folder.write(
        "secure.toml",
        format!(
            "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\nclient_authority = \"ca.pem\"\n\
             [[clients]]\nsha256 = \"{}\"\ntenant = \"a\"\nroles = [\"read\"]\n",
            sha256(&der)
        ),
    );
    let service = Appliance::start(&folder, "--config secure.toml");
    let with = |identity: Option<(String, String)>| Connection {
        server: format!(
            "https://localhost:{}",
            service.address.rsplit(':').next().unwrap()
        ),
        authority: Some(authority.pem().into_bytes()),
        identity: identity.map(|(certificate, key)| (certificate.into_bytes(), key.into_bytes())),
        ..Connection::default()
    };
    let ask = async |identity| Client::connect(&with(identity)).await?.capabilities().await;
    assert!(ask(Some((client_cert, client_key))).await.is_ok());
    assert_eq!(
        code(ask(Some((other_cert, other_key))).await),
        Code::Unauthenticated
    );
    assert!(ask(None).await.is_err());
    assert!(ask(Some((stranger_cert, stranger_key))).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_misbehave() {
    let case = Folder::with_case(PLAIN);
    let service = Appliance::start(&case, "");
    // Connections that send nothing or half a request.
    let mut idle = Vec::new();
    for n in 0..200 {
        let mut stream = TcpStream::connect(&service.address).unwrap();
        if n % 2 == 0 {
            stream.write_all(b"PRI * HTTP/2.0\r\n").unwrap();
        }
        idle.push(stream);
    }
    let mut client = service.client().await;
    let spec = air_job(&mut client, &case, "blake").await;
    let huge = JobSpec {
        parameters: Some(Parameters::ParameterFile(" ".repeat(3 << 20))),
        ..spec.clone()
    };
    assert_eq!(code(client.submit(huge).await), Code::OutOfRange);
    let due = |seconds| JobSpec {
        deadline: Some(prost_types::Timestamp { seconds, nanos: 0 }),
        ..spec.clone()
    };
    let refused = [
        JobSpec {
            parameters: Some(Parameters::ParameterFile(" ".repeat(1 << 17))),
            ..spec.clone()
        },
        JobSpec {
            priority: 101,
            ..spec.clone()
        },
        JobSpec {
            layout: "no such layout".to_owned(),
            ..spec.clone()
        },
        JobSpec {
            dedup_key: "k".repeat(300),
            ..spec.clone()
        },
        JobSpec {
            priority: i32::MIN,
            ..spec.clone()
        },
        JobSpec {
            layout: "l".repeat(20_000),
            ..spec.clone()
        },
        due(i64::MIN),
        due(i64::MAX),
        due(1 << 40),
        JobSpec::default(),
    ];
    for spec in refused {
        assert_eq!(code(client.submit(spec).await), Code::InvalidArgument);
    }
    // Error messages do not quote overlong input in full.
    assert_eq!(code(client.get(&"x".repeat(20_000)).await), Code::InvalidArgument);
    assert_eq!(code(client.get(&"x".repeat(32)).await), Code::NotFound);
    let token = ListJobsRequest {
        page_token: "x".repeat(20_000),
        ..ListJobsRequest::default()
    };
    assert_eq!(code(client.list(token).await), Code::InvalidArgument);
    for states in [vec![99], vec![0], vec![JobState::Queued as i32, -1]] {
        let request = ListJobsRequest {
            states,
            ..ListJobsRequest::default()
        };
        assert_eq!(code(client.list(request).await), Code::InvalidArgument);
    }
    let future = WatchJobsRequest {
        after: 1_000_000,
        ..WatchJobsRequest::default()
    };
    match client.watch(future).await {
        Err(ClientError::Status(status)) => {
            assert_eq!(status.code(), Code::OutOfRange);
            assert!(
                status
                    .message()
                    .contains("there is no cursor 1000000: the latest is ")
            );
        }
        other => panic!("{other:?}"),
    }
    let mut absent = spec.clone();
    if let Some(Input::Air(air)) = &mut absent.input {
        air.trace.as_mut().unwrap().sha256 = "0".repeat(64);
    }
    assert_eq!(code(client.submit(absent).await), Code::FailedPrecondition);
    let id = client.submit(spec).await.unwrap().job.unwrap().id;
    let job = client.wait(&id, |_| {}).await.unwrap();
    assert_eq!(job.state(), JobState::Succeeded);
    drop(idle);
}

/// The retry delay in the response; `None` if the call was not rate limited.
fn come_again<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Option<Duration> {
    let Err(ClientError::Status(status)) = result else {
        return None;
    };
    if status.code() != Code::ResourceExhausted {
        return None;
    }
    tonic_types::StatusExt::get_details_retry_info(&*status)?.retry_delay
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_waits() {
    let folder = Folder::new();
    let client = |token: &str, rates: &str| {
        format!(
            "[[clients]]\nsha256 = \"{}\"\ntenant = \"{token}\"\nroles = [\"submit\"]\n{rates}\n",
            sha256(token.as_bytes())
        )
    };
    let few = "rates.calls = { per_second = 1, burst = 5 }";
    let rates =
        "[rates]\nfailures = { per_second = 1, burst = 3 }\nsubmissions = { per_second = 1, burst = 2 }\n";
    folder.write(
        "rates.toml",
        format!("{rates}{}{}", client("eager", few), client("calm", "")),
    );
    let service = Appliance::start(&folder, "--config rates.toml");
    let with = |token: &str| Connection {
        token: Some(token.to_owned()),
        ..service.connection()
    };
    // Two connections of the same client share its limit.
    let mut eager = [connect(&with("eager")).await, connect(&with("eager")).await];
    let mut calm = connect(&with("calm")).await;
    for n in 0..5 {
        assert!(eager[n % 2].capabilities().await.is_ok(), "{n}");
    }
    let after = come_again(eager[1].capabilities().await).expect("a refusal");
    assert!(
        after > Duration::ZERO && after <= Duration::from_secs(1),
        "{after:?}"
    );
    assert!(calm.capabilities().await.is_ok(), "others are not slowed down");
    tokio::time::sleep(after).await;
    assert!(
        eager[1].capabilities().await.is_ok(),
        "after the time it was told"
    );

    // Submissions and estimates share a bucket, whether they succeed or not.
    assert_eq!(code(calm.submit(JobSpec::default()).await), Code::InvalidArgument);
    assert_eq!(
        code(calm.estimate(JobSpec::default()).await),
        Code::InvalidArgument
    );
    assert!(come_again(calm.submit(JobSpec::default()).await).is_some());
    assert!(calm.capabilities().await.is_ok());

    // Guessed tokens are rate limited.
    for n in 0..3 {
        let mut guess = connect(&with(&format!("guess {n}"))).await;
        assert_eq!(code(guess.capabilities().await), Code::Unauthenticated);
    }
    let mut guess = connect(&with("guess")).await;
    assert!(come_again(guess.capabilities().await).is_some());
    assert!(
        calm.capabilities().await.is_ok(),
        "who is known is not shut out by a neighbour"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_its_share() {
    let folder = Folder::new();
    folder.write(
        "rates.toml",
        "max_connections_per_address = 8\nfirst_call_seconds = 10\n[rates]\ncalls = { per_second = 1, burst = 4 }\n",
    );
    let service = Appliance::start(&folder, "--config rates.toml");
    let mut client = service.client().await;
    let mut other = service.client().await;
    for n in 0..4 {
        assert!(client.capabilities().await.is_ok(), "{n}");
    }
    assert!(
        come_again(other.capabilities().await).is_some(),
        "no tenant is named: the address is"
    );

    // Six more connections are allowed. Two of strangers give their places to others, and the rest is closed after a
    // while.
    let begin = Instant::now();
    let mut closed = Vec::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let mut stream = TcpStream::connect(&service.address).expect("a connection");
                stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                if n % 2 == 0 {
                    stream.write_all(b"PRI * HTTP/2.0\r\n").unwrap();
                }
                scope.spawn(move || {
                    // The server may send its preface first.
                    let mut answer = Vec::new();
                    match stream.read_to_end(&mut answer) {
                        Ok(_) => {}
                        Err(why) => assert_eq!(why.kind(), std::io::ErrorKind::ConnectionReset),
                    }
                    begin.elapsed()
                })
            })
            .collect();
        closed.extend(threads.into_iter().map(|thread| thread.join().unwrap().as_secs()));
    });
    closed.sort_unstable();
    assert!(
        closed[..2].iter().all(|seconds| *seconds < 5) && closed[2..].iter().all(|seconds| *seconds >= 9),
        "{closed:?}"
    );
    let mut late = service.client().await;
    assert!(late.capabilities().await.is_ok(), "there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_never_logged() {
    let folder = Folder::new();
    let authority = authority();
    let (certificate, key, _) = certificate(&authority, "localhost");
    folder.write("cert.pem", certificate);
    folder.write("key.pem", &key);
    let digest = sha256(b"token-of-a");
    folder.write(
        "secure.toml",
        format!(
            "[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n\
             [[clients]]\nsha256 = \"{digest}\"\ntenant = \"a\"\nroles = [\"submit\", \"read\"]\n"
        ),
    );
    let service = Appliance::start(&folder, "--config secure.toml --log-level trace");
    let with = |token: &str| Connection {
        server: format!(
            "https://localhost:{}",
            service.address.rsplit(':').next().unwrap()
        ),
        token: Some(token.to_owned()),
        authority: Some(authority.pem().into_bytes()),
        ..Connection::default()
    };
    let mut stranger = connect(&with("token-of-a-stranger")).await;
    assert_eq!(code(stranger.capabilities().await), Code::Unauthenticated);

    // A private input that is proved, one on which a hint fails, and one that is not JSON.
    let mut client = connect(&with("token-of-a")).await;
    let mut spec = long_job(&mut client, 0).await;
    let inputs = [
        ("{\"start\": 1099511627776}", JobState::Succeeded),
        ("{\"start\": \"x1099511627776\"}", JobState::Rejected),
        ("{\"start\": x1099511627776}", JobState::Rejected),
    ];
    for (input, state) in inputs {
        folder.write("input.json", input);
        let input = client.upload(&folder.file("input.json")).await.unwrap();
        if let Some(Input::Program(program)) = &mut spec.input {
            program.input = Some(input);
        }
        let id = client.submit(spec.clone()).await.unwrap().job.unwrap().id;
        let job = client.wait(&id, |_| {}).await.unwrap();
        assert_eq!(job.state(), state, "{job:?}");
    }
    folder.quarry("admin reload --data data").exits(0);

    let log = service.log();
    assert!(log.contains("\"TRACE\""), "it logs all there is");
    let secret_lines = key.lines().filter(|line| !line.starts_with("-----"));
    for secret in secret_lines.chain(["token-of-a", "1099511627776"]) {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "'{secret}' is in the log");
    }
}

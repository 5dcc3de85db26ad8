//! Runs the service in tests: the real process, in its own folder, on its own port.

use super::Folder;
use quarry_client::protocol::{
    AirInput, ArtifactRef, Job, JobSpec, JobState, NamedProfile, ProgramInput, job_spec::Input,
    job_spec::Parameters,
};
use quarry_client::{Client, ClientError, Connection};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Arguments of the service in all tests.
const SERVE: &str = "serve --data data --listen 127.0.0.1:0 --http 127.0.0.1:0 --log-format json";

/// A running service; killed on drop.
pub struct Appliance {
    process: Child,
    /// gRPC address: `127.0.0.1:port`.
    pub address: String,
    /// Address of its pages.
    pub http: String,
    /// Its log.
    log: Arc<Mutex<Vec<String>>>,
    /// The rest of its log, if the test does not read it.
    _unread: Option<Lines<BufReader<ChildStderr>>>,
}

impl Appliance {
    /// Starts a service with the data folder `data` and waits until it is ready.
    pub fn start(folder: &Folder, flags: &str) -> Self {
        Self::start_with(folder, flags, &[]).expect("the service serves")
    }

    /// [`Appliance::start`] with additional environment variables; `None` if it exits before it is ready.
    pub fn start_with(folder: &Folder, flags: &str, env: &[(&str, &str)]) -> Option<Self> {
        let device = if flags.contains("--device") {
            ""
        } else {
            "--device cpu"
        };
        let mut command = folder.command(&format!("{SERVE} {device} {flags}"));
        command.envs(env.iter().copied());
        Self::spawn(command, true)
    }

    /// [`Appliance::start`] with a log that the test does not read once the service is ready.
    pub fn start_unread(folder: &Folder, flags: &str) -> Self {
        let command = folder.command(&format!("{SERVE} --device cpu {flags}"));
        Self::spawn(command, false).expect("the service serves")
    }

    /// [`Appliance::start`] through another program that executes the service: that program's command line is followed
    /// by the service's.
    pub fn start_by(folder: &Folder, program: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command
            .args(args)
            .arg(env!("CARGO_BIN_EXE_quarry"))
            .args(SERVE.split(' '))
            .args(["--device", "cpu"])
            .current_dir(folder.path());
        Self::spawn(command, true).expect("the service serves")
    }

    fn spawn(mut command: Command, reads: bool) -> Option<Self> {
        let mut process = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let mut lines = BufReader::new(process.stderr.take().expect("standard error")).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let addresses = lines.by_ref().map_while(Result::ok).find_map(|line| {
            log.lock().unwrap().push(line.clone());
            let event: Value = serde_json::from_str(&line).ok()?;
            let field = |name: &str| Some(event["fields"][name].as_str()?.to_owned());
            Some((field("address")?, field("http")?))
        });
        let Some((address, http)) = addresses else {
            let ended = process.wait().expect("the service ended");
            println!("{ended}: {}", log.lock().unwrap().join("\n"));
            return None;
        };
        let said = Arc::clone(&log);
        let unread = if reads {
            std::thread::spawn(move || {
                lines
                    .map_while(Result::ok)
                    .for_each(|line| said.lock().unwrap().push(line));
            });
            None
        } else {
            Some(lines)
        };
        Some(Self {
            process,
            address,
            http,
            log,
            _unread: unread,
        })
    }

    /// Gets a page: status, head and body of the response.
    pub fn page(&self, path: &str) -> (u16, String, String) {
        get(&self.http, path)
    }

    /// The value of a metric, by its exact name and labels; `None` if missing.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let (_, _, metrics) = self.page("/metrics");
        let mut lines = metrics.lines().map(|line| line.rsplit_once(' '));
        lines.find_map(|line| line.filter(|(found, _)| *found == name)?.1.parse().ok())
    }

    /// Its log as one text.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Connection to the service.
    pub fn connection(&self) -> Connection {
        Connection {
            server: format!("http://{}", self.address),
            ..Connection::default()
        }
    }

    /// A connected client.
    pub async fn client(&self) -> Client {
        Client::connect(&self.connection()).await.expect("a connection")
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.process.kill().expect("a process to kill");
        self.process.wait().expect("a process to kill");
    }

    /// Sends SIGTERM; returns the exit status.
    pub fn terminate(mut self) -> ExitStatus {
        signal("TERM", self.process.id());
        self.process.wait().expect("the process ends")
    }

    /// Waits until the process exits by itself.
    pub fn wait(mut self) -> ExitStatus {
        self.process.wait().expect("the process ends")
    }

    /// Id of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ids of its child processes with a subcommand.
    pub fn processes(&self, subcommand: &str) -> Vec<u32> {
        processes(self.process.id(), subcommand)
    }

    /// Waits until it has a child process with a subcommand; returns the process id.
    pub fn process(&self, subcommand: &str) -> u32 {
        until(&format!("a {subcommand}"), || {
            self.processes(subcommand).first().copied()
        })
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Gets a page from an address: status, head and body of the response.
pub fn get(address: &str, path: &str) -> (u16, String, String) {
    get_as(address, path, "*/*")
}

/// [`get`], of these media types.
pub fn get_as(address: &str, path: &str, accept: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).expect("the pages");
    let head = format!("Host: localhost\r\nAccept: {accept}\r\nConnection: close");
    let request = format!("GET {path} HTTP/1.1\r\n{head}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), head.to_owned(), body.to_owned())
}

/// Sends a signal to a process.
pub fn signal(name: &str, id: u32) {
    let status = Command::new("kill")
        .args([format!("-{name}"), id.to_string()])
        .status();
    assert!(status.expect("kill runs").success(), "kill -{name} {id}");
}

fn processes(parent: u32, subcommand: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let is_child = after_name.split_whitespace().nth(1) == Some(&parent.to_string());
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let second = command.split(|byte| *byte == 0).nth(1);
        if is_child && second == Some(subcommand.as_bytes()) {
            found.push(id);
        }
    }
    found
}

/// The files in `data` of a kind: `objects` for complete files, `parts` for unfinished uploads.
pub fn kept(folder: &Folder, kind: &str) -> Vec<PathBuf> {
    let mut open = vec![folder.file("data/artifacts")];
    let mut found = Vec::new();
    while let Some(entries) = open.pop().map(fs::read_dir) {
        for path in entries
            .expect("a folder")
            .map(|entry| entry.expect("a file").path())
        {
            match path.is_dir() {
                true => open.push(path),
                false => found.push(path),
            }
        }
    }
    found.retain(|path| path.components().any(|part| part.as_os_str() == kind));
    found
}

/// Waits until there is a value, at most a minute.
pub fn until<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        if let Some(found) = find() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no {what} within a minute");
}

/// [`until`] for what has to be awaited: a proof, for example. At most two minutes.
pub async fn until_async<T>(what: &str, mut find: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(120) {
        if let Some(found) = find().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no {what} within two minutes");
}

/// Waits until a job has a state.
pub async fn reaches(client: &mut Client, id: &str, state: JobState) -> Job {
    until_async(state.as_str_name(), async || {
        let job = client.get(id).await.unwrap();
        assert!(job.state() == state || !job.state().has_ended(), "{job:?}");
        (job.state() == state).then_some(job)
    })
    .await
}

/// Uploads the four files of a case, with the parameters `tag`.
pub async fn air_job(client: &mut Client, case: &Folder, tag: &str) -> JobSpec {
    try_air_job(client, case, tag).await.expect("uploads")
}

/// [`air_job`] for a service that may end in the middle of it.
pub async fn try_air_job(client: &mut Client, case: &Folder, tag: &str) -> Result<JobSpec, ClientError> {
    let mut file = async |name: &str| client.upload(&case.file(name)).await.map(Some);
    let input = AirInput {
        public_input: file("public_input.json").await?,
        private_input: file("private_input.json").await?,
        trace: file("trace.bin").await?,
        memory: file("memory.bin").await?,
    };
    let params = fs::read_to_string(case.file(&format!("params_{tag}.json"))).expect("parameters");
    Ok(JobSpec {
        input: Some(Input::Air(input)),
        parameters: Some(Parameters::ParameterFile(params)),
        ..JobSpec::default()
    })
}

/// Uploads a file.
pub async fn upload(client: &mut Client, path: &Path) -> ArtifactRef {
    client.upload(path).await.expect("an upload")
}

/// Programs and their inputs.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prover-core/examples")
}

/// A job that takes a device some seconds, depending on the steps.
pub async fn long_job(client: &mut Client, min_steps: u64) -> JobSpec {
    let folder = examples().join("collatz");
    let program = ProgramInput {
        program: Some(upload(client, &folder.join("program.json")).await),
        input: Some(upload(client, &folder.join("input.json")).await),
        min_steps,
        ..ProgramInput::default()
    };
    JobSpec {
        input: Some(Input::Program(program)),
        parameters: Some(Parameters::Profile(NamedProfile {
            name: "dev".to_owned(),
            security_bits: 30,
        })),
        ..JobSpec::default()
    }
}

/// A job whose program runs for seconds. Nothing tells that before it runs.
pub async fn slow_job(client: &mut Client, folder: &Folder) -> JobSpec {
    folder.write("input.json", "{ \"n\": 1000000 }");
    let program = ProgramInput {
        program: Some(upload(client, &examples().join("cubes/program.json")).await),
        input: Some(upload(client, &folder.file("input.json")).await),
        ..ProgramInput::default()
    };
    JobSpec {
        input: Some(Input::Program(program)),
        ..JobSpec::default()
    }
}

/// Submits a job that must be accepted.
pub async fn submit(client: &mut Client, spec: JobSpec) -> Job {
    let answer = client.submit(spec).await.expect("an accepted job");
    answer.job.expect("a job")
}

/// Waits until a job has ended.
pub async fn wait(client: &mut Client, id: &str) -> Job {
    client.wait(id, |_| {}).await.expect("the job ends")
}

//! Load test of the service: many clients each submit all their small jobs at once and watch them, and upload large
//! files. Starts the service and prints its load and memory figures.

use clap::Parser;
use quarry_benches::unpack_case;
use quarry_client::protocol::{AirInput, JobSpec, JobState, job_spec::Input, job_spec::Parameters};
use quarry_client::{Client, Connection};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Load test of the service: many clients submit small jobs and watch them, and upload large files.
#[derive(Debug, Parser)]
struct Args {
    /// Path of the `quarry` program [default: next to this program]
    #[arg(long)]
    quarry: Option<PathBuf>,
    /// Case to prove, from prover-core/tests/data
    #[arg(long, default_value = "prover-core/tests/data/plain/fib_2p9")]
    case: PathBuf,
    /// Tag of the case's parameters
    #[arg(long, default_value = "blake")]
    tag: String,
    /// Number of clients, each with a connection of its own
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Total number of jobs
    #[arg(long, default_value_t = 2000)]
    jobs: usize,
    /// Number of files to upload at once, before the jobs
    #[arg(long, default_value_t = 4)]
    uploads: usize,
    /// Size of each file in MiB
    #[arg(long, default_value_t = 200)]
    upload_mib: usize,
}

/// The measurements.
#[derive(Debug, Default, Serialize)]
struct Report {
    clients: usize,
    jobs: usize,
    /// Number of jobs by final state.
    ended: BTreeMap<String, usize>,
    /// Number of events that the clients received.
    events: usize,
    errors: Vec<String>,
    /// From the first submission to the end of the last job.
    seconds: f64,
    jobs_per_second: f64,
    /// Time from a submission to its response: median, 99th percentile, maximum.
    submit_milliseconds: [f64; 3],
    /// Resident memory of the service, without its worker and its children: when it began to serve, after the uploads,
    /// and at its peak.
    service_mib: [f64; 3],
    /// Total size of the uploads, and their total rate.
    upload_mib: usize,
    upload_mib_per_second: f64,
    /// Number of distinct proofs; the other jobs repeat them.
    proofs: usize,
    /// Size of the store's file at the end.
    store_mib: f64,
}

const MIB: f64 = (1 << 20) as f64;
/// Number of different query counts. Jobs use them in turn, so that their proofs differ.
const PARAMETERS: usize = 16;

/// The service's process, killed when dropped.
struct Service {
    process: Child,
    address: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Service {
    fn start(quarry: &Path, data: &Path) -> Fallible<Self> {
        let mut process = Command::new(quarry)
            .args(["serve", "--device", "cpu", "--log-format", "json"])
            .args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
            .arg(data)
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().ok_or("no standard error")?;
        let mut lines = BufReader::new(stderr).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let event: Value = serde_json::from_str(&line).ok()?;
            Some(event["fields"]["address"].as_str()?.to_owned())
        });
        let address = address.ok_or("the service did not report its address")?;
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(Self { process, address })
    }

    async fn client(&self) -> Fallible<Client> {
        let connection = Connection {
            server: format!("http://{}", self.address),
            ..Connection::default()
        };
        Ok(Client::connect(&connection).await?)
    }

    /// Resident memory of the process in MiB: now (`VmRSS`), or at its peak (`VmHWM`).
    fn mib(&self, key: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_default();
        let kib = line
            .split_whitespace()
            .nth(1)
            .and_then(|kib| kib.parse::<f64>().ok());
        kib.map_or(f64::NAN, |kib| kib / 1024.0)
    }
}

/// Writes a file whose bytes differ from those of every other file.
fn large_file(path: &Path, seed: usize, mib: usize) -> io::Result<()> {
    let mut file = File::create(path)?;
    let mut state = seed as u64 + 1;
    for _ in 0..mib {
        // Xorshift: any generator will do, as long as the output differs.
        let block = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        let block: Vec<u8> = block.take((1 << 20) / 8).flatten().collect();
        file.write_all(&block)?;
    }
    Ok(())
}

async fn upload(service: &Service, folder: &Path, args: &Args, report: &mut Report) -> Fallible<()> {
    let mut files = Vec::new();
    for n in 0..args.uploads {
        let path = folder.join(format!("large{n}"));
        large_file(&path, n, args.upload_mib)?;
        files.push(path);
    }
    let begin = Instant::now();
    let mut uploads = Vec::new();
    for path in files {
        let mut client = service.client().await?;
        uploads.push(tokio::spawn(async move { client.upload(&path).await }));
    }
    for upload in uploads {
        upload.await??;
    }
    report.upload_mib = args.uploads * args.upload_mib;
    report.upload_mib_per_second = report.upload_mib as f64 / begin.elapsed().as_secs_f64();
    Ok(())
}

/// What a client observed.
#[derive(Default)]
struct Seen {
    submits: Vec<Duration>,
    ended: Vec<JobState>,
    proofs: HashSet<String>,
    events: usize,
}

/// One client: submits its jobs, then watches them.
async fn submit_and_watch(mut client: Client, jobs: Vec<JobSpec>) -> Fallible<Seen> {
    let mut seen = Seen::default();
    let mut ids = Vec::new();
    for spec in jobs {
        let begin = Instant::now();
        ids.push(client.submit(spec).await?.job.unwrap_or_default().id);
        seen.submits.push(begin.elapsed());
    }
    for id in ids {
        let job = client.wait(&id, |_| seen.events += 1).await?;
        seen.ended.push(job.state());
        if job.state() == JobState::Succeeded {
            let proof = client.result(&id).await?.proof.unwrap_or_default();
            seen.proofs.insert(proof.sha256);
        }
    }
    Ok(seen)
}

/// The jobs of one client: those whose number modulo the number of clients is the client's own.
fn jobs_of(args: &Args, client: usize, input: &AirInput, parameters: &Value) -> Vec<JobSpec> {
    let job = |n: usize| {
        let mut parameters = parameters.clone();
        let fri = &mut parameters["stark"]["fri"];
        fri["n_queries"] = (fri["n_queries"].as_u64().unwrap_or(1) + (n % PARAMETERS) as u64).into();
        JobSpec {
            input: Some(Input::Air(input.clone())),
            parameters: Some(Parameters::ParameterFile(parameters.to_string())),
            dedup_key: format!("job {n}"),
            ..JobSpec::default()
        }
    };
    (client..args.jobs).step_by(args.clients).map(job).collect()
}

async fn submit_all(service: &Service, args: &Args, report: &mut Report) -> Fallible<()> {
    let mut client = service.client().await?;
    let case = unpack_case(&args.case)?;
    let mut file = async |name: &str| client.upload(&case.path().join(name)).await.map(Some);
    let input = AirInput {
        public_input: file("public_input.json").await?,
        private_input: file("private_input.json").await?,
        trace: file("trace.bin").await?,
        memory: file("memory.bin").await?,
    };
    let parameters = File::open(args.case.join(format!("params_{}.json", args.tag)))?;
    let parameters: Value = serde_json::from_reader(parameters)?;
    let begin = Instant::now();
    let mut clients = Vec::new();
    for n in 0..args.clients {
        let client = service.client().await?;
        let jobs = jobs_of(args, n, &input, &parameters);
        clients.push(tokio::spawn(submit_and_watch(client, jobs)));
    }
    let mut submits = Vec::new();
    let mut proofs = HashSet::new();
    for client in clients {
        match client.await? {
            Ok(seen) => {
                submits.extend(seen.submits);
                report.events += seen.events;
                proofs.extend(seen.proofs);
                for state in seen.ended {
                    *report.ended.entry(state.name()).or_default() += 1;
                }
            }
            Err(error) => report.errors.push(error.to_string()),
        }
    }
    report.proofs = proofs.len();
    report.seconds = begin.elapsed().as_secs_f64();
    report.jobs_per_second = args.jobs as f64 / report.seconds;
    submits.sort();
    let share = |share: f64| {
        let at = (share * submits.len().saturating_sub(1) as f64).ceil() as usize;
        submits.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    report.submit_milliseconds = [share(0.5), share(0.99), share(1.0)];
    Ok(())
}

#[tokio::main]
async fn main() -> Fallible<()> {
    let args = Args::parse();
    let quarry = match &args.quarry {
        Some(quarry) => quarry.clone(),
        None => std::env::current_exe()?.with_file_name("quarry"),
    };
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let service = Service::start(&quarry, &data)?;
    let mut report = Report {
        clients: args.clients,
        jobs: args.jobs,
        ..Report::default()
    };
    report.service_mib[0] = service.mib("VmRSS");
    upload(&service, folder.path(), &args, &mut report).await?;
    report.service_mib[1] = service.mib("VmHWM");
    submit_all(&service, &args, &mut report).await?;
    report.service_mib[2] = service.mib("VmHWM");
    report.store_mib = fs::metadata(data.join("store.redb"))?.len() as f64 / MIB;
    println!("{}", serde_json::to_string_pretty(&report)?);
    let n_succeeded = report.ended.get(&JobState::Succeeded.name());
    if !report.errors.is_empty() || n_succeeded != Some(&args.jobs) {
        return Err("not all jobs succeeded".into());
    }
    Ok(())
}

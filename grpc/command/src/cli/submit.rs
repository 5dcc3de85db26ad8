//! `quarry submit` and `quarry estimate`: send a job to a service.

use crate::cli::block_args::BlockArgs;
use crate::cli::executables::{self, ExecutableArgs};
use crate::cli::failure::{Failure, Kind};
use crate::cli::get::{self, fetch, no_proof};
use crate::cli::job_calldata::{self, CalldataArgs};
use crate::cli::job_json::job_json;
use crate::cli::job_text;
use crate::cli::kinds;
use crate::cli::list::parse_label;
use crate::cli::output::Target;
use crate::cli::progress::clock;
use crate::cli::server::Server;
use crate::cli::source::{EXECUTABLE, read_stone_json, read_text};
use crate::cli::submitted::{AcceptanceFile, Submitted};
use crate::cli::task_list::TaskList;
use crate::cli::task_source::{Content, TaskSource};
use crate::cli::tasks::{NOT_TASKS, TASKS, TaskArgs};
use crate::cli::terminal;
use crate::cli::upload;
use crate::cli::waiting::Waiting;
use crate::cli::wrap_args::WrapArgs;
use quarry_client::Client;
use quarry_client::protocol::{
    AirInput, AloneInput, Job, JobSpec, JobState, Limits, NamedProfile, ProgramInput, TasksInput,
    job_spec::{Input, Parameters},
};
use quarry_prover_core::cairo::layouts::DYNAMIC;
use quarry_prover_core::file_kind::FileKind;
use serde_json::json;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Examples for `submit --help`.
pub const EXAMPLES: &str = "\
Examples:
  quarry submit program.json --input input.json
      prints the job's id
  quarry submit program.json --input input.json --out proof.json
      waits for the proof and writes it
  quarry submit --pie pie.zip --out proof.json
      runs a Cairo PIE under a bootloader, proves it and writes the proof
  quarry submit --executable NAME.executable.json --args 3,4 --out proof.json
      does the same with a Scarb executable; with --alone, without a bootloader
  quarry submit --pie pie.zip --wrap --profile integrity-stone6-keccak160 --calldata
      also proves that this proof holds, for Integrity
  quarry submit program.json --block signature.json --block-number 763497
      is for a Starknet block; signature.json is what its feeder gateway answers to get_signature
  quarry submit --public-input-file public_input.json --private-input-file private_input.json \\
      --parameter-file params.json --dedup-key 'block 1234' --out proof.json
      takes the inputs of cpu_air_prover; with the dedup key, running it twice makes one job; running it
      with other inputs or options fails with exit code 2 (only --deadline and --priority may change)
  quarry submit program.json --input input.json --sign client.key --prover ed25519:.. \\
      --deadline 600 --acceptance accepted.bin
      signs the job for that service alone, and keeps its signed promise";

/// Examples for `estimate --help`.
pub const ESTIMATE_EXAMPLES: &str = "\
Examples:
  quarry estimate program.json --input input.json
  quarry estimate program.json --input input.json --deadline 600 | jq .would_meet_deadline";

/// The options that describe a job, and how to reach the service.
#[derive(Debug, clap::Args)]
#[group(skip)]
struct JobArgs {
    /// Compiled Cairo 0 program (JSON)
    #[arg(value_name = "PROGRAM", group = EXECUTABLE)]
    #[arg(required_unless_present_any = ["pie", "tasks", executables::FILE, "public_input_file"])]
    #[arg(conflicts_with_all = ["public_input_file", "private_input_file"])]
    program: Option<PathBuf>,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    scarb: ExecutableArgs,
    /// Input of the program (JSON), which its hints read as program_input
    #[arg(long, value_name = "FILE", requires = "program", conflicts_with_all = ["pie", "tasks"])]
    input: Option<PathBuf>,
    /// Layout; auto takes the cheapest usable one
    #[arg(long, value_name = "auto|NAME", default_value = "auto")]
    layout: String,
    /// Run in layout dynamic with these parameters (Stone's dynamic_params, JSON) [default of --layout dynamic: the
    /// service's]
    #[arg(long, value_name = "FILE", requires = EXECUTABLE, conflicts_with = "layout")]
    dynamic_params: Option<PathBuf>,
    /// Pad the run to at least this many steps
    #[arg(long, value_name = "N", default_value_t = 0, requires = EXECUTABLE)]
    min_steps: u64,
    /// Public input of an execution (Stone's JSON), instead of a program
    #[arg(long, value_name = "FILE", requires = "private_input_file")]
    public_input_file: Option<PathBuf>,
    /// Private input of the execution (Stone's JSON), which names its trace and memory files
    #[arg(long, value_name = "FILE", requires = "public_input_file")]
    private_input_file: Option<PathBuf>,
    /// Profile: the verifier that the proof is for; empty for the service's default
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        conflicts_with = "parameter_file"
    )]
    profile: String,
    /// Target for the conjectured security, in bits; 0 for the service's default
    #[arg(
        long,
        value_name = "BITS",
        default_value_t = 0,
        conflicts_with = "parameter_file"
    )]
    security_bits: u32,
    /// Read the parameters from this file in Stone's format, instead of deriving them
    #[arg(long, value_name = "FILE")]
    parameter_file: Option<PathBuf>,
    /// Fail a job whose run has more steps; 0 for the service's limit
    #[arg(long, value_name = "N", default_value_t = 0)]
    step_limit: u64,
    /// Deadline in seconds from now; a job that is not done by then expires [default: none]
    #[arg(long, value_name = "SECONDS")]
    deadline: Option<u64>,
    /// Priority; jobs with a higher one go first
    #[arg(
        long,
        value_name = "-100..100",
        default_value_t = 0,
        allow_hyphen_values = true
    )]
    priority: i32,
    /// Idempotency key: resubmitting with the same key returns the existing job, and is refused if the job differs in
    /// more than --deadline and --priority
    #[arg(long, value_name = "KEY", default_value = "")]
    dedup_key: String,
    /// Reject a program with another hash (Pedersen or Poseidon). With Stone's four files it needs --expect-builtins,
    /// or --layout if main has all builtins of that layout: the hash does not cover which builtins main has
    #[arg(long, value_name = "HASH", default_value = "")]
    expect_program_hash: String,
    /// Reject the job unless main has exactly these builtins, in this order
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    expect_builtins: Vec<String>,
    /// Label of the job, to find it with `quarry list`; repeat it for several
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_label)]
    labels: Vec<(String, String)>,
    /// Also wrap the proof, as `quarry wrap` does: the options of the proof are then those of the wrapped one.
    /// --layout, --dynamic-params, --bootloader, --program-hash-function and --min-steps are for the first proof. Needs
    /// tasks
    #[arg(long, conflicts_with_all = ["program", "alone", "public_input_file", "private_input_file"])]
    wrap: bool,
    #[command(flatten)]
    wrapping: WrapArgs,
    #[command(flatten)]
    calldata: CalldataArgs,
    #[command(flatten)]
    server: Server,
}

/// Arguments of `estimate`.
#[derive(Debug, clap::Args)]
pub struct EstimateArgs {
    #[command(flatten)]
    job: JobArgs,
}

/// Arguments of `submit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    job: JobArgs,
    #[command(flatten)]
    block: BlockArgs,
    /// Wait until the job has ended; show a bar meanwhile if standard error is a terminal
    #[arg(long)]
    wait: bool,
    /// Wait until the job has ended and write the proof to this file
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Wait until the job has ended and write the fact topologies of its tasks (JSON) to this file. Needs tasks on
    /// continuous pages
    #[arg(long, value_name = "FILE", requires = TASKS, conflicts_with_all = NOT_TASKS)]
    #[arg(conflicts_with = executables::ALONE)]
    fact_topologies: Option<PathBuf>,
    /// Write the service's acceptance to this file: the signed promise that it took this job. Needs --sign
    #[arg(long, value_name = "FILE")]
    acceptance: Option<PathBuf>,
    /// Print the job as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), Failure> {
    let tasks = args.job.check()?;
    let targets = args.targets(tasks.as_ref())?;
    let block = args.block.read()?;
    let acceptance = args
        .acceptance
        .as_deref()
        .map(AcceptanceFile::check)
        .transpose()?;
    let waits = args.wait || targets.proof.is_some() || targets.topologies.is_some();
    let targets = waits.then_some(targets);
    let id = OnceCell::new();
    let on_stop = || match id.get() {
        Some(id) => {
            let line = args.job.server.line(&format!("watch {id}"));
            let message = format!("interrupted; job {id} continues: follow it with `{line}`");
            Failure::new(Kind::Interrupted, message).with_details(&json!({ "id": id }))
        }
        None => Failure::interrupted(),
    };
    let ask = async |mut client: Client| {
        if let Some(acceptance) = &acceptance {
            acceptance.expect_signer(&client)?;
        }
        let spec = JobSpec {
            block,
            ..args.job.spec(&mut client, tasks.as_ref()).await?
        };
        let submitted = Submitted::submit(&mut client, spec).await?;
        let mut job = submitted.job.clone();
        let _ = id.set(job.id.clone());
        if let Some(acceptance) = &acceptance {
            acceptance.write(&submitted)?;
        }
        if submitted.existing {
            terminal::tell(format_args!(
                "note: this is an existing job, with the same dedup key or from the same message\n"
            ));
        }
        if targets.is_some() {
            let mut waiting = Waiting::begin(&job.id);
            job = client.wait(&job.id, |event| waiting.show(event)).await?;
        }
        args.conclude(&mut client, &job, targets.as_ref()).await?;
        Ok(match args.json {
            true => get::json(&job, None),
            false => format!("{}\n", job.id),
        })
    };
    args.job.server.ask_until(ask, on_stop)
}

impl Args {
    /// Checks that the files can be written.
    fn targets(&self, tasks: Option<&TaskList>) -> Result<Targets, Failure> {
        let listed = tasks.and_then(|tasks| tasks.fact_topologies.as_deref());
        let topologies = self.fact_topologies.as_deref().or(listed);
        let has_pages = tasks.is_some_and(|tasks| self.job.tasks.has_pages(tasks));
        if topologies.is_some() && !has_pages {
            let (asked, add) = match &self.fact_topologies {
                Some(_) => ("--fact-topologies", "--continuous-pages"),
                None => ("--tasks: fact_topologies_path", "\"single_page\": false"),
            };
            let why = format!("{asked}: a service keeps those of tasks on pages only; add {add}");
            return Err(Failure::bad_input(why));
        }
        Ok(Targets {
            proof: self.out.as_deref().map(Target::check).transpose()?,
            topologies: topologies.map(Target::check).transpose()?,
        })
    }

    /// Writes what was waited for, and tells it or the next command.
    async fn conclude(
        &self,
        client: &mut Client,
        job: &Job,
        targets: Option<&Targets>,
    ) -> Result<(), Failure> {
        let Some(targets) = targets else {
            let line = |command: &str| self.line(command, job);
            let [follow, download] = [line("watch ID"), line("get ID --out proof.json")];
            terminal::tell(format_args!(
                "to follow the job: {follow}\nto download the proof: {download}\n"
            ));
            return Ok(());
        };
        if job.state() != JobState::Succeeded {
            return Err(no_proof(job).with_details(&job_json(job)));
        }
        let result = client.result(&job.id).await?;
        let text = match &targets.proof {
            Some(target) => {
                fetch(client, job, &result, target).await?;
                job_text::written(job, &result, target)
            }
            None => {
                let took = job_text::took(job).unwrap_or_default();
                let download = self.line("get ID --out proof.json", job);
                format!(
                    "the job took {}; to download the proof: {download}",
                    clock(took.as_secs_f64())
                )
            }
        };
        terminal::tell(format_args!("{text}\n"));
        if let Some(target) = &targets.topologies {
            get::fetch_topologies(client, job, target).await?;
        }
        job_calldata::check(job, &result)
    }

    /// A command about the job.
    fn line(&self, command: &str, job: &Job) -> String {
        self.job.server.line(&command.replace("ID", &job.id))
    }
}

/// The files that are written at the end of the job.
struct Targets {
    proof: Option<Target>,
    topologies: Option<Target>,
}

/// Prints what a job would take, as JSON.
pub fn estimate(args: &EstimateArgs) -> Result<(), Failure> {
    let tasks = args.job.check()?;
    args.job.server.ask(async |mut client| {
        let spec = args.job.spec(&mut client, tasks.as_ref()).await?;
        let estimate = client.estimate(spec).await?;
        let statement = estimate.statement.unwrap_or_default();
        let value = json!({
            "layout": statement.layout,
            "n_steps": statement.n_steps,
            "security_bits": statement.security_bits,
            "multiplications": statement.multiplications,
            "least_device_bytes": statement.least_device_bytes,
            "wait_seconds": estimate.wait_seconds,
            "seconds_p50": estimate.seconds_p50,
            "seconds_p95": estimate.seconds_p95,
            "would_meet_deadline": estimate.would_meet_deadline,
            "wrapped": estimate.wrapped.map(|wrapped| json!({
                "layout": wrapped.layout,
                "n_steps": wrapped.n_steps,
                "multiplications": wrapped.multiplications,
                "least_device_bytes": wrapped.least_device_bytes,
            })),
        });
        Ok(format!("{value:#}\n"))
    })
}

impl JobArgs {
    /// Rejects files of the wrong kind before the service is contacted. Returns the tasks, if tasks are to be run.
    fn check(&self) -> Result<Option<TaskList>, Failure> {
        if let Some(executable) = self.scarb.alone() {
            kinds::expect(executable, FileKind::Executable)?;
        }
        let files = [
            (&self.program, FileKind::Program),
            (&self.dynamic_params, FileKind::DynamicParams),
            (&self.public_input_file, FileKind::PublicInput),
            (&self.private_input_file, FileKind::PrivateInput),
            (&self.parameter_file, FileKind::Parameters),
        ];
        let check = |(path, kind): (&Option<PathBuf>, _)| match path {
            Some(path) => kinds::expect(path, kind),
            None => Ok(()),
        };
        files.into_iter().try_for_each(check)?;
        self.wrapping.check()?;
        if self.wrap {
            let is_dynamic = self.dynamic_params.is_some() || self.layout == DYNAMIC;
            self.tasks.check_wrapping(is_dynamic)?;
        }
        let executable = self.scarb.task().filter(|_| self.scarb.alone().is_none());
        if executable.is_none() && !self.tasks.are_given() {
            return Ok(None);
        }
        let program = self.program.clone().map(|program| TaskSource::Program {
            program: Content::File(program),
            input: self.input.clone().map(Content::File),
        });
        self.tasks.to_upload(program.or(executable)).map(Some)
    }

    /// Uploads the files and returns the specification of the job.
    async fn spec(&self, client: &mut Client, tasks: Option<&TaskList>) -> Result<JobSpec, Failure> {
        let parameters = match &self.parameter_file {
            Some(path) => Parameters::ParameterFile(read_text(path)?),
            None => Parameters::Profile(NamedProfile {
                name: self.profile.clone(),
                security_bits: self.security_bits,
            }),
        };
        let deadline = self.deadline.map(Duration::from_secs);
        let at = |after| {
            let at = SystemTime::now().checked_add(after);
            at.ok_or_else(|| Failure::bad_input("--deadline: too far in the future"))
        };
        let deadline = deadline.map(at).transpose()?;
        let wrap = match self.wrap {
            true => Some(self.wrapping.upload(client, &self.layout).await?),
            false => None,
        };
        // That of a wrapped proof is always the same.
        let layout = if self.wrap { "" } else { &*self.layout };
        Ok(JobSpec {
            input: Some(self.upload(client, tasks).await?),
            layout: layout.to_owned(),
            parameters: Some(parameters),
            limits: Some(Limits {
                max_steps: self.step_limit,
                ..Default::default()
            }),
            deadline: deadline.map(Into::into),
            priority: self.priority,
            dedup_key: self.dedup_key.clone(),
            expected_program_hash: self.expect_program_hash.clone(),
            expected_builtins: self.expect_builtins.clone(),
            labels: self.labels.iter().cloned().collect(),
            calldata: self.calldata.options(),
            wrap,
            ..Default::default()
        })
    }

    async fn upload(&self, client: &mut Client, tasks: Option<&TaskList>) -> Result<Input, Failure> {
        if let Some(tasks) = tasks {
            return Ok(Input::Tasks(TasksInput {
                dynamic_params: upload::file(client, self.dynamic_params.as_deref()).await?,
                min_steps: self.min_steps,
                ..self.tasks.upload(client, tasks).await?
            }));
        }
        if let Some(executable) = self.scarb.alone() {
            return Ok(Input::Alone(AloneInput {
                executable: Some(self.scarb.upload_alone(client, executable).await?),
                dynamic_params: upload::file(client, self.dynamic_params.as_deref()).await?,
                min_steps: self.min_steps,
            }));
        }
        let (Some(public), Some(private)) = (&self.public_input_file, &self.private_input_file) else {
            return Ok(Input::Program(ProgramInput {
                program: upload::file(client, self.program.as_deref()).await?,
                input: upload::file(client, self.input.as_deref()).await?,
                dynamic_params: upload::file(client, self.dynamic_params.as_deref()).await?,
                min_steps: self.min_steps,
            }));
        };
        let named = read_stone_json(private)?;
        let beside = |key: &str| {
            let missing = || Failure::bad_input(format!("'{}' has no '{key}'", private.display()));
            let path = Path::new(named[key].as_str().ok_or_else(missing)?);
            // Relative to the working directory, as in Stone, or else to the folder of the private input.
            let folder = private.parent().unwrap_or(Path::new(""));
            Ok::<_, Failure>(if path.exists() {
                path.to_owned()
            } else {
                folder.join(path)
            })
        };
        Ok(Input::Air(AirInput {
            public_input: upload::file(client, Some(public)).await?,
            private_input: upload::file(client, Some(private)).await?,
            trace: upload::file(client, Some(&beside("trace_path")?)).await?,
            memory: upload::file(client, Some(&beside("memory_path")?)).await?,
        }))
    }
}

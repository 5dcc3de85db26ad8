//! The execution to prove or check: a run of a compiled program, of tasks or of a Scarb executable, or Stone's four inputs.

use crate::cli::executables::{self, ExecutableArgs};
use crate::cli::failure::{Failure, Kind, OrFailure};
use crate::cli::kinds::OrWrongKind;
use crate::cli::progress::Reporter;
use crate::cli::task_source::{Content, TaskSource};
use crate::cli::tasks::{NOT_TASKS, TASKS, TaskArgs};
use quarry_prover_core::cairo::input::ProverInput;
use quarry_prover_core::cairo::layouts::{DYNAMIC, Layout, default_dynamic_params};
use quarry_prover_core::cairo::runner::{Executable, RunOptions};
use quarry_prover_core::choice::{self, Choice, ChoiceError};
use quarry_prover_core::dynamic_search::{self, Found};
use quarry_prover_core::file_kind::FileKind;
use quarry_prover_core::json;
use quarry_prover_core::plan::{Plan, PlannedLayout, PlannedParameters};
use quarry_tasks::executable::Alone;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Default step limit: the proof of a longer run takes more memory than most machines have.
pub const STEP_LIMIT: usize = 1 << 24;

/// The value of `--layout` that has the layout chosen for the program.
const AUTO: &str = "auto";

/// The group of what can be run.
pub const EXECUTABLE: &str = "executable";

/// The options that select the execution.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Source {
    /// Compiled Cairo 0 program (JSON), which is run in proof mode
    #[arg(value_name = "PROGRAM", group = EXECUTABLE)]
    #[arg(required_unless_present_any = ["pie", "tasks", executables::FILE, "public_input_file"])]
    #[arg(conflicts_with_all = ["public_input_file", "private_input_file"])]
    program: Option<PathBuf>,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    scarb: ExecutableArgs,
    /// Also write the fact topologies of the tasks (JSON, in the form of StarkWare's bootloader) to this file
    #[arg(long, value_name = "FILE", requires = TASKS, conflicts_with_all = NOT_TASKS)]
    #[arg(conflicts_with = executables::ALONE)]
    fact_topologies: Option<PathBuf>,
    /// Input of the program (JSON), which its hints read as program_input
    #[arg(long, value_name = "FILE", requires = "program", conflicts_with_all = ["pie", "tasks"])]
    input: Option<PathBuf>,
    /// Layout; auto takes the cheapest one that has the builtins and that the profile's verifier knows
    #[arg(long, value_name = "auto|NAME", default_value = AUTO)]
    layout: String,
    /// Run in layout dynamic with these parameters (Stone's dynamic_params, JSON) [default of --layout dynamic:
    /// parameters with every builtin, which `quarry layouts dynamic` shows]
    #[arg(long, value_name = "FILE", requires = EXECUTABLE, conflicts_with = "layout")]
    dynamic_params: Option<PathBuf>,
    /// Stop a run that lasts for more than this many steps
    #[arg(long, value_name = "N", default_value_t = STEP_LIMIT)]
    step_limit: usize,
    /// Pad the run to at least this many steps
    #[arg(long, value_name = "N", default_value_t = 0, requires = EXECUTABLE)]
    min_steps: usize,
    /// Public input of an execution (Stone's JSON), instead of a program
    #[arg(long, value_name = "FILE", requires = "private_input_file")]
    public_input_file: Option<PathBuf>,
    /// Private input of the execution (Stone's JSON), which names its trace and memory files
    #[arg(long, value_name = "FILE", requires = "public_input_file")]
    private_input_file: Option<PathBuf>,
}

/// An execution and the two JSON files that state it.
pub struct Execution {
    /// The input of the prover.
    pub input: ProverInput,
    /// The public input.
    pub public: Value,
    /// The private input.
    pub private: Value,
}

impl Execution {
    /// A run of Quarry's own.
    pub fn of(input: ProverInput) -> Self {
        Self {
            public: input.public.to_json(),
            private: input.private.to_json("trace.bin", "memory.bin"),
            input,
        }
    }
}

impl Source {
    /// The same, under a bootloader whose proof can be wrapped, unless the caller gave one.
    ///
    /// # Errors
    /// If the caller gave one whose proof cannot be wrapped.
    pub fn for_wrapping(&self) -> Result<Self, Failure> {
        let is_dynamic = self.dynamic_params.is_some() || self.layout == DYNAMIC;
        self.tasks.check_wrapping(is_dynamic)?;
        Ok(Self {
            tasks: self.tasks.for_wrapping(),
            ..self.clone()
        })
    }

    /// The limit on the steps of a run.
    pub fn step_limit(&self) -> usize {
        self.step_limit
    }

    /// Runs the program or reads the files. Rejects a statement that the profile's verifier does not accept.
    pub fn resolve(&self, parameters: &PlannedParameters, reporter: &Reporter) -> Result<Execution, Failure> {
        let execution = match (&self.public_input_file, &self.private_input_file) {
            (None, None) => {
                reporter.prepare(if self.tasks.are_given() {
                    "run tasks"
                } else {
                    "run program"
                });
                self.run(parameters)?
            }
            (Some(public), Some(private)) => {
                reporter.prepare("read inputs");
                Execution {
                    input: ProverInput::read(public, private)
                        .or_bad_input()
                        .or_wrong_kind(private, FileKind::PrivateInput)
                        .or_wrong_kind(public, FileKind::PublicInput)?,
                    public: read_stone_json(public)?,
                    private: read_stone_json(private)?,
                }
            }
            _ => {
                return Err(Failure::bad_input("give a public and a private input file"));
            }
        };
        let layout = &execution.input.public.layout;
        if self.layout != AUTO && self.layout != *layout {
            return Err(Failure::bad_input(format!(
                "--layout {} contradicts the public input, whose layout is {layout}; leave --layout out",
                self.layout
            )));
        }
        if let Some(profile) = parameters.profile() {
            profile.check_statement(&execution.input.public).or_bad_input()?;
        }
        Ok(execution)
    }

    fn run(&self, parameters: &PlannedParameters) -> Result<Execution, Failure> {
        let layout = if let Some(path) = &self.dynamic_params {
            PlannedLayout::Dynamic(read_params(path)?)
        } else {
            if self.layout != AUTO {
                named_layout(&self.layout)?;
            }
            PlannedLayout::named(&self.layout)
        };
        let plan = Plan {
            layout,
            parameters: parameters.clone(),
        };
        let input = self.with_executable(|executable| plan.run(executable, &self.options()))?;
        Ok(Execution::of(input))
    }

    /// The cost of every layout, and the run in the cheapest one.
    pub fn explain(&self, parameters: &PlannedParameters, reporter: &Reporter) -> Result<Choice, Failure> {
        let tell = |layout, fraction| reporter.prepare_part(layout, fraction);
        self.with_executable(|executable| {
            choice::choose_and_tell(executable, &self.options(), parameters, &tell)
        })
    }

    /// The cheapest parameters of layout `dynamic`.
    pub fn search(&self) -> Result<Found, Failure> {
        if self.public_input_file.is_some() {
            return Err(Failure::bad_input(
                "give a program or tasks: this command runs them",
            ));
        }
        if self.layout != AUTO || self.dynamic_params.is_some() {
            return Err(Failure::bad_input(
                "--layout and --dynamic-params: this command searches the parameters of layout dynamic; leave them out",
            ));
        }
        self.with_executable(|executable| Ok(dynamic_search::search(executable, &self.options())?))
    }

    /// Reads what is to be run, and does something with it.
    fn with_executable<T>(
        &self,
        act: impl FnOnce(Executable<'_>) -> Result<T, ChoiceError>,
    ) -> Result<T, Failure> {
        if let Some(path) = self.scarb.alone() {
            let act =
                |alone: &Alone<'_>| act(Executable::Alone(alone)).map_err(|error| in_program(path, &error));
            return self.scarb.run_alone(path, act);
        }
        let program = self.program.as_deref();
        let Some(program) = program.filter(|_| !self.tasks.are_given()) else {
            let single = match program {
                Some(program) => Some(TaskSource::Program {
                    program: Content::File(program.to_owned()),
                    input: self.input.clone().map(Content::File),
                }),
                None => self.scarb.task(),
            };
            let tasks = self
                .tasks
                .read(single, self.fact_topologies.as_deref(), &self.options())?;
            let result = act(Executable::Tasks(&tasks.tasks)).map_err(|error| self.tasks.failure(&error))?;
            tasks.write_fact_topologies()?;
            return Ok(result);
        };
        let input = self.input.as_deref().map(read_json).transpose()?;
        let file = read(program)?;
        act(Executable::program(&file, input.as_ref())).map_err(|error| in_program(program, &error))
    }

    fn options(&self) -> RunOptions {
        RunOptions {
            max_steps: self.step_limit,
            min_steps: self.min_steps,
            ..RunOptions::default()
        }
    }
}

/// The layout of this name; `dynamic` has the default parameters.
pub fn named_layout(name: &str) -> Result<Layout, Failure> {
    match name {
        DYNAMIC => Layout::dynamic(&default_dynamic_params()).or_bad_input(),
        name => Layout::by_name(name).or_bad_input(),
    }
}

/// Reads the parameters of layout `dynamic`: a JSON object of numbers by name.
pub fn read_params(path: &Path) -> Result<BTreeMap<String, u64>, Failure> {
    let params = read_json(path).and_then(|value| {
        serde_json::from_value(value).map_err(|why| {
            Failure::bad_input(format!("'{}' is not a list of parameters: {why}", path.display()))
        })
    });
    params.or_wrong_kind(path, FileKind::DynamicParams)
}

fn in_program(program: &Path, error: &ChoiceError) -> Failure {
    let failure = Failure::from_error(Kind::BadInput, error);
    match error {
        ChoiceError::Profile(_) => failure,
        _ => Failure::bad_input(format!("'{}': {failure}", program.display())),
    }
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|why| Failure::bad_input(format!("cannot read '{}': {why}", path.display())))
}

/// Reads a text file.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?)
        .map_err(|_| Failure::bad_input(format!("'{}' is not a text file", path.display())))
}

/// Reads a JSON file in Stone's format, which allows comments.
pub fn read_stone_json(path: &Path) -> Result<Value, Failure> {
    json::value(&read_text(path)?)
        .map_err(|why| Failure::bad_input(format!("'{}' is not JSON: {why}", path.display())))
}

/// Reads a JSON file that is not Stone's.
pub fn read_json(path: &Path) -> Result<Value, Failure> {
    serde_json::from_slice(&read(path)?)
        .map_err(|why| Failure::bad_input(format!("'{}' is not JSON: {why}", path.display())))
}

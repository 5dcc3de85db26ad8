//! Jobs for people: what `list`, `get` and `submit` print without `--json`.

use crate::cli::block_args::block_lines;
use crate::cli::grid::Grid;
use crate::cli::output::Target;
use crate::cli::progress::clock;
use crate::cli::table::{Table, bytes};
use crate::cli::terminal;
use quarry_client::protocol::{Failure, Job, JobResult, Statement};
use std::time::{Duration, SystemTime};

/// Elements of an output that are shown. The JSON has all.
const MAX_ELEMENTS: usize = 8;
/// Stands for a value that is missing, so that the columns can be counted.
const NONE: &str = "-";

/// The table of `list`, without rows.
pub fn grid() -> Grid<9> {
    Grid::new([
        "job", "state", "steps", "layout", "age", "tenant", "phase", "cause", "labels",
    ])
}

/// A job's row in [`grid`].
pub fn row(job: &Job, now: SystemTime) -> [String; 9] {
    let statement = job.statement.as_ref();
    let created = job.created_at.and_then(|at| SystemTime::try_from(at).ok());
    let age = created.and_then(|created| now.duration_since(created).ok());
    let cells = [
        Some(job.id.clone()),
        Some(job.state().name()),
        statement.map(|statement| statement.n_steps.to_string()),
        statement.map(|statement| statement.layout.clone()),
        Some(short_age(age.unwrap_or_default())),
        Some(job.tenant.clone()),
        progress(job),
        job.failure.as_ref().map(|failure| failure.code.clone()),
        Some(labels(job)),
    ];
    cells.map(|cell| {
        let cell = cell
            .map(|cell| terminal::printable(&cell))
            .filter(|cell| !cell.is_empty());
        cell.unwrap_or_else(|| NONE.to_owned())
    })
}

/// What `get` prints of a job and its result.
pub fn table(job: &Job, result: Option<&JobResult>) -> Table {
    let mut table = Table::default();
    let text = |text: &str| Some(terminal::printable(text)).filter(|text| !text.is_empty());
    let spec = job.spec.clone().unwrap_or_default();
    table.row("job", terminal::printable(&job.id));
    let phase = phase(job).map_or(String::new(), |phase| format!(", {phase}"));
    table.row(
        "state",
        terminal::printable(&format!("{}{phase}", job.state().name())),
    );
    table.row_if("proof", leg(job.leg));
    table.row_if("waits for", text(&job.waits_for));
    if let Some(failure) = &job.failure {
        table.row("cause", cause(failure));
        table.row_if(
            "",
            failure
                .retryable
                .then_some("another job like it may succeed later"),
        );
    }
    table.row_if("submitted", job.created_at);
    table.row_if("ended", job.updated_at.filter(|_| job.state().has_ended()));
    table.row_if("took", took(job).map(|took| clock(took.as_secs_f64())));
    table.row_if("tenant", text(&job.tenant));
    table.row_if("dedup key", text(&spec.dedup_key));
    table.row_if("labels", text(&labels(job)));
    table.row_if("priority", Some(spec.priority).filter(|priority| *priority != 0));
    table.row_if("deadline", spec.deadline);
    if let Some([block, signer]) = spec.block.as_ref().map(block_lines) {
        table.row("block", block);
        table.row("", signer);
    }
    for (n, failure) in job.attempt_failures.iter().enumerate() {
        table.row(format!("attempt {}", n + 1), cause(failure));
    }
    if let Some(proof) = job.first.as_ref().and_then(|first| first.proof.as_ref()) {
        table.row("first proof", bytes(proof.size));
        table.row("", format!("SHA-256 {}", terminal::printable(&proof.sha256)));
    }
    if let Some(statement) = &job.statement {
        statement_rows(&mut table, statement);
    }
    if let Some(result) = result {
        result_rows(&mut table, result);
    }
    table
}

fn statement_rows(table: &mut Table, statement: &Statement) {
    table.row("layout", terminal::printable(&statement.layout));
    table.row("steps", statement.n_steps);
    table.row(
        "program hash",
        format!(
            "{} (Pedersen)",
            terminal::printable(&statement.program_hash_pedersen)
        ),
    );
    table.row(
        "",
        format!(
            "{} (Poseidon)",
            terminal::printable(&statement.program_hash_poseidon)
        ),
    );
    table.row("output", shown(&statement.output));
    table.row("security", format!("{} bits", statement.security_bits));
    let topologies = statement.fact_topologies.as_ref();
    table.row_if("fact topologies", topologies.map(|file| bytes(file.size)));
    for (n, task) in statement.claim.iter().flat_map(|claim| &claim.tasks).enumerate() {
        let hash = format!("program hash {} ({})", task.program_hash, task.hash_function);
        table.row(format!("task {n}"), terminal::printable(&hash));
        table.row("", format!("output {}", shown(&task.output)));
    }
    for warning in statement.claim.iter().flat_map(|claim| &claim.warnings) {
        table.row("warning", terminal::printable(warning));
    }
}

/// The first elements of an output.
fn shown(output: &[String]) -> String {
    let first = output.iter().take(MAX_ELEMENTS);
    let first: Vec<_> = first.map(|value| terminal::printable(value)).collect();
    let rest = output.len() - first.len();
    let rest = (rest > 0).then(|| format!(", and {rest} more"));
    first.join(", ") + &rest.unwrap_or_default()
}

fn result_rows(table: &mut Table, result: &JobResult) {
    if let Some(proof) = &result.proof {
        table.row("proof file", bytes(proof.size));
        table.row("", format!("SHA-256 {}", terminal::printable(&proof.sha256)));
    }
    table.row_if("calldata", result.calldata.as_ref().map(|file| bytes(file.size)));
    let refused = Some(terminal::printable(&result.calldata_refused));
    table.row_if("no calldata", refused.filter(|why| !why.is_empty()));
    table.row(
        "proved by",
        terminal::printable(&format!("{}, {}", result.device, result.build)),
    );
    for phase in &result.phases {
        let time = phase.time.unwrap_or_default();
        let seconds = time.seconds as f64 + f64::from(time.nanos) / 1e9;
        table.row(
            format!("  {}", terminal::printable(&phase.phase)),
            format!("{:>6}", clock(seconds)),
        );
    }
    if let Some(facts) = &result.facts {
        let fact = |fact: &str| Some(terminal::printable(fact)).filter(|fact| !fact.is_empty());
        table.row_if("SHARP fact", fact(&facts.sharp_fact));
        table.row_if("Integrity fact", fact(&facts.integrity_fact));
    }
}

/// Says where the proof of a job was written, and the time that the job took.
pub fn written(job: &Job, result: &JobResult, target: &Target) -> String {
    let size = result.proof.as_ref().map_or(0, |proof| proof.size);
    let took = took(job).unwrap_or_default();
    format!(
        "proof written to '{}' ({}); the job took {}",
        target.path().display(),
        bytes(size),
        clock(took.as_secs_f64())
    )
}

/// The time from the submission of a job to its end, if it has ended.
pub fn took(job: &Job) -> Option<Duration> {
    let time = |at: Option<_>| SystemTime::try_from(at?).ok();
    let ended = job.updated_at.filter(|_| job.state().has_ended());
    let (created, ended) = (time(job.created_at)?, time(ended)?);
    ended.duration_since(created).ok()
}

/// Which of its two proofs a wrapped job works on; `None` for a job of one proof.
pub fn leg(leg: u32) -> Option<String> {
    (leg > 0).then(|| format!("{leg} of 2"))
}

/// The proof of a wrapped job that is made, and what is done for it now.
fn progress(job: &Job) -> Option<String> {
    let leg = leg(job.leg).filter(|_| !job.state().has_ended());
    let parts = leg
        .map(|leg| format!("proof {leg}"))
        .into_iter()
        .chain(phase(job));
    Some(parts.collect::<Vec<_>>().join(", "))
}

/// What is done for a job now, or that it waits for a day with device seconds left.
fn phase(job: &Job) -> Option<String> {
    if !job.waits_for.is_empty() {
        return Some("waits for the next day".to_owned());
    }
    let is_shown = !job.state().has_ended() && !job.stage.is_empty();
    is_shown.then(|| format!("{} {:.0} %", job.stage, job.progress * 100.0))
}

fn cause(failure: &Failure) -> String {
    terminal::printable(&format!("{} ({})", failure.message, failure.code))
}

fn labels(job: &Job) -> String {
    let labels = job.spec.iter().flat_map(|spec| &spec.labels);
    let mut labels: Vec<_> = labels.map(|(key, value)| format!("{key}={value}")).collect();
    labels.sort();
    labels.join(",")
}

/// An age as one word: `45s`, `12m`, `5h`, `3d`.
fn short_age(age: Duration) -> String {
    match age.as_secs() {
        s @ 0..120 => format!("{s}s"),
        s @ 120..7_200 => format!("{}m", s / 60),
        s @ 7_200..172_800 => format!("{}h", s / 3_600),
        s => format!("{}d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_client::protocol::{JobSpec, JobState};

    #[test]
    fn a_row_has_all_columns_and_no_control_characters() {
        let labels = [("b", "2"), ("a", "\x1b[2J")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(3_600);
        let job = Job {
            id: "0192".to_owned(),
            state: JobState::Rejected.into(),
            stage: "prepare".to_owned(),
            created_at: Some((now - Duration::from_secs(600)).into()),
            spec: Some(JobSpec {
                labels: labels.into(),
                ..JobSpec::default()
            }),
            failure: Some(Failure {
                code: "input.hint".to_owned(),
                ..Failure::default()
            }),
            ..Job::default()
        };
        let expected = [
            "0192",
            "rejected",
            "-",
            "-",
            "10m",
            "-",
            "-",
            "input.hint",
            r"a=\u{1b}[2J,b=2",
        ];
        assert_eq!(row(&job, now), expected);
        let running = Job {
            state: JobState::Running.into(),
            leg: 1,
            progress: 0.4,
            ..job
        };
        assert_eq!(row(&running, now)[6], "proof 1 of 2, prepare 40 %");
    }

    #[test]
    fn ages() {
        let age = |seconds| short_age(Duration::from_secs(seconds));
        assert_eq!(
            [age(0), age(119), age(120), age(7_200), age(172_800)],
            ["0s", "119s", "2m", "2h", "2d"]
        );
    }
}

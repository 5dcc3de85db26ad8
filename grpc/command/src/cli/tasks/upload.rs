//! Tasks of a job: their files are uploaded, and the service runs them.

use super::TaskArgs;
use crate::cli::bootloader;
use crate::cli::failure::Failure;
use crate::cli::kinds;
use crate::cli::task_list::TaskList;
use crate::cli::task_reader::in_file;
use crate::cli::task_source::{Content, TaskSource};
use quarry_client::Client;
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{ArtifactRef, ExecutableTask, ProgramTask, TaskInput, TasksInput};
use quarry_kernels::felt;
use quarry_prover_core::file_kind::FileKind;
use quarry_tasks::bootloader::HashFunction;
use std::io::Write;
use tempfile::NamedTempFile;

/// What a service does not do, as the end of a refusal.
const NO_TOPOLOGIES: &str =
    "a service writes no fact topologies; leave this out, or prove with `quarry prove`";

impl TaskArgs {
    /// The tasks that are to be uploaded. Rejects what no service does, and files of the wrong kind, before the service
    /// is contacted. `single` is the only task of a command without a list.
    pub fn to_upload(&self, single: Option<TaskSource>) -> Result<TaskList, Failure> {
        if self.fact_topologies.is_some() {
            return Err(Failure::bad_input(format!("--fact-topologies: {NO_TOPOLOGIES}")));
        }
        let list = self.list(single)?;
        if let (Some(path), Some(_)) = (&self.tasks, &list.fact_topologies) {
            let why = format!("fact_topologies_path: {NO_TOPOLOGIES}");
            return Err(in_file(path, &Failure::bad_input(why)));
        }
        list.each(|task| match task.source.main_file() {
            Some((path, kind)) => kinds::expect(path, kind),
            None => Ok(()),
        })?;
        if let Some(path) = bootloader::own_file(self.bootloader()) {
            kinds::expect(path, FileKind::Program)?;
        }
        Ok(list)
    }

    /// Uploads the files. The caller adds what is said of the run.
    pub async fn upload(&self, client: &mut Client, list: &TaskList) -> Result<TasksInput, Failure> {
        let mut tasks = Vec::new();
        for task in &list.tasks {
            let hash_function = task.hash_function.map(HashFunction::name);
            tasks.push(TaskInput {
                task: Some(upload_task(client, &task.source).await?),
                program_hash_function: hash_function.unwrap_or_default().to_owned(),
            });
        }
        let (bootloader, bootloader_name) = match bootloader::own_file(self.bootloader()) {
            Some(path) => (Some(client.upload(path).await?), String::new()),
            None => (None, self.bootloader().to_string_lossy().into_owned()),
        };
        let expected = self.expect_bootloader_hash.as_ref();
        let hash_function = self.program_hash_function.0.map(HashFunction::name);
        Ok(TasksInput {
            tasks,
            bootloader,
            bootloader_name,
            expected_bootloader_hash: expected.map(felt::to_hex).unwrap_or_default(),
            program_hash_function: hash_function.unwrap_or_default().to_owned(),
            continuous_pages: self.continuous_pages || !list.single_page,
            ..TasksInput::default()
        })
    }
}

async fn upload_task(client: &mut Client, source: &TaskSource) -> Result<Task, Failure> {
    Ok(match source {
        TaskSource::Pie(path) => Task::Pie(client.upload(path).await?),
        TaskSource::Program { program, input } => Task::Program(ProgramTask {
            program: upload_content(client, Some(program)).await?,
            input: upload_content(client, input.as_ref()).await?,
        }),
        TaskSource::Executable { file, arguments } => Task::Executable(ExecutableTask {
            executable: Some(client.upload(file).await?),
            arguments: upload_content(client, arguments.as_ref()).await?,
        }),
    })
}

async fn upload_content(
    client: &mut Client,
    content: Option<&Content>,
) -> Result<Option<ArtifactRef>, Failure> {
    let Some(content) = content else {
        return Ok(None);
    };
    if let Some(path) = content.file() {
        return Ok(Some(client.upload(path).await?));
    }
    // The client uploads files only, so that it can resume.
    let no_file = |why| Failure::bad_input(format!("cannot write a file to upload: {why}"));
    let mut file = NamedTempFile::new().map_err(no_file)?;
    file.write_all(&content.bytes()?).map_err(no_file)?;
    Ok(Some(client.upload(file.path()).await?))
}

//! Tasks of a job: their files are uploaded, and the service runs them.

use super::TaskArgs;
use crate::cli::bootloader;
use crate::cli::failure::Failure;
use crate::cli::kinds;
use crate::cli::task_list::TaskList;
use crate::cli::task_source::TaskSource;
use crate::cli::upload;
use quarry_client::Client;
use quarry_client::protocol::task_input::Task;
use quarry_client::protocol::{ExecutableTask, ProgramTask, TaskInput, TasksInput};
use quarry_kernels::felt;
use quarry_prover_core::file_kind::FileKind;
use quarry_tasks::bootloader::HashFunction;

impl TaskArgs {
    /// The tasks that are to be uploaded. Rejects files of the wrong kind before the service is contacted. `single` is
    /// the only task of a command without a list.
    pub fn to_upload(&self, single: Option<TaskSource>) -> Result<TaskList, Failure> {
        let list = self.list(single)?;
        list.each(|task| match task.source.main_file() {
            Some((path, kind)) => kinds::expect(path, kind),
            None => Ok(()),
        })?;
        if let Some(path) = bootloader::own_file(self.bootloader()) {
            kinds::expect(path, FileKind::Program)?;
        }
        Ok(list)
    }

    /// Whether the output of each task is put on pages of its own.
    pub fn has_pages(&self, list: &TaskList) -> bool {
        self.continuous_pages || !list.single_page
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
        let (bootloader, bootloader_name) = bootloader::upload(client, self.bootloader()).await?;
        let expected = self.expect_bootloader_hash.as_ref();
        let hash_function = self.program_hash_function.0.map(HashFunction::name);
        Ok(TasksInput {
            tasks,
            bootloader,
            bootloader_name,
            expected_bootloader_hash: expected.map(felt::to_hex).unwrap_or_default(),
            program_hash_function: hash_function.unwrap_or_default().to_owned(),
            continuous_pages: self.has_pages(list),
            ..TasksInput::default()
        })
    }
}

async fn upload_task(client: &mut Client, source: &TaskSource) -> Result<Task, Failure> {
    Ok(match source {
        TaskSource::Pie(path) => Task::Pie(client.upload(path).await?),
        TaskSource::Program { program, input } => Task::Program(ProgramTask {
            program: upload::content(client, Some(program)).await?,
            input: upload::content(client, input.as_ref()).await?,
        }),
        TaskSource::Executable { file, arguments } => Task::Executable(ExecutableTask {
            executable: upload::file(client, Some(file)).await?,
            arguments: upload::content(client, arguments.as_ref()).await?,
        }),
    })
}

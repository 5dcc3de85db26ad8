//! Tasks of a job: their files are uploaded, and the service runs them.

use super::TaskArgs;
use crate::cli::bootloader;
use crate::cli::failure::Failure;
use crate::cli::kinds;
use quarry_client::Client;
use quarry_client::protocol::TaskInput;
use quarry_client::protocol::TasksInput;
use quarry_client::protocol::task_input::Task;
use quarry_kernels::felt;
use quarry_prover_core::file_kind::FileKind;
use quarry_tasks::bootloader::HashFunction;

impl TaskArgs {
    /// Whether there are tasks.
    pub fn is_given(&self) -> bool {
        !self.pie.is_empty()
    }

    /// Rejects files of the wrong kind before the service is contacted.
    pub fn check_kinds(&self) -> Result<(), Failure> {
        let pies = self.pie.iter().map(|path| (path.as_path(), FileKind::Pie));
        let bootloader = bootloader::own_file(self.bootloader())
            .into_iter()
            .map(|path| (path, FileKind::Program));
        pies.chain(bootloader)
            .try_for_each(|(path, kind)| kinds::expect(path, kind))
    }

    /// Uploads the files. The caller adds what is said of the run.
    pub async fn upload(&self, client: &mut Client) -> Result<TasksInput, Failure> {
        let mut tasks = Vec::new();
        for path in &self.pie {
            let pie = client.upload(path).await?;
            tasks.push(TaskInput {
                task: Some(Task::Pie(pie)),
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
            ..TasksInput::default()
        })
    }
}

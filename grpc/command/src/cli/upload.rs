//! Uploads the files of a job.

use crate::cli::failure::Failure;
use crate::cli::task_source::Content;
use quarry_client::Client;
use quarry_client::protocol::ArtifactRef;
use std::io::Write;
use std::path::Path;
use tempfile::NamedTempFile;

/// Uploads a file, if there is one.
pub async fn file(client: &mut Client, path: Option<&Path>) -> Result<Option<ArtifactRef>, Failure> {
    Ok(match path {
        Some(path) => Some(client.upload(path).await?),
        None => None,
    })
}

/// Uploads a file or its content, if there is one.
pub async fn content(client: &mut Client, content: Option<&Content>) -> Result<Option<ArtifactRef>, Failure> {
    let Some(content) = content else {
        return Ok(None);
    };
    if content.file().is_some() {
        return file(client, content.file()).await;
    }
    // The client uploads files only, so that it can resume.
    let no_file = |why| Failure::bad_input(format!("cannot write a file to upload: {why}"));
    let mut written = NamedTempFile::new().map_err(no_file)?;
    written.write_all(&content.bytes()?).map_err(no_file)?;
    file(client, Some(written.path())).await
}

//! `quarry list`: lists the jobs of a service.

use crate::cli::failure::Failure;
use crate::cli::job_json::job_json;
use crate::cli::job_text;
use crate::cli::server::Server;
use crate::cli::terminal;
use quarry_client::protocol::ListJobsRequest;
use std::time::SystemTime;

/// Examples for `list --help`.
pub const LIST_EXAMPLES: &str = "\
Examples:
  quarry list
  quarry list --label chain=test --json | jq -r 'select(.state == \"failed\") | .id'";

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// List only jobs with this label; repeat it to require several
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_label)]
    labels: Vec<(String, String)>,
    /// Print one JSON object per line for each job
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    server: Server,
}

/// Reads `key=value`.
pub fn parse_label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Lists jobs.
pub fn list(args: &List) -> Result<(), Failure> {
    args.server.ask(async |mut client| {
        let mut request = ListJobsRequest {
            labels: args.labels.iter().cloned().collect(),
            ..Default::default()
        };
        let mut grid = job_text::grid();
        loop {
            let page = client.list(request.clone()).await?;
            for job in &page.jobs {
                if !args.json {
                    grid.row(job_text::row(job, SystemTime::now()));
                    continue;
                }
                let line = format!("{}\n", job_json(job));
                if terminal::print_some_aside(line).await?.is_break() {
                    return Ok(String::new());
                }
            }
            // The same token again would be the same page without end.
            if page.next_page_token.is_empty() || page.next_page_token == request.page_token {
                break;
            }
            request.page_token = page.next_page_token;
        }
        Ok(match args.json {
            true => String::new(),
            false => grid.to_string(),
        })
    })
}

//! Ctrl-C: asks the work to stop, then ends the process after a grace period in any case.

use crate::cli::failure::{Failure, Kind};
use crate::cli::output;
use crate::cli::terminal;
use quarry_prover_core::progress::Cancel;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long the work may take to stop by itself.
const GRACE: Duration = Duration::from_millis(500);

/// Installs a handler for SIGINT (Ctrl-C), SIGTERM and SIGHUP and returns the flag that it sets. With `is_json`, the
/// failure is also printed as JSON on standard output.
pub fn listen(is_json: bool) -> Result<Arc<Cancel>, Failure> {
    let cancel = Arc::new(Cancel::default());
    let wish = Arc::clone(&cancel);
    let stop = move || {
        wish.cancel();
        thread::sleep(GRACE);
        let _settled = output::settle();
        // A progress bar may occupy the line.
        terminal::tell("\n");
        Failure::interrupted().tell(is_json);
        std::process::exit(Kind::Interrupted.exit_code().into());
    };
    ctrlc::set_handler(stop)
        .map_err(|error| Failure::new(Kind::Internal, format!("cannot listen for signals: {error}")))?;
    Ok(cancel)
}

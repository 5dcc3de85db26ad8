//! Ctrl-C: the work is asked to stop, and the process ends soon whether it heard or not.

use crate::cli::failure::{Failure, Kind};
use crate::cli::output;
use crate::cli::terminal;
use quarry_prover_core::progress::Cancel;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long the work has to stop by itself.
const GRACE: Duration = Duration::from_millis(500);

/// Listens for Ctrl-C (and the signals that ask a process to end) and gives the wish to stop that it sets. `is_json`
/// says whether standard output is for one JSON object.
pub fn listen(is_json: bool) -> Result<Arc<Cancel>, Failure> {
    let cancel = Arc::new(Cancel::default());
    let wish = Arc::clone(&cancel);
    let stop = move || {
        wish.cancel();
        thread::sleep(GRACE);
        let _settled = output::settle();
        // A bar may stand on the line.
        terminal::tell("\n");
        Failure::interrupted().tell(is_json);
        std::process::exit(Kind::Interrupted.exit_code().into());
    };
    ctrlc::set_handler(stop)
        .map_err(|error| Failure::new(Kind::Internal, format!("cannot listen for signals: {error}")))?;
    Ok(cancel)
}

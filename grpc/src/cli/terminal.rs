//! Standard output, which is for results, and standard error, which is for people. A reader that went away is no
//! reason to fail.

use crate::cli::failure::{Failure, Kind};
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;

/// Prints a result on standard output.
pub fn print(text: impl Display) -> Result<(), Failure> {
    print_some(text).map(drop)
}

/// Prints one result of many: there is nobody to print the next one for once the reader went away.
pub fn print_some(text: impl Display) -> Result<ControlFlow<()>, Failure> {
    let mut stdout = io::stdout().lock();
    match write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(Failure::new(
            Kind::Internal,
            format!("cannot write to standard output: {error}"),
        )),
    }
}

/// Prints one JSON value on standard output.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(Kind::Internal, format!("cannot write JSON: {error}")))?;
    print(format_args!("{text}\n"))
}

/// Tells people something on standard error.
pub fn tell(text: impl Display) {
    let _ = write!(io::stderr().lock(), "{text}");
}

//! Prints results on standard output and messages on standard error. A pipe that its reader closed is not an error.

use crate::cli::failure::{Failure, Kind};
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::time::Duration;

/// How long the last lines may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Prints a result on standard output.
pub fn print(text: impl Display) -> Result<(), Failure> {
    print_some(text).map(drop)
}

/// Prints one of many results. Returns `Break` once the reader has closed the pipe.
pub fn print_some(text: impl Display) -> Result<ControlFlow<()>, Failure> {
    write(|stdout| write!(stdout, "{text}"))
}

/// [`print_some`] for a client that waits for a signal too: a reader that stalls must not keep it from ending.
pub async fn print_some_aside(text: impl Display) -> Result<ControlFlow<()>, Failure> {
    let text = text.to_string();
    let printed = tokio::task::spawn_blocking(move || print_some(text)).await;
    printed.map_err(|why| Failure::new(Kind::Internal, why))?
}

/// Prints the last lines before the process ends, unless their reader stalls.
pub fn last(print: impl FnOnce() + Send + 'static) {
    let (done, printed) = mpsc::channel();
    std::thread::spawn(move || {
        print();
        let _ = done.send(());
    });
    let _ = printed.recv_timeout(PATIENCE);
}

/// Prints one JSON value on standard output. The text may be large, so it is written in pieces.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    write(|stdout| {
        serde_json::to_writer_pretty(&mut *stdout, value)?;
        stdout.write_all(b"\n")
    })
    .map(drop)
}

fn write(
    print: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> io::Result<()>,
) -> Result<ControlFlow<()>, Failure> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match print(&mut stdout).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(Failure::new(
            Kind::Internal,
            format!("cannot write to standard output: {error}"),
        )),
    }
}

/// A text from elsewhere without control characters, which a terminal would obey.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        // The others change the direction of what follows.
        match c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            true => printable.extend(c.escape_default()),
            false => printable.push(c),
        }
    }
    printable
}

/// Prints a message on standard error.
pub fn tell(text: impl Display) {
    let _ = write!(io::stderr().lock(), "{text}");
}

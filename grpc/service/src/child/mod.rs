//! The child: a short-lived process that runs or parses one input, or verifies one proof, and exits. An input can only
//! harm this process, within its limits.

pub(crate) mod bounds;
pub(crate) mod claim;
pub(crate) mod handed;
pub(crate) mod limits;
pub(crate) mod prepare;
pub(crate) mod run;
mod task_reader;
pub(crate) mod tasks;
pub(crate) mod verify;
pub(crate) mod wrap;

use crate::internal::{ChildAnswer, ChildRequest, child_answer::Answer, child_request::Task};
use crate::{failure, wire};
use failure::{Stage, failure};
use quarry_client::protocol::{Failure, FailureClass};
use std::io::{self, Read, Write};

/// Runs the child: reads a request from standard input and answers on standard output. It exits at once if standard
/// input is closed: the service has ended.
///
/// # Errors
/// If reading the request or sending the answer fails; that can only be reported on standard error.
pub fn run() -> io::Result<()> {
    let request: ChildRequest = wire::receive(&mut io::stdin())?;
    limits::apply(&request)?;
    std::thread::Builder::new().spawn(|| {
        let ended = io::stdin().read(&mut [0]);
        std::process::exit(if ended.is_ok() { 0 } else { 1 });
    })?;
    let answer = match answer(request) {
        Ok(answer) => answer,
        Err(failure) => Answer::Failure(failure::bounded(failure)),
    };
    send(&mut io::stdout(), answer)
}

/// Sends the answer, or a failure if the answer is too long to be sent.
fn send(to: &mut impl Write, answer: Answer) -> io::Result<()> {
    let mut send = |answer| wire::send(to, &ChildAnswer { answer: Some(answer) });
    match send(answer) {
        // Nothing was sent. The longest part of an answer is the program's output.
        Err(why) if why.kind() == io::ErrorKind::InvalidData => send(Answer::Failure(too_long(&why))),
        sent => sent,
    }
}

fn too_long(why: &io::Error) -> Failure {
    let message = format!("the program's output is too long: {why}");
    failure(FailureClass::Resource, Stage::Prepare, "limits.output", message)
}

fn answer(request: ChildRequest) -> Result<Answer, Failure> {
    let folder = request.folder.as_ref();
    match request.task {
        Some(Task::Prepare(task)) => {
            let limits = request.limits.unwrap_or_default();
            prepare::prepare(folder, task, &limits).map(Answer::Prepared)
        }
        Some(Task::Verify(task)) => verify::verify(folder, &task).map(Answer::Verified),
        None => Err(failure(
            FailureClass::Internal,
            Stage::Prepare,
            "child.task",
            "no task",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::internal::Prepared;
    use quarry_client::protocol::Statement;

    #[test]
    fn an_answer_that_is_too_long_is_a_failure() {
        let statement = Statement {
            output: vec!["0x1".repeat(1 << 20); 32],
            ..Statement::default()
        };
        let prepared = Prepared {
            statement: Some(statement),
            ..Prepared::default()
        };
        let mut sent = Vec::new();
        send(&mut sent, Answer::Prepared(prepared)).unwrap();
        let received: ChildAnswer = wire::receive(&mut &*sent).unwrap();
        let Some(Answer::Failure(failure)) = received.answer else {
            panic!("a failure");
        };
        assert_eq!(
            (failure.class(), &*failure.code),
            (FailureClass::Resource, "limits.output")
        );
        assert!(failure.message.contains("67108864"), "{failure:?}");
    }
}

//! The framing of messages in the body of a request. tonic calls broken frames a defect of the service; they are the
//! client's mistake.

use tonic::Status;

/// Length of what precedes a message: a flag, and the length of the message.
const HEAD: usize = 5;
/// The largest flag: the message is compressed.
const COMPRESSED: u8 = 1;

/// How far the messages of a body have come.
#[derive(Default)]
pub struct Framing {
    head: [u8; HEAD],
    n_head: usize,
    /// Bytes that the message still lacks.
    left: u64,
    is_enough: bool,
}

impl Framing {
    /// Begins a body, which may be empty or must have a message.
    pub fn new(may_be_empty: bool) -> Self {
        Self {
            is_enough: may_be_empty,
            ..Self::default()
        }
    }

    /// Reads the body's next bytes.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a flag that does not exist.
    pub fn receive(&mut self, mut bytes: &[u8]) -> Result<(), Status> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let n = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.left -= n as u64;
                bytes = &bytes[n..];
                continue;
            }
            if self.n_head == 0 && *first > COMPRESSED {
                return Err(Status::invalid_argument(format!(
                    "the flag of a message is {first}: gRPC has 0 and 1"
                )));
            }
            self.head[self.n_head] = *first;
            self.n_head += 1;
            bytes = rest;
            if self.n_head == HEAD {
                let [_, length @ ..] = self.head;
                self.left = u32::from_be_bytes(length).into();
                self.n_head = 0;
                self.is_enough = true;
            }
        }
        Ok(())
    }

    /// Checks that the body may end here.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`.
    pub fn end(&self) -> Result<(), Status> {
        if self.n_head > 0 || self.left > 0 {
            return Err(Status::invalid_argument("the request ends within a message"));
        }
        match self.is_enough {
            true => Ok(()),
            false => Err(Status::invalid_argument("the request has no message")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::Code;

    fn code(may_be_empty: bool, bytes: &[u8]) -> Code {
        let all_at_once = |n: usize| {
            let mut framing = Framing::new(may_be_empty);
            for part in bytes.chunks(n) {
                framing.receive(part)?;
            }
            framing.end()
        };
        let codes =
            [1, 2, 3, 7, 100].map(|n| all_at_once(n).map_or_else(|status| status.code(), |()| Code::Ok));
        assert!(codes.iter().all(|code| *code == codes[0]), "however it is cut");
        codes[0]
    }

    #[test]
    fn a_body_is_made_of_whole_messages() {
        let ok: [&[u8]; 4] = [
            &[0; 5],
            &[0, 0, 0, 0, 2, 9, 9],
            &[1, 0, 0, 0, 1, 9],
            &[0, 0, 0, 0, 1, 9, 0, 0, 0, 0, 0],
        ];
        for body in ok {
            assert_eq!(code(false, body), Code::Ok, "{body:?}");
        }
        let broken: [&[u8]; 6] = [
            &[0],
            &[0; 4],
            &[0, 0, 0, 0, 2, 9],
            &[0, 255, 255, 255, 255, 9],
            &[7, 0, 0, 0, 0],
            &[0, 0, 0, 0, 0, 2, 0, 0, 0, 0],
        ];
        for body in broken {
            assert_eq!(code(true, body), Code::InvalidArgument, "{body:?}");
        }
        assert_eq!(
            (code(true, &[]), code(false, &[])),
            (Code::Ok, Code::InvalidArgument)
        );
    }
}

//! Limits on several PIEs together.

use super::{Parts, PieLimits};
use crate::pie::PieReader;

#[test]
fn the_pies_of_a_run_share_the_limits() {
    let file = Parts::default().zip();
    let two = PieLimits {
        max_bytes: 2 * file.len(),
        max_cells: 22,
    };
    let mut reader = PieReader::new(two);
    let pie = reader.read(&file).expect("the first");
    reader.read(&file).expect("the second");
    assert_eq!(reader.bytes_left(), 0);
    let error = reader.count(&pie).expect_err("cells of a third");
    assert_eq!(
        error.to_string(),
        "the PIEs of a run may have at most 22 memory cells together"
    );

    for (limits, said) in [
        (
            PieLimits {
                max_bytes: 2 * file.len() - 1,
                ..two
            },
            format!(
                "the PIEs of a run may have at most {} bytes together",
                2 * file.len() - 1
            ),
        ),
        (
            PieLimits { max_cells: 21, ..two },
            "the PIEs of a run may have at most 21 memory cells together".to_owned(),
        ),
    ] {
        let mut reader = PieReader::new(limits);
        reader.read(&file).expect("the first");
        let error = reader.read(&file).expect_err("the second");
        assert_eq!((error.to_string(), error.code()), (said, "pie.together"));
    }
}

//! Whether a public input fits a layout.

use crate::cairo::components::builtins;
use crate::cairo::layouts::Layout;
use crate::cairo::public_input::{PublicInput, PublicInputError, Segment};

impl PublicInput {
    /// Checks that the segments and parameters are those of the layout. Stone makes the same checks.
    ///
    /// # Errors
    /// [`PublicInputError::Segments`], [`PublicInputError::DynamicParams`].
    pub fn check_layout(&self, layout: &Layout) -> Result<(), PublicInputError> {
        let mut expected = layout.segments.to_vec();
        expected.sort_unstable();
        if !self.memory_segments.keys().eq(expected.iter()) {
            return Err(PublicInputError::Segments {
                layout: layout.name,
                expected: expected.join(", "),
                got: self
                    .memory_segments
                    .keys()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", "),
            });
        }
        let takes_params = layout.name == "dynamic";
        if self
            .dynamic_params
            .as_ref()
            .is_some_and(|params| !params.is_empty() && !takes_params)
        {
            return Err(PublicInputError::DynamicParams(layout.name));
        }
        Ok(())
    }

    /// Checks that an execution of `n_steps` in this layout can have these segments. They must follow each other in the
    /// layout's order, each must stop at or after its beginning, and a builtin's segment must hold a whole number of
    /// instances that fits the trace. Stone's verifier leaves these checks to its caller.
    ///
    /// # Errors
    /// [`PublicInputError::Segment`], and as [`Self::check_layout`].
    pub fn check_segments(&self, layout: &Layout) -> Result<(), PublicInputError> {
        self.check_layout(layout)?;
        let mut free = 0;
        for &name in layout.segments {
            let segment = self.segment(name)?;
            let Segment { begin_addr, stop_ptr } = segment;
            let wrong = |what: String| {
                let name = name.to_owned();
                Err(PublicInputError::Segment { name, what })
            };
            if begin_addr < free {
                return wrong(format!(
                    "begins at {begin_addr}, before the end {free} of the previous segment"
                ));
            }
            if stop_ptr < begin_addr {
                return wrong(format!("stops at {stop_ptr}, before its beginning {begin_addr}"));
            }
            free = stop_ptr;
            let Some(builtin) = builtins().find(|builtin| builtin.segment == name) else {
                continue;
            };
            let (used, cells) = (stop_ptr - begin_addr, builtin.n_cells);
            let Some(supply) = layout.builtins().find(|supply| supply.name == name) else {
                if used > 0 {
                    return wrong(format!(
                        "{used} cells of a builtin that the execution does not have"
                    ));
                }
                continue;
            };
            if used % cells != 0 {
                return wrong(format!("{used} cells are not whole instances of {cells} cells"));
            }
            let held = supply.held(self.n_steps);
            if used / cells > held {
                let (n_used, n_steps) = (used / cells, self.n_steps);
                return wrong(format!(
                    "{n_used} instances, but {n_steps} steps hold {held}; {} would be needed",
                    steps(supply.steps_for(n_used))
                ));
            }
        }
        Ok(())
    }

    /// Checks that the public memory fits the layout.
    ///
    /// # Errors
    /// [`PublicInputError::PublicMemorySize`].
    pub fn check_public_memory(&self, layout: &Layout) -> Result<(), PublicInputError> {
        let got = self.public_memory.len() as u64;
        let capacity = layout.public_memory();
        if let Some(supply) = capacity.filter(|supply| supply.held(self.n_steps) < got) {
            return Err(PublicInputError::PublicMemorySize {
                capacity: supply.held(self.n_steps),
                got,
                needed: steps(supply.steps_for(got)),
            });
        }
        Ok(())
    }
}

/// Formats a sufficient number of steps for an error message.
fn steps(enough: Option<u64>) -> String {
    enough.map_or("more steps than can be proved".to_owned(), |n| {
        format!("{n} steps")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn example() -> PublicInput {
        PublicInput::from_json(&json!({
            "layout": "plain", "n_steps": 16, "rc_min": 1, "rc_max": 65535,
            "memory_segments": {
                "program": { "begin_addr": 1, "stop_ptr": 3 },
                "execution": { "begin_addr": 5, "stop_ptr": 9 },
            },
            "public_memory": [{ "address": 1, "value": "0x7", "page": 0 }],
        }))
        .expect("valid")
    }

    #[test]
    fn an_execution_fits_its_layout() {
        let layout = Layout::by_name("plain").expect("known");
        example().check_segments(&layout).expect("a possible execution");
    }

    #[test]
    fn impossible_segments_are_refused() {
        let layout = Layout::by_name("small").expect("known");
        let segment = |begin_addr: u64, stop_ptr: u64| Segment { begin_addr, stop_ptr };
        let mut input = example();
        assert!(matches!(
            input.check_layout(&layout),
            Err(PublicInputError::Segments { .. })
        ));
        input.n_steps = 512;
        let segments = [
            ("program", segment(1, 3)),
            ("execution", segment(5, 9)),
            ("output", segment(9, 11)),
            ("pedersen", segment(11, 11 + 3 * 64)),
            ("range_check", segment(400, 464)),
            ("ecdsa", segment(500, 502)),
        ];
        input.memory_segments = segments
            .iter()
            .map(|(name, s)| ((*name).to_owned(), *s))
            .collect();
        input.check_segments(&layout).expect("just fits");
        let bad = [
            ("pedersen", segment(11, 11 + 3 * 65)),
            ("pedersen", segment(11, 12)),
            ("range_check", segment(400, 465)),
            ("ecdsa", segment(500, 504)),
            ("ecdsa", segment(463, 463)),
            ("execution", segment(5, 4)),
            ("execution", segment(2, 9)),
        ];
        for (name, segment) in bad {
            let mut input = input.clone();
            input.memory_segments.insert(name.to_owned(), segment);
            assert!(
                matches!(
                    input.check_segments(&layout),
                    Err(PublicInputError::Segment { .. })
                ),
                "{name}"
            );
        }
        let overfull = segment(11, 11 + 3 * 129);
        input.memory_segments.insert("pedersen".to_owned(), overfull);
        let error = input.check_segments(&layout).expect_err("too many").to_string();
        let expected = "'pedersen': 129 instances, but 512 steps hold 64; 2048 steps would be needed";
        assert!(error.ends_with(expected), "{error}");
        input.dynamic_params = Some([("x".to_owned(), 1)].into());
        assert!(matches!(
            input.check_layout(&layout),
            Err(PublicInputError::DynamicParams(_))
        ));
    }
}

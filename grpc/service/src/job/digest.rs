//! Whether two specifications ask for the same: what a submission under a used idempotency key must repeat.

use super::Spec;
use quarry_client::digest::hex;
use quarry_client::protocol::job_spec::{Input, Parameters};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

impl Spec {
    /// SHA-256 of what the job is to prove and how, in one canonical form. It leaves out the deadline and the priority,
    /// which a client may change from one try to the next, and the idempotency key itself.
    ///
    /// It is computed from the specification whenever it is needed, never stored: its form may change with any version.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(json!(self.parts()).to_string()))
    }

    /// Names of the fields in which another specification with another digest differs.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let pairs = self.parts().into_iter().zip(other.parts());
        let differ = pairs.filter_map(|((name, own), (_, other))| (own != other).then_some(name));
        differ.collect()
    }

    /// The fields that the digest covers. A missing value and the value that means the same are equal.
    fn parts(&self) -> [(&'static str, Value); 8] {
        // A file is its content: its length follows from it.
        let files: Vec<_> = self
            .named_inputs()
            .map(|(name, file)| (name, &file.sha256))
            .collect();
        let min_steps = match &self.input {
            Input::Air(_) => None,
            Input::Program(program) => Some(program.min_steps),
        };
        let layout = match &*self.layout {
            "" => "auto",
            name => name,
        };
        let parameters = match &self.parameters {
            Some(Parameters::ParameterFile(text)) => json!({ "file": text }),
            Some(Parameters::Profile(profile)) => json!([profile.name, profile.security_bits]),
            None => json!(["", 0]),
        };
        let limits = self.limits.unwrap_or_default();
        // A map with an order of its own.
        let labels: BTreeMap<_, _> = self.labels.iter().collect();
        [
            ("input", json!([files, min_steps])),
            ("layout", json!(layout)),
            ("parameters", parameters),
            ("annotations", json!(self.annotations)),
            (
                "limits",
                json!([
                    limits.max_steps,
                    limits.max_child_memory_bytes,
                    limits.max_child_cpu_seconds,
                    limits.max_device_seconds,
                    limits.max_proof_of_work_bits,
                    limits.max_log_n_cosets,
                    limits.max_queries,
                ]),
            ),
            ("labels", json!(labels)),
            ("expected_program_hash", json!(self.expected_program_hash)),
            ("expected_builtins", json!(self.expected_builtins)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_client::protocol::{AirInput, ArtifactRef, JobSpec, Limits, NamedProfile, ProgramInput};
    use std::time::SystemTime;

    fn program(content: &str, size: u64, min_steps: u64) -> Option<Input> {
        let sha256 = content.to_owned();
        Some(Input::Program(ProgramInput {
            program: Some(ArtifactRef { sha256, size }),
            min_steps,
            ..Default::default()
        }))
    }

    fn labels<const N: usize>(labels: [(&str, &str); N]) -> std::collections::HashMap<String, String> {
        let owned = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        owned.into()
    }

    fn first() -> JobSpec {
        JobSpec {
            input: program("aa", 7, 0),
            labels: labels([("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]),
            ..JobSpec::default()
        }
    }

    #[test]
    fn a_repetition_may_differ_in_when_and_in_spelling() {
        let first = first();
        let own = Spec::from(first.clone());
        for same in [
            JobSpec {
                deadline: Some(SystemTime::now().into()),
                priority: 7,
                dedup_key: "key".to_owned(),
                ..first.clone()
            },
            JobSpec {
                layout: "auto".to_owned(),
                parameters: Some(Parameters::Profile(NamedProfile::default())),
                limits: Some(Limits::default()),
                ..first.clone()
            },
            JobSpec {
                input: program("aa", 0, 0),
                labels: labels([("d", "4"), ("c", "3"), ("b", "2"), ("a", "1")]),
                ..first
            },
        ] {
            let same = Spec::from(same);
            assert_eq!(own.digest(), same.digest(), "{same:?}");
            assert!(own.differences(&same).is_empty());
        }
        assert_eq!(own.digest().len(), 64);
    }

    #[test]
    fn every_other_field_counts() {
        let first = first();
        let limits = |limits| JobSpec {
            limits: Some(limits),
            ..first.clone()
        };
        let with = |parameters| JobSpec {
            parameters: Some(parameters),
            ..first.clone()
        };
        let input = |input| JobSpec {
            input,
            ..first.clone()
        };
        let text = |text: &str| text.to_owned();
        let others = [
            ("input", input(program("bb", 7, 0))),
            ("input", input(program("aa", 7, 1))),
            ("input", input(Some(Input::Air(AirInput::default())))),
            (
                "layout",
                JobSpec {
                    layout: text("small"),
                    ..first.clone()
                },
            ),
            ("parameters", with(Parameters::ParameterFile(text("{}")))),
            (
                "parameters",
                with(Parameters::Profile(NamedProfile {
                    name: text("dev"),
                    security_bits: 0,
                })),
            ),
            (
                "parameters",
                with(Parameters::Profile(NamedProfile {
                    name: text(""),
                    security_bits: 80,
                })),
            ),
            (
                "annotations",
                JobSpec {
                    annotations: Some(false),
                    ..first.clone()
                },
            ),
            (
                "limits",
                limits(Limits {
                    max_steps: 1,
                    ..Default::default()
                }),
            ),
            (
                "limits",
                limits(Limits {
                    max_child_memory_bytes: 1,
                    ..Default::default()
                }),
            ),
            (
                "limits",
                limits(Limits {
                    max_child_cpu_seconds: 1,
                    ..Default::default()
                }),
            ),
            (
                "limits",
                limits(Limits {
                    max_device_seconds: 1,
                    ..Default::default()
                }),
            ),
            (
                "labels",
                JobSpec {
                    labels: labels([("a", "1")]),
                    ..first.clone()
                },
            ),
            (
                "expected_program_hash",
                JobSpec {
                    expected_program_hash: text("0x1"),
                    ..first.clone()
                },
            ),
            (
                "expected_builtins",
                JobSpec {
                    expected_builtins: vec![text("output")],
                    ..first.clone()
                },
            ),
        ];
        let own = Spec::from(first.clone());
        let mut digests = std::collections::HashSet::from([own.digest()]);
        for (field, other) in others {
            let other = Spec::from(other);
            assert_eq!(own.differences(&other), [field]);
            assert!(digests.insert(other.digest()), "{field}");
        }
    }
}

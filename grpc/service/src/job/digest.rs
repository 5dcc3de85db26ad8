//! Whether two specifications ask for the same: what a submission under a used idempotency key must repeat.

use super::{CAIRO_VERIFIER, Spec, WRAP_BOOTLOADER};
use quarry_client::digest::hex;
use quarry_client::protocol::job_spec::{Input, Parameters};
use quarry_prover_core::calldata::{DEFAULT_MAX_FELTS, DEPLOYMENTS};
use quarry_tasks::bootloader::BOOTLOADERS;
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
    fn parts(&self) -> [(&'static str, Value); 11] {
        // A file is its content: its length follows from it.
        let files = self.named_inputs().map(|(name, file)| (name, &file.sha256));
        let is_of_wrapping = |(name, _): &(&str, _)| matches!(*name, CAIRO_VERIFIER | WRAP_BOOTLOADER);
        let (of_wrapping, files): (Vec<_>, Vec<_>) = files.partition(is_of_wrapping);
        let min_steps = self.run().map(|run| run.min_steps);
        let of_tasks = match &self.input {
            Input::Tasks(tasks) => {
                let of_each = tasks.tasks.iter().map(|task| &task.program_hash_function);
                Some(json!([
                    or(&tasks.program_hash_function, "auto"),
                    tasks.expected_bootloader_hash,
                    or(&tasks.bootloader_name, BOOTLOADERS[0].0),
                    tasks.continuous_pages,
                    of_each.collect::<Vec<_>>(),
                ]))
            }
            // An executable by itself and a task with its files are two jobs.
            Input::Alone(_) => Some(json!("alone")),
            Input::Air(_) | Input::Program(_) => None,
        };
        let parameters = match &self.parameters {
            Some(Parameters::ParameterFile(text)) => json!({ "file": text }),
            Some(Parameters::Profile(profile)) => json!([profile.name, profile.security_bits]),
            None => json!(["", 0]),
        };
        let limits = self.limits.unwrap_or_default();
        let calldata = self.calldata.as_ref();
        let calldata = calldata.map(|options| {
            let max_felts = match options.max_felts {
                0 => DEFAULT_MAX_FELTS as u64,
                felts => felts,
            };
            let network = or(&options.network, DEPLOYMENTS[0].network);
            json!([max_felts, options.job_id, options.mode, network])
        });
        let wrap = self.wrap.as_ref().map(|options| {
            json!([
                options.expected_verifier_hash,
                or(&options.bootloader_name, BOOTLOADERS[0].0),
                options.expected_bootloader_hash,
                or(&options.program_hash_function, "auto"),
                or(&options.first_layout, "auto"),
            ])
        });
        // Network and key follow from the rest.
        let block = self.block.as_ref().map(|block| {
            json!([
                block.number,
                block.block_hash,
                block.state_diff_commitment,
                block.r,
                block.s,
            ])
        });
        // A map with an order of its own.
        let labels: BTreeMap<_, _> = self.labels.iter().collect();
        [
            ("input", json!([files, min_steps, of_tasks])),
            ("layout", json!(or(&self.layout, "auto"))),
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
                    limits.max_pie_bytes,
                    limits.max_pie_cells,
                ]),
            ),
            ("labels", json!(labels)),
            ("expected_program_hash", json!(self.expected_program_hash)),
            ("expected_builtins", json!(self.expected_builtins)),
            ("calldata", json!(calldata)),
            ("wrap", json!([of_wrapping, wrap])),
            ("block", json!(block)),
        ]
    }
}

/// A text, or its default if it is empty.
fn or<'a>(text: &'a str, default: &'a str) -> &'a str {
    match text {
        "" => default,
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quarry_client::protocol::task_input::Task;
    use quarry_client::protocol::{
        AirInput, AloneInput, ArtifactRef, BlockReference, CalldataOptions, ExecutableTask, JobSpec, Limits,
        NamedProfile, ProgramInput, ProgramTask, TaskInput, TasksInput, WrapOptions,
    };
    use std::time::SystemTime;

    fn program(content: &str, size: u64, min_steps: u64) -> Option<Input> {
        let sha256 = content.to_owned();
        Some(Input::Program(ProgramInput {
            program: Some(ArtifactRef { sha256, size }),
            min_steps,
            ..Default::default()
        }))
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    fn file(sha256: &str) -> ArtifactRef {
        ArtifactRef {
            sha256: sha256.to_owned(),
            size: 7,
        }
    }

    /// An executable by itself.
    fn alone(change: impl FnOnce(&mut AloneInput)) -> Option<Input> {
        let mut alone = AloneInput {
            executable: Some(ExecutableTask {
                executable: Some(file("aa")),
                arguments: None,
            }),
            ..AloneInput::default()
        };
        change(&mut alone);
        Some(Input::Alone(alone))
    }

    /// A job with one task, of a kind.
    fn task(kind: Task) -> Option<Input> {
        tasks(&["aa"], |tasks| tasks.tasks[0].task = Some(kind))
    }

    fn tasks(pies: &[&str], change: impl FnOnce(&mut TasksInput)) -> Option<Input> {
        let pie = |sha256: &&str| TaskInput {
            task: Some(Task::Pie(file(sha256))),
            ..TaskInput::default()
        };
        let mut tasks = TasksInput {
            tasks: pies.iter().map(pie).collect(),
            ..TasksInput::default()
        };
        change(&mut tasks);
        Some(Input::Tasks(tasks))
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

    /// Pairs of values: the first says nothing, the second names the default, or what the service adds.
    #[test]
    fn a_default_may_be_named() {
        let job = |input| JobSpec {
            input,
            ..JobSpec::default()
        };
        let calldata = |options| JobSpec {
            calldata: Some(options),
            ..first()
        };
        let wrapping = |options| JobSpec {
            wrap: Some(options),
            ..first()
        };
        let block = |block| JobSpec {
            block: Some(block),
            ..first()
        };
        for (unsaid, said) in [
            (
                job(tasks(&["aa"], |_| {})),
                job(tasks(&["aa"], |tasks| {
                    "layout".clone_into(&mut tasks.bootloader_name);
                })),
            ),
            (
                job(tasks(&["aa"], |_| {})),
                job(tasks(&["aa"], |tasks| {
                    "auto".clone_into(&mut tasks.program_hash_function);
                })),
            ),
            (
                wrapping(WrapOptions::default()),
                wrapping(WrapOptions {
                    bootloader_name: BOOTLOADERS[0].0.to_owned(),
                    program_hash_function: "auto".to_owned(),
                    first_layout: "auto".to_owned(),
                    ..WrapOptions::default()
                }),
            ),
            (
                block(BlockReference::default()),
                block(BlockReference {
                    network: "mainnet".to_owned(),
                    public_key: "0x1".to_owned(),
                    ..BlockReference::default()
                }),
            ),
            (
                calldata(CalldataOptions::default()),
                calldata(CalldataOptions {
                    max_felts: DEFAULT_MAX_FELTS as u64,
                    network: DEPLOYMENTS[0].network.to_owned(),
                    ..Default::default()
                }),
            ),
        ] {
            let [unsaid, said] = [unsaid, said].map(Spec::from);
            assert!(unsaid.differences(&said).is_empty(), "{said:?}");
            assert_eq!(unsaid.digest(), said.digest(), "{said:?}");
        }
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
        let calldata = |calldata| JobSpec {
            calldata: Some(calldata),
            ..first.clone()
        };
        let wrap = |change: fn(&mut WrapOptions)| {
            let mut wrap = WrapOptions::default();
            change(&mut wrap);
            JobSpec {
                wrap: Some(wrap),
                ..first.clone()
            }
        };
        let block = |change: fn(&mut BlockReference)| {
            let mut block = BlockReference::default();
            change(&mut block);
            JobSpec {
                block: Some(block),
                ..first.clone()
            }
        };
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
            ("input", input(tasks(&["aa"], |_| {}))),
            ("input", input(tasks(&["aa", "bb"], |_| {}))),
            ("input", input(tasks(&["bb", "aa"], |_| {}))),
            (
                "input",
                input(tasks(&["aa"], |tasks| {
                    tasks.program_hash_function = text("pedersen");
                })),
            ),
            (
                "input",
                input(tasks(&["aa"], |tasks| {
                    tasks.expected_bootloader_hash = text("0x1");
                })),
            ),
            (
                "input",
                input(tasks(&["aa"], |tasks| {
                    tasks.bootloader_name = text("simple");
                })),
            ),
            (
                "input",
                input(tasks(&["aa"], |tasks| {
                    tasks.bootloader_name = text("short");
                })),
            ),
            (
                "input",
                input(tasks(&["aa"], |tasks| tasks.continuous_pages = true)),
            ),
            (
                "input",
                input(tasks(&["aa"], |tasks| {
                    tasks.tasks[0].program_hash_function = text("pedersen");
                })),
            ),
            (
                "input",
                input(task(Task::Program(ProgramTask {
                    program: Some(file("aa")),
                    input: None,
                }))),
            ),
            (
                "input",
                input(task(Task::Program(ProgramTask {
                    program: Some(file("aa")),
                    input: Some(file("bb")),
                }))),
            ),
            (
                "input",
                input(task(Task::Executable(ExecutableTask {
                    executable: Some(file("aa")),
                    arguments: None,
                }))),
            ),
            (
                "input",
                input(task(Task::Executable(ExecutableTask {
                    executable: Some(file("aa")),
                    arguments: Some(file("bb")),
                }))),
            ),
            ("input", input(alone(|_| {}))),
            ("input", input(alone(|alone| alone.min_steps = 1))),
            (
                "input",
                input(alone(|alone| alone.dynamic_params = Some(file("aa")))),
            ),
            (
                "input",
                input(alone(|alone| {
                    alone.executable = Some(ExecutableTask {
                        executable: Some(file("aa")),
                        arguments: Some(file("bb")),
                    });
                })),
            ),
            ("calldata", calldata(CalldataOptions::default())),
            ("wrap", wrap(|_| {})),
            ("wrap", wrap(|wrap| wrap.verifier = Some(file("aa")))),
            ("wrap", wrap(|wrap| wrap.expected_verifier_hash = text("0x1"))),
            ("wrap", wrap(|wrap| wrap.bootloader = Some(file("aa")))),
            ("wrap", wrap(|wrap| wrap.bootloader_name = text("simple"))),
            ("wrap", wrap(|wrap| wrap.expected_bootloader_hash = text("0x1"))),
            ("wrap", wrap(|wrap| wrap.program_hash_function = text("pedersen"))),
            ("wrap", wrap(|wrap| wrap.first_layout = text("dynamic"))),
            ("block", block(|_| {})),
            ("block", block(|block| block.number = 1)),
            ("block", block(|block| block.block_hash = text("0x1"))),
            (
                "block",
                block(|block| block.state_diff_commitment = Some(text("0x1"))),
            ),
            ("block", block(|block| block.r = text("0x1"))),
            ("block", block(|block| block.s = text("0x1"))),
            (
                "calldata",
                calldata(CalldataOptions {
                    network: text("mainnet"),
                    ..Default::default()
                }),
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

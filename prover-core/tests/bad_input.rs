//! Inputs that no execution has: every one is met with an error that says what is wrong where, and none with a panic.
#![cfg(feature = "prover")]

mod common;

use ark_ff::One;
use common::Golden;
use common::proving::{cpu, read_input};
use quarry_kernels::columns::{Columns, Natural};
use quarry_kernels::device::Tag;
use quarry_kernels::{CpuDevice, Felt};
use quarry_prover_core::cairo::air::CairoAir;
use quarry_prover_core::cairo::input::{ProverInput, TraceEntry};
use quarry_prover_core::cairo::layouts::Layout;
use quarry_prover_core::cairo::memory::Memory;
use quarry_prover_core::cairo::private_input::{ModInputs, PrivateInput};
use quarry_prover_core::cairo::public_input::PublicInput;
use quarry_prover_core::cairo::trace::{build_trace, fill_trace};
use std::fs;

fn case(layout: &str, case: &str) -> Golden {
    let rows = common::repository();
    let row = rows
        .into_iter()
        .find(|row| row.layout == layout && row.case == case);
    row.expect("a case of the repository")
}

/// The error of the inputs of `small/c1` after a change.
fn error_after(change: impl Fn(&mut ProverInput)) -> String {
    let layout = Layout::by_name("small").expect("known");
    error_of(&layout, read_input(&case("small", "c1")), change)
}

/// The error of inputs after a change.
fn error_of(layout: &Layout, mut input: ProverInput, change: impl Fn(&mut ProverInput)) -> String {
    change(&mut input);
    match build_trace(layout, &input) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Changes one cell of memory, or takes it away.
fn change_memory(input: &mut ProverInput, address: u64, value: Option<Felt>) {
    let mut cells: Vec<(u64, Felt)> = input.memory.cells().filter(|cell| cell.0 != address).collect();
    cells.extend(value.map(|value| (address, value)));
    input.memory = Memory::from_cells(cells).expect("no address twice");
}

/// Changes an entry of memory that only the CPU sees: what the call at step 0 pushes.
const FRAME: u64 = 85;

#[test]
fn contradictions_are_named() {
    let one = Felt::one();
    let expect = |change: &dyn Fn(&mut ProverInput), texts: &[&str]| {
        let error = error_after(change);
        for text in texts {
            assert!(error.contains(text), "expected '{text}': {error}");
        }
    };
    // The trace.
    expect(&|i| i.trace[7].pc += 1, &["step"]);
    expect(&|i| i.trace[7].ap += 1, &["step 6", "ap is", "makes it"]);
    expect(&|i| i.trace.swap(3, 4), &["step"]);
    expect(
        &|i| i.trace[9].pc = 1 << 60,
        &["step 8", "pc is 1152921504606846976"],
    );
    expect(&|i| i.trace[0].fp += 1, &["step 0", "fp is", "the public input"]);
    expect(&|i| _ = i.trace.pop(), &["511 steps", "512"]);
    expect(&|i| i.trace.push(i.trace[0]), &["513 steps", "512"]);
    expect(&|i| i.trace.clear(), &["0 steps"]);
    // The memory.
    expect(
        &|i| i.memory = Memory::default(),
        &["step 0 (pc 1)", "the instruction", "address 1"],
    );
    expect(
        &|i| change_memory(i, 1, None),
        &["step 0", "the instruction", "address 1"],
    );
    expect(
        &|i| change_memory(i, 1, Some(-one)),
        &["step 0", "is not an instruction"],
    );
    expect(&|i| change_memory(i, FRAME, Some(one)), &["step", "asserts"]);
    expect(&|i| change_memory(i, FRAME, Some(-one)), &["step"]);
    // The public input.
    expect(&|i| i.public.n_steps = 1024, &["512 steps", "1024"]);
    expect(&|i| i.public.n_steps = 256, &["at least 512 steps"]);
    expect(&|i| i.public.n_steps = 1 << 60, &["512 steps"]);
    expect(&|i| i.public.rc_min += 5, &["range-checked", "32762..="]);
    expect(
        &|i| i.public.rc_max = 65535,
        &["values between rc_min and rc_max", "more steps"],
    );
    expect(&|i| i.public.rc_max = 1 << 40, &["rc_max 1099511627776"]);
    expect(&|i| i.public.rc_min = i.public.rc_max, &["rc_min"]);
    expect(&|i| i.public.public_memory.clear(), &["public memory is empty"]);
    expect(
        &|i| i.public.public_memory[3].value += one,
        &["public memory says", "address 4"],
    );
    expect(
        &|i| i.public.public_memory[3].address = 1 << 60,
        &["addresses 1..=1152921504606846976"],
    );
    expect(
        &|i| i.public.public_memory[3].address = 0,
        &["begins at address 0"],
    );
    expect(
        &|i| i.public.public_memory = vec![i.public.public_memory[0]; 5000],
        &["5000 cells of public memory"],
    );
    for segment in ["execution", "ecdsa"] {
        expect(&|i| _ = i.public.memory_segments.remove(segment), &[segment]);
    }
    expect(
        &|i| {
            i.public
                .memory_segments
                .get_mut("program")
                .expect("there")
                .stop_ptr += 1
        },
        &["step 511", "pc is", "the public input"],
    );
    expect(
        &|i| {
            i.public
                .memory_segments
                .get_mut("range_check")
                .expect("there")
                .stop_ptr += 64
        },
        &["range_check", "512 steps hold 64"],
    );
    expect(
        &|i| {
            i.public
                .memory_segments
                .get_mut("pedersen")
                .expect("there")
                .begin_addr -= 3
        },
        &["pedersen"],
    );
    let far = |i: &mut ProverInput| {
        let segment = i.public.memory_segments.get_mut("ecdsa").expect("there");
        (segment.begin_addr, segment.stop_ptr) = (u64::MAX - 2, u64::MAX);
    };
    expect(&far, &["addresses 1..=18446744073709551614"]);
}

#[test]
fn contradictions_of_builtins_are_named() {
    let one = Felt::one();
    let expect = |change: &dyn Fn(&mut PrivateInput), texts: &[&str]| {
        let error = error_after(|input| change(&mut input.private));
        for text in texts {
            assert!(error.contains(text), "expected '{text}': {error}");
        }
    };
    expect(
        &|i| i.pedersen[2].x += one,
        &["'pedersen', instance 2", "address 223"],
    );
    expect(
        &|i| i.pedersen[2].index = 64,
        &["instance 64", "there are 64 instances"],
    );
    expect(&|i| i.pedersen[2].index = u64::MAX, &["there are 64 instances"]);
    expect(
        &|i| i.pedersen[2].index = 1,
        &["'pedersen', instance 1", "two entries"],
    );
    expect(&|i| _ = i.pedersen.pop(), &["memory address", "two values"]);
    expect(
        &|i| i.range_check[1].value += 1,
        &["'range_check', instance 1", "address 410"],
    );
    expect(&|i| i.range_check[1].index = 64, &["there are 64 instances"]);
    expect(&|i| _ = i.range_check.pop(), &["two values"]);
    expect(
        &|i| i.ecdsa[0].r += one,
        &["'ecdsa', instance 0", "signature is not valid"],
    );
    expect(
        &|i| i.ecdsa[0].w = Felt::from(0u64),
        &["w is 0 or has too many bits"],
    );
    expect(&|i| i.ecdsa[0].r = -one, &["r is 0 or has too many bits"]);
    expect(
        &|i| i.ecdsa[0].message += one,
        &["'ecdsa', instance 0", "address 474"],
    );
    expect(
        &|i| i.ecdsa[0].public_key = Felt::from(4u64),
        &["'ecdsa', instance 0"],
    );
    expect(&|i| i.ecdsa[0].index = 1, &["there are 1 instances"]);
    expect(&|i| i.ecdsa.clear(), &["two values"]);
}

#[test]
#[cfg_attr(not(feature = "slow-tests"), ignore = "the slow tier")]
fn contradictions_of_every_builtin_are_named() {
    let rows = common::external(&["starknet_with_keccak"]);
    let layout = Layout::by_name("starknet_with_keccak").expect("known");
    let original = read_input(&rows[0]);
    let one = Felt::one();
    let expect = |change: &dyn Fn(&mut PrivateInput), texts: &[&str]| {
        let error = error_of(&layout, original.clone(), |input| change(&mut input.private));
        for text in texts {
            assert!(error.contains(text), "expected '{text}': {error}");
        }
    };
    expect(&|_| {}, &["accepted"]);
    expect(&|i| i.bitwise[3].x += one, &["'bitwise', instance 3", "address"]);
    expect(
        &|i| i.bitwise[3].y = -one,
        &["'bitwise', instance 3", "more than 251 bits"],
    );
    expect(
        &|i| i.bitwise[3].index = 4,
        &["'bitwise', instance 4", "two entries"],
    );
    expect(&|i| i.bitwise[3].index = 1 << 40, &["instances: more steps"]);
    expect(
        &|i| i.ec_op[0].p[1] += one,
        &["'ec_op', instance 0", "is not a point on the curve"],
    );
    expect(
        &|i| i.ec_op[0].q[0] = one,
        &["'ec_op', instance 0", "(0x1, ", "is not a point on the curve"],
    );
    expect(
        &|i| i.ec_op[0].q = i.ec_op[0].p,
        &["'ec_op', instance 0", "degenerate"],
    );
    expect(&|i| i.ec_op[0].m += one, &["'ec_op', instance 0", "address"]);
    expect(
        &|i| i.poseidon[9].state[2] += one,
        &["'poseidon', instance 9", "address"],
    );
    expect(&|i| _ = i.poseidon.pop(), &["two values"]);
    expect(
        &|i| i.keccak[5].state[7] += one,
        &["'keccak', instance 5", "address"],
    );
    expect(
        &|i| i.keccak[5].state[0] = -one,
        &["'keccak', instance 5", "more than 200 bits"],
    );
    expect(
        &|i| i.keccak[5].index = 16,
        &["'keccak', instance 16", "there are 16 instances"],
    );
    expect(&|i| i.keccak.clear(), &["two values"]);
}

#[test]
#[cfg_attr(not(feature = "slow-tests"), ignore = "the slow tier")]
fn contradictions_of_modular_builtins_are_named() {
    let rows = common::external(&["dynamic"]);
    let row = rows
        .iter()
        .find(|row| row.case == "c3_nokeccak_mod")
        .expect("there");
    let original = read_input(row);
    let layout = Layout::of(&original.public).expect("a layout");
    let expect = |change: &dyn Fn(&mut PrivateInput), texts: &[&str]| {
        let error = error_of(&layout, original.clone(), |input| change(&mut input.private));
        for text in texts {
            assert!(error.contains(text), "expected '{text}': {error}");
        }
    };
    expect(&|_| {}, &["accepted"]);
    expect(
        &|i| i.range_check96[5].value = 1 << 96,
        &["'range_check96', instance 5", "more than 96 bits"],
    );
    expect(
        &|i| i.range_check96[5].value += 1,
        &["'range_check96', instance 5", "address"],
    );
    type Inputs = fn(&mut PrivateInput) -> &mut ModInputs;
    let builtins: [(&str, Inputs); 2] = [("add_mod", |i| &mut i.add_mod), ("mul_mod", |i| &mut i.mul_mod)];
    for (name, inputs) in builtins {
        let instance = format!("'{name}', instance 1");
        expect(
            &|i| inputs(i).instances[1].p = [0; 4],
            &[&instance, "modulus is 0"],
        );
        expect(
            &|i| inputs(i).instances[1].values[0][3] = 1 << 96,
            &[&instance, "more than 96 bits"],
        );
        expect(
            &|i| inputs(i).instances[1].values[2][0] += 1,
            &[&instance, "address"],
        );
        expect(
            &|i| inputs(i).instances[1].offsets[0] += 1,
            &[&instance, "address"],
        );
        expect(
            &|i| inputs(i).instances[1].index = 0,
            &["instance 0", "two entries"],
        );
        expect(&|i| inputs(i).zero_value_address = u64::MAX, &["addresses 1..="]);
    }
    // Numbers that memory agrees with, but that do not add up.
    let error = error_of(&layout, original.clone(), |input| {
        let instance = &mut input.private.add_mod.instances[1];
        instance.values[2][0] ^= 1;
        let address = instance.values_ptr + instance.offsets[2];
        let value = instance.values[2][0];
        let checked = address - input.public.memory_segments["range_check96"].begin_addr;
        input.private.range_check96[checked as usize].value = value;
        change_memory(input, address, Some(Felt::from(value)));
    });
    assert!(error.contains("'add_mod', instance 1"), "{error}");
    // The parameters are input too.
    let mut input = original.clone();
    for (name, value) in [
        ("bitwise__x_suboffset", 0),
        ("mem_pool__addr_offset", 1 << 20),
        ("memory__sorted__addr_column", 1 << 20),
        ("keccak__row_ratio", 3),
        ("pedersen_builtin_row_ratio", 1 << 40),
    ] {
        input.public.dynamic_params = original.public.dynamic_params.clone();
        let params = input.public.dynamic_params.as_mut().expect("parameters");
        params.insert(name.to_owned(), value);
        if let Ok(layout) = Layout::of(&input.public) {
            drop(build_trace(&layout, &input));
        }
    }
}

#[test]
fn bad_files_are_named() {
    let row = case("small", "c1");
    let error_of_file = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        row.unpack(folder.path());
        let path = folder.path().join(name);
        let mut bytes = fs::read(&path).expect("unpacked");
        change(&mut bytes);
        fs::write(&path, bytes).expect("a folder that can be written");
        let file = |name| folder.path().join(name);
        let read = ProverInput::read(&file("public_input.json"), &file("private_input.json"));
        read.map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
    };
    let replace = |from: &'static str, to: &'static str| {
        move |bytes: &mut Vec<u8>| {
            let text = String::from_utf8(bytes.clone()).expect("text");
            assert!(text.contains(from), "{from}");
            *bytes = text.replacen(from, to, 1).into_bytes();
        }
    };
    type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
    let cases: [(&str, Change, &[&str]); 14] = [
        (
            "trace.bin",
            &|bytes| bytes.truncate(100),
            &["trace.bin", "100 bytes", "24-byte"],
        ),
        (
            "memory.bin",
            &|bytes| bytes.truncate(100),
            &["memory.bin", "100 bytes", "40-byte"],
        ),
        (
            "memory.bin",
            &|bytes| bytes[39] = 0xff,
            &["memory.bin", "entry 0", "modulus"],
        ),
        (
            "memory.bin",
            &|bytes| {
                let twice = bytes[..40].to_vec();
                bytes.extend(twice);
                let n = bytes.len();
                bytes[n - 32] ^= 1
            },
            &["memory.bin", "two values"],
        ),
        (
            "private_input.json",
            &|bytes| bytes.truncate(50),
            &["private_input.json", "line 3"],
        ),
        (
            "private_input.json",
            &|bytes| *bytes = b"[]".to_vec(),
            &["private_input.json", "expected an object"],
        ),
        (
            "private_input.json",
            &|bytes| *bytes = vec![0xff],
            &["private_input.json", "UTF-8"],
        ),
        (
            "private_input.json",
            &replace("\"trace_path\"", "\"tracepath\""),
            &["/trace_path: expected a string"],
        ),
        (
            "private_input.json",
            &replace("trace.bin", "no such file"),
            &["no such file", "neither"],
        ),
        (
            "private_input.json",
            &replace("\"x\": \"0x1\"", "\"x\": 1"),
            &["/pedersen/0/x: expected a string, found 1"],
        ),
        (
            "private_input.json",
            &replace("\"index\": 0", "\"index\": -1"),
            &["/pedersen/0/index"],
        ),
        (
            "private_input.json",
            &replace("\"value\": \"0x", "\"value\": \"0x1"),
            &["/range_check/0/value", "2^128"],
        ),
        (
            "public_input.json",
            &|bytes| bytes.truncate(50),
            &["public_input.json", "line"],
        ),
        (
            "public_input.json",
            &replace("512", "513"),
            &["public_input.json", "513"],
        ),
    ];
    for (name, change, texts) in cases {
        let error = error_of_file(name, change);
        for text in texts {
            assert!(error.contains(text), "expected '{text}': {error}");
        }
    }
}

/// A generator of numbers without structure.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// A value near `value`, far from it, or at the edge of what there is.
    fn near(&mut self, value: u64) -> u64 {
        match self.below(6) {
            0 => value.wrapping_add(1),
            1 => value.wrapping_sub(1),
            2 => self.next() >> self.below(56),
            3 => 1 << self.below(64),
            4 => u64::MAX,
            _ => value ^ 1 << self.below(16),
        }
    }

    fn felt_near(&mut self, value: Felt) -> Felt {
        match self.below(4) {
            0 => value + Felt::one(),
            1 => value + Felt::from(1u64 << self.below(63)),
            2 => -value,
            _ => Felt::from(self.next()),
        }
    }

    /// Changes one thing in the inputs.
    fn mutate(&mut self, input: &mut ProverInput) {
        match self.below(10) {
            0 | 1 => {
                let i = self.below(input.trace.len());
                let TraceEntry { ap, fp, pc } = &mut input.trace[i];
                let register = [ap, fp, pc].into_iter().nth(self.below(3)).expect("three");
                *register = self.near(*register);
            }
            2..=4 => {
                let cells: Vec<_> = input.memory.cells().collect();
                let (address, value) = cells[self.below(cells.len())];
                let value = (self.below(4) > 0).then(|| self.felt_near(value));
                change_memory(input, address, value);
            }
            5 => {
                let i = self.below(input.public.public_memory.len());
                let cell = &mut input.public.public_memory[i];
                match self.below(2) {
                    0 => cell.address = self.near(cell.address),
                    _ => cell.value = self.felt_near(cell.value),
                }
            }
            6 => {
                let i = self.below(input.public.memory_segments.len());
                let segment = input
                    .public
                    .memory_segments
                    .values_mut()
                    .nth(i)
                    .expect("in range");
                match self.below(2) {
                    0 => segment.begin_addr = self.near(segment.begin_addr),
                    _ => segment.stop_ptr = self.near(segment.stop_ptr),
                }
            }
            7 => {
                let PublicInput {
                    n_steps,
                    rc_min,
                    rc_max,
                    ..
                } = &mut input.public;
                let number = [n_steps, rc_min, rc_max]
                    .into_iter()
                    .nth(self.below(3))
                    .expect("three");
                *number = self.near(*number);
            }
            _ => {
                let PrivateInput {
                    pedersen,
                    range_check,
                    ecdsa,
                    ..
                } = &mut input.private;
                let n = pedersen.len();
                if let (0, Some(entry)) = (self.below(3), pedersen.get_mut(self.below(n))) {
                    entry.index = self.near(entry.index);
                    entry.x = self.felt_near(entry.x);
                } else if let (0, Some(entry)) = (self.below(2), range_check.first_mut()) {
                    entry.index = self.near(entry.index);
                    entry.value ^= 1 << self.below(128);
                } else if let Some(entry) = ecdsa.first_mut() {
                    let Some(value) = [
                        &mut entry.public_key,
                        &mut entry.message,
                        &mut entry.r,
                        &mut entry.w,
                    ]
                    .into_iter()
                    .nth(self.below(4)) else {
                        return;
                    };
                    *value = self.felt_near(*value);
                }
            }
        }
    }
}

/// Whether a trace satisfies every constraint; says which one fails.
fn violation(
    device: &CpuDevice,
    layout: &Layout,
    input: &ProverInput,
    mut columns: Vec<Vec<Felt>>,
) -> Option<String> {
    let air = CairoAir::new(layout, input.public.n_steps).expect("an AIR");
    let elements: Vec<Felt> = (0..air.n_interaction_elements())
        .map(|i| -Felt::from(1u64 << (40 + i)))
        .collect();
    let (log_len, tag) = (columns[0].len().ilog2(), Tag("test"));
    let first = Columns::upload(device, &columns, log_len, tag).expect("memory");
    let mut interaction: Columns<_, Natural> =
        Columns::zeros(device, layout.n_columns[1], log_len, tag).expect("memory");
    for (scan, target) in air.scans(&elements).expect("elements") {
        scan.run(device, &first, &mut interaction, target)
            .and_then(|ticket| ticket.wait())
            .expect("a product");
    }
    columns.extend((0..layout.n_columns[1]).map(|i| interaction.download(device, i).expect("a column")));
    let scalars = air.scalars(&input.public, &elements).expect("scalars");
    let violation = air.air.find_violation(&columns, &scalars).expect("shapes");
    violation.map(|violation| violation.to_string())
}

#[test]
fn what_is_accepted_satisfies_every_constraint() {
    let device = cpu(None);
    let mut numbers = Numbers(0x0123_4567_89ab_cdef);
    let (mut n_accepted, mut n_refused) = (0, 0);
    for (name, case_name, n) in [("plain", "fib_2p9", 400), ("small", "c1", 200)] {
        let original = read_input(&case(name, case_name));
        let layout = Layout::by_name(name).expect("known");
        for i in 0..n {
            let mut input = original.clone();
            numbers.mutate(&mut input);
            // The checker's own way to the trace takes more, but does not panic either.
            drop(fill_trace(&layout, &input));
            match build_trace(&layout, &input) {
                Err(_) => n_refused += 1,
                Ok(columns) => {
                    n_accepted += 1;
                    let violation = violation(&device, &layout, &input, columns);
                    assert_eq!(violation, None, "{name}: change {i} was accepted");
                }
            }
        }
    }
    println!("{n_accepted} accepted, {n_refused} refused");
    assert!(n_refused > 300 && n_accepted > 0);
}

#[test]
fn changed_bytes_do_not_panic() {
    let row = case("small", "c1");
    let layout = Layout::by_name("small").expect("known");
    let mut numbers = Numbers(0x0fed_cba9_8765_4321);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str| folder.path().join(name);
    let names = [
        "public_input.json",
        "private_input.json",
        "trace.bin",
        "memory.bin",
    ];
    let mut n_refused = 0;
    row.unpack(folder.path());
    let read = || ProverInput::read(&file("public_input.json"), &file("private_input.json"));
    build_trace(&layout, &read().expect("valid inputs")).expect("the inputs of a run");
    for i in 0..300 {
        row.unpack(folder.path());
        let path = file(names[i % names.len()]);
        let mut bytes = fs::read(&path).expect("unpacked");
        let at = numbers.below(bytes.len());
        match numbers.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, numbers.next() as u8),
            // A digit stays a digit, so that JSON stays JSON.
            2 => bytes[at] ^= 1,
            _ => bytes[at] ^= 1 << numbers.below(8),
        }
        fs::write(&path, bytes).expect("a folder that can be written");
        let refused = read().map_or(true, |input| build_trace(&layout, &input).is_err());
        n_refused += usize::from(refused);
    }
    println!("{n_refused} of 300 refused");
    assert!(n_refused > 150);
}

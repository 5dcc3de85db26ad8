//! Laws of constraint composition.

use super::{TAG, download, points, sample, sample_columns, upload};
use crate::columns::{Columns, Natural};
use crate::felt::Felt;
use crate::ops::ComposeOps;
use crate::program::{Instruction, Opcode, Operand, Program};
use ark_ff::Field;

/// A program that uses every opcode with every kind of operand: registers that are both target and operand, cells that
/// wrap around, periodic tables down to one element.
fn program() -> Program {
    let cell = |source, offset| Operand::Cell { source, offset };
    let (register, scalar) = (Operand::Register, Operand::Scalar);
    let step = |opcode, target, a, b| Instruction { opcode, target, a, b };
    use Opcode::{Add, Mul, Sub};
    Program {
        instructions: vec![
            step(Mul, 0, cell(0, 0), cell(1, 1)),
            step(Sub, 1, cell(2, 77), register(0)),
            step(Add, 0, register(0), register(1)),
            step(Mul, 1, scalar(0), register(1)),
            step(Sub, 1, register(1), register(1)),
            step(Sub, 2, scalar(1), cell(3, 0)),
            step(Add, 2, cell(4, 3), register(2)),
            step(Mul, 2, register(2), cell(5, 9)),
            step(Mul, 3, scalar(0), scalar(1)),
            step(Sub, 3, register(3), scalar(0)),
            step(Add, 1, register(1), register(2)),
            step(Mul, 0, register(0), register(3)),
            step(Sub, 0, register(0), register(1)),
        ],
        n_registers: 4,
        n_scalars: 2,
        n_columns: 3,
        n_periodic: 3,
        result: register(0),
    }
}

/// A program with more registers than any device keeps in fast memory: each holds a product until all are summed.
fn long_program() -> Program {
    const N_REGISTERS: u16 = 20;
    let mut program = program();
    let step = |opcode, target, a, b| Instruction { opcode, target, a, b };
    let cell = |source, offset| Operand::Cell { source, offset };
    let products = (0..N_REGISTERS).map(|i| step(Opcode::Mul, i, cell(i % 3, u32::from(i)), cell(2, 1)));
    let register = Operand::Register;
    let sums = (1..N_REGISTERS).map(|i| step(Opcode::Add, 0, register(0), register(i)));
    program.instructions = products.chain(sums).collect();
    program.n_registers = usize::from(N_REGISTERS);
    program
}

/// The program's value on one row, computed from the definition.
fn interpret(program: &Program, sources: &[Vec<Felt>], scalars: &[Felt], row: usize) -> Felt {
    let mut registers = vec![Felt::from(99u64); program.n_registers];
    let read = |operand, registers: &[Felt]| match operand {
        Operand::Register(register) => registers[usize::from(register)],
        Operand::Scalar(scalar) => scalars[scalar as usize],
        Operand::Cell { source, offset } => {
            let cells = &sources[usize::from(source)];
            cells[(row + offset as usize) % cells.len()]
        }
    };
    for Instruction { opcode, target, a, b } in &program.instructions {
        let (a, b) = (read(*a, &registers), read(*b, &registers));
        registers[usize::from(*target)] = match opcode {
            Opcode::Add => a + b,
            Opcode::Sub => a - b,
            Opcode::Mul => a * b,
        };
    }
    read(program.result, &registers)
}

/// Every row has the value that the interpreted program gives, and programs with out-of-range operands are rejected.
pub fn compose<D: ComposeOps>(device: &D) {
    let mut program = program();
    let scalars = sample(2, 1);
    let long = long_program();
    // On a device with small bindings, the longest columns do not fit in one binding.
    for log_len in [2, 6, 12] {
        let mut sources = sample_columns(3, log_len, 10);
        sources.extend([sample(4, 20), sample(1, 21), sample(1 << log_len, 22)]);
        let first: Columns<D, Natural> = upload(device, &sources[..2]);
        let second: Columns<D, Natural> = upload(device, &sources[2..3]);
        let periodic: Vec<_> = sources[3..]
            .iter()
            .map(|table| {
                let mut buffer = device.alloc(table.len(), TAG).unwrap();
                device.upload(table, &mut buffer, 0).unwrap().wait().unwrap();
                buffer
            })
            .collect();
        let mut out = Columns::<D, Natural>::zeros(device, 1, log_len, TAG).unwrap();
        let mut run = |program: &Program| {
            let loaded = device.load(program).unwrap();
            let ticket = device
                .compose(&loaded, &[&first, &second], &periodic, &scalars, &mut out)
                .unwrap();
            ticket.wait().unwrap();
            let rows = 0..1 << log_len;
            let expected: Vec<_> = rows
                .map(|row| interpret(program, &sources, &scalars, row))
                .collect();
            assert_eq!(download(device, &out), [expected], "2^{log_len} rows");
        };
        for result in [
            Operand::Register(0),
            Operand::Scalar(1),
            Operand::Cell { source: 1, offset: 5 },
        ] {
            program.result = result;
            run(&program);
        }
        run(&long);
        let loaded = device.load(&program).unwrap();
        assert!(
            device
                .compose(&loaded, &[&first], &periodic, &scalars, &mut out)
                .is_err()
        );
        assert!(
            device
                .compose(&loaded, &[&first, &second], &periodic, &scalars[1..], &mut out)
                .is_err()
        );
        assert!(
            device
                .compose(&loaded, &[&first, &second], &periodic[1..], &scalars, &mut out)
                .is_err()
        );
    }
    let mutations: [fn(&mut Program); 3] = [
        |program| program.n_registers = 3,
        |program| program.n_scalars = 1,
        |program| program.n_periodic = 2,
    ];
    for mutate in mutations {
        let mut program = program.clone();
        mutate(&mut program);
        assert!(device.load(&program).is_err());
    }
}

/// The tables of a coset hold its points and the inverses of their distances from 1.
pub fn tables<D: ComposeOps>(device: &D) {
    for log_len in [0, 3, 11] {
        let shift = Felt::from(3u64);
        let points = points(shift, log_len);
        let n = points.len();
        let table = device.point_table(shift, log_len).unwrap();
        assert_eq!(device.download(&table, 0..n).unwrap().wait().unwrap(), points);
        let table = device.inverse_table(shift, log_len).unwrap();
        let inverses = device.download(&table, 0..n).unwrap().wait().unwrap();
        for (inverse, x) in inverses.iter().zip(&points) {
            assert_eq!(*inverse * (*x - Felt::ONE), Felt::ONE);
        }
    }
}

// The interpreter of register programs: a thread runs the program on a row at a time.
//
// The first registers live in shared memory, the others (if any) in a scratch buffer that stays in the cache; the
// host numbers them by how often they are used.
#pragma once
#include "felt.cuh"

#define OPERAND_REGISTER 0
#define OPERAND_SCALAR 1
#define OPERAND_CELL 2

#define OPCODE_ADD 0
#define OPCODE_SUB 1

struct Operand {
    // Kind in the low two bits, above them the index of the register, scalar or source.
    u32 what;
    // Rows ahead, for a cell.
    u32 offset;
};

struct Instruction {
    u32 opcode;
    u32 target;
    Operand a, b;
};

// A column or a periodic table of `mask + 1` elements.
struct Source {
    const Felt* cells;
    u64 mask;
};

struct Machine {
    const Source* sources;
    const Felt* scalars;
    Felt* shared_registers;
    Felt* scratch_registers;
    u32 n_shared;
};

DEVICE Felt* machine_register(const Machine& machine, u32 index) {
    if (index < machine.n_shared) return machine.shared_registers + index * blockDim.x + threadIdx.x;
    return machine.scratch_registers + (index - machine.n_shared) * thread_count() + thread_index();
}

DEVICE Felt machine_read(const Machine& machine, const Operand& operand, u64 row) {
    const u32 index = operand.what >> 2;
    const Felt* at;
    switch (operand.what & 3) {
    case OPERAND_REGISTER:
        at = machine_register(machine, index);
        break;
    case OPERAND_SCALAR:
        at = machine.scalars + index;
        break;
    default:
        at = machine.sources[index].cells + ((row + operand.offset) & machine.sources[index].mask);
    }
    return *at;
}

KERNEL(256, compose, const Instruction* program, u32 n_instructions, Operand result, const Source* sources,
       const Felt* scalars, Felt* scratch, u32 n_shared, Felt* out, u64 n_rows) {
    SHARED_DYNAMIC(Felt, registers);
    const Machine machine = {sources, scalars, registers, scratch, n_shared};
    for (u64 row = thread_index(); row < n_rows; row += thread_count()) {
        NO_UNROLL for (u32 i = 0; i < n_instructions; i++) {
            const Instruction instruction = program[i];
            const Felt a = machine_read(machine, instruction.a, row);
            const Felt b = machine_read(machine, instruction.b, row);
            Felt value;
            if (instruction.opcode == OPCODE_ADD) {
                value = felt_add(a, b);
            } else if (instruction.opcode == OPCODE_SUB) {
                value = felt_sub(a, b);
            } else {
                value = felt_mul(a, b);
            }
            *machine_register(machine, instruction.target) = value;
        }
        out[row] = machine_read(machine, result, row);
    }
}

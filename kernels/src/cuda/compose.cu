// The interpreter of register programs: a thread runs the program on a row at a time.
//
// The first registers live in shared memory, the others (if any) in a scratch buffer that stays in the cache; the
// host numbers them by how often they are used.
#pragma once
#include "tile.cuh"

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
    // Registers below `n_shared`, and the others.
    Tile shared;
    Felt* scratch;
    u32 n_shared;
};

DEVICE Felt register_get(const Machine& machine, u32 index) {
    if (index < machine.n_shared) return tile_get(machine.shared, index * blockDim.x + threadIdx.x);
    return machine.scratch[(index - machine.n_shared) * thread_count() + thread_index()];
}

DEVICE void register_set(const Machine& machine, u32 index, Felt value) {
    if (index < machine.n_shared) {
        tile_set(machine.shared, index * blockDim.x + threadIdx.x, value);
    } else {
        machine.scratch[(index - machine.n_shared) * thread_count() + thread_index()] = value;
    }
}

// All threads of a block read operands of the same kind at once.
DEVICE Felt machine_read(const Machine& machine, const Operand& operand, u64 row) {
    const u32 index = operand.what >> 2;
    switch (operand.what & 3) {
    case OPERAND_REGISTER:
        return register_get(machine, index);
    case OPERAND_SCALAR:
        return machine.scalars[index];
    default: {
        const Source source = machine.sources[index];
        return source.cells[(row + operand.offset) & source.mask];
    }
    }
}

KERNEL(128, compose, const Instruction* program, u32 n_instructions, Operand result, const Source* sources,
       const Felt* scalars, Felt* scratch, u32 n_shared, Felt* out, u64 n_rows) {
    SHARED_DYNAMIC(HalfFelt, registers);
    const Machine machine = {sources, scalars, {registers, registers + n_shared * blockDim.x}, scratch, n_shared};
    for (u64 row = thread_index(); row < n_rows; row += thread_count()) {
        Instruction next = program[0];
        NO_UNROLL for (u32 i = 0; i < n_instructions; i++) {
            const Instruction instruction = next;
            // The one after it is on its way while this one runs; the program ends with one that does not.
            next = program[i + 1];
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
            register_set(machine, instruction.target, value);
        }
        out[row] = machine_read(machine, result, row);
    }
}

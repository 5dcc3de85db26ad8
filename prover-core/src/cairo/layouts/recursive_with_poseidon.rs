//! Layout `recursive_with_poseidon`.

use super::StaticLayout;

/// The layout `recursive_with_poseidon`.
pub const RECURSIVE_WITH_POSEIDON: StaticLayout = StaticLayout {
    name: "recursive_with_poseidon",
    n_columns: [6, 2],
    segments: &[
        "program",
        "execution",
        "output",
        "pedersen",
        "range_check",
        "bitwise",
        "poseidon",
    ],
    memory_column: 1,
    accesses: &[
        ("cpu/decode/mem_inst", 16, 0),
        ("cpu/operands/mem_dst", 16, 8),
        ("cpu/operands/mem_op0", 16, 4),
        ("cpu/operands/mem_op1", 16, 12),
        ("orig/public_memory", 16, 2),
        ("pedersen/input0", 4096, 10),
        ("pedersen/input1", 4096, 2058),
        ("pedersen/output", 4096, 1034),
        ("range_check_builtin/mem", 256, 138),
        ("bitwise/var_pool", 64, 42),
        ("bitwise/x", 256, 42),
        ("bitwise/y", 256, 106),
        ("bitwise/x_and_y", 256, 170),
        ("bitwise/x_xor_y", 256, 234),
        ("bitwise/x_or_y", 256, 74),
        ("poseidon/param_0/input_output", 512, 266),
        ("poseidon/param_1/input_output", 512, 202),
        ("poseidon/param_2/input_output", 512, 458),
    ],
    parts: &[
        (
            "",
            &[
                ("range_check16_pool", 4, 4, 0),
                ("diluted_pool", 3, 2, 0),
                ("range_check_builtin/inner_range_check", 4, 32, 12),
            ],
        ),
        (
            "cpu/decode",
            &[
                ("pc", 1, 16, 0),
                ("instruction", 1, 16, 1),
                ("opcode_range_check/column", 0, 1, 0),
                ("off0", 4, 16, 0),
                ("off1", 4, 16, 8),
                ("off2", 4, 16, 4),
            ],
        ),
        ("cpu/registers", &[("ap", 5, 16, 0), ("fp", 5, 16, 8)]),
        ("cpu/operands", &[("ops_mul", 5, 16, 4), ("res", 5, 16, 12)]),
        (
            "cpu/update_registers/update_pc",
            &[("tmp0", 5, 16, 2), ("tmp1", 5, 16, 10)],
        ),
        (
            "memory",
            &[
                ("sorted/addr", 2, 2, 0),
                ("sorted/value", 2, 2, 1),
                ("multi_column_perm/perm/cum_prod0", 6, 2, 0),
            ],
        ),
        (
            "range_check16",
            &[("sorted", 4, 4, 2), ("perm/cum_prod0", 7, 4, 1)],
        ),
        (
            "diluted_check",
            &[
                ("permuted_values", 3, 2, 1),
                ("cumulative_value", 6, 2, 1),
                ("permutation/cum_prod0", 7, 2, 0),
            ],
        ),
        (
            "pedersen/hash0/ec_subset_sum",
            &[
                ("partial_sum/x", 4, 8, 1),
                ("partial_sum/y", 4, 8, 5),
                ("slope", 4, 8, 7),
                ("selector", 4, 8, 3),
                ("bit_unpacking/prod_ones196", 4, 2048, 2047),
                ("bit_unpacking/prod_ones192", 5, 2048, 57),
            ],
        ),
        (
            "bitwise",
            &[
                ("diluted_var_pool", 3, 4, 0),
                ("x", 3, 4, 0),
                ("y", 3, 4, 64),
                ("x_and_y", 3, 4, 128),
                ("x_xor_y", 3, 4, 192),
                ("trim_unpacking192", 3, 256, 2),
                ("trim_unpacking193", 3, 256, 130),
                ("trim_unpacking194", 3, 256, 66),
                ("trim_unpacking195", 3, 256, 194),
            ],
        ),
        (
            "poseidon/poseidon",
            &[
                ("full_rounds_state0", 5, 128, 9),
                ("full_rounds_state1", 5, 128, 73),
                ("full_rounds_state2", 5, 128, 41),
                ("full_rounds_state0_squared", 5, 128, 105),
                ("full_rounds_state1_squared", 5, 128, 25),
                ("full_rounds_state2_squared", 5, 128, 89),
                ("partial_rounds_state0", 5, 16, 6),
                ("partial_rounds_state1", 5, 32, 1),
                ("partial_rounds_state0_squared", 5, 16, 14),
                ("partial_rounds_state1_squared", 5, 32, 17),
            ],
        ),
    ],
};

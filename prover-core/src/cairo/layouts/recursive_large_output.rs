//! Layout `recursive_large_output`.

use super::StaticLayout;

/// The layout `recursive_large_output`.
pub const RECURSIVE_LARGE_OUTPUT: StaticLayout = StaticLayout {
    name: "recursive_large_output",
    n_columns: [9, 3],
    segments: &[
        "program",
        "execution",
        "output",
        "pedersen",
        "range_check",
        "bitwise",
        "poseidon",
    ],
    memory_column: 3,
    accesses: &[
        ("cpu/decode/mem_inst", 16, 0),
        ("cpu/operands/mem_dst", 16, 8),
        ("cpu/operands/mem_op0", 16, 4),
        ("cpu/operands/mem_op1", 16, 12),
        ("orig/public_memory", 16, 2),
        ("pedersen/input0", 2048, 10),
        ("pedersen/input1", 2048, 1034),
        ("pedersen/output", 2048, 522),
        ("range_check_builtin/mem", 128, 74),
        ("bitwise/var_pool", 32, 26),
        ("bitwise/x", 128, 26),
        ("bitwise/y", 128, 58),
        ("bitwise/x_and_y", 128, 90),
        ("bitwise/x_xor_y", 128, 122),
        ("bitwise/x_or_y", 128, 42),
        ("poseidon/param_0/input_output", 64, 6),
        ("poseidon/param_1/input_output", 64, 38),
        ("poseidon/param_2/input_output", 64, 22),
    ],
    parts: &[
        (
            "",
            &[
                ("range_check16_pool", 6, 4, 0),
                ("diluted_pool", 1, 1, 0),
                ("range_check_builtin/inner_range_check", 6, 16, 12),
            ],
        ),
        (
            "cpu/decode",
            &[
                ("pc", 3, 16, 0),
                ("instruction", 3, 16, 1),
                ("opcode_range_check/column", 0, 1, 0),
                ("off0", 6, 16, 0),
                ("off1", 6, 16, 8),
                ("off2", 6, 16, 4),
            ],
        ),
        ("cpu/registers", &[("ap", 8, 16, 0), ("fp", 8, 16, 8)]),
        ("cpu/operands", &[("ops_mul", 8, 16, 4), ("res", 8, 16, 12)]),
        (
            "cpu/update_registers/update_pc",
            &[("tmp0", 8, 16, 2), ("tmp1", 8, 16, 10)],
        ),
        (
            "memory",
            &[
                ("sorted/addr", 4, 2, 0),
                ("sorted/value", 4, 2, 1),
                ("multi_column_perm/perm/cum_prod0", 11, 2, 0),
            ],
        ),
        (
            "range_check16",
            &[("sorted", 6, 4, 2), ("perm/cum_prod0", 11, 4, 1)],
        ),
        (
            "diluted_check",
            &[
                ("permuted_values", 2, 1, 0),
                ("cumulative_value", 9, 1, 0),
                ("permutation/cum_prod0", 10, 1, 0),
            ],
        ),
        (
            "pedersen/hash0/ec_subset_sum",
            &[
                ("partial_sum/x", 6, 4, 1),
                ("partial_sum/y", 6, 4, 3),
                ("slope", 7, 4, 2),
                ("selector", 7, 4, 0),
                ("bit_unpacking/prod_ones196", 7, 1024, 1022),
                ("bit_unpacking/prod_ones192", 7, 1024, 89),
            ],
        ),
        (
            "bitwise",
            &[
                ("diluted_var_pool", 1, 2, 0),
                ("x", 1, 2, 0),
                ("y", 1, 2, 32),
                ("x_and_y", 1, 2, 64),
                ("x_xor_y", 1, 2, 96),
                ("trim_unpacking192", 1, 128, 1),
                ("trim_unpacking193", 1, 128, 65),
                ("trim_unpacking194", 1, 128, 33),
                ("trim_unpacking195", 1, 128, 97),
            ],
        ),
        (
            "poseidon/poseidon",
            &[
                ("full_rounds_state0", 8, 16, 6),
                ("full_rounds_state1", 8, 16, 14),
                ("full_rounds_state2", 8, 16, 1),
                ("full_rounds_state0_squared", 8, 16, 9),
                ("full_rounds_state1_squared", 8, 16, 5),
                ("full_rounds_state2_squared", 8, 16, 13),
                ("partial_rounds_state0", 5, 2, 0),
                ("partial_rounds_state1", 7, 4, 1),
                ("partial_rounds_state0_squared", 5, 2, 1),
                ("partial_rounds_state1_squared", 7, 4, 3),
            ],
        ),
    ],
};

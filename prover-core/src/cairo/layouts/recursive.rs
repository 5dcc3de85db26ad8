//! Layout `recursive`.

use super::StaticLayout;

/// The layout `recursive`.
pub const RECURSIVE: StaticLayout = StaticLayout {
    name: "recursive",
    n_columns: [7, 3],
    segments: &[
        "program",
        "execution",
        "output",
        "pedersen",
        "range_check",
        "bitwise",
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
    ],
    parts: &[
        (
            "",
            &[
                ("range_check16_pool", 5, 4, 0),
                ("diluted_pool", 1, 1, 0),
                ("range_check_builtin/inner_range_check", 5, 16, 12),
            ],
        ),
        (
            "cpu/decode",
            &[
                ("pc", 3, 16, 0),
                ("instruction", 3, 16, 1),
                ("opcode_range_check/column", 0, 1, 0),
                ("off0", 5, 16, 0),
                ("off1", 5, 16, 8),
                ("off2", 5, 16, 4),
            ],
        ),
        ("cpu/registers", &[("ap", 6, 16, 1), ("fp", 6, 16, 9)]),
        ("cpu/operands", &[("ops_mul", 6, 16, 5), ("res", 6, 16, 13)]),
        (
            "cpu/update_registers/update_pc",
            &[("tmp0", 6, 16, 3), ("tmp1", 6, 16, 11)],
        ),
        (
            "memory",
            &[
                ("sorted/addr", 4, 2, 0),
                ("sorted/value", 4, 2, 1),
                ("multi_column_perm/perm/cum_prod0", 9, 2, 0),
            ],
        ),
        (
            "range_check16",
            &[("sorted", 5, 4, 2), ("perm/cum_prod0", 9, 4, 1)],
        ),
        (
            "diluted_check",
            &[
                ("permuted_values", 2, 1, 0),
                ("cumulative_value", 7, 1, 0),
                ("permutation/cum_prod0", 8, 1, 0),
            ],
        ),
        (
            "pedersen/hash0/ec_subset_sum",
            &[
                ("partial_sum/x", 5, 4, 1),
                ("partial_sum/y", 5, 4, 3),
                ("slope", 6, 4, 2),
                ("selector", 6, 4, 0),
                ("bit_unpacking/prod_ones196", 6, 1024, 1022),
                ("bit_unpacking/prod_ones192", 6, 1024, 7),
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
    ],
};

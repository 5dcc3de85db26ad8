//! Layout `small`.

use super::StaticLayout;

/// The layout `small`.
pub const SMALL: StaticLayout = StaticLayout {
    name: "small",
    n_columns: [23, 2],
    segments: &[
        "program",
        "execution",
        "output",
        "pedersen",
        "range_check",
        "ecdsa",
    ],
    memory_column: 19,
    accesses: &[
        ("cpu/decode/mem_inst", 16, 0),
        ("cpu/operands/mem_dst", 16, 8),
        ("cpu/operands/mem_op0", 16, 4),
        ("cpu/operands/mem_op1", 16, 12),
        ("orig/public_memory", 8, 2),
        ("pedersen/input0", 128, 6),
        ("pedersen/input1", 128, 70),
        ("pedersen/output", 128, 38),
        ("range_check_builtin/mem", 128, 102),
        ("ecdsa/pubkey", 8192, 22),
        ("ecdsa/message", 8192, 4118),
    ],
    parts: &[
        (
            "",
            &[
                ("range_check16_pool", 0, 1, 0),
                ("range_check_builtin/inner_range_check", 0, 16, 12),
            ],
        ),
        (
            "cpu/decode",
            &[
                ("pc", 19, 16, 0),
                ("instruction", 19, 16, 1),
                ("opcode_range_check/column", 1, 1, 0),
                ("off0", 0, 16, 0),
                ("off1", 0, 16, 8),
                ("off2", 0, 16, 4),
            ],
        ),
        ("cpu/registers", &[("ap", 21, 16, 0), ("fp", 21, 16, 8)]),
        ("cpu/operands", &[("ops_mul", 21, 16, 4), ("res", 21, 16, 12)]),
        (
            "cpu/update_registers/update_pc",
            &[("tmp0", 21, 16, 2), ("tmp1", 21, 16, 10)],
        ),
        (
            "memory",
            &[
                ("sorted/addr", 20, 2, 0),
                ("sorted/value", 20, 2, 1),
                ("multi_column_perm/perm/cum_prod0", 24, 2, 0),
            ],
        ),
        (
            "range_check16",
            &[("sorted", 2, 1, 0), ("perm/cum_prod0", 23, 1, 0)],
        ),
        (
            "pedersen/hash0/ec_subset_sum",
            &[
                ("partial_sum/x", 3, 1, 0),
                ("partial_sum/y", 4, 1, 0),
                ("slope", 15, 1, 0),
                ("selector", 5, 1, 0),
                ("bit_unpacking/prod_ones196", 15, 256, 255),
                ("bit_unpacking/prod_ones192", 16, 256, 255),
            ],
        ),
        (
            "pedersen/hash1/ec_subset_sum",
            &[
                ("partial_sum/x", 6, 1, 0),
                ("partial_sum/y", 7, 1, 0),
                ("slope", 16, 1, 0),
                ("selector", 8, 1, 0),
                ("bit_unpacking/prod_ones196", 17, 256, 255),
                ("bit_unpacking/prod_ones192", 18, 256, 255),
            ],
        ),
        (
            "pedersen/hash2/ec_subset_sum",
            &[
                ("partial_sum/x", 9, 1, 0),
                ("partial_sum/y", 10, 1, 0),
                ("slope", 17, 1, 0),
                ("selector", 11, 1, 0),
                ("bit_unpacking/prod_ones196", 22, 256, 16),
                ("bit_unpacking/prod_ones192", 22, 256, 144),
            ],
        ),
        (
            "pedersen/hash3/ec_subset_sum",
            &[
                ("partial_sum/x", 12, 1, 0),
                ("partial_sum/y", 13, 1, 0),
                ("slope", 18, 1, 0),
                ("selector", 14, 1, 0),
                ("bit_unpacking/prod_ones196", 22, 256, 80),
                ("bit_unpacking/prod_ones192", 22, 256, 208),
            ],
        ),
        (
            "ecdsa/signature0",
            &[
                ("key_points/x", 21, 16, 6),
                ("key_points/y", 21, 16, 14),
                ("doubling_slope", 21, 16, 13),
                ("add_results_slope", 21, 8192, 8191),
                ("add_results_inv", 22, 8192, 8160),
                ("extract_r_slope", 21, 8192, 4083),
                ("extract_r_inv", 21, 8192, 8179),
                ("z_inv", 21, 8192, 4091),
                ("r_w_inv", 21, 4096, 4093),
                ("q_x_squared", 21, 8192, 8187),
            ],
        ),
        (
            "ecdsa/signature0/exponentiate_generator",
            &[
                ("partial_sum/x", 21, 32, 7),
                ("partial_sum/y", 21, 32, 23),
                ("slope", 21, 32, 31),
                ("selector", 21, 32, 15),
                ("x_diff_inv", 22, 32, 0),
            ],
        ),
        (
            "ecdsa/signature0/exponentiate_key",
            &[
                ("partial_sum/x", 21, 16, 1),
                ("partial_sum/y", 21, 16, 9),
                ("slope", 21, 16, 3),
                ("selector", 21, 16, 5),
                ("x_diff_inv", 21, 16, 11),
            ],
        ),
    ],
};

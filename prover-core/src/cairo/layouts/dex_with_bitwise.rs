//! Layout `dex_with_bitwise`.

use super::StaticLayout;

/// The layout `dex_with_bitwise`.
pub const DEX_WITH_BITWISE: StaticLayout = StaticLayout {
    name: "dex_with_bitwise",
    n_columns: [21, 1],
    segments: &[
        "program",
        "execution",
        "output",
        "pedersen",
        "range_check",
        "ecdsa",
        "bitwise",
    ],
    memory_column: 17,
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
        ("bitwise/var_pool", 256, 150),
        ("bitwise/x", 1024, 150),
        ("bitwise/y", 1024, 406),
        ("bitwise/x_and_y", 1024, 662),
        ("bitwise/x_xor_y", 1024, 918),
        ("bitwise/x_or_y", 1024, 534),
    ],
    parts: &[
        (
            "",
            &[
                ("range_check16_pool", 19, 4, 0),
                ("diluted_pool", 19, 8, 1),
                ("range_check_builtin/inner_range_check", 19, 16, 12),
            ],
        ),
        (
            "cpu/decode",
            &[
                ("pc", 17, 16, 0),
                ("instruction", 17, 16, 1),
                ("opcode_range_check/column", 0, 1, 0),
                ("off0", 19, 16, 0),
                ("off1", 19, 16, 8),
                ("off2", 19, 16, 4),
            ],
        ),
        ("cpu/registers", &[("ap", 19, 16, 3), ("fp", 19, 16, 11)]),
        ("cpu/operands", &[("ops_mul", 19, 16, 7), ("res", 19, 16, 15)]),
        (
            "cpu/update_registers/update_pc",
            &[("tmp0", 20, 16, 0), ("tmp1", 20, 16, 8)],
        ),
        (
            "memory",
            &[
                ("sorted/addr", 18, 2, 0),
                ("sorted/value", 18, 2, 1),
                ("multi_column_perm/perm/cum_prod0", 21, 2, 0),
            ],
        ),
        (
            "range_check16",
            &[("sorted", 19, 4, 2), ("perm/cum_prod0", 21, 4, 1)],
        ),
        (
            "diluted_check",
            &[
                ("permuted_values", 19, 8, 5),
                ("cumulative_value", 21, 8, 3),
                ("permutation/cum_prod0", 21, 8, 7),
            ],
        ),
        (
            "pedersen/hash0/ec_subset_sum",
            &[
                ("partial_sum/x", 1, 1, 0),
                ("partial_sum/y", 2, 1, 0),
                ("slope", 13, 1, 0),
                ("selector", 3, 1, 0),
                ("bit_unpacking/prod_ones196", 13, 256, 255),
                ("bit_unpacking/prod_ones192", 14, 256, 255),
            ],
        ),
        (
            "pedersen/hash1/ec_subset_sum",
            &[
                ("partial_sum/x", 4, 1, 0),
                ("partial_sum/y", 5, 1, 0),
                ("slope", 14, 1, 0),
                ("selector", 6, 1, 0),
                ("bit_unpacking/prod_ones196", 15, 256, 255),
                ("bit_unpacking/prod_ones192", 16, 256, 255),
            ],
        ),
        (
            "pedersen/hash2/ec_subset_sum",
            &[
                ("partial_sum/x", 7, 1, 0),
                ("partial_sum/y", 8, 1, 0),
                ("slope", 15, 1, 0),
                ("selector", 9, 1, 0),
                ("bit_unpacking/prod_ones196", 20, 256, 19),
                ("bit_unpacking/prod_ones192", 20, 256, 147),
            ],
        ),
        (
            "pedersen/hash3/ec_subset_sum",
            &[
                ("partial_sum/x", 10, 1, 0),
                ("partial_sum/y", 11, 1, 0),
                ("slope", 16, 1, 0),
                ("selector", 12, 1, 0),
                ("bit_unpacking/prod_ones196", 20, 256, 83),
                ("bit_unpacking/prod_ones192", 20, 256, 211),
            ],
        ),
        (
            "ecdsa/signature0",
            &[
                ("key_points/x", 20, 16, 4),
                ("key_points/y", 20, 16, 12),
                ("doubling_slope", 20, 16, 14),
                ("add_results_slope", 20, 8192, 8189),
                ("add_results_inv", 20, 8192, 8163),
                ("extract_r_slope", 20, 8192, 4081),
                ("extract_r_inv", 20, 8192, 8177),
                ("z_inv", 20, 8192, 4089),
                ("r_w_inv", 20, 4096, 4094),
                ("q_x_squared", 20, 8192, 8185),
            ],
        ),
        (
            "ecdsa/signature0/exponentiate_generator",
            &[
                ("partial_sum/x", 20, 32, 5),
                ("partial_sum/y", 20, 32, 21),
                ("slope", 20, 32, 29),
                ("selector", 20, 32, 13),
                ("x_diff_inv", 20, 32, 3),
            ],
        ),
        (
            "ecdsa/signature0/exponentiate_key",
            &[
                ("partial_sum/x", 20, 16, 2),
                ("partial_sum/y", 20, 16, 10),
                ("slope", 20, 16, 1),
                ("selector", 20, 16, 6),
                ("x_diff_inv", 20, 16, 9),
            ],
        ),
        (
            "bitwise",
            &[
                ("diluted_var_pool", 19, 16, 1),
                ("x", 19, 16, 1),
                ("y", 19, 16, 257),
                ("x_and_y", 19, 16, 513),
                ("x_xor_y", 19, 16, 769),
                ("trim_unpacking192", 19, 1024, 9),
                ("trim_unpacking193", 19, 1024, 521),
                ("trim_unpacking194", 19, 1024, 265),
                ("trim_unpacking195", 19, 1024, 777),
            ],
        ),
    ],
};

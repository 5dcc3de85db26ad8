//! Layout `dex`.

use super::StaticLayout;

/// The layout `dex`.
pub const DEX: StaticLayout = StaticLayout {
    name: "dex",
    n_columns: [21, 1],
    segments: &[
        "program",
        "execution",
        "output",
        "pedersen",
        "range_check",
        "ecdsa",
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
    ],
    parts: &[
        (
            "",
            &[
                ("range_check16_pool", 19, 4, 0),
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
        ("cpu/registers", &[("ap", 19, 16, 1), ("fp", 19, 16, 9)]),
        ("cpu/operands", &[("ops_mul", 19, 16, 5), ("res", 19, 16, 13)]),
        (
            "cpu/update_registers/update_pc",
            &[("tmp0", 19, 16, 3), ("tmp1", 19, 16, 11)],
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
                ("bit_unpacking/prod_ones196", 20, 256, 17),
                ("bit_unpacking/prod_ones192", 20, 256, 145),
            ],
        ),
        (
            "pedersen/hash3/ec_subset_sum",
            &[
                ("partial_sum/x", 10, 1, 0),
                ("partial_sum/y", 11, 1, 0),
                ("slope", 16, 1, 0),
                ("selector", 12, 1, 0),
                ("bit_unpacking/prod_ones196", 20, 256, 81),
                ("bit_unpacking/prod_ones192", 20, 256, 209),
            ],
        ),
        (
            "ecdsa/signature0",
            &[
                ("key_points/x", 19, 16, 7),
                ("key_points/y", 19, 16, 15),
                ("doubling_slope", 20, 16, 12),
                ("add_results_slope", 20, 8192, 8190),
                ("add_results_inv", 20, 8192, 8161),
                ("extract_r_slope", 20, 8192, 4082),
                ("extract_r_inv", 20, 8192, 8178),
                ("z_inv", 20, 8192, 4090),
                ("r_w_inv", 20, 4096, 4092),
                ("q_x_squared", 20, 8192, 8186),
            ],
        ),
        (
            "ecdsa/signature0/exponentiate_generator",
            &[
                ("partial_sum/x", 20, 32, 6),
                ("partial_sum/y", 20, 32, 22),
                ("slope", 20, 32, 30),
                ("selector", 20, 32, 14),
                ("x_diff_inv", 20, 32, 1),
            ],
        ),
        (
            "ecdsa/signature0/exponentiate_key",
            &[
                ("partial_sum/x", 20, 16, 0),
                ("partial_sum/y", 20, 16, 8),
                ("slope", 20, 16, 2),
                ("selector", 20, 16, 4),
                ("x_diff_inv", 20, 16, 10),
            ],
        ),
    ],
};

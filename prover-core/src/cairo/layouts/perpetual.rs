//! Layout `perpetual`.

use super::StaticLayout;

/// The layout `perpetual`.
pub const PERPETUAL: StaticLayout = StaticLayout {
    name: "perpetual",
    n_columns: [9, 1],
    segments: &[
        "program",
        "execution",
        "output",
        "pedersen",
        "range_check",
        "ecdsa",
    ],
    memory_column: 5,
    accesses: &[
        ("cpu/decode/mem_inst", 16, 0),
        ("cpu/operands/mem_dst", 16, 8),
        ("cpu/operands/mem_op0", 16, 4),
        ("cpu/operands/mem_op1", 16, 12),
        ("orig/public_memory", 8, 2),
        ("pedersen/input0", 512, 6),
        ("pedersen/input1", 512, 262),
        ("pedersen/output", 512, 134),
        ("range_check_builtin/mem", 256, 70),
        ("ecdsa/pubkey", 32768, 390),
        ("ecdsa/message", 32768, 16774),
    ],
    parts: &[
        (
            "",
            &[
                ("range_check16_pool", 7, 4, 0),
                ("range_check_builtin/inner_range_check", 7, 32, 12),
            ],
        ),
        (
            "cpu/decode",
            &[
                ("pc", 5, 16, 0),
                ("instruction", 5, 16, 1),
                ("opcode_range_check/column", 0, 1, 0),
                ("off0", 7, 16, 0),
                ("off1", 7, 16, 8),
                ("off2", 7, 16, 4),
            ],
        ),
        ("cpu/registers", &[("ap", 7, 16, 1), ("fp", 7, 16, 9)]),
        ("cpu/operands", &[("ops_mul", 7, 16, 5), ("res", 7, 16, 13)]),
        (
            "cpu/update_registers/update_pc",
            &[("tmp0", 7, 16, 3), ("tmp1", 7, 16, 11)],
        ),
        (
            "memory",
            &[
                ("sorted/addr", 6, 2, 0),
                ("sorted/value", 6, 2, 1),
                ("multi_column_perm/perm/cum_prod0", 9, 2, 0),
            ],
        ),
        (
            "range_check16",
            &[("sorted", 7, 4, 2), ("perm/cum_prod0", 9, 4, 1)],
        ),
        (
            "pedersen/hash0/ec_subset_sum",
            &[
                ("partial_sum/x", 1, 1, 0),
                ("partial_sum/y", 2, 1, 0),
                ("slope", 4, 1, 0),
                ("selector", 3, 1, 0),
                ("bit_unpacking/prod_ones196", 4, 256, 255),
                ("bit_unpacking/prod_ones192", 8, 256, 80),
            ],
        ),
        (
            "ecdsa/signature0",
            &[
                ("key_points/x", 7, 64, 7),
                ("key_points/y", 7, 64, 39),
                ("doubling_slope", 7, 64, 47),
                ("add_results_slope", 8, 32768, 32736),
                ("add_results_inv", 8, 32768, 32656),
                ("extract_r_slope", 7, 32768, 16351),
                ("extract_r_inv", 7, 32768, 32735),
                ("z_inv", 7, 32768, 16383),
                ("r_w_inv", 7, 16384, 16367),
                ("q_x_squared", 7, 32768, 32767),
            ],
        ),
        (
            "ecdsa/signature0/exponentiate_generator",
            &[
                ("partial_sum/x", 8, 128, 0),
                ("partial_sum/y", 8, 128, 64),
                ("slope", 8, 128, 96),
                ("selector", 8, 128, 32),
                ("x_diff_inv", 8, 128, 16),
            ],
        ),
        (
            "ecdsa/signature0/exponentiate_key",
            &[
                ("partial_sum/x", 7, 64, 23),
                ("partial_sum/y", 7, 64, 55),
                ("slope", 7, 64, 31),
                ("selector", 7, 64, 15),
                ("x_diff_inv", 7, 64, 63),
            ],
        ),
    ],
};

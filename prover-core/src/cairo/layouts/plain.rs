//! Layout `plain`.

use super::StaticLayout;

/// The layout `plain`.
pub const PLAIN: StaticLayout = StaticLayout {
    name: "plain",
    n_columns: [6, 2],
    segments: &["program", "execution"],
    memory_column: 3,
    accesses: &[
        ("cpu/decode/mem_inst", 16, 0),
        ("cpu/operands/mem_dst", 16, 8),
        ("cpu/operands/mem_op0", 16, 4),
        ("cpu/operands/mem_op1", 16, 12),
        ("orig/public_memory", 8, 2),
    ],
    parts: &[
        ("", &[("range_check16_pool", 0, 1, 0)]),
        (
            "cpu/decode",
            &[
                ("pc", 3, 16, 0),
                ("instruction", 3, 16, 1),
                ("opcode_range_check/column", 1, 1, 0),
                ("off0", 0, 16, 0),
                ("off1", 0, 16, 8),
                ("off2", 0, 16, 4),
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
                ("sorted/addr", 4, 2, 0),
                ("sorted/value", 4, 2, 1),
                ("multi_column_perm/perm/cum_prod0", 7, 2, 0),
            ],
        ),
        (
            "range_check16",
            &[("sorted", 2, 1, 0), ("perm/cum_prod0", 6, 1, 0)],
        ),
    ],
};

//! Layout `plain`.

use super::StaticLayout;

/// The layout `plain`.
pub const PLAIN: StaticLayout = StaticLayout {
    name: "plain",
    n_columns: [6, 2],
    segments: &["program", "execution"],
    cells: &[
        ("mem_pool/addr", 3, 2, 0),
        ("mem_pool/value", 3, 2, 1),
        ("range_check16_pool", 0, 1, 0),
        ("cpu/decode/mem_inst/addr", 3, 16, 0),
        ("cpu/decode/mem_inst/value", 3, 16, 1),
        ("cpu/decode/pc", 3, 16, 0),
        ("cpu/decode/instruction", 3, 16, 1),
        ("cpu/decode/opcode_range_check/column", 1, 1, 0),
        ("cpu/decode/off0", 0, 16, 0),
        ("cpu/decode/off1", 0, 16, 8),
        ("cpu/decode/off2", 0, 16, 4),
        ("cpu/registers/ap", 5, 16, 0),
        ("cpu/registers/fp", 5, 16, 8),
        ("cpu/operands/mem_dst/addr", 3, 16, 8),
        ("cpu/operands/mem_dst/value", 3, 16, 9),
        ("cpu/operands/mem_op0/addr", 3, 16, 4),
        ("cpu/operands/mem_op0/value", 3, 16, 5),
        ("cpu/operands/mem_op1/addr", 3, 16, 12),
        ("cpu/operands/mem_op1/value", 3, 16, 13),
        ("cpu/operands/ops_mul", 5, 16, 4),
        ("cpu/operands/res", 5, 16, 12),
        ("cpu/update_registers/update_pc/tmp0", 5, 16, 2),
        ("cpu/update_registers/update_pc/tmp1", 5, 16, 10),
        ("memory/sorted/addr", 4, 2, 0),
        ("memory/sorted/value", 4, 2, 1),
        ("memory/multi_column_perm/perm/cum_prod0", 7, 2, 0),
        ("orig/public_memory/addr", 3, 8, 2),
        ("orig/public_memory/value", 3, 8, 3),
        ("range_check16/sorted", 2, 1, 0),
        ("range_check16/perm/cum_prod0", 6, 1, 0),
    ],
    periodic: &[],
};

//! Constraints of `cpu`: one Cairo instruction per step.

use crate::air::{Cells, Domain, Expr, Rows, every};
use crate::cairo::components::scope::{Scope, ScopeError};

/// Bits of an offset in an instruction.
const OFFSET_BITS: u32 = 16;

/// The rows and cells of a step, as its constraints use them.
struct Step<'a> {
    rows: Rows,
    /// All steps but the last, which has no successor.
    has_next: Domain,
    pc: Cells<'a>,
    ap: Cells<'a>,
    fp: Cells<'a>,
    offsets: [Expr<'a>; 3],
    dst: Access<'a>,
    op0: Access<'a>,
    op1: Access<'a>,
    product: Expr<'a>,
    res: Expr<'a>,
    flags: Flags<'a>,
}

/// A memory access.
struct Access<'a> {
    address: Expr<'a>,
    value: Expr<'a>,
}

impl<'a> Access<'a> {
    fn new(scope: &Scope<'a>) -> Result<Self, ScopeError> {
        Ok(Self {
            address: scope.cell("addr")?,
            value: scope.cell("value")?,
        })
    }
}

/// The flags of an instruction. The last four are 1 if no other flag of their group is set.
struct Flags<'a> {
    dst_is_fp: Expr<'a>,
    op0_is_fp: Expr<'a>,
    op1_is_immediate: Expr<'a>,
    op1_base_fp: Expr<'a>,
    op1_base_ap: Expr<'a>,
    res_add: Expr<'a>,
    res_mul: Expr<'a>,
    jump_abs: Expr<'a>,
    jump_rel: Expr<'a>,
    jnz: Expr<'a>,
    ap_add: Expr<'a>,
    ap_add1: Expr<'a>,
    call: Expr<'a>,
    ret: Expr<'a>,
    assert_eq: Expr<'a>,
    op1_base_op0: Expr<'a>,
    res_op1: Expr<'a>,
    pc_update_regular: Expr<'a>,
    fp_update_regular: Expr<'a>,
}

impl<'a> Flags<'a> {
    /// Extracts the flags from `column`, which holds them as a number that is shifted right by one bit from cell to
    /// cell.
    fn new(column: &Cells<'a>) -> Self {
        let bit = |i| column.at(i) - 2 * column.at(i + 1);
        Self {
            dst_is_fp: bit(0),
            op0_is_fp: bit(1),
            op1_is_immediate: bit(2),
            op1_base_fp: bit(3),
            op1_base_ap: bit(4),
            res_add: bit(5),
            res_mul: bit(6),
            jump_abs: bit(7),
            jump_rel: bit(8),
            jnz: bit(9),
            ap_add: bit(10),
            ap_add1: bit(11),
            call: bit(12),
            ret: bit(13),
            assert_eq: bit(14),
            op1_base_op0: 1 - (bit(2) + bit(4) + bit(3)),
            res_op1: 1 - (bit(5) + bit(6) + bit(9)),
            pc_update_regular: 1 - (bit(7) + bit(8) + bit(9)),
            fp_update_regular: 1 - (bit(12) + bit(13)),
        }
    }
}

impl<'a> Step<'a> {
    fn new(cpu: &Scope<'a>) -> Result<Self, ScopeError> {
        let decode = cpu.part("decode");
        let operands = cpu.part("operands");
        let registers = cpu.part("registers");
        let pc = decode.cells("pc")?;
        let rows = every(pc.step());
        Ok(Self {
            rows,
            has_next: rows.except(cpu.last(pc.step())),
            pc,
            ap: registers.cells("ap")?,
            fp: registers.cells("fp")?,
            offsets: [decode.cell("off0")?, decode.cell("off1")?, decode.cell("off2")?],
            dst: Access::new(&operands.part("mem_dst"))?,
            op0: Access::new(&operands.part("mem_op0"))?,
            op1: Access::new(&operands.part("mem_op1"))?,
            product: operands.cell("ops_mul")?,
            res: operands.cell("res")?,
            flags: Flags::new(&decode.cells("opcode_range_check/column")?),
        })
    }

    /// The address of the next instruction if there is no jump.
    fn next_pc(&self) -> Expr<'a> {
        self.pc.at(0) + self.flags.op1_is_immediate + 1
    }
}

/// Adds the component's constraints. `layout` is the scope of the whole layout.
///
/// # Errors
/// [`ScopeError`] if the layout lacks a column.
pub fn constrain(layout: &Scope<'_>) -> Result<(), ScopeError> {
    let cpu = layout.part("cpu");
    let step = Step::new(&cpu)?;
    decode(&cpu.part("decode"), &step)?;
    operands(&cpu.part("operands"), &step);
    update_registers(&cpu.part("update_registers"), &step)?;
    opcodes(&cpu.part("opcodes"), &step);
    boundary(layout, &step);
    Ok(())
}

/// Constrains the instruction to be composed of its flags and its three offsets.
fn decode(scope: &Scope<'_>, step: &Step<'_>) -> Result<(), ScopeError> {
    let flags = scope.cells("opcode_range_check/column")?;
    let last = every(step.rows.step).at(step.rows.step - flags.step());
    let bit = step.flags.dst_is_fp;
    scope.constrain(
        "opcode_range_check/bit",
        every(flags.step()).except(last),
        bit.square() - bit,
    );
    scope.constrain("opcode_range_check/zero", last, flags.at(0));
    let [off0, off1, off2] = step.offsets;
    let instruction = [off2, off1, off0]
        .into_iter()
        .fold(flags.at(0), |sum, off| sum * (1 << OFFSET_BITS) + off);
    scope.constrain(
        "opcode_range_check_input",
        step.rows,
        scope.cell("instruction")? - instruction,
    );
    for (name, flag) in [
        ("flag_op1_base_op0_bit", step.flags.op1_base_op0),
        ("flag_res_op1_bit", step.flags.res_op1),
        ("flag_pc_update_regular_bit", step.flags.pc_update_regular),
        ("fp_update_regular_bit", step.flags.fp_update_regular),
    ] {
        scope.constrain(name, step.rows, flag.square() - flag);
    }
    Ok(())
}

/// The bias of stored offsets, which makes them non-negative.
const OFFSET_BIAS: u64 = 1 << (OFFSET_BITS - 1);

fn operands(scope: &Scope<'_>, step: &Step<'_>) {
    let Step {
        flags, dst, op0, op1, ..
    } = step;
    let (pc, ap, fp) = (step.pc.at(0), step.ap.at(0), step.fp.at(0));
    let [off0, off1, off2] = step.offsets;
    let base = |is_fp| is_fp * fp + (1 - is_fp) * ap;
    scope.constrain(
        "mem_dst_addr",
        step.rows,
        dst.address + OFFSET_BIAS - (base(flags.dst_is_fp) + off0),
    );
    scope.constrain(
        "mem0_addr",
        step.rows,
        op0.address + OFFSET_BIAS - (base(flags.op0_is_fp) + off1),
    );
    let base = flags.op1_is_immediate * pc
        + flags.op1_base_ap * ap
        + flags.op1_base_fp * fp
        + flags.op1_base_op0 * op0.value;
    scope.constrain("mem1_addr", step.rows, op1.address + OFFSET_BIAS - (base + off2));
    scope.constrain("ops_mul", step.rows, step.product - op0.value * op1.value);
    let result =
        flags.res_add * (op0.value + op1.value) + flags.res_mul * step.product + flags.res_op1 * op1.value;
    scope.constrain("res", step.rows, (1 - flags.jnz) * step.res - result);
}

fn update_registers(scope: &Scope<'_>, step: &Step<'_>) -> Result<(), ScopeError> {
    let Step {
        flags, dst, op1, res, ..
    } = step;
    let (pc, ap, fp) = (step.pc.at(0), step.ap.at(0), step.fp.at(0));
    let rows = || step.has_next.clone();

    let update_pc = scope.part("update_pc");
    // For `jnz`, tmp0 is the tested value, and tmp1 is 1 if the value has an inverse, which is then `res`.
    let (tmp0, tmp1) = (update_pc.cell("tmp0")?, update_pc.cell("tmp1")?);
    update_pc.constrain("tmp0", rows(), tmp0 - flags.jnz * dst.value);
    update_pc.constrain("tmp1", rows(), tmp1 - tmp0 * *res);
    let new_pc = step.pc.at(1);
    let jump =
        flags.pc_update_regular * step.next_pc() + flags.jump_abs * *res + flags.jump_rel * (pc + *res);
    let taken = (1 - flags.jnz) * new_pc + tmp0 * (new_pc - (pc + op1.value));
    update_pc.constrain("pc_cond_negative", rows(), taken - jump);
    update_pc.constrain(
        "pc_cond_positive",
        rows(),
        (tmp1 - flags.jnz) * (new_pc - step.next_pc()),
    );

    let new_ap = ap + flags.ap_add * *res + flags.ap_add1 + flags.call * 2;
    scope.constrain("update_ap/ap_update", rows(), step.ap.at(1) - new_ap);
    let new_fp = flags.fp_update_regular * fp + flags.ret * dst.value + flags.call * (ap + 2);
    scope.constrain("update_fp/fp_update", rows(), step.fp.at(1) - new_fp);
    Ok(())
}

fn opcodes(scope: &Scope<'_>, step: &Step<'_>) {
    let Step {
        rows,
        flags,
        dst,
        op0,
        ..
    } = step;
    let [off0, off1, off2] = step.offsets;
    let constrain = |name, expression| scope.constrain(name, *rows, expression);
    constrain("call/push_fp", flags.call * (dst.value - step.fp.at(0)));
    constrain("call/push_pc", flags.call * (op0.value - step.next_pc()));
    constrain("call/off0", flags.call * (off0 - OFFSET_BIAS));
    constrain("call/off1", flags.call * (off1 - (OFFSET_BIAS + 1)));
    let call_flags = 2 * flags.call + 2 - (flags.dst_is_fp + flags.op0_is_fp + 4);
    constrain("call/flags", flags.call * call_flags);
    constrain("ret/off0", flags.ret * (off0 + 2 - OFFSET_BIAS));
    constrain("ret/off2", flags.ret * (off2 + 1 - OFFSET_BIAS));
    let ret_flags = flags.jump_abs + flags.dst_is_fp + flags.op1_base_fp + flags.res_op1 - 4;
    constrain("ret/flags", flags.ret * ret_flags);
    constrain("assert_eq/assert_eq", flags.assert_eq * (dst.value - step.res));
}

/// Constrains the registers in the first and in the last step.
fn boundary(layout: &Scope<'_>, step: &Step<'_>) {
    let (pc, ap, fp) = (step.pc.at(0), step.ap.at(0), step.fp.at(0));
    let (first, last) = (layout.first(), layout.last(step.rows.step));
    for (name, rows, register, scalar) in [
        ("initial_ap", first, ap, "initial_ap"),
        ("initial_fp", first, fp, "initial_ap"),
        ("initial_pc", first, pc, "initial_pc"),
        ("final_ap", last, ap, "final_ap"),
        ("final_fp", last, fp, "initial_ap"),
        ("final_pc", last, pc, "final_pc"),
    ] {
        layout.constrain(name, rows, register - layout.scalar(scalar));
    }
}

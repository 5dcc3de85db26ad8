//! The table of the bootloader's hints that the virtual machine does not know: the text of each in the compiled file,
//! and the function that does what it says.

use super::hint::Hint;
use super::{run, select, simulate, task};
use cairo_vm::vm::errors::hint_errors::HintError;

/// What a hint does.
pub(super) type Function = fn(&mut Hint<'_>) -> Result<(), HintError>;

/// Adds a segment whose builtin the bootloader checks itself.
pub(super) const SIMULATE_EC_OP: &str = r#"from starkware.cairo.lang.builtins.ec.ec_op_builtin_runner import (
    ec_op_auto_deduction_rule_wrapper,
)
ids.new_ec_op_ptr = segments.add()
vm_add_auto_deduction_rule(
    segment_index=ids.new_ec_op_ptr.segment_index,
    rule=ec_op_auto_deduction_rule_wrapper(ec_op_cache={}),
)"#;

/// Adds a segment whose builtin the bootloader checks itself.
pub(super) const SIMULATE_KECCAK: &str = r#"from starkware.cairo.common.keccak_utils.keccak_utils import keccak_func
from starkware.cairo.lang.builtins.keccak.keccak_builtin_runner import (
    keccak_auto_deduction_rule_wrapper,
)
ids.new_keccak_ptr = segments.add()
vm_add_auto_deduction_rule(
    segment_index=ids.new_keccak_ptr.segment_index,
    rule=keccak_auto_deduction_rule_wrapper(keccak_cache={}),
)"#;

/// Puts the output of the tasks on pages.
pub(super) const CONFIGURE_PAGES: &str = r#"# Dump fact topologies to a json file.
from starkware.cairo.bootloaders.simple_bootloader.utils import (
    configure_fact_topologies,
    write_to_fact_topologies_file,
)

# The task-related output is prefixed by a single word that contains the number of tasks.
tasks_output_start = output_builtin.base + 1

if not simple_bootloader_input.single_page:
    # Configure the memory pages in the output builtin, based on fact_topologies.
    configure_fact_topologies(
        fact_topologies=fact_topologies, output_start=tasks_output_start,
        output_builtin=output_builtin,
    )

if simple_bootloader_input.fact_topologies_path is not None:
    write_to_fact_topologies_file(
        fact_topologies_path=simple_bootloader_input.fact_topologies_path,
        fact_topologies=fact_topologies,
    )"#;

/// The hints, in the order of the simple bootloader's program; last, that of the bootloaders of layouts alone.
#[rustfmt::skip]
pub(super) const HINTS: &[(&str, Function)] = &[
    (r#"# A builtin should be selected iff its encoding appears in the selected encodings list
# and the list wasn't exhausted.
# Note that testing inclusion by a single comparison is possible since the lists are sorted.
ids.select_builtin = int(
  n_selected_builtins > 0 and memory[ids.selected_encodings] == memory[ids.all_encodings])
if ids.select_builtin:
  n_selected_builtins = n_selected_builtins - 1"#, select::select_builtin),
    ("vm_enter_scope({'n_selected_builtins': ids.n_selected_builtins})", select::enter_selection),
    ("DETERMINE_USE_PREV_HASH", task::use_previous_hash),
    ("LOAD_PROGRAM_SEGMENT", task::load_program),
    (r#"# Sanity check.
assert ids.program_address == program_address"#, task::check_program_address),
    (r#"from starkware.cairo.bootloaders.simple_bootloader.objects import (
    CairoPieTask,
    RunProgramTask,
    Task,
)
from starkware.cairo.bootloaders.simple_bootloader.utils import (
    load_cairo_pie,
    prepare_output_runner,
)

assert isinstance(task, Task)
n_builtins = len(task.get_program().builtins)
new_task_locals = {}
if isinstance(task, RunProgramTask):
    new_task_locals['program_input'] = task.program_input
    new_task_locals['WITH_BOOTLOADER'] = True

    vm_load_program(task.program, program_address)
elif isinstance(task, CairoPieTask):
    ret_pc = ids.ret_pc_label.instruction_offset_ - ids.call_task.instruction_offset_ + pc
    load_cairo_pie(
        task=task.cairo_pie, memory=memory, segments=segments,
        program_address=program_address, execution_segment_address= ap - n_builtins,
        builtin_runners=builtin_runners, ret_fp=fp, ret_pc=ret_pc,
        ecdsa_additional_data=vm_ecdsa_additional_data)
else:
    raise NotImplementedError(f'Unexpected task type: {type(task).__name__}.')

output_runner_data = prepare_output_runner(
    task=task,
    output_builtin=output_builtin,
    output_ptr=ids.pre_execution_builtin_ptrs.output)
vm_enter_scope(new_task_locals)"#, task::call_task),
    (r#"vm_exit_scope()
# Note that bootloader_input will only be available in the next hint."#, task::leave_task),
    (r#"from starkware.cairo.bootloaders.simple_bootloader.utils import write_return_builtins

# Fill the values of all builtin pointers after executing the task.
builtins = task.get_program().builtins
write_return_builtins(
    memory=memory, return_builtins_addr=ids.return_builtin_ptrs.address_,
    used_builtins=builtins, used_builtins_addr=ids.used_builtins_addr,
    pre_execution_builtins_addr=ids.pre_execution_builtin_ptrs.address_, task=task)

vm_enter_scope({'n_selected_builtins': n_builtins})"#, task::return_builtins),
    (r#"from starkware.cairo.bootloaders.simple_bootloader.utils import get_task_fact_topology

# Add the fact topology of the current task to 'fact_topologies'.
output_start = ids.pre_execution_builtin_ptrs.output
output_end = ids.return_builtin_ptrs.output
fact_topologies.append(get_task_fact_topology(
    output_size=output_end - output_start,
    task=task,
    output_builtin=output_builtin,
    output_runner_data=output_runner_data,
))"#, run::nothing),
    ("SETUP_RUN_SIMPLE_BOOTLOADER_BEFORE_TASK_EXECUTION", run::begin),
    ("memory[ap] = to_felt_or_relocatable(ids.num // 2)", run::half),
    ("SIMPLE_BOOTLOADER_SET_CURRENT_TASK", run::next_task),
    ("memory[ap] = to_felt_or_relocatable(task.program_hash_function)", run::program_hash),
    (r#"curr_m = ids.m
for i in range(ids.M_MAX_BITS):
    memory[ids.m_bit_unpacking + i] = curr_m % 2
    curr_m = curr_m >> 1"#, simulate::bits_of_m),
    (r#"# ids.StarkCurve.ORDER is parsed as a negative number.
order = ids.StarkCurve.ORDER + PRIME
ids.w = pow(ids.signature_s, -1, order)
ids.wz = ids.w*ids.message % order
ids.wr = ids.w*ids.signature_r % order"#, simulate::signature_factors),
    (r#"num = ids.num
memory[ids.res_96_felts] = num % (2**96)
memory[ids.res_96_felts+1] = (num>>96) % (2**96)
memory[ids.res_96_felts+2] = (num>>(2*96)) % (2**96)"#, simulate::limbs_of_96_bits),
    (r#"full_num = ids.keccak_builtin_state.s0
full_num += (2**200) * ids.keccak_builtin_state.s1
full_num += (2**400) * ids.keccak_builtin_state.s2
full_num += (2**600) * ids.keccak_builtin_state.s3
full_num += (2**800) * ids.keccak_builtin_state.s4
full_num += (2**1000) * ids.keccak_builtin_state.s5
full_num += (2**1200) * ids.keccak_builtin_state.s6
full_num += (2**1400) * ids.keccak_builtin_state.s7
for i in range(25):
    memory[ids.felt_array + i] = full_num % (2**64)
    full_num = full_num >> 64"#, simulate::keccak_words),
    ("ids.high3, ids.low3 = divmod(memory[ids.felt_array + 3], 256)", simulate::split_word::<3>),
    ("ids.high6, ids.low6 = divmod(memory[ids.felt_array + 6], 256 ** 2)", simulate::split_word::<6>),
    ("ids.high9, ids.low9 = divmod(memory[ids.felt_array + 9], 256 ** 3)", simulate::split_word::<9>),
    ("ids.high12, ids.low12 = divmod(memory[ids.felt_array + 12], 256 ** 4)", simulate::split_word::<12>),
    ("ids.high15, ids.low15 = divmod(memory[ids.felt_array + 15], 256 ** 5)", simulate::split_word::<15>),
    ("ids.high18, ids.low18 = divmod(memory[ids.felt_array + 18], 256 ** 6)", simulate::split_word::<18>),
    ("ids.high21, ids.low21 = divmod(memory[ids.felt_array + 21], 256 ** 7)", simulate::split_word::<21>),
    (SIMULATE_EC_OP, simulate::add_ec_op),
    (SIMULATE_KECCAK, simulate::add_keccak),
    ("(ids.r, ids.s) = vm_ecdsa_additional_data[ids.start.address_]", simulate::signature),
    (r#"from starkware.cairo.lang.builtins.signature.signature_builtin_runner import (
    signature_rule_wrapper,
)
from starkware.cairo.lang.vm.cairo_runner import verify_ecdsa_sig
ids.new_ecdsa_ptr = segments.add()
vm_add_validation_rule(
    segment_index=ids.new_ecdsa_ptr.segment_index,
    rule=signature_rule_wrapper(
        verify_signature_func=verify_ecdsa_sig,
        # Store signatures inside the vm's state. vm_ecdsa_additional_data is dropped
        # into the execution scope by the vm.
        signature_cache=vm_ecdsa_additional_data,
        ),
)"#, simulate::add_ecdsa),
    (r#"from starkware.cairo.bootloaders.simple_bootloader.objects import SimpleBootloaderInput
simple_bootloader_input = SimpleBootloaderInput.Schema().load(program_input)"#, run::nothing),
    (CONFIGURE_PAGES, run::configure_pages),
    ("tasks = simple_bootloader_input.tasks", run::nothing),
];

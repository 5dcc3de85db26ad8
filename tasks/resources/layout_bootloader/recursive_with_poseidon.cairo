%builtins output pedersen range_check bitwise poseidon

from starkware.cairo.bootloaders.simple_bootloader.run_simple_bootloader import (
    run_simple_bootloader,
)
from starkware.cairo.common.cairo_builtins import HashBuiltin, PoseidonBuiltin

// The simple bootloader with exactly the builtins of the layouts recursive_with_poseidon and recursive_large_output.
func main{
    output_ptr: felt*,
    pedersen_ptr: HashBuiltin*,
    range_check_ptr,
    bitwise_ptr,
    poseidon_ptr: PoseidonBuiltin*,
}() {
    alloc_locals;
    %{
        from starkware.cairo.bootloaders.simple_bootloader.objects import SimpleBootloaderInput
        simple_bootloader_input = SimpleBootloaderInput.Schema().load(program_input)
    %}

    // A builtin that the layout lacks: no constraint checks what a task writes at this pointer.
    let ecdsa_ptr = 0;
    let ec_op_ptr = 0;
    let keccak_ptr = 0;
    let range_check96_ptr = 0;
    let add_mod_ptr = 0;
    let mul_mod_ptr = 0;
    with ecdsa_ptr, ec_op_ptr, keccak_ptr, range_check96_ptr, add_mod_ptr, mul_mod_ptr {
        run_simple_bootloader();
    }

    // Pointers only grow, so here no task has used such a builtin, and no program was hashed by one.
    assert ecdsa_ptr = 0;
    assert ec_op_ptr = 0;
    assert keccak_ptr = 0;
    assert range_check96_ptr = 0;
    assert add_mod_ptr = 0;
    assert mul_mod_ptr = 0;
    return ();
}

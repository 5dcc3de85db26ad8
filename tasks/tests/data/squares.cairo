// The sum of the first squares, and the last of them. The squares lie in a segment of their own.
%builtins output range_check

from starkware.cairo.common.alloc import alloc
from starkware.cairo.common.math import assert_nn_le

func fill(squares: felt*, i: felt, n: felt) -> (sum: felt) {
    if (i == n) {
        return (sum=0);
    }
    assert [squares + i] = (i + 1) * (i + 1);
    let (sum) = fill(squares, i + 1, n);
    return (sum=sum + [squares + i]);
}

func main{output_ptr: felt*, range_check_ptr}() {
    alloc_locals;
    local n;
    %{ ids.n = program_input['n'] %}
    assert_nn_le(1, n);
    let (squares) = alloc();
    let (sum) = fill(squares, 0, n);
    assert [output_ptr] = sum;
    assert [output_ptr + 1] = [squares + n - 1];
    let output_ptr = output_ptr + 2;
    return ();
}

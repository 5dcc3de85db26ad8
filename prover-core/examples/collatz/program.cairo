// The Collatz sequence of a number, down to 1: n/2 for even n, 3n + 1 for odd n.
// Output: the number, the length of its sequence, the largest element, and a Pedersen hash chain of all elements.
%builtins output pedersen range_check

from starkware.cairo.common.cairo_builtins import HashBuiltin
from starkware.cairo.common.hash import hash2
from starkware.cairo.common.math import assert_lt, unsigned_div_rem
from starkware.cairo.common.math_cmp import is_le

struct Walk {
    length: felt,
    largest: felt,
    hash: felt,
}

func main{output_ptr: felt*, pedersen_ptr: HashBuiltin*, range_check_ptr}() {
    alloc_locals;
    local start;
    %{ ids.start = program_input['start'] %}
    assert_lt(0, start);
    let walk = collatz(start, Walk(length=0, largest=start, hash=0));
    assert [output_ptr] = start;
    assert [output_ptr + 1] = walk.length;
    assert [output_ptr + 2] = walk.largest;
    assert [output_ptr + 3] = walk.hash;
    let output_ptr = output_ptr + 4;
    return ();
}

// Adds `n` and all that follow it to `walk`.
func collatz{pedersen_ptr: HashBuiltin*, range_check_ptr}(n: felt, walk: Walk) -> Walk {
    alloc_locals;
    let (hash) = hash2{hash_ptr=pedersen_ptr}(walk.hash, n);
    let seen = is_le(n, walk.largest);
    let largest = n + seen * (walk.largest - n);
    local next: Walk = Walk(length=walk.length + 1, largest=largest, hash=hash);
    if (n == 1) {
        return next;
    }
    let (half, parity) = unsigned_div_rem(n, 2);
    if (parity == 0) {
        return collatz(half, next);
    }
    return collatz(3 * n + 1, next);
}

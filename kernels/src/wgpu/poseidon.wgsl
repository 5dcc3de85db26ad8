// Poseidon with a state of three elements: 4 full, 83 partial and 4 full rounds, one constant a partial round. The module
// defines `element(i)`, and binds the constants of the rounds in order as `tables`.

// Constants of the first full rounds, and of them and the partial ones.
const FULL = 12u;
const PARTIAL_END = 95u;
const N_CONSTANTS = 107u;

struct State {
    a: Felt,
    b: Felt,
    c: Felt,
}

// A step cubes one element: the first, which then becomes the last, in a full round, so that three steps take all of them; in
// a partial round the last. So there is one cube in the text.
fn poseidon_permute(before: State) -> State {
    var state = before;
    for (var step = 0u; step < N_CONSTANTS; step++) {
        let is_full = step < FULL || step >= PARTIAL_END;
        var base = state.c;
        if (is_full) {
            base = state.a;
            state.a = state.b;
            state.b = state.c;
        }
        base = felt_add(base, tables[step]);
        var cube = base;
        for (var i = 0u; i < 2u; i++) {
            cube = felt_mul(cube, base);
        }
        state.c = cube;
        // Both 0 and 95 begin a round of three steps.
        let in_round = select(step, step - PARTIAL_END, step >= PARTIAL_END) % 3u;
        if (!is_full || in_round == 2u) {
            // The matrix [[3, 1, 1], [1, -1, 1], [1, 1, -2]].
            let sum = felt_add(felt_add(state.a, state.b), state.c);
            let twice = felt_add(state.c, state.c);
            state.a = felt_add(sum, felt_add(state.a, state.a));
            state.b = felt_sub(sum, felt_add(state.b, state.b));
            state.c = felt_sub(sum, felt_add(twice, state.c));
        }
    }
    return state;
}

// The hash of the first two elements of the message.
fn hash_two() -> Felt {
    return poseidon_permute(State(element(0u), element(1u), felt_add(FELT_ONE, FELT_ONE))).a;
}

// Element `i` of the message of `n`, padded with 1 and zeros.
fn padded(i: u32, n: u32) -> Felt {
    if (i < n) {
        return element(i);
    }
    if (i == n) {
        return FELT_ONE;
    }
    return FELT_ZERO;
}

// The sponge over `n` elements, two at a time.
fn hash_elements(n: u32) -> Felt {
    var state = State(FELT_ZERO, FELT_ZERO, FELT_ZERO);
    for (var i = 0u; i <= n; i += 2u) {
        state.a = felt_add(state.a, padded(i, n));
        state.b = felt_add(state.b, padded(i + 1u, n));
        state = poseidon_permute(state);
    }
    return state.a;
}

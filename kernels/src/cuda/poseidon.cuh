// Poseidon with a state of three elements: 4 full, 83 partial and 4 full rounds, one constant a partial round.
#pragma once
#include "digest.cuh"

#define POSEIDON_HALF_FULL 4
#define POSEIDON_PARTIAL 83

struct Poseidon {
    Felt state[3];

    // The matrix [[3, 1, 1], [1, -1, 1], [1, 1, -2]].
    DEVICE_MEMBER void mix() {
        const Felt sum = felt_add(felt_add(state[0], state[1]), state[2]);
        state[0] = felt_add(sum, felt_add(state[0], state[0]));
        state[1] = felt_sub(sum, felt_add(state[1], state[1]));
        state[2] = felt_sub(sum, felt_add(felt_add(state[2], state[2]), state[2]));
    }

    DEVICE_MEMBER void cube(int i, Felt constant) {
        const Felt x = felt_add(state[i], constant);
        state[i] = felt_mul(felt_square(x), x);
    }

    DEVICE_MEMBER const Felt* full_rounds(const Felt* constants) {
        NO_UNROLL for (int round = 0; round < POSEIDON_HALF_FULL; round++) {
            UNROLL for (int i = 0; i < 3; i++) cube(i, *constants++);
            mix();
        }
        return constants;
    }

};

// The permutation; `constants` are those of the rounds in order.
DEVICE_CALL Poseidon poseidon_permute(Poseidon poseidon, const Felt* constants) {
    constants = poseidon.full_rounds(constants);
    NO_UNROLL for (int round = 0; round < POSEIDON_PARTIAL; round++) {
        poseidon.cube(2, *constants++);
        poseidon.mix();
    }
    poseidon.full_rounds(constants);
    return poseidon;
}

DEVICE Felt poseidon_two(Felt a, Felt b, const Felt* constants) {
    const Felt one = felt_one();
    return poseidon_permute({{a, b, felt_add(one, one)}}, constants).state[0];
}

// The sponge over `n` elements, two at a time, padded with 1 and zeros; `elements(i)` is element `i`.
template <class Elements>
DEVICE Felt poseidon_many(const Elements& elements, u32 n, const Felt* constants) {
    Poseidon poseidon = {{felt_zero(), felt_zero(), felt_zero()}};
    NO_UNROLL for (u32 i = 0; i <= n; i += 2) {
        UNROLL for (u32 k = 0; k < 2; k++) {
            if (i + k < n) poseidon.state[k] = felt_add(poseidon.state[k], elements(i + k));
            if (i + k == n) poseidon.state[k] = felt_add(poseidon.state[k], felt_one());
        }
        poseidon = poseidon_permute(poseidon, constants);
    }
    return poseidon.state[0];
}

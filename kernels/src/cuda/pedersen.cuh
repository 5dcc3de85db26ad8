// The Pedersen hash: a sum of points from tables, a window of eight bits at a time.
#pragma once
#include "digest.cuh"

// Windows of an element.
#define PEDERSEN_WINDOWS 32

// A point of a table; (0, 0), which is not on the curve, stands for the point at infinity.
struct TablePoint {
    Felt x, y;
};

// A point (x / z^2, y / z^3) of y^2 = x^3 + x + beta.
struct Jacobian {
    Felt x, y, z;
};

// The sum with a point of a table. That the two are equal or opposite would be a relation between the published points
// that nobody knows.
DEVICE_CALL Jacobian jacobian_add(Jacobian p, TablePoint q) {
    const Felt z2 = felt_mul_call(p.z, p.z);
    const Felt h = felt_sub(felt_mul_call(q.x, z2), p.x);
    const Felt r = felt_sub(felt_mul_call(q.y, felt_mul_call(z2, p.z)), p.y);
    const Felt h2 = felt_mul_call(h, h);
    const Felt h3 = felt_mul_call(h2, h);
    const Felt xh2 = felt_mul_call(p.x, h2);
    Jacobian sum;
    sum.x = felt_sub(felt_sub(felt_mul_call(r, r), h3), felt_add(xh2, xh2));
    sum.y = felt_sub(felt_mul_call(r, felt_sub(xh2, sum.x)), felt_mul_call(p.y, h3));
    sum.z = felt_mul_call(p.z, h);
    return sum;
}

// Table `w` has an entry for every value of byte `w` of the numbers of `a` (lowest first) and then of `b`; the last
// one holds the point that all sums start from.
DEVICE Felt pedersen_two(Felt a, Felt b, const TablePoint* tables) {
    const Felt numbers[2] = {number_of_felt(a), number_of_felt(b)};
    const TablePoint start = tables[(2 * PEDERSEN_WINDOWS - 1) * 256 + (numbers[1].limb[7] >> 24)];
    Jacobian sum = {start.x, start.y, felt_one()};
    UNROLL for (u32 element = 0; element < 2; element++) {
        UNROLL for (u32 limb = 0; limb < 8; limb++) {
            const u32 n_bytes = element == 1 && limb == 7 ? 3 : 4;
            NO_UNROLL for (u32 byte = 0; byte < n_bytes; byte++) {
                const u32 window = PEDERSEN_WINDOWS * element + 4 * limb + byte;
                const u32 bits = numbers[element].limb[limb] >> 8 * byte & 0xff;
                if (bits) sum = jacobian_add(sum, tables[window * 256 + bits]);
            }
        }
    }
    const Felt inverse = felt_inverse(sum.z);
    return felt_mul_call(sum.x, felt_mul_call(inverse, inverse));
}

// The element of a small number.
DEVICE Felt felt_of_small(u32 n) { return felt_of_number(Felt{{n, 0, 0, 0, 0, 0, 0, 0}}); }

// The chain over `n` elements and their number, from 0; `elements(i)` is element `i`. (Stone adds the quotient of each
// word by p, which is 0 for the words of rows.)
template <class Elements>
DEVICE Felt pedersen_many(const Elements& elements, u32 n, const TablePoint* tables) {
    Felt state = felt_zero();
    NO_UNROLL for (u32 i = 0; i <= n; i++) {
        state = pedersen_two(state, i < n ? elements(i) : felt_of_small(n), tables);
    }
    return state;
}

// The Pedersen hash: a sum of points from tables, a window of eight bits at a time. The module defines `element(i)`, and binds
// the points of the windows as `tables`.

// Windows of both elements.
const WINDOWS = 64u;

// A point (x / z^2, y / z^3) of y^2 = x^3 + x + beta.
struct Jacobian {
    x: Felt,
    y: Felt,
    z: Felt,
}

// The sum with the point of a table at `at`. That the two are equal or opposite would be a relation between the published
// points that nobody knows. The products are the steps of a small program, so that there is one in the text.
fn jacobian_add(p: Jacobian, at: u32) -> Jacobian {
    var z2: Felt;
    var h: Felt;
    var r: Felt;
    var h2: Felt;
    var h3: Felt;
    var sum = p;
    var a = p.z;
    var b = p.z;
    for (var step = 0u; step < 11u; step++) {
        let product = felt_mul(a, b);
        switch step {
            case 0u: {
                z2 = product;
                a = tables[at];
                b = z2;
            }
            case 1u: {
                h = felt_sub(product, p.x);
                a = z2;
                b = p.z;
            }
            case 2u: {
                a = tables[at + 1u];
                b = product;
            }
            case 3u: {
                r = felt_sub(product, p.y);
                a = h;
                b = h;
            }
            case 4u: {
                h2 = product;
                a = h2;
                b = h;
            }
            case 5u: {
                h3 = product;
                a = p.x;
                b = h2;
            }
            case 6u: {
                h2 = product;
                a = r;
                b = r;
            }
            case 7u: {
                sum.x = felt_sub(felt_sub(product, h3), felt_add(h2, h2));
                a = r;
                b = felt_sub(h2, sum.x);
            }
            case 8u: {
                sum.y = product;
                a = p.y;
                b = h3;
            }
            case 9u: {
                sum.y = felt_sub(sum.y, product);
                a = p.z;
                b = h;
            }
            default: {
                sum.z = product;
            }
        }
    }
    return sum;
}

// The hash of two elements. Window `w` has a point for every value of byte `w` of the numbers of `a` (lowest first) and then of
// `b`; the last one holds the point that all sums start from.
fn pedersen(a: Felt, b: Felt) -> Felt {
    var numbers: array<vec4<u32>, 4>;
    let first = felt_reduce_wide(a, FELT_ZERO);
    let second = felt_reduce_wide(b, FELT_ZERO);
    numbers[0] = first.low;
    numbers[1] = first.high;
    numbers[2] = second.low;
    numbers[3] = second.high;
    let start = 2u * ((WINDOWS - 1u) * 256u + (second.high.w >> 24u));
    var sum = Jacobian(tables[start], tables[start + 1u], FELT_ONE);
    for (var window = 0u; window < WINDOWS - 1u; window++) {
        let limb = numbers[window >> 4u][window >> 2u & 3u];
        let bits = limb >> (8u * (window & 3u)) & 0xffu;
        if (bits != 0u) {
            sum = jacobian_add(sum, 2u * (window * 256u + bits));
        }
    }
    let inverse = felt_inverse(sum.z);
    return felt_mul(sum.x, felt_mul(inverse, inverse));
}

// The hash of the first two elements of the message.
fn hash_two() -> Felt {
    return pedersen(element(0u), element(1u));
}

// The chain over `n` elements and their number, from 0. (Stone adds the quotient of each word by p, which is 0 for the words of
// rows.)
fn hash_elements(n: u32) -> Felt {
    var state = FELT_ZERO;
    for (var i = 0u; i <= n; i++) {
        var next = felt_of_number(Felt(vec4<u32>(n, 0u, 0u, 0u), vec4<u32>()));
        if (i < n) {
            next = element(i);
        }
        state = pedersen(state, next);
    }
    return state;
}

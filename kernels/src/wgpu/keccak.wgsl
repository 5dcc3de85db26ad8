// Keccak-256 with the original padding. The module defines `word(i)`, four bytes of the message.

// Lanes as low and high words. Lane (x, y) is element x + 5 y.
var<private> lanes: array<vec2<u32>, 25>;

const ROUND_CONSTANTS = array<vec2<u32>, 24>(
    vec2<u32>(0x00000001u, 0x00000000u), vec2<u32>(0x00008082u, 0x00000000u),
    vec2<u32>(0x0000808au, 0x80000000u), vec2<u32>(0x80008000u, 0x80000000u),
    vec2<u32>(0x0000808bu, 0x00000000u), vec2<u32>(0x80000001u, 0x00000000u),
    vec2<u32>(0x80008081u, 0x80000000u), vec2<u32>(0x00008009u, 0x80000000u),
    vec2<u32>(0x0000008au, 0x00000000u), vec2<u32>(0x00000088u, 0x00000000u),
    vec2<u32>(0x80008009u, 0x00000000u), vec2<u32>(0x8000000au, 0x00000000u),
    vec2<u32>(0x8000808bu, 0x00000000u), vec2<u32>(0x0000008bu, 0x80000000u),
    vec2<u32>(0x00008089u, 0x80000000u), vec2<u32>(0x00008003u, 0x80000000u),
    vec2<u32>(0x00008002u, 0x80000000u), vec2<u32>(0x00000080u, 0x80000000u),
    vec2<u32>(0x0000800au, 0x00000000u), vec2<u32>(0x8000000au, 0x80000000u),
    vec2<u32>(0x80008081u, 0x80000000u), vec2<u32>(0x00008080u, 0x80000000u),
    vec2<u32>(0x80000001u, 0x00000000u), vec2<u32>(0x80008008u, 0x80000000u),
);

// Rotation to the left by 1 to 63 bits, but not by 32.
fn rotate(lane: vec2<u32>, by: u32) -> vec2<u32> {
    let swapped = select(lane, lane.yx, by >= 32u);
    let bits = by & 31u;
    return swapped << vec2<u32>(bits) | swapped.yx >> vec2<u32>(32u - bits);
}

fn chi(row: u32, a: vec2<u32>, b: vec2<u32>, c: vec2<u32>, d: vec2<u32>, e: vec2<u32>) {
    lanes[row] = a ^ (~b & c);
    lanes[row + 1u] = b ^ (~c & d);
    lanes[row + 2u] = c ^ (~d & e);
    lanes[row + 3u] = d ^ (~e & a);
    lanes[row + 4u] = e ^ (~a & b);
}

fn keccak_permute() {
    var constants = ROUND_CONSTANTS;
    for (var round = 0u; round < 24u; round++) {
        let c0 = lanes[0] ^ lanes[5] ^ lanes[10] ^ lanes[15] ^ lanes[20];
        let c1 = lanes[1] ^ lanes[6] ^ lanes[11] ^ lanes[16] ^ lanes[21];
        let c2 = lanes[2] ^ lanes[7] ^ lanes[12] ^ lanes[17] ^ lanes[22];
        let c3 = lanes[3] ^ lanes[8] ^ lanes[13] ^ lanes[18] ^ lanes[23];
        let c4 = lanes[4] ^ lanes[9] ^ lanes[14] ^ lanes[19] ^ lanes[24];
        let d0 = c4 ^ rotate(c1, 1u);
        let d1 = c0 ^ rotate(c2, 1u);
        let d2 = c1 ^ rotate(c3, 1u);
        let d3 = c2 ^ rotate(c4, 1u);
        let d4 = c3 ^ rotate(c0, 1u);
        // Lane (x, y) goes to (y, 2 x + 3 y), rotated.
        let m0 = lanes[0] ^ d0;
        let m10 = rotate(lanes[1] ^ d1, 1u);
        let m20 = rotate(lanes[2] ^ d2, 62u);
        let m5 = rotate(lanes[3] ^ d3, 28u);
        let m15 = rotate(lanes[4] ^ d4, 27u);
        let m16 = rotate(lanes[5] ^ d0, 36u);
        let m1 = rotate(lanes[6] ^ d1, 44u);
        let m11 = rotate(lanes[7] ^ d2, 6u);
        let m21 = rotate(lanes[8] ^ d3, 55u);
        let m6 = rotate(lanes[9] ^ d4, 20u);
        let m7 = rotate(lanes[10] ^ d0, 3u);
        let m17 = rotate(lanes[11] ^ d1, 10u);
        let m2 = rotate(lanes[12] ^ d2, 43u);
        let m12 = rotate(lanes[13] ^ d3, 25u);
        let m22 = rotate(lanes[14] ^ d4, 39u);
        let m23 = rotate(lanes[15] ^ d0, 41u);
        let m8 = rotate(lanes[16] ^ d1, 45u);
        let m18 = rotate(lanes[17] ^ d2, 15u);
        let m3 = rotate(lanes[18] ^ d3, 21u);
        let m13 = rotate(lanes[19] ^ d4, 8u);
        let m14 = rotate(lanes[20] ^ d0, 18u);
        let m24 = rotate(lanes[21] ^ d1, 2u);
        let m9 = rotate(lanes[22] ^ d2, 61u);
        let m19 = rotate(lanes[23] ^ d3, 56u);
        let m4 = rotate(lanes[24] ^ d4, 14u);
        chi(0u, m0, m1, m2, m3, m4);
        chi(5u, m5, m6, m7, m8, m9);
        chi(10u, m10, m11, m12, m13, m14);
        chi(15u, m15, m16, m17, m18, m19);
        chi(20u, m20, m21, m22, m23, m24);
        lanes[0] ^= constants[round];
    }
}

// Lanes that a permutation absorbs.
const RATE = 17u;

// Lane `i` of the message, padded; the last bit is not here.
fn message_lane(i: u32, n_lanes: u32) -> vec2<u32> {
    if (i < n_lanes) {
        return vec2<u32>(word(2u * i), word(2u * i + 1u));
    }
    return vec2<u32>(u32(i == n_lanes), 0u);
}

// Hashes a message of an even number of words.
fn keccak256(n_words: u32) -> Digest {
    let n_lanes = n_words / 2u;
    lanes = array<vec2<u32>, 25>();
    // What follows the last lane is padded, so a last block is never full.
    for (var first = 0u; first <= n_lanes; first += RATE) {
        lanes[0] ^= message_lane(first, n_lanes);
        lanes[1] ^= message_lane(first + 1u, n_lanes);
        lanes[2] ^= message_lane(first + 2u, n_lanes);
        lanes[3] ^= message_lane(first + 3u, n_lanes);
        lanes[4] ^= message_lane(first + 4u, n_lanes);
        lanes[5] ^= message_lane(first + 5u, n_lanes);
        lanes[6] ^= message_lane(first + 6u, n_lanes);
        lanes[7] ^= message_lane(first + 7u, n_lanes);
        lanes[8] ^= message_lane(first + 8u, n_lanes);
        lanes[9] ^= message_lane(first + 9u, n_lanes);
        lanes[10] ^= message_lane(first + 10u, n_lanes);
        lanes[11] ^= message_lane(first + 11u, n_lanes);
        lanes[12] ^= message_lane(first + 12u, n_lanes);
        lanes[13] ^= message_lane(first + 13u, n_lanes);
        lanes[14] ^= message_lane(first + 14u, n_lanes);
        lanes[15] ^= message_lane(first + 15u, n_lanes);
        lanes[16] ^= message_lane(first + 16u, n_lanes);
        if (first + RATE > n_lanes) {
            lanes[16].y ^= 0x80000000u;
        }
        keccak_permute();
    }
    return Digest(vec4<u32>(lanes[0], lanes[1]), vec4<u32>(lanes[2], lanes[3]));
}

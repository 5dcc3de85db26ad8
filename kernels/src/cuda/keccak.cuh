// Keccak-256 with the original padding, the state in registers.
#pragma once
#include "digest.cuh"

CONSTANT u64 KECCAK_ROUND_CONSTANTS[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

DEVICE u64 rotate_left_64(u64 x, int by) { return by ? x << by | x >> (64 - by) : x; }

struct Keccak {
    // Lane (x, y) is element x + 5 y.
    u64 lane[25];

    DEVICE_MEMBER void clear() {
        UNROLL for (int i = 0; i < 25; i++) lane[i] = 0;
    }

    DEVICE_MEMBER void permute() {
        NO_UNROLL for (int round = 0; round < 24; round++) {
            u64 parity[5], moved[25];
            UNROLL for (int x = 0; x < 5; x++) {
                parity[x] = lane[x] ^ lane[x + 5] ^ lane[x + 10] ^ lane[x + 15] ^ lane[x + 20];
            }
            UNROLL for (int x = 0; x < 5; x++) {
                const u64 left = parity[(x + 4) % 5], right = rotate_left_64(parity[(x + 1) % 5], 1);
                UNROLL for (int y = 0; y < 25; y += 5) lane[x + y] = lane[x + y] ^ left ^ right;
            }
            // Lane (x, y) goes to (y, 2 x + 3 y), rotated.
            moved[0] = rotate_left_64(lane[0], 0);
            moved[10] = rotate_left_64(lane[1], 1);
            moved[20] = rotate_left_64(lane[2], 62);
            moved[5] = rotate_left_64(lane[3], 28);
            moved[15] = rotate_left_64(lane[4], 27);
            moved[16] = rotate_left_64(lane[5], 36);
            moved[1] = rotate_left_64(lane[6], 44);
            moved[11] = rotate_left_64(lane[7], 6);
            moved[21] = rotate_left_64(lane[8], 55);
            moved[6] = rotate_left_64(lane[9], 20);
            moved[7] = rotate_left_64(lane[10], 3);
            moved[17] = rotate_left_64(lane[11], 10);
            moved[2] = rotate_left_64(lane[12], 43);
            moved[12] = rotate_left_64(lane[13], 25);
            moved[22] = rotate_left_64(lane[14], 39);
            moved[23] = rotate_left_64(lane[15], 41);
            moved[8] = rotate_left_64(lane[16], 45);
            moved[18] = rotate_left_64(lane[17], 15);
            moved[3] = rotate_left_64(lane[18], 21);
            moved[13] = rotate_left_64(lane[19], 8);
            moved[14] = rotate_left_64(lane[20], 18);
            moved[24] = rotate_left_64(lane[21], 2);
            moved[9] = rotate_left_64(lane[22], 61);
            moved[19] = rotate_left_64(lane[23], 56);
            moved[4] = rotate_left_64(lane[24], 14);
            UNROLL for (int y = 0; y < 25; y += 5) {
                UNROLL for (int x = 0; x < 5; x++) {
                    lane[y + x] = moved[y + x] ^ (~moved[y + (x + 1) % 5] & moved[y + (x + 2) % 5]);
                }
            }
            lane[0] ^= KECCAK_ROUND_CONSTANTS[round];
        }
    }

    DEVICE_MEMBER Digest digest() const { return Digest{{lane[0], lane[1], lane[2], lane[3]}}; }
};

// Lanes that a permutation absorbs.
#define KECCAK_RATE 17

// Hashes `n_lanes` lanes of eight bytes; `lanes(i)` is lane `i`.
template <class Lanes>
DEVICE Digest keccak256(const Lanes& lanes, u32 n_lanes) {
    Keccak keccak;
    keccak.clear();
    // What follows the last lane is padded, so a last block is never full.
    NO_UNROLL for (u32 first = 0; first <= n_lanes; first += KECCAK_RATE) {
        UNROLL for (u32 i = 0; i < KECCAK_RATE; i++) {
            if (first + i < n_lanes) keccak.lane[i] ^= lanes(first + i);
            if (first + i == n_lanes) keccak.lane[i] ^= 1;
        }
        if (first + KECCAK_RATE > n_lanes) keccak.lane[KECCAK_RATE - 1] ^= 1ull << 63;
        keccak.permute();
    }
    return keccak.digest();
}

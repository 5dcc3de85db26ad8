// Elements in shared memory, their halves apart.
#pragma once
#include "felt.cuh"

// Half an element: threads that follow each other read neighbouring 16 bytes, without conflicts of banks.
struct alignas(16) HalfFelt {
    u32 limb[4];
};

struct Tile {
    HalfFelt* low;
    HalfFelt* high;
};

DEVICE Felt tile_get(const Tile& tile, u32 i) {
    Felt a;
    HalfFelt low = tile.low[i], high = tile.high[i];
    UNROLL for (int k = 0; k < 4; k++) {
        a.limb[k] = low.limb[k];
        a.limb[4 + k] = high.limb[k];
    }
    return a;
}

DEVICE void tile_set(const Tile& tile, u32 i, Felt a) {
    HalfFelt low, high;
    UNROLL for (int k = 0; k < 4; k++) {
        low.limb[k] = a.limb[k];
        high.limb[k] = a.limb[4 + k];
    }
    tile.low[i] = low;
    tile.high[i] = high;
}

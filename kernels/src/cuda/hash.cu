// Hashing of table rows and of tree nodes: one thread a row or a node.
#pragma once
#include "blake2s.cuh"
#include "keccak.cuh"
#include "pedersen.cuh"
#include "poseidon.cuh"

// Row `row` of a table, element after element as 32 big-endian bytes of its Montgomery form.
struct Row {
    const Felt* values;
    const u64* starts;
    u64 row;

    DEVICE_MEMBER const Felt* element(u32 i) const { return values + starts[i] + row; }
};

// The row's bytes by eight, as little-endian words.
struct RowLanes : Row {
    DEVICE_MEMBER u64 operator()(u32 i) const {
        return reverse_bytes(reinterpret_cast<const u64*>(element(i / 4))[3 - i % 4]);
    }
};

// The row's bytes by four.
struct RowWords : Row {
    DEVICE_MEMBER u32 operator()(u32 i) const { return reverse_bytes(element(i / 8)->limb[7 - i % 8]); }
};

// The row's bytes by 32, as elements.
struct RowElements : Row {
    DEVICE_MEMBER Felt operator()(u32 i) const { return felt_of_number(*element(i)); }
};

// Two nodes that follow each other.
struct NodeLanes {
    const Digest* nodes;
    DEVICE_MEMBER u64 operator()(u32 i) const { return nodes[i / 4].word[i % 4]; }
};

struct NodeWords {
    const Digest* nodes;
    DEVICE_MEMBER u32 operator()(u32 i) const { return (u32)(nodes[i / 8].word[i / 2 % 4] >> 32 * (i % 2)); }
};

// Row `j` (natural order) of `2^log_rows` goes to leaf `bit_reverse(j)`.
#define HASH_ROWS(name, Source, hash)                                                                        \
    KERNEL(128, name, const Felt* values, const u64* starts, u32 n_columns, u32 log_rows, const Felt* tables, \
           Digest mask, Digest* leaves) {                                                                    \
        const u64 row = thread_index();                                                                      \
        if (row >> log_rows) return;                                                                         \
        const Source source = {values, starts, row};                                                         \
        leaves[reverse_low_bits((u32)row, log_rows)] = digest_and(hash, mask);                               \
    }

#define AS_POINTS reinterpret_cast<const TablePoint*>(tables)

HASH_ROWS(hash_rows_keccak, RowLanes, keccak256(source, 4 * n_columns))
HASH_ROWS(hash_rows_blake2s, RowWords, blake2s256(source, 8 * n_columns))
HASH_ROWS(hash_rows_poseidon, RowElements, digest_of_number(number_of_felt(poseidon_many(source, n_columns, tables))))
HASH_ROWS(hash_rows_pedersen, RowElements, digest_of_number(number_of_felt(pedersen_many(source, n_columns, AS_POINTS))))
// A row of two elements hashed as two nodes.
HASH_ROWS(hash_pairs_poseidon, RowElements, digest_of_number(number_of_felt(poseidon_two(source(0), source(1), tables))))
HASH_ROWS(hash_pairs_pedersen, RowElements,
          digest_of_number(number_of_felt(pedersen_two(source(0), source(1), AS_POINTS))))

// Node `first + i`, `i < n`, becomes the hash of nodes `2 (first + i)` and the next; then their parents likewise, `n_levels`
// levels in all. `first` is a multiple of `n`, a power of two, so a block has the nodes that its own are made of.
#define HASH_NODES_THREADS 128
#define HASH_NODES(name, hash)                                                                            \
    KERNEL(HASH_NODES_THREADS, name, Digest* nodes, u64 first, u64 n, u32 n_levels, const Felt* tables,   \
           Digest mask) {                                                                                 \
        NO_UNROLL for (u32 level = 0; level < n_levels; level++) {                                        \
            const u32 n_own = HASH_NODES_THREADS >> level;                                                \
            const u64 i = (u64)blockIdx.x * n_own + threadIdx.x;                                          \
            if (threadIdx.x < n_own && i < n >> level) {                                                  \
                const Digest* children = nodes + 2 * ((first >> level) + i);                              \
                nodes[(first >> level) + i] = digest_and(hash, mask);                                     \
            }                                                                                             \
            block_barrier();                                                                              \
        }                                                                                                 \
    }

DEVICE Felt felt_of_digest(Digest digest) { return felt_of_number(number_of_digest(digest)); }

HASH_NODES(hash_nodes_keccak, keccak256(NodeLanes{children}, 8))
HASH_NODES(hash_nodes_blake2s, blake2s256(NodeWords{children}, 16))
HASH_NODES(hash_nodes_poseidon,
           digest_of_number(number_of_felt(poseidon_two(felt_of_digest(children[0]), felt_of_digest(children[1]), tables))))
HASH_NODES(hash_nodes_pedersen,
           digest_of_number(number_of_felt(pedersen_two(felt_of_digest(children[0]), felt_of_digest(children[1]), AS_POINTS))))

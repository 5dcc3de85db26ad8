// The dialect of `platform.cuh` as C++: a block's threads are fibers of one thread of the system, which are switched at
// barriers, or (with EMULATOR_THREADS, for a thread sanitizer) threads of their own.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>

typedef uint32_t u32;
typedef unsigned long long u64;

struct Dimensions {
    u32 x, y, z;
};

namespace emulator {

// In which order the threads of a block run between two barriers.
enum class Schedule { Forward, Reverse, Random };

// Where the running thread is.
struct Position {
    Dimensions thread, block, block_dim, grid_dim;
    void* shared;
};
extern thread_local Position position;

void barrier();

struct Shape {
    Dimensions grid, block;
    size_t shared_bytes;
};

// Runs `thread` for every thread of every block, one block after the other. Shared memory begins as garbage.
void run(const Shape& shape, Schedule schedule, const std::function<void()>& thread);

// A kernel: the most threads that a block may have, and what takes a launch's arguments out of their pointers.
struct Kernel {
    u32 max_threads;
    std::function<void()> (*bind)(void** arguments);
};

std::map<std::string, Kernel>& kernels();

template <auto function>
struct Binding;

template <class... Arguments, void (*function)(Arguments...)>
struct Binding<function> {
    static std::function<void()> bind(void** pointers) { return bind(pointers, std::index_sequence_for<Arguments...>{}); }

    template <size_t... index>
    static std::function<void()> bind(void** pointers, std::index_sequence<index...>) {
        auto arguments = std::make_tuple(*static_cast<Arguments*>(pointers[index])...);
        return [arguments] { std::apply(function, arguments); };
    }
};

struct Registration {
    Registration(const char* name, Kernel kernel) { kernels()[name] = kernel; }
};

}  // namespace emulator

#define threadIdx (::emulator::position.thread)
#define blockIdx (::emulator::position.block)
#define blockDim (::emulator::position.block_dim)
#define gridDim (::emulator::position.grid_dim)

#define DEVICE static inline
#define DEVICE_CALL static __attribute__((noinline))
#define DEVICE_MEMBER inline
#define KERNEL(threads, name, ...)                                                                       \
    void name(__VA_ARGS__);                                                                              \
    static const emulator::Registration name##_registration(#name, {threads, emulator::Binding<name>::bind}); \
    void name(__VA_ARGS__)
#define KERNEL_RESIDENT(threads, blocks, name, ...) KERNEL(threads, name, __VA_ARGS__)
#define CONSTANT static const
// One block runs at a time.
#define SHARED(type, name, len) static type name[len]
#define SHARED_DYNAMIC(type, name) type* const name = static_cast<type*>(::emulator::position.shared)
#define UNROLL _Pragma("GCC unroll 32")
#define NO_UNROLL

DEVICE u32 reverse_bytes(u32 x) { return __builtin_bswap32(x); }
DEVICE u32 reverse_bits(u32 x) {
    x = __builtin_bswap32(x);
    x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
    x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
    return (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
}
DEVICE u32 rotate_right(u32 x, u32 by) { return x >> by | x << (32 - by); }
DEVICE u64 leading_zeros(u64 x) { return x ? (u64)__builtin_clzll(x) : 64; }
DEVICE void block_barrier() { ::emulator::barrier(); }
DEVICE void atomic_minimum(u64* at, u64 value) {
    u64 held = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (value < held && !__atomic_compare_exchange_n(at, &held, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

// The dialect that kernels are written in. The same text is compiled by a CUDA compiler and, for tests, as C++ on
// top of the emulator, which defines the same words.
//
// Rules: flat kernels, scalars and pointers by value; every thread of a block reaches every barrier; instructions
// that C++ cannot say stand behind named functions that have a portable twin.
#pragma once

#ifdef __CUDACC__

typedef unsigned int u32;
typedef unsigned long long u64;

#define DEVICE static __device__ __forceinline__
// A function that is called where it is used: for what is long and used more than once.
#define DEVICE_CALL static __device__ __noinline__
#define DEVICE_MEMBER __device__ __forceinline__
#define KERNEL(threads, name, ...) extern "C" __global__ void __launch_bounds__(threads) name(__VA_ARGS__)
// The same with registers for so many blocks of it at once on a multiprocessor.
#define KERNEL_RESIDENT(threads, blocks, name, ...) \
    extern "C" __global__ void __launch_bounds__(threads, blocks) name(__VA_ARGS__)
#define CONSTANT static __constant__ const
#define SHARED(type, name, len) __shared__ type name[len]
#define SHARED_DYNAMIC(type, name) extern __shared__ type name[]
#define UNROLL _Pragma("unroll")
#define NO_UNROLL _Pragma("unroll 1")

DEVICE u32 reverse_bytes(u32 x) { return __byte_perm(x, 0, 0x0123); }
DEVICE u32 reverse_bits(u32 x) { return __brev(x); }
DEVICE u32 rotate_right(u32 x, u32 by) { return __funnelshift_r(x, x, by); }
DEVICE u64 leading_zeros(u64 x) { return (u64)__clzll((long long)x); }
DEVICE void block_barrier() { __syncthreads(); }
DEVICE void atomic_minimum(u64* at, u64 value) { atomicMin(at, value); }

#else
#include "emulator.h"
#endif

// The low `bits` bits of `x`, reversed.
DEVICE u32 reverse_low_bits(u32 x, u32 bits) { return bits ? reverse_bits(x) >> (32 - bits) : 0; }

DEVICE u64 reverse_bytes(u64 x) {
    return (u64)reverse_bytes((u32)x) << 32 | reverse_bytes((u32)(x >> 32));
}

// The number of this thread in the whole launch, and the number of threads in it.
DEVICE u64 thread_index() { return (u64)blockIdx.x * blockDim.x + threadIdx.x; }
DEVICE u64 thread_count() { return (u64)gridDim.x * blockDim.x; }

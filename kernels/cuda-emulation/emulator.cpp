#include "emulator.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <vector>
#ifdef EMULATOR_THREADS
#include <barrier>
#include <thread>
#endif

namespace emulator {

thread_local Position position;

std::map<std::string, Kernel>& kernels() {
    static std::map<std::string, Kernel> kernels;
    return kernels;
}

namespace {

[[noreturn]] void fail(const char* what) {
    fprintf(stderr, "CUDA emulation: %s\n", what);
    abort();
}

// Shared memory of a block, aligned.
struct SharedMemory {
    explicit SharedMemory(size_t bytes) : bytes(bytes), memory(std::aligned_alloc(128, (bytes + 127) / 128 * 128 + 128)) {}
    ~SharedMemory() { std::free(memory); }
    void spoil() { std::memset(memory, 0xa5, bytes); }

    size_t bytes;
    void* memory;
};

template <class Visit>
void for_each_block(const Dimensions& grid, const Visit& visit) {
    for (u32 z = 0; z < grid.z; z++) {
        for (u32 y = 0; y < grid.y; y++) {
            for (u32 x = 0; x < grid.x; x++) visit(Dimensions{x, y, z});
        }
    }
}

}  // namespace

#ifndef EMULATOR_THREADS

namespace {

const size_t STACK_BYTES = 256 << 10;

struct Fiber {
    std::unique_ptr<char[]> stack;
    void* stack_pointer;
    bool done;
};

// The running launch of this thread of the system.
thread_local std::vector<Fiber> fibers;
thread_local Fiber* running;
thread_local void* scheduler;
thread_local const std::function<void()>* body;

}  // namespace

// Saves the registers that a call keeps on this stack, and goes on where `to` was left.
extern "C" void emulator_switch(void** from, void* to);
asm(R"(
.text
.globl emulator_switch
.hidden emulator_switch
.type emulator_switch, @function
emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

namespace {

void enter_fiber() {
    (*body)();
    running->done = true;
    emulator_switch(&running->stack_pointer, scheduler);
}

void prepare(Fiber& fiber) {
    if (!fiber.stack) fiber.stack.reset(new char[STACK_BYTES]);
    fiber.done = false;
    void** top = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(fiber.stack.get() + STACK_BYTES) & ~uintptr_t{63});
    // A function begins with its return address (here none) on a stack that was aligned before the call.
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(enter_fiber);
    for (int saved = 0; saved < 6; saved++) *--top = nullptr;
    fiber.stack_pointer = top;
}

void run_block(u32 n_threads, std::vector<u32>& order, Schedule schedule, std::mt19937& random) {
    for (u32 i = 0; i < n_threads; i++) prepare(fibers[i]);
    // Between two barriers every thread runs once; all or none of them come to a barrier.
    for (bool live = true; live;) {
        if (schedule == Schedule::Random) std::shuffle(order.begin(), order.end(), random);
        u32 n_done = 0;
        for (u32 i : order) {
            running = &fibers[i];
            position.thread = Dimensions{i, 0, 0};
            emulator_switch(&scheduler, running->stack_pointer);
            n_done += running->done;
        }
        if (n_done > 0 && n_done < n_threads) fail("a barrier was not reached by all threads of its block");
        live = n_done == 0;
    }
}

}  // namespace

void barrier() { emulator_switch(&running->stack_pointer, scheduler); }

void run(const Shape& shape, Schedule schedule, const std::function<void()>& thread) {
    static thread_local std::mt19937 random(1);
    const u32 n_threads = shape.block.x;
    if (fibers.size() < n_threads) fibers.resize(n_threads);
    std::vector<u32> order(n_threads);
    std::iota(order.begin(), order.end(), 0);
    if (schedule == Schedule::Reverse) std::reverse(order.begin(), order.end());
    SharedMemory shared(shape.shared_bytes);
    body = &thread;
    position.block_dim = shape.block;
    position.grid_dim = shape.grid;
    position.shared = shared.memory;
    for_each_block(shape.grid, [&](Dimensions block) {
        shared.spoil();
        position.block = block;
        run_block(n_threads, order, schedule, random);
    });
}

#else

namespace {
std::barrier<>* meeting;
}

void barrier() { meeting->arrive_and_wait(); }

void run(const Shape& shape, Schedule, const std::function<void()>& thread) {
    const u32 n_threads = shape.block.x;
    SharedMemory shared(shape.shared_bytes);
    std::barrier<> all(n_threads);
    meeting = &all;
    std::vector<std::thread> threads;
    for (u32 i = 0; i < n_threads; i++) {
        threads.emplace_back([&, i] {
            for_each_block(shape.grid, [&](Dimensions block) {
                position = Position{{i, 0, 0}, block, shape.block, shape.grid, shared.memory};
                thread();
                all.arrive_and_wait();
            });
        });
    }
    for (std::thread& joined : threads) joined.join();
}

#endif

}  // namespace emulator

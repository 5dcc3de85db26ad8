// A stand-in for NVIDIA's driver library: the functions of the driver API that the CUDA device calls, on the host's
// memory and the emulated kernels. Its devices differ in the order in which they run the threads of a block.
//
// Streams are lazy: work runs when somebody waits for it, so that what must outlive a call is seen to do so. Those of the
// random device now and then run ahead, so that what must wait for another stream is seen to do so.
#include "emulator.h"
#include "kernels.cu"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>

typedef int Result;
typedef unsigned long long Address;
#define API extern "C" __attribute__((visibility("default"))) Result

namespace {

enum : Result {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    NOT_FOUND = 500,
    NOT_READY = 600,
};

const int VERSION = 12010;
const size_t MEMORY_BYTES = size_t{6} << 30;
const size_t REUSABLE_BYTES = size_t{1} << 29;
const size_t SPOILED_BYTES = size_t{1} << 30;
const int MAX_SHARED_BYTES = 99 << 10;

struct Device {
    const char* name;
    emulator::Schedule schedule;
};

Device devices[] = {
    {"CUDA emulation, forward", emulator::Schedule::Forward},
    {"CUDA emulation, reverse", emulator::Schedule::Reverse},
    {"CUDA emulation, random", emulator::Schedule::Random},
};
// Sanitizers are slow, so they run on the first device only.
#ifdef EMULATOR_DEVICES
const int N_DEVICES = EMULATOR_DEVICES;
#else
const int N_DEVICES = sizeof devices / sizeof *devices;
#endif

thread_local Device* current;

// Everything happens under one lock: emulated blocks have one shared memory.
std::recursive_mutex lock;
#define LOCKED std::lock_guard<std::recursive_mutex> locked(lock)

// A pool keeps what it once took, until it is trimmed. Memory that is given back in a stream's order can be taken at once
// for what the stream is given later: so does a pool that reuses. (One that does not is for the address sanitizer.)
struct Pool {
    bool reuses;
    size_t used = 0, reserved = 0;
    std::multimap<size_t, Address> reusable = {};
    size_t reusable_bytes = 0;
};

struct Allocation {
    Pool* pool;
    size_t bytes;
};

std::map<Address, Allocation> allocations;
// Of all pools.
size_t reserved = 0;
std::map<void*, size_t> page_locked;

struct Stream {
    Device* device;
    std::deque<std::function<void()>> work;
    u64 tosses;
    u64 n_enqueued = 0, n_done = 0;

    void enqueue(std::function<void()> item) {
        work.push_back(std::move(item));
        n_enqueued++;
        if (device->schedule == emulator::Schedule::Random && coin()) run_until(n_enqueued);
    }

    bool coin() {
        tosses = tosses * 6364136223846793005 + 1442695040888963407;
        return tosses >> 63;
    }

    void run_until(u64 count) {
        while (n_done < count) {
            std::function<void()> item = std::move(work.front());
            work.pop_front();
            item();
            n_done++;
        }
    }
};

struct Event {
    Stream* stream = nullptr;
    u64 count = 0;
};

void release(Address address) {
    const auto found = allocations.find(address);
    if (found == allocations.end()) {
        fprintf(stderr, "CUDA emulation: freed what was not allocated\n");
        abort();
    }
    found->second.pool->used -= found->second.bytes;
    allocations.erase(found);
    std::free(reinterpret_cast<void*>(address));
}

Stream* stream_of(void* handle) { return static_cast<Stream*>(handle); }

}  // namespace

API cuDriverGetVersion(int* version) {
    *version = VERSION;
    return SUCCESS;
}
API cuInit(unsigned) { return SUCCESS; }
API cuDeviceGetCount(int* count) {
    *count = N_DEVICES;
    return SUCCESS;
}
API cuDeviceGet(int* device, int ordinal) {
    if (ordinal < 0 || ordinal >= N_DEVICES) return INVALID_DEVICE;
    *device = ordinal;
    return SUCCESS;
}
API cuDeviceGetName(char* name, int len, int device) {
    snprintf(name, len, "%s", devices[device].name);
    return SUCCESS;
}
API cuDeviceTotalMem_v2(size_t* bytes, int) {
    *bytes = MEMORY_BYTES;
    return SUCCESS;
}
API cuDeviceGetAttribute(int* value, int attribute, int) {
    switch (attribute) {
    case 16:  // multiprocessors
        *value = 2;
        break;
    case 75:  // compute capability, major
        *value = 9;
        break;
    case 97:  // shared memory of a block, at most
        *value = MAX_SHARED_BYTES;
        break;
    default:
        *value = 0;
    }
    return SUCCESS;
}
API cuDevicePrimaryCtxRetain(void** context, int device) {
    *context = &devices[device];
    return SUCCESS;
}
API cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
API cuCtxSetCurrent(void* context) {
    current = static_cast<Device*>(context);
    return SUCCESS;
}
API cuMemGetInfo_v2(size_t* free, size_t* total) {
    LOCKED;
    *free = MEMORY_BYTES - reserved;
    *total = MEMORY_BYTES;
    return SUCCESS;
}

API cuStreamCreate(void** stream, unsigned) {
    if (!current) return INVALID_CONTEXT;
    static u64 n_streams = 0;
    *stream = new Stream{current, {}, n_streams++};
    return SUCCESS;
}
API cuStreamSynchronize(void* handle) {
    LOCKED;
    stream_of(handle)->run_until(stream_of(handle)->n_enqueued);
    return SUCCESS;
}
API cuStreamDestroy_v2(void* handle) {
    cuStreamSynchronize(handle);
    delete stream_of(handle);
    return SUCCESS;
}
API cuStreamWaitEvent(void* stream, void* handle, unsigned) {
    LOCKED;
    const Event event = *static_cast<Event*>(handle);
    if (event.stream) stream_of(stream)->enqueue([=] { event.stream->run_until(event.count); });
    return SUCCESS;
}
API cuEventCreate(void** event, unsigned) {
    *event = new Event;
    return SUCCESS;
}
API cuEventRecord(void* handle, void* stream) {
    LOCKED;
    *static_cast<Event*>(handle) = Event{stream_of(stream), stream_of(stream)->n_enqueued};
    return SUCCESS;
}
API cuEventSynchronize(void* handle) {
    LOCKED;
    const Event& event = *static_cast<Event*>(handle);
    if (event.stream) event.stream->run_until(event.count);
    return SUCCESS;
}
API cuEventQuery(void* handle) {
    LOCKED;
    const Event& event = *static_cast<Event*>(handle);
    return event.stream && event.stream->n_done < event.count ? NOT_READY : SUCCESS;
}
API cuEventDestroy_v2(void* handle) {
    delete static_cast<Event*>(handle);
    return SUCCESS;
}

API cuMemPoolCreate(void** pool, const void*) {
    *pool = new Pool{current->schedule != emulator::Schedule::Forward};
    return SUCCESS;
}
API cuMemPoolTrimTo(void* handle, size_t least) {
    LOCKED;
    Pool& pool = *static_cast<Pool*>(handle);
    for (const auto& [bytes, address] : pool.reusable) std::free(reinterpret_cast<void*>(address));
    pool.reusable.clear();
    pool.reusable_bytes = 0;
    const size_t kept = std::min(pool.reserved, std::max(pool.used, least));
    reserved -= pool.reserved - kept;
    pool.reserved = kept;
    return SUCCESS;
}
API cuMemPoolDestroy(void* handle) {
    LOCKED;
    cuMemPoolTrimTo(handle, 0);
    if (static_cast<Pool*>(handle)->used > 0) {
        fprintf(stderr, "CUDA emulation: destroyed a pool that is in use\n");
        abort();
    }
    delete static_cast<Pool*>(handle);
    return SUCCESS;
}
API cuMemPoolSetAttribute(void*, int, void*) { return SUCCESS; }
API cuMemPoolGetAttribute(void* handle, int attribute, void* value) {
    LOCKED;
    if (attribute != 5) return INVALID_VALUE;  // what is reserved now
    *static_cast<u64*>(value) = static_cast<Pool*>(handle)->reserved;
    return SUCCESS;
}
API cuMemAllocFromPoolAsync(Address* address, size_t bytes, void* handle, void* stream) {
    LOCKED;
    Pool& pool = *static_cast<Pool*>(handle);
    const auto available = [&] { return pool.reserved - pool.used + (MEMORY_BYTES - reserved); };
    // Memory that waits to be freed may be needed.
    if (bytes > available()) cuStreamSynchronize(stream);
    if (bytes > available()) return OUT_OF_MEMORY;
    // What nobody wrote is garbage.
    if (const auto found = pool.reusable.find(bytes); found != pool.reusable.end()) {
        *address = found->second;
        pool.reusable.erase(found);
        pool.reusable_bytes -= bytes;
        stream_of(stream)->enqueue([=, memory = *address] { std::memset(reinterpret_cast<void*>(memory), 0xa5, bytes); });
    } else {
        void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
        if (!memory) return OUT_OF_MEMORY;
        // An arena that is taken as a whole is left to be touched later.
        if (bytes <= SPOILED_BYTES) std::memset(memory, 0xa5, bytes);
        *address = reinterpret_cast<Address>(memory);
    }
    allocations[*address] = {&pool, bytes};
    pool.used += bytes;
    if (pool.used > pool.reserved) {
        reserved += pool.used - pool.reserved;
        pool.reserved = pool.used;
    }
    return SUCCESS;
}
API cuMemFreeAsync(Address address, void* stream) {
    LOCKED;
    const auto found = allocations.find(address);
    if (found == allocations.end()) return INVALID_VALUE;
    const auto [pool, bytes] = found->second;
    if (pool->reuses && pool->reusable_bytes + bytes <= REUSABLE_BYTES) {
        allocations.erase(found);
        pool->used -= bytes;
        pool->reusable.emplace(bytes, address);
        pool->reusable_bytes += bytes;
    } else {
        stream_of(stream)->enqueue([=] { release(address); });
    }
    return SUCCESS;
}
API cuMemHostAlloc(void** memory, size_t bytes, unsigned) {
    *memory = std::malloc(bytes);
    return *memory ? SUCCESS : OUT_OF_MEMORY;
}
API cuMemFreeHost(void* memory) {
    std::free(memory);
    return SUCCESS;
}
API cuMemHostRegister_v2(void* memory, size_t bytes, unsigned) {
    LOCKED;
    return page_locked.emplace(memory, bytes).second ? SUCCESS : INVALID_VALUE;
}
API cuMemHostUnregister(void* memory) {
    LOCKED;
    return page_locked.erase(memory) ? SUCCESS : INVALID_VALUE;
}
// Of the attributes, the kind of memory; the host's is 1.
API cuPointerGetAttribute(void* value, int attribute, Address address) {
    LOCKED;
    const auto after = page_locked.upper_bound(reinterpret_cast<void*>(address));
    if (attribute != 2 || after == page_locked.begin()) return INVALID_VALUE;
    const auto& [memory, bytes] = *std::prev(after);
    if (address >= reinterpret_cast<Address>(memory) + bytes) return INVALID_VALUE;
    *static_cast<u32*>(value) = 1;
    return SUCCESS;
}
API cuMemsetD8Async(Address to, unsigned char byte, size_t n, void* stream) {
    LOCKED;
    stream_of(stream)->enqueue([=] { std::memset(reinterpret_cast<void*>(to), byte, n); });
    return SUCCESS;
}

static Result copy_async(void* to, const void* from, size_t n, void* stream) {
    LOCKED;
    stream_of(stream)->enqueue([=] { std::memmove(to, from, n); });
    return SUCCESS;
}
API cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t n, void* stream) {
    return copy_async(reinterpret_cast<void*>(to), from, n, stream);
}
API cuMemcpyDtoHAsync_v2(void* to, Address from, size_t n, void* stream) {
    return copy_async(to, reinterpret_cast<void*>(from), n, stream);
}
API cuMemcpyDtoDAsync_v2(Address to, Address from, size_t n, void* stream) {
    return copy_async(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), n, stream);
}

API cuModuleLoadData(void** module, const void*) {
    *module = &emulator::kernels();
    return SUCCESS;
}
API cuModuleUnload(void*) { return SUCCESS; }
API cuModuleGetFunction(void** function, void*, const char* name) {
    const auto found = emulator::kernels().find(name);
    if (found == emulator::kernels().end()) return NOT_FOUND;
    *function = &found->second;
    return SUCCESS;
}
API cuFuncSetAttribute(void*, int, int value) { return value <= MAX_SHARED_BYTES ? SUCCESS : INVALID_VALUE; }
API cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                   unsigned block_y, unsigned block_z, unsigned shared_bytes, void* stream, void** arguments, void**) {
    const emulator::Kernel& kernel = *static_cast<emulator::Kernel*>(function);
    const bool grid = grid_x > 0 && grid_x < 1u << 31 && grid_y > 0 && grid_y < 65536 && grid_z == 1;
    const bool block = block_x > 0 && block_x <= kernel.max_threads && block_y == 1 && block_z == 1;
    if (!grid || !block || shared_bytes > MAX_SHARED_BYTES) return INVALID_VALUE;
    const emulator::Shape shape = {{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes};
    LOCKED;
    const emulator::Schedule schedule = stream_of(stream)->device->schedule;
    stream_of(stream)->enqueue([=, thread = kernel.bind(arguments)] { emulator::run(shape, schedule, thread); });
    return SUCCESS;
}

API cuGetErrorName(Result error, const char** name) {
    switch (error) {
    case INVALID_VALUE:
        *name = "CUDA_ERROR_INVALID_VALUE";
        break;
    case OUT_OF_MEMORY:
        *name = "CUDA_ERROR_OUT_OF_MEMORY";
        break;
    case INVALID_DEVICE:
        *name = "CUDA_ERROR_INVALID_DEVICE";
        break;
    case INVALID_CONTEXT:
        *name = "CUDA_ERROR_INVALID_CONTEXT";
        break;
    case NOT_FOUND:
        *name = "CUDA_ERROR_NOT_FOUND";
        break;
    case NOT_READY:
        *name = "CUDA_ERROR_NOT_READY";
        break;
    default:
        *name = "CUDA_ERROR_UNKNOWN";
    }
    return SUCCESS;
}

// Runs a grid of CUDA threads on the CPU: blocks one after another, the threads of a block on fibers (fibers.h), with
// every access to memory looked at (memory.h). A thread runs until it has to wait for others or returns, so that all
// that happens is repeatable, and a missing barrier or a barrier that some threads never reach is found for certain.
#include "device.h"
#undef for
#undef while
#include "fibers.h"
#include "memory.h"

Position cuda_position;

namespace cuda_emulation {

enum State { NOT_STARTED, READY, AT_BARRIER, AT_WARP, FINISHED };

struct Thread {
    State state;
    int fiber, line, vote;
    unsigned mask, met;               // the lanes it waits for, and those that came
    unsigned long long value, shown;  // what it gives to its warp, and what the others of its warp see
};

void (*kernel)(void **);
void **kernel_arguments;
Thread threads[MOST_FIBERS];
int thread_count, order[MOST_FIBERS], next_in_order, finished_count, current;
int barrier_result, (*combine_votes)(int, int);
uint32_t warp_intervals[MOST_FIBERS / 32];
Fiber scheduler, fibers[MOST_FIBERS];
int fiber_count, free_fibers[MOST_FIBERS], free_count, current_fiber;

const volatile int *should_stop;  // set by Python after the time limit, or when the user interrupts

Region all_regions[1 << 12];

void place(unsigned where[3], unsigned index, dim3 size) {
    where[0] = index % size.x, where[1] = index / size.x % size.y, where[2] = index / size.x / size.y;
}

void set_failure(Failure failure, int thread) {
    report.failure = failure;
    place(report.thread, thread, blockDim);
    place(report.block, current_block, gridDim);
}

[[noreturn]] void fail(Failure failure, void *code) {
    set_failure(failure, current);
    report.code = code ? image_offset(code) : 0;
    switch_fiber(fibers[current_fiber], scheduler);
    __builtin_unreachable();
}

void make_current(int thread) {
    unsigned where[3];
    place(where, thread, blockDim);
    threadIdx = {where[0], where[1], where[2]};
    current = thread;
    current_thread = thread + 1;
    current_warp_interval = warp_intervals[thread / 32];
}

// Runs threads that have not started yet, as long as none of them has to wait.
void run_threads() {
    while (true) {
        while (next_in_order < thread_count) {
            int thread = order[next_in_order++];
            make_current(thread);
            threads[thread].fiber = current_fiber;
            kernel(kernel_arguments);
            threads[current].state = FINISHED;
            finished_count++;
        }
        free_fibers[free_count++] = current_fiber;
        switch_fiber(fibers[current_fiber], scheduler);
    }
}

void run_fiber(int fiber) {
    current_fiber = fiber;
    current_stack = fibers[fiber].stack;
    switch_fiber(scheduler, fibers[fiber]);
}

int unused_fiber() {
    if (free_count) return free_fibers[--free_count];
    fibers[fiber_count].stack = stacks + fiber_count * STACK_BYTES;
    start_fiber(fibers[fiber_count], run_threads);
    return fiber_count++;
}

// The running thread waits in the given state until the scheduler lets it go on.
void wait(State state, int line) {
    threads[current].state = state;
    threads[current].line = line;
    switch_fiber(fibers[current_fiber], scheduler);
}

bool let_warps_go_on() {
    bool some = false;
    for (int t = 0; t < thread_count; t++) {
        if (threads[t].state != AT_WARP) continue;
        int first = t / 32 * 32;
        bool complete = true;
        for (int lane = 0; lane < 32 && first + lane < thread_count; lane++) {
            const Thread &other = threads[first + lane];
            if (!(threads[t].mask >> lane & 1) || other.state == FINISHED) continue;
            complete &= other.state == AT_WARP && other.mask == threads[t].mask;
        }
        if (!complete) continue;
        some = true;
        warp_intervals[t / 32]++;
        unsigned met = 0;
        for (int lane = 0; lane < 32 && first + lane < thread_count; lane++)
            if ((threads[t].mask >> lane & 1) && threads[first + lane].state == AT_WARP) met |= 1u << lane;
        for (int lane = 0; lane < 32; lane++) {
            if (!(met >> lane & 1)) continue;
            Thread &member = threads[first + lane];
            member.state = READY;
            member.met = met;
            member.shown = member.value;
        }
    }
    return some;
}

// All threads that have not returned wait. Lets them go on if they wait at the same barrier, and nobody is missing.
bool let_block_go_on() {
    int waiting = -1;
    for (int t = 0; t < thread_count; t++)
        if (threads[t].state == AT_BARRIER) waiting = t;
    for (int t = 0; t < thread_count; t++) {
        if (waiting >= 0 && threads[t].state == AT_BARRIER && threads[t].line == threads[waiting].line) continue;
        if (waiting < 0 && threads[t].state != AT_WARP) continue;
        set_failure(waiting < 0 ? BAD_WARP : DIVERGENT_BARRIER, waiting < 0 ? t : waiting);
        report.line = threads[waiting < 0 ? t : waiting].line;
        report.other_thread = t;
        report.other_line = threads[t].state == FINISHED ? -1 : threads[t].line;
        return false;
    }
    barrier_result = threads[0].vote;
    for (int t = 1; t < thread_count; t++) barrier_result = combine_votes(barrier_result, threads[t].vote);
    for (int t = 0; t < thread_count; t++) threads[t].state = READY;
    current_interval++;
    return true;
}

void run_block() {
    for (int t = 0; t < thread_count; t++) threads[t] = {};
    next_in_order = finished_count = 0;
    current_interval++;
    while (true) {
        while (next_in_order < thread_count) {
            run_fiber(unused_fiber());
            if (report.failure) return;
        }
        bool some = false;
        for (int i = 0; i < thread_count; i++) {
            int thread = order[i];
            if (threads[thread].state != READY) continue;
            some = true;
            make_current(thread);
            run_fiber(threads[thread].fiber);
            if (report.failure) return;
        }
        if (finished_count == thread_count) return;
        if (!some && !let_warps_go_on() && !let_block_go_on()) return;
    }
}

// --- shared memory: filled anew with what is no number for each block ---

#ifdef __APPLE__
extern char shared_begin[] __asm__("section$start$__DATA$cuda_shared");
extern char shared_end[] __asm__("section$end$__DATA$cuda_shared");
#else
extern char shared_begin[] __asm__("__start_cuda_shared") __attribute__((visibility("hidden")));
extern char shared_end[] __asm__("__stop_cuda_shared") __attribute__((visibility("hidden")));
#endif

// Which bytes are pads, known by what they hold, or fill the gap after one.
unsigned char *layout_of_static_memory(size_t bytes) {
    static unsigned char *layout;
    if (layout) return layout;
    layout = (unsigned char *)calloc(bytes, 1);
    if (!layout) return nullptr;
    for (size_t i = 0; i + CUDA_PAD_BYTES <= bytes; i++) {
        if (memcmp(shared_begin + i, CUDA_PAD, CUDA_PAD_BYTES)) continue;
        size_t end = i + CUDA_PAD_BYTES;
        while (end < bytes && (uintptr_t)(shared_begin + end) % 16) end++;
        memset(layout + i, PAD, end - i);
        i = end - 1;
    }
    return layout;
}

const size_t DYNAMIC_PAD = 4096;  // before and after the dynamic shared memory

bool allocate_region(Region &region, char *begin, size_t bytes) {
    Cell *cells = (Cell *)calloc(bytes / CELL_BYTES + 1, sizeof(Cell));
    region = {begin, bytes, (unsigned char *)malloc(bytes + 1), cells, false};
    return region.written && region.cells;
}

void clear_shared_memory(const unsigned char *layout) {
    Region &dynamic = regions[DYNAMIC], &fixed = regions[STATIC];
    memset(dynamic.begin, 0xff, dynamic.bytes);
    memset(dynamic.written, PAD, dynamic.bytes);
    memset(dynamic.written + DYNAMIC_PAD, EMPTY, dynamic.bytes - 2 * DYNAMIC_PAD);
    memcpy(fixed.written, layout, fixed.bytes);
    for (size_t i = 0; i < fixed.bytes; i++)
        if (layout[i] != PAD) fixed.begin[i] = (char)0xff;
}

void shuffle_order(uint64_t seed) {
    for (int i = thread_count - 1; i > 0; i--) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int other = (seed >> 33) % (i + 1), thread = order[i];
        order[i] = order[other], order[other] = thread;
    }
}

unsigned exchange(int line, unsigned mask, unsigned long long value) {
    int lane = current % 32;
    if (!(mask >> lane & 1)) {
        report.line = line;
        report.index = -1;
        fail(BAD_WARP, nullptr);
    }
    threads[current].mask = mask;
    threads[current].value = value;
    wait(AT_WARP, line);
    return current / 32 * 32;
}

}  // namespace cuda_emulation

using namespace cuda_emulation;

// --- what device.h declares ---

void *cuda_dynamic_shared() { return regions[DYNAMIC].begin + DYNAMIC_PAD; }

int cuda_barrier(int line, int vote, int (*combine)(int, int)) {
    threads[current].vote = vote;
    combine_votes = combine;
    wait(AT_BARRIER, line);
    return barrier_result;
}

unsigned long long cuda_exchange(int line, unsigned mask, unsigned long long value, int source) {
    unsigned first = exchange(line, mask, value);
    if (!(threads[current].met >> source & 1)) {
        report.line = line;
        report.index = source;
        fail(BAD_WARP, nullptr);
    }
    return threads[first + source].shown;
}

unsigned cuda_ballot(int line, unsigned mask, bool vote) {
    unsigned first = exchange(line, mask, vote), result = 0;
    for (int lane = 0; lane < 32; lane++)
        if (threads[current].met >> lane & 1) result |= (unsigned)threads[first + lane].shown << lane;
    return result;
}

// Threads of a warp run one at a time here, so that never more than one is active.
unsigned cuda_active_mask() { return 1u << current % 32; }

void cuda_warp_barrier(int line, unsigned mask) { exchange(line, mask, 0); }

void cuda_atomic(const void *address, size_t bytes, void *code) { access(address, bytes, ATOMIC, code); }

void cuda_tick() {
    if (*should_stop) fail(INTERRUPTED, CODE);
}

// --- what Python calls ---

struct Launch {
    void (*kernel)(void **);
    void **arguments;
    unsigned grid[3], block[3];
    uint64_t dynamic_bytes;
    int order;  // 0 forward, 1 reverse, 2 shuffled
    uint64_t seed;
    const Region *global;  // arrays in global memory
    int global_count;
    const volatile int *should_stop;
};

extern "C" __attribute__((visibility("default"))) uint64_t cuda_static_shared_bytes() {
    size_t bytes = shared_end - shared_begin, used = 0;
    const unsigned char *layout = layout_of_static_memory(bytes);
    for (size_t i = 0; i < bytes; i++) used += layout[i] != PAD;
    return used;
}

extern "C" __attribute__((visibility("default"))) int cuda_launch(const Launch *launch, Report *result) {
    report = {};
    image = image_of((void *)&cuda_launch);
    kernel = launch->kernel;
    kernel_arguments = launch->arguments;
    should_stop = launch->should_stop;
    gridDim = {launch->grid[0], launch->grid[1], launch->grid[2]};
    blockDim = {launch->block[0], launch->block[1], launch->block[2]};
    thread_count = blockDim.x * blockDim.y * blockDim.z;
    fiber_count = free_count = last_region = current_interval = 0;
    memset(warp_intervals, 0, sizeof warp_intervals);
    for (int t = 0; t < thread_count; t++) order[t] = launch->order == 1 ? thread_count - 1 - t : t;

    size_t static_bytes = shared_end - shared_begin;
    size_t dynamic_bytes = launch->dynamic_bytes + 2 * DYNAMIC_PAD;
    char *dynamic = (char *)aligned_alloc(256, (dynamic_bytes + 255) / 256 * 256);
    unsigned char *layout = layout_of_static_memory(static_bytes);
    regions = all_regions;
    region_count = STATIC + 1 + launch->global_count;
    bool has_memory = dynamic && layout && allocate_stacks();
    has_memory &= allocate_region(regions[DYNAMIC], dynamic, dynamic_bytes);
    has_memory &= allocate_region(regions[STATIC], shared_begin, static_bytes);
    for (int r = 0; r < launch->global_count; r++) {
        Region &region = regions[STATIC + 1 + r] = launch->global[r];
        if (region.is_constant) continue;
        has_memory &= bool(region.cells = (Cell *)calloc(region.bytes / CELL_BYTES + 1, sizeof(Cell)));
    }
    if (!has_memory) report.failure = NO_MEMORY;

    uint32_t block_count = gridDim.x * gridDim.y * gridDim.z;
    for (current_block = 0; current_block < block_count && !report.failure; current_block++) {
        unsigned where[3];
        place(where, current_block, gridDim);
        blockIdx = {where[0], where[1], where[2]};
        clear_shared_memory(layout);
        if (launch->order == 2) shuffle_order(launch->seed + current_block);
        run_block();
        if (report.failure) break;
    }

    current_stack = nullptr;
    for (int r = 0; r < region_count; r++) free(regions[r].cells);
    free(regions[DYNAMIC].written), free(regions[STATIC].written), free(dynamic);
    if (stacks) free_stacks();
    *result = report;
    return report.failure;
}

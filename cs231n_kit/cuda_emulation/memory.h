// What a thread may read and write. g++ -fsanitize=thread calls the functions at the end of this file before every
// access; here they look for mistakes instead of ThreadSanitizer.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>

namespace cuda_emulation {

enum Failure {
    NONE, OUT_OF_BOUNDS, UNINITIALISED, RACE, MISALIGNED, DIVERGENT_BARRIER, BAD_WARP, INTERRUPTED, STACK_OVERFLOW,
    BAD_INDEX, DIVISION, NO_MEMORY
};
enum Access { READ, WRITE, ATOMIC };

// What went wrong, for Python to put into words.
struct Report {
    int failure, access, other_access, region;
    unsigned thread[3], block[3], other_thread, other_block;
    uintptr_t address, code, other_code;  // code addresses count from where the library was loaded
    long long bytes, line, other_line, index;
};

// An access remembered for the detection of races. `interval` counts barriers, `warp_interval` those of the warp.
// A cell remembers those of 4 bytes of memory, and `bytes` which of the four were meant.
struct Remembered { uint32_t thread, block, interval, warp_interval, code; uint8_t bytes; bool is_atomic; };
struct Cell { Remembered write, read, other_read; };
const size_t CELL_BYTES = 4;

// Memory that kernels may use: an array in global memory, or the shared memory of the block.
struct Region {
    char *begin;
    uint64_t bytes;
    unsigned char *written;  // for each byte whether it holds a value (a pad: PAD), or null where all do
    Cell *cells;             // null where no kernel may write: there are no races on what is only read
    uint64_t is_constant;
};
const unsigned char EMPTY = 0, WRITTEN = 1, PAD = 2;
const uint32_t NOBODY = 0;

Report report;
Region *regions;
int region_count, last_region;
const int DYNAMIC = 0, STATIC = 1;  // the first two regions are the shared memory

// Who runs at the moment; set by the scheduler.
uint32_t current_thread, current_block, current_interval, current_warp_interval;
char *current_stack;

[[noreturn]] void fail(Failure failure, void *code);

char *image;  // where this library was loaded

uintptr_t image_offset(const void *code) { return (const char *)code - image; }

char *image_of(const void *address) {
    Dl_info found;
    return dladdr(address, &found) ? (char *)found.dli_fbase : nullptr;
}

int region_of(const char *address) {
    if (last_region < region_count && (uint64_t)(address - regions[last_region].begin) < regions[last_region].bytes)
        return last_region;
    for (int r = 0; r < region_count; r++)
        if ((uint64_t)(address - regions[r].begin) < regions[r].bytes) return last_region = r;
    return -1;
}

// Whether an earlier access and one of the current thread may happen in either order.
bool is_unordered(const Remembered &earlier, uint8_t bytes, bool is_shared) {
    if (earlier.thread == NOBODY || !(earlier.bytes & bytes)) return false;
    if (earlier.block != current_block) return !is_shared;  // blocks have shared memory of their own
    if (earlier.thread == current_thread || earlier.interval != current_interval) return false;
    bool same_warp = (earlier.thread - 1) / 32 == (current_thread - 1) / 32;
    return !(same_warp && earlier.warp_interval != current_warp_interval);
}

void check_race(const Remembered &earlier, Access earlier_access, Access access, uint8_t bytes, bool is_shared,
                void *code) {
    if (!is_unordered(earlier, bytes, is_shared) || (earlier.is_atomic && access == ATOMIC)) return;
    report.other_access = earlier.is_atomic ? ATOMIC : earlier_access;
    report.other_thread = earlier.thread - 1;
    report.other_block = earlier.block;
    report.other_code = earlier.code;
    fail(RACE, code);
}

void remember(Cell &cell, Access access, uint8_t bytes, bool is_shared, void *code) {
    check_race(cell.write, WRITE, access, bytes, is_shared, code);
    if (access != READ) {
        check_race(cell.read, READ, access, bytes, is_shared, code);
        check_race(cell.other_read, READ, access, bytes, is_shared, code);
    }
    // Of readers two are enough: whoever writes later differs from one of them.
    Remembered &place = access != READ ? cell.write
                        : is_unordered(cell.read, bytes, is_shared) ? cell.other_read : cell.read;
    place = {current_thread, current_block, current_interval, current_warp_interval, (uint32_t)image_offset(code),
             bytes, access == ATOMIC};
}

void access(const void *pointer, size_t bytes, Access kind, void *code) {
    const char *address = (const char *)pointer;
    if ((size_t)(address - current_stack) < STACK_BYTES) return;  // the thread's own variables
    if ((size_t)(address - (char *)&cuda_position) < sizeof cuda_position) return;
    report.address = (uintptr_t)address;
    report.bytes = bytes;
    report.access = kind;
    int r = region_of(address);
    report.region = r;
    if (r < 0) {
        if (image_of(address) == image) return;  // a constant
        fail(OUT_OF_BOUNDS, code);
    }
    Region &region = regions[r];
    size_t offset = address - region.begin;
    if (offset + bytes > region.bytes) fail(OUT_OF_BOUNDS, code);
    if ((uintptr_t)address % bytes) fail(MISALIGNED, code);
    if (region.written)
        for (size_t i = offset; i < offset + bytes; i++) {
            if (region.written[i] == PAD) fail(OUT_OF_BOUNDS, code);
            if (region.written[i] == EMPTY && kind != WRITE) fail(UNINITIALISED, code);
            region.written[i] = WRITTEN;
        }
    if (!region.cells) return;
    if (bytes < CELL_BYTES) {
        uint8_t mask = ((1 << bytes) - 1) << offset % CELL_BYTES;
        return remember(region.cells[offset / CELL_BYTES], kind, mask, r <= STATIC, code);
    }
    for (size_t i = 0; i < bytes; i += CELL_BYTES)
        remember(region.cells[(offset + i) / CELL_BYTES], kind, 0xf, r <= STATIC, code);
}

#define HOOK extern "C" __attribute__((used, visibility("hidden")))
#define CODE __builtin_return_address(0)
#define HOOKS(bytes)                                                                            \
    HOOK void __tsan_read##bytes(void *address) { access(address, bytes, READ, CODE); }             \
    HOOK void __tsan_write##bytes(void *address) { access(address, bytes, WRITE, CODE); }           \
    HOOK void __tsan_unaligned_read##bytes(void *address) { access(address, bytes, READ, CODE); }   \
    HOOK void __tsan_unaligned_write##bytes(void *address) { access(address, bytes, WRITE, CODE); }
HOOKS(1) HOOKS(2) HOOKS(4) HOOKS(8) HOOKS(16)
// Pieces of 4 bytes: what is copied at once here is so on a GPU only up to 16 bytes.
void access_range(char *address, size_t bytes, Access kind, void *code) {
    size_t step = bytes % 4 ? 1 : 4;
    for (size_t i = 0; i < bytes; i += step) access(address + i, step, kind, code);
}
HOOK void __tsan_read_range(char *address, size_t bytes) { access_range(address, bytes, READ, CODE); }
HOOK void __tsan_write_range(char *address, size_t bytes) { access_range(address, bytes, WRITE, CODE); }
HOOK void __tsan_vptr_update(void **, void *) {}
HOOK void __tsan_init() {}
HOOK void __tsan_func_exit() {}
HOOK void __tsan_func_entry(void *) {
    char *here = (char *)__builtin_frame_address(0);
    if (current_stack && here < current_stack + STACK_BYTES / 4) fail(STACK_OVERFLOW, CODE);
}

// g++ -fsanitize=bounds and integer-divide-by-zero call these; the first word of what they get is the place.
struct Place { const char *file; uint32_t line, column; };
HOOK void __ubsan_handle_out_of_bounds(Place *place, uintptr_t index) {
    report.line = place->line;
    report.index = index;
    fail(BAD_INDEX, nullptr);
}
HOOK void __ubsan_handle_divrem_overflow(Place *place, uintptr_t, uintptr_t) {
    report.line = place->line;
    fail(DIVISION, nullptr);
}

}  // namespace cuda_emulation

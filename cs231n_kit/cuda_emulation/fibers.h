// Fibers: stacks of their own among which one operating-system thread switches. A fiber runs the threads of a block
// one after another until one of them has to wait; then that thread keeps the fiber, and another fiber goes on.
#pragma once

#include <cstddef>
#include <sys/mman.h>
#if !defined(__x86_64__) || defined(CUDA_EMULATION_UCONTEXT)
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700  // macOS asks for it
#endif
#include <ucontext.h>
#endif

namespace cuda_emulation {

const size_t STACK_BYTES = 128 << 10;
const int MOST_FIBERS = 1024;  // the threads of a block

char *stacks;  // of all fibers

bool allocate_stacks() {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *memory = mmap(nullptr, MOST_FIBERS * STACK_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
    stacks = memory == MAP_FAILED ? nullptr : (char *)memory;
    return stacks;
}

void free_stacks() { munmap(stacks, MOST_FIBERS * STACK_BYTES); }

#if defined(__x86_64__) && !defined(CUDA_EMULATION_UCONTEXT)

struct Fiber { void *stack_pointer; char *stack; };

void switch_stack(void **save, void *load) __asm__("cuda_emulation_switch");
__asm__(R"(
.text
.p2align 4
cuda_emulation_switch:
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

void start_fiber(Fiber &fiber, void (*body)()) {
    void **top = (void **)(fiber.stack + STACK_BYTES);
    *--top = nullptr;  // keeps the stack aligned as if body had been called
    *--top = (void *)body;
    fiber.stack_pointer = top - 6;
}

void switch_fiber(Fiber &from, Fiber &to) { switch_stack(&from.stack_pointer, to.stack_pointer); }

#else  // slower, for every other processor

struct Fiber { ucontext_t context; char *stack; };

void start_fiber(Fiber &fiber, void (*body)()) {
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = STACK_BYTES;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, body, 0);
}

void switch_fiber(Fiber &from, Fiber &to) { swapcontext(&from.context, &to.context); }

#endif

}  // namespace cuda_emulation

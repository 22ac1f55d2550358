// What a CUDA kernel sees when it is compiled as C++: CUDA's words, as far as the course uses them.
// Included before the kernel's source. The other side of the functions declared here is in runtime.cpp.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

struct uint3 { unsigned x, y, z; };
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

// The runtime sets these before it lets a thread run.
extern struct Position { uint3 thread, block; dim3 block_size, grid_size; } cuda_position;
#define threadIdx (cuda_position.thread)
#define blockIdx (cuda_position.block)
#define blockDim (cuda_position.block_size)
#define gridDim (cuda_position.grid_size)
static const int warpSize = 32;

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#ifndef __restrict__
#define __restrict__ __restrict
#endif
#define __align__(n) __attribute__((aligned(n)))
#undef __noinline__
#define __noinline__ __attribute__((noinline))

// Threads of a block share what is static. Between arrays lie pads, so that an overrun is caught before it reaches
// the next array. The runtime knows pads by what they hold.
#ifdef __APPLE__
#define CUDA_SHARED_SECTION "__DATA,cuda_shared"
#else
#define CUDA_SHARED_SECTION "cuda_shared"
#endif
#define CUDA_PAD "overrun of a __shared__ array, which the emulation of CUDA sees"
#define CUDA_PAD_BYTES sizeof(CUDA_PAD)
#define CUDA_IN_SHARED(bytes) __attribute__((section(CUDA_SHARED_SECTION), used, aligned(bytes)))
static char cuda_first_pad[CUDA_PAD_BYTES] CUDA_IN_SHARED(1) = {CUDA_PAD};
#define CUDA_NAME_(a, b) a##b
#define CUDA_NAME(a, b) CUDA_NAME_(a, b)
#define __shared__ \
    static char CUDA_NAME(cuda_pad_, __COUNTER__)[CUDA_PAD_BYTES] CUDA_IN_SHARED(1) = {CUDA_PAD}; \
    static CUDA_IN_SHARED(16)

// --- what threads do together (runtime.cpp) ---

void *cuda_dynamic_shared();
int cuda_barrier(int line, int vote, int (*combine)(int, int));
unsigned long long cuda_exchange(int line, unsigned mask, unsigned long long value, int source);
unsigned cuda_ballot(int line, unsigned mask, bool vote);
unsigned cuda_active_mask();
void cuda_warp_barrier(int line, unsigned mask);
void cuda_tick();
void cuda_atomic(const void *address, size_t bytes, void *code);

#define __syncthreads() ((void)cuda_barrier(__LINE__, 0, [](int a, int b) { return a | b; }))
#define __syncthreads_or(vote) cuda_barrier(__LINE__, (vote) ? 1 : 0, [](int a, int b) { return a | b; })
#define __syncthreads_and(vote) cuda_barrier(__LINE__, (vote) ? 1 : 0, [](int a, int b) { return a & b; })
#define __syncthreads_count(vote) cuda_barrier(__LINE__, (vote) ? 1 : 0, [](int a, int b) { return a + b; })
#define CUDA_FIRST_(first, ...) first
#define __syncwarp(...) cuda_warp_barrier(__LINE__, CUDA_FIRST_(__VA_ARGS__ __VA_OPT__(,) 0xffffffffu))
#define __ballot_sync(mask, vote) cuda_ballot(__LINE__, mask, vote)
#define __any_sync(mask, vote) (cuda_ballot(__LINE__, mask, vote) != 0)
#define __all_sync(mask, vote) (cuda_ballot(__LINE__, mask, !(vote)) == 0)
#define __activemask() cuda_active_mask()
inline void __threadfence() {}
inline void __threadfence_block() {}

inline int cuda_lane() {
    return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % warpSize;
}

template <class T>
T cuda_shuffle(int line, unsigned mask, T value, int source) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves values of 4 or 8 bytes");
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof value);
    bits = cuda_exchange(line, mask, bits, source);
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}
// A warp may be split into segments of `width` lanes; a lane whose source is outside its segment keeps its value.
template <class T>
T cuda_shuffle_to(int line, unsigned mask, T value, int source, int width = warpSize) {
    return cuda_shuffle(line, mask, value, (cuda_lane() & ~(width - 1)) + (source & (width - 1)));
}
template <class T>
T cuda_shuffle_up(int line, unsigned mask, T value, unsigned delta, int width = warpSize) {
    int source = cuda_lane() - (int)delta, first = cuda_lane() & ~(width - 1);
    return cuda_shuffle(line, mask, value, source < first ? cuda_lane() : source);
}
template <class T>
T cuda_shuffle_down(int line, unsigned mask, T value, unsigned delta, int width = warpSize) {
    int source = cuda_lane() + (int)delta, last = cuda_lane() | (width - 1);
    return cuda_shuffle(line, mask, value, source > last ? cuda_lane() : source);
}
template <class T>
T cuda_shuffle_xor(int line, unsigned mask, T value, int bits, int width = warpSize) {
    int source = cuda_lane() ^ bits, last = cuda_lane() | (width - 1);
    return cuda_shuffle(line, mask, value, source > last ? cuda_lane() : source);
}
#define __shfl_sync(...) cuda_shuffle_to(__LINE__, __VA_ARGS__)
#define __shfl_up_sync(...) cuda_shuffle_up(__LINE__, __VA_ARGS__)
#define __shfl_down_sync(...) cuda_shuffle_down(__LINE__, __VA_ARGS__)
#define __shfl_xor_sync(...) cuda_shuffle_xor(__LINE__, __VA_ARGS__)

// --- atomics: threads are run one after another, so plain operations are atomic ---

#define CUDA_UNCHECKED __attribute__((no_sanitize("thread")))
template <class T> struct CudaSame { using type = T; };
template <class T> using CudaValue = typename CudaSame<T>::type;  // so that T is deduced from the pointer alone
#define CUDA_ATOMIC(name, expression)                                                    \
    template <class T> CUDA_UNCHECKED __noinline__ T name(T *address, CudaValue<T> value) { \
        cuda_atomic(address, sizeof(T), __builtin_return_address(0));                                                  \
        T old = *address;                                                                 \
        *address = (expression);                                                          \
        return old;                                                                       \
    }
CUDA_ATOMIC(atomicAdd, old + value)
CUDA_ATOMIC(atomicSub, old - value)
CUDA_ATOMIC(atomicExch, value)
CUDA_ATOMIC(atomicMin, value < old ? value : old)
CUDA_ATOMIC(atomicMax, old < value ? value : old)
CUDA_ATOMIC(atomicAnd, old & value)
CUDA_ATOMIC(atomicOr, old | value)
CUDA_ATOMIC(atomicXor, old ^ value)
CUDA_ATOMIC(atomicInc, old >= value ? 0 : old + 1)
CUDA_ATOMIC(atomicDec, old == 0 || old > value ? value : old - 1)
template <class T> CUDA_UNCHECKED __noinline__ T atomicCAS(T *address, CudaValue<T> compare, CudaValue<T> value) {
    cuda_atomic(address, sizeof(T), __builtin_return_address(0));
    T old = *address;
    if (old == compare) *address = value;
    return old;
}

// --- vector types ---

#define CUDA_VECTORS(T, name, bytes)                                                                 \
    struct __align__(2 * bytes) name##2 { T x, y; };                                                 \
    struct name##3 { T x, y, z; };                                                                   \
    struct __align__(bytes == 8 ? 16 : 4 * bytes) name##4 { T x, y, z, w; };                         \
    inline name##2 make_##name##2(T x, T y) { return {x, y}; }                                       \
    inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                               \
    inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
struct __align__(8) uint2 { unsigned x, y; };
struct __align__(16) uint4 { unsigned x, y, z, w; };
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
CUDA_VECTORS(int, int, 4)
CUDA_VECTORS(float, float, 4)
CUDA_VECTORS(double, double, 8)

// --- arithmetic; exp, sqrt and so on with their overloads for float come from <cmath> ---

using std::abs; using std::acos; using std::asin; using std::atan; using std::atan2; using std::cbrt; using std::ceil;
using std::cos; using std::cosh; using std::erf; using std::erfc; using std::exp; using std::exp2; using std::expm1;
using std::fabs; using std::floor; using std::fma; using std::fmax; using std::fmin; using std::fmod; using std::hypot;
using std::isfinite; using std::isinf; using std::isnan; using std::lgamma; using std::log; using std::log10;
using std::log1p; using std::log2; using std::pow; using std::rint; using std::round; using std::sin; using std::sinh;
using std::sqrt; using std::tan; using std::tanh; using std::tgamma; using std::trunc;

template <class A, class B> constexpr auto min(A a, B b) -> decltype(a + b) {
    if constexpr (std::is_floating_point_v<decltype(a + b)>) return std::fmin(a, b);
    else { using T = decltype(a + b); return (T)b < (T)a ? (T)b : (T)a; }
}
template <class A, class B> constexpr auto max(A a, B b) -> decltype(a + b) {
    if constexpr (std::is_floating_point_v<decltype(a + b)>) return std::fmax(a, b);
    else { using T = decltype(a + b); return (T)a < (T)b ? (T)b : (T)a; }
}
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline float rsqrt(float x) { return rsqrtf(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __powf(float x, float y) { return std::pow(x, y); }
inline float __sinf(float x) { return std::sin(x); }
inline float __cosf(float x) { return std::cos(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0 ? x < 1 ? x : 1 : 0; }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned long long)x * y >> 32; }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return (unsigned __int128)x * y >> 64;
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
template <class To, class From> To cuda_bits(From from) {
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}
inline float __int_as_float(int x) { return cuda_bits<float>(x); }
inline int __float_as_int(float x) { return cuda_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return cuda_bits<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return cuda_bits<float>(x); }
inline double __longlong_as_double(long long x) { return cuda_bits<double>(x); }
inline long long __double_as_longlong(double x) { return cuda_bits<long long>(x); }
template <class T> inline T __ldg(const T *address) { return *address; }

// --- how Python calls a kernel ---

// One letter and the size of each parameter, which the launch compares with its arguments: p pointer, f floating,
// i signed, u unsigned integer, s anything else. For pointers that of the elements follows; "c" marks constant ones.
template <class T> constexpr char cuda_kind() {
    return std::is_pointer_v<T> ? 'p' : std::is_floating_point_v<T> ? 'f' : !std::is_integral_v<T> ? 's'
         : std::is_signed_v<T> ? 'i' : 'u';
}
struct CudaParameter { char kind; int bytes; char element_kind; int element_bytes; int constant; };
template <class T> CUDA_UNCHECKED CudaParameter cuda_parameter() {
    using P = std::remove_pointer_t<T>;
    if constexpr (std::is_pointer_v<T> && !std::is_void_v<P>)
        return {'p', sizeof(T), cuda_kind<std::remove_cv_t<P>>(), sizeof(P), std::is_const_v<P>};
    else
        return {cuda_kind<T>(), sizeof(T), 'v', 1, std::is_const_v<P>};
}
template <class... A, size_t... I>
CUDA_UNCHECKED void cuda_call(void (*kernel)(A...), void **arguments, std::index_sequence<I...>) {
    kernel(*(std::remove_reference_t<A> *)arguments[I]...);
}
template <class... A> void cuda_call(void (*kernel)(A...), void **arguments) {
    cuda_call(kernel, arguments, std::index_sequence_for<A...>());
}
template <class... A> CUDA_UNCHECKED int cuda_parameters(void (*)(A...), CudaParameter *parameters) {
    CudaParameter all[] = {cuda_parameter<A>()..., {}};
    if (parameters) __builtin_memcpy(parameters, all, sizeof(CudaParameter) * sizeof...(A));
    return sizeof...(A);
}
#define CUDA_ENTRY(kernel)                                                                                           \
    extern "C" __attribute__((visibility("default"))) void cuda_call_##kernel(void **a) { cuda_call(kernel, a); }    \
    extern "C" __attribute__((visibility("default"))) int cuda_parameters_##kernel(CudaParameter *p) {               \
        return cuda_parameters(kernel, p);                                                                           \
    }

// Each round of a loop tells the runtime, which stops what does not come to an end.
#define while(...) while (cuda_tick(), (__VA_ARGS__))
#define for(...) for (__VA_ARGS__) if (cuda_tick(), false) {} else

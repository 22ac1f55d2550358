// Dropout whose mask is a function of the key and of the element's number alone: no thread waits for another one's
// random numbers, and a CPU that draws them in order gets the same mask.

#ifndef real
#define real float
#endif

typedef long long int64;
typedef unsigned long long uint64;

// Philox4x64-10 (Salmon et al. 2011): ten rounds that mix a counter with a key into four random numbers.
__device__ void philox(uint64 counter, uint64 key0, uint64 key1, uint64 out[4]) {
    uint64 a = counter, b = 0, c = 0, d = 0;
    for (int round = 0; round < 10; round++) {
        uint64 high0 = __umul64hi(0xD2E7470EE14C6C93ull, a), low0 = 0xD2E7470EE14C6C93ull * a;
        uint64 high1 = __umul64hi(0xCA5A826395121157ull, c), low1 = 0xCA5A826395121157ull * c;
        a = high1 ^ b ^ key0;
        b = low1;
        c = high0 ^ d ^ key1;
        d = low0;
        key0 += 0x9E3779B97F4A7C15ull;
        key1 += 0xBB67AE8584CAA73Bull;
    }
    out[0] = a, out[1] = b, out[2] = c, out[3] = d;
}

// Each number gives two draws of 24 bits, its lower half the first; so a counter serves 8 elements. numpy.random.Philox
// counts up before it draws, which is why the first counter is 1.
extern "C" __global__ void dropout(const real *x, real *out, real *mask, real p, uint64 key0, uint64 key1, int64 n) {
    int64 first = blockIdx.x * (int64)blockDim.x + threadIdx.x, step = (int64)gridDim.x * blockDim.x;
    for (int64 eight = first; 8 * eight < n; eight += step) {
        uint64 numbers[4];
        philox(eight + 1, key0, key1, numbers);
        for (int k = 0; k < 8; k++) {  // of constant length: only then can numbers be registers
            int64 i = 8 * eight + k;
            if (i >= n) continue;
            unsigned bits = (unsigned)(numbers[k / 2] >> (k % 2 * 32)) >> 8;
            bool is_kept = bits * (1.0f / (1 << 24)) < (float)p;  // in float for every type: the same mask
            real factor = is_kept ? 1 / p : 0;
            mask[i] = factor;
            out[i] = x[i] * factor;
        }
    }
}

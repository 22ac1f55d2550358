// The update rules of lecture 07 for all parameters of a network in one launch: small arrays cost a launch each
// otherwise, and every operation of a rule a pass over memory.
//
// A table holds the addresses of the arrays: for each parameter w, its gradient dw, and up to two arrays of memory.
// The arrays are cut into chunks, and a block takes chunk after chunk: (which parameter, where the chunk begins).

#ifndef real
#define real float
#endif

#define CHUNK 4096  // elements; as in update_cuda.py

typedef long long int64;

struct Arrays { real *w; const real *dw; real *first, *second; };

#define TABLE const int64 *addresses, const int64 *sizes, const int64 *chunks, int64 chunk_count
#define THE_TABLE addresses, sizes, chunks, chunk_count

// rule(arrays, i) updates element i.
template <class Rule>
__device__ void for_each_element(TABLE, Rule rule) {
    for (int64 chunk = blockIdx.x; chunk < chunk_count; chunk += gridDim.x) {
        int64 parameter = chunks[2 * chunk], begin = chunks[2 * chunk + 1];
        const int64 *address = addresses + 4 * parameter;
        Arrays arrays = {(real *)address[0], (const real *)address[1], (real *)address[2], (real *)address[3]};
        int64 end = begin + CHUNK < sizes[parameter] ? begin + CHUNK : sizes[parameter];
        for (int64 i = begin + threadIdx.x; i < end; i += blockDim.x) rule(arrays, i);
    }
}

extern "C" __global__ void sgd(TABLE, real rate) {
    for_each_element(THE_TABLE, [=](const Arrays &p, int64 i) { p.w[i] -= rate * p.dw[i]; });
}

extern "C" __global__ void sgd_momentum(TABLE, real rate, real momentum) {
    for_each_element(THE_TABLE, [=](const Arrays &p, int64 i) {
        real velocity = momentum * p.first[i] - rate * p.dw[i];
        p.first[i] = velocity;
        p.w[i] += velocity;
    });
}

extern "C" __global__ void nesterov(TABLE, real rate, real momentum) {
    for_each_element(THE_TABLE, [=](const Arrays &p, int64 i) {
        real before = p.first[i], velocity = momentum * before - rate * p.dw[i];
        p.first[i] = velocity;
        p.w[i] += velocity + momentum * (velocity - before);
    });
}

// AdaGrad, with kept = added = 1, and RMSProp, with kept = decay and added = 1 - decay.
extern "C" __global__ void scaled(TABLE, real rate, real epsilon, real kept, real added) {
    for_each_element(THE_TABLE, [=](const Arrays &p, int64 i) {
        real dw = p.dw[i], cache = kept * p.first[i] + added * dw * dw;
        p.first[i] = cache;
        p.w[i] -= rate * dw / (sqrt(cache) + epsilon);
    });
}

// Adam and AdamW. The corrections for the first steps come from the host: they are the same for all elements.
extern "C" __global__ void adam(TABLE, real beta1, real rest1, real beta2, real rest2, real rate, real correction,
                                real epsilon, real decay) {
    for_each_element(THE_TABLE, [=](const Arrays &p, int64 i) {
        real w = p.w[i], dw = p.dw[i];
        real m = beta1 * p.first[i] + rest1 * dw, v = beta2 * p.second[i] + rest2 * dw * dw;
        p.first[i] = m;
        p.second[i] = v;
        p.w[i] = w - (rate * m / (sqrt(v) * correction + epsilon) + decay * w);
    });
}

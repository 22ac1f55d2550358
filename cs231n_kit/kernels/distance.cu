// Distances between all rows of X (N, D) and those of Y (M, D), the k smallest of each row, and their votes.

#define SIDE 16             // a block is a square of 16 x 16 threads,
#define EACH 4              // and each thread computes 4 x 4 distances,
#define TILE (SIDE * EACH)  // so that a block fills a tile of 64 x 64
#define DEPTH 16            // from slabs of 16 features at a time

#define THREADS 256  // in a block of k_smallest

// Copy 16 features of 64 rows into shared memory, feature by feature; 0 stands for what lies outside of the matrix.
__device__ void load_slab(real (*slab)[TILE + 1], const real *matrix, int first_row, int rows, int first, int D) {
    for (int i = threadIdx.y * SIDE + threadIdx.x; i < TILE * DEPTH; i += SIDE * SIDE) {
        int row = first_row + i / DEPTH, d = first + i % DEPTH;
        slab[i % DEPTH][i / DEPTH] = row < rows && d < D ? matrix[(long long)row * D + d] : real(0);
    }
}

// Sums of |x - y| or, where SQUARED, roots of sums of (x - y)^2, from the differences themselves.
//
// Each number comes from global memory once for 64 distances, and from shared memory once for 4: without tiles every
// distance would read its two rows anew. A thread's rows and columns are 16 apart, so that neighbouring threads
// read neighbouring words of shared memory and write neighbouring distances.
template <bool SQUARED>
__device__ void distances(const real *X, const real *Y, real *out, int N, int M, int D) {
    __shared__ real xs[DEPTH][TILE + 1], ys[DEPTH][TILE + 1];  // + 1: a column's entries lie in different banks
    long long across = (M + TILE - 1) / TILE, tiles = (N + TILE - 1) / TILE * across;
    for (long long tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        int row = tile / across * TILE, column = tile % across * TILE;
        real sums[EACH][EACH] = {};
        for (int first = 0; first < D; first += DEPTH) {
            load_slab(xs, X, row, N, first, D);
            load_slab(ys, Y, column, M, first, D);
            __syncthreads();  // the slabs are complete
            for (int d = 0; d < DEPTH; d++) {
                real x[EACH], y[EACH];
                for (int i = 0; i < EACH; i++) {
                    x[i] = xs[d][threadIdx.y + SIDE * i];
                    y[i] = ys[d][threadIdx.x + SIDE * i];
                }
                for (int i = 0; i < EACH; i++)
                    for (int j = 0; j < EACH; j++) {
                        real difference = x[i] - y[j];
                        sums[i][j] += SQUARED ? difference * difference : fabs(difference);
                    }
            }
            __syncthreads();  // all have read them, the next may come
        }
        for (int i = 0; i < EACH; i++)
            for (int j = 0; j < EACH; j++) {
                int n = row + threadIdx.y + SIDE * i, m = column + threadIdx.x + SIDE * j;
                if (n < N && m < M) out[(long long)n * M + m] = SQUARED ? sqrt(sums[i][j]) : sums[i][j];
            }
    }
}

extern "C" __global__ void l1_distances(const real *X, const real *Y, real *out, int N, int M, int D) {
    distances<false>(X, Y, out, N, M, D);
}

extern "C" __global__ void l2_distances(const real *X, const real *Y, real *out, int N, int M, int D) {
    distances<true>(X, Y, out, N, M, D);
}

// What is left to do after the matrix product x y: |x - y|^2 = |x|^2 + |y|^2 - 2 x y, in the place of the products.
// Where less than `close` of the sum remains, its digits have cancelled, and the differences are summed up instead.
extern "C" __global__ void l2_from_products(real *products, const real *x_squares, const real *y_squares,
                                            const real *X, const real *Y, int N, int M, int D, real close) {
    long long pairs = (long long)N * M, step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < pairs; i += step) {
        int n = i / M, m = i % M;
        real size = x_squares[n] + y_squares[m], square = size - 2 * products[i];
        if (square > close * size) {
            products[i] = sqrt(square);
            continue;
        }
        double sum = 0;
        for (int d = 0; d < D; d++) {
            double difference = (double)X[(long long)n * D + d] - (double)Y[(long long)m * D + d];
            sum += difference * difference;
        }
        products[i] = sqrt(sum);
    }
}

// Whether entry a at place i comes before b at place j: the smaller, of equal ones the one further left; NaN last.
__device__ bool before(real a, int i, real b, int j) {
    if (a < b || b < a) return a < b;
    bool a_is_number = a == a, b_is_number = b == b;
    return a_is_number == b_is_number ? i < j : a_is_number;
}

// The columns of the k smallest entries of each row (N, M), smallest first. A block takes a row and finds one entry
// after the other: the first of those that come after the last one found. Each thread looks through its share of
// the row, then pairs of threads compare what they have found until one entry is left.
extern "C" __global__ void k_smallest(const real *entries, long long *columns, int N, int M, int k) {
    __shared__ real values[THREADS];
    __shared__ int places[THREADS];  // M: nothing found
    int thread = threadIdx.x;
    for (int n = blockIdx.x; n < N; n += gridDim.x) {
        const real *row = entries + (long long)n * M;
        real last = 0;
        int last_place = -1;
        for (int rank = 0; rank < k; rank++) {
            real value = 0;
            int place = M;
            for (int j = thread; j < M; j += THREADS) {
                bool is_left = last_place < 0 || before(last, last_place, row[j], j);
                if (is_left && (place == M || before(row[j], j, value, place))) value = row[j], place = j;
            }
            values[thread] = value, places[thread] = place;
            for (int half = THREADS / 2; half > 0; half /= 2) {
                __syncthreads();
                int other = thread + half;
                if (thread < half && places[other] < M &&
                    (places[thread] == M || before(values[other], places[other], values[thread], places[thread])))
                    values[thread] = values[other], places[thread] = places[other];
            }
            __syncthreads();
            last = values[0], last_place = places[0];
            if (thread == 0) columns[(long long)n * k + rank] = last_place;
            __syncthreads();  // all have read the winner before it is overwritten
        }
    }
}

// How often each class occurs among the k labels of each row: labels (N, k), counts (N, classes).
extern "C" __global__ void count_votes(const long long *labels, long long *votes, int N, int k, int classes) {
    long long counts = (long long)N * classes, step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < counts; i += step) {
        const long long *row = labels + i / classes * k;
        long long sum = 0;
        for (int j = 0; j < k; j++) sum += row[j] == i % classes;
        votes[i] = sum;
    }
}

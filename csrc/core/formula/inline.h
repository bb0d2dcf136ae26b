// How a formula is declared, so that vectors, scalars and CUDA threads can share its one body.
#pragma once

#if defined(__CUDACC__)
#define STRIATE_FORMULA __host__ __device__ inline
#else
#define STRIATE_FORMULA inline __attribute__((always_inline))
#endif

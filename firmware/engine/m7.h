// The products of tiles.h for ARM Cortex-M7, in its own words.
//
// All 32 registers of the floating-point unit are one tile: sums, weights and samples. Compilers
// load them one by one; `vldm` fills many with one instruction, at two a cycle.
//
// Of C channels, C a multiple of 4: four outputs by three frames, whose sums are s0 to s11; four
// inputs at a time. Of 3 channels: all outputs by six frames, s0 to s17. A group of eight rows of a
// dense layer: s0 to s7.

#pragma once

// A Cortex-M4 has the same macros but no vmaxnm: define AMPSWEEP_PORTABLE for it.
#if defined(__ARM_ARCH_7EM__) && defined(__ARM_FP) && !defined(AMPSWEEP_PORTABLE)
#define AMPSWEEP_M7 1

#include <cstddef>

namespace ampsweep::m7 {

#define FMA(d, n, m) "vfma.f32 s" #d ", s" #n ", s" #m "\n\t"
#define ADD(d, n, m) "vadd.f32 s" #d ", s" #n ", s" #m "\n\t"
#define MUL(d, n, m) "vmul.f32 s" #d ", s" #n ", s" #m "\n\t"
#define MAX(d, n, m) "vmaxnm.f32 s" #d ", s" #n ", s" #m "\n\t"
#define LOAD(from, first, last) "vldmia %[" #from "], {s" #first "-s" #last "}\n\t"
#define TAKE(from, first, last) "vldmia %[" #from "]!, {s" #first "-s" #last "}\n\t"
#define STORE(to, first, last) "vstmia %[" #to "], {s" #first "-s" #last "}\n\t"
#define PUT(to, first, last) "vstmia %[" #to "]!, {s" #first "-s" #last "}\n\t"
#define STEP(pointer) "add %[" #pointer "], %[" #pointer "], %[row]\n\t"

#define FOUR(OP, d0, d1, d2, d3, n0, n1, n2, n3, m0, m1, m2, m3) \
    OP(d0, n0, m0) OP(d1, n1, m1) OP(d2, n2, m2) OP(d3, n3, m3)

// Four sums += four inputs of one frame, s28 to s31, by 16 weights, s12 to s27.
#define FRAME(a, b, c, d)                                                          \
    FMA(a, 12, 28) FMA(b, 13, 28) FMA(c, 14, 28) FMA(d, 15, 28)                    \
    FMA(a, 16, 29) FMA(b, 17, 29) FMA(c, 18, 29) FMA(d, 19, 29)                    \
    FMA(a, 20, 30) FMA(b, 21, 30) FMA(c, 22, 30) FMA(d, 23, 30)                    \
    FMA(a, 24, 31) FMA(b, 25, 31) FMA(c, 26, 31) FMA(d, 27, 31)

// One tap: p, q and r point at its three frames.
#define TAP                             \
    ".rept %c[chunks]\n\t"              \
    TAKE(w, 12, 27)                     \
    TAKE(p, 28, 31) FRAME(0, 1, 2, 3)   \
    TAKE(q, 28, 31) FRAME(4, 5, 6, 7)   \
    TAKE(r, 28, 31) FRAME(8, 9, 10, 11) \
    ".endr\n\t"

#define BEGIN                         \
    "2:\n\t"                          \
    "ldr %[w], [%[work]]\n\t"         \
    "ldr %[taps], [%[work], #4]\n\t"  \
    "ldr %[k], [%[work], #8]\n\t"     \
    "mov %[p], %[in]\n\t"

#define CONVOLUTION                                                                 \
    LOAD(w, 0, 3) LOAD(w, 4, 7) TAKE(w, 8, 11)                                      \
    TAKE(w, 12, 15) LOAD(p, 28, 30)                                                 \
    FMA(0, 12, 28) FMA(1, 13, 28) FMA(2, 14, 28) FMA(3, 15, 28)                     \
    FMA(4, 12, 29) FMA(5, 13, 29) FMA(6, 14, 29) FMA(7, 15, 29)                     \
    FMA(8, 12, 30) FMA(9, 13, 30) FMA(10, 14, 30) FMA(11, 15, 30)                   \
    "1:\n\t"                                                                        \
    "ldr %[p], [%[taps]], #4\n\t"                                                   \
    "add %[p], %[p], %[at]\n\t"                                                     \
    "add %[q], %[p], %[row]\n\t"                                                    \
    "add %[r], %[q], %[row]\n\t"                                                    \
    TAP                                                                             \
    "subs %[k], %[k], #1\n\t"                                                       \
    "bne 1b\n\t"

#define NEXT(frames)                       \
    "add %[in], %[in], #4*" #frames "\n\t" \
    "add %[at], %[at], %[tile]\n\t"        \
    "subs %[tiles], %[tiles], #1\n\t"      \
    "bne 2b\n\t"

// a = max(z, slope z) of four; the slope is in s4, and s8 to s11 are free.
#define LEAK(z0, z1, z2, z3)                                       \
    MUL(8, z0, 4) MUL(9, z1, 4) MUL(10, z2, 4) MUL(11, z3, 4)      \
    MAX(z0, z0, 8) MAX(z1, z1, 9) MAX(z2, z2, 10) MAX(z3, z3, 11)

// Sum of the layers so far, in four registers from s8 on.
#define HEAR(z0, z1, z2, z3)                                         \
    LOAD(sum, 8, 11)                                                 \
    ADD(8, 8, z0) ADD(9, 9, z1) ADD(10, 10, z2) ADD(11, 11, z3)      \
    STORE(sum, 8, 11)

#define EVERY                                                                                \
    "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13",  \
        "s14", "s15", "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25",  \
        "s26", "s27", "s28", "s29", "s30", "s31", "cc", "memory"

// What a layer's convolution needs beside its place in the block.
struct Work {
    const float* w;  // packed, as in tiles.h, from the first of the outputs on
    const float* const* taps;
    int kernel;
    float slope;
    const float* ramp;  // scales, shifts, and what a frame adds to both
    float frame;        // where the next tile begins
};

// `work_on` brings scales and shifts from the block's first frame to the tile's, whose number is in
// s30: one rounding, not one a frame. Then the tile is counted.
#define TO_TILE(frames, work_on)              \
    "ldr %[p], [%[work], #16]\n\t"            \
    "vldr s30, [%[work], #20]\n\t"            \
    "vmov.f32 s31, #" #frames "\n\t"          \
    work_on                                   \
    ADD(30, 30, 31)                           \
    "vstr s30, [%[work], #20]\n\t"

// Convolution, leaky ReLU and sum over the layers, of four outputs by three frames, so many tiles
// after each other. `a` and `sum` point at the first of the outputs.
template <int C>
inline void convolve(const Work& work, int tiles, const float* in, float* a, float* sum) {
    const float *w, *p, *q, *r;
    const float* const* taps;
    std::size_t at = 0;
    int k;
    asm volatile(
        BEGIN CONVOLUTION
        "vldr s12, [%[work], #12]\n\t"
        FOUR(MUL, 16, 17, 18, 19, 0, 1, 2, 3, 12, 12, 12, 12)
        FOUR(MUL, 20, 21, 22, 23, 4, 5, 6, 7, 12, 12, 12, 12)
        FOUR(MUL, 24, 25, 26, 27, 8, 9, 10, 11, 12, 12, 12, 12)
        FOUR(MAX, 0, 1, 2, 3, 0, 1, 2, 3, 16, 17, 18, 19)
        FOUR(MAX, 4, 5, 6, 7, 4, 5, 6, 7, 20, 21, 22, 23)
        FOUR(MAX, 8, 9, 10, 11, 8, 9, 10, 11, 24, 25, 26, 27)
        "add %[p], %[sum], %[row]\n\t"
        "add %[q], %[p], %[row]\n\t"
        LOAD(sum, 12, 15) LOAD(p, 16, 19) LOAD(q, 20, 23)
        STORE(a, 0, 3) STEP(a) STORE(a, 4, 7) STEP(a) STORE(a, 8, 11) STEP(a)
        FOUR(ADD, 12, 13, 14, 15, 12, 13, 14, 15, 0, 1, 2, 3)
        FOUR(ADD, 16, 17, 18, 19, 16, 17, 18, 19, 4, 5, 6, 7)
        FOUR(ADD, 20, 21, 22, 23, 20, 21, 22, 23, 8, 9, 10, 11)
        STORE(sum, 12, 15) STORE(p, 16, 19) STORE(q, 20, 23)
        "add %[sum], %[sum], %[tile]\n\t"
        NEXT(3)
        : [w] "=&r"(w), [p] "=&r"(p), [q] "=&r"(q), [r] "=&r"(r), [taps] "=&r"(taps),
          [k] "=&r"(k), [a] "+r"(a), [sum] "+r"(sum), [in] "+r"(in), [at] "+r"(at),
          [tiles] "+r"(tiles)
        : [work] "r"(&work), [row] "i"(4 * C), [tile] "i"(12 * C), [chunks] "i"(C / 4)
        : EVERY);
}

// The same while knobs move: z = scale z + shift first.
template <int C>
inline void convolve_moving(Work& work, int tiles, const float* in, float* a, float* sum) {
    const float *w, *p, *q, *r;
    const float* const* taps;
    std::size_t at = 0;
    int k;
    asm volatile(
        BEGIN CONVOLUTION
        // Scales s12, shifts s16, steps of scales s20, of shifts s24.
        TO_TILE(3, LOAD(p, 12, 27)
                FOUR(FMA, 12, 13, 14, 15, 20, 21, 22, 23, 30, 30, 30, 30)
                FOUR(FMA, 16, 17, 18, 19, 24, 25, 26, 27, 30, 30, 30, 30))
        FOUR(ADD, 28, 29, 30, 31, 16, 17, 18, 19, 24, 25, 26, 27)
        FOUR(FMA, 16, 17, 18, 19, 0, 1, 2, 3, 12, 13, 14, 15)
        FOUR(ADD, 12, 13, 14, 15, 12, 13, 14, 15, 20, 21, 22, 23)
        FOUR(ADD, 0, 1, 2, 3, 28, 29, 30, 31, 24, 25, 26, 27)
        FOUR(FMA, 28, 29, 30, 31, 4, 5, 6, 7, 12, 13, 14, 15)
        FOUR(ADD, 12, 13, 14, 15, 12, 13, 14, 15, 20, 21, 22, 23)
        FOUR(FMA, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15)
        "vldr s4, [%[work], #12]\n\t"
        LEAK(16, 17, 18, 19) STORE(a, 16, 19) STEP(a) HEAR(16, 17, 18, 19) STEP(sum)
        LEAK(28, 29, 30, 31) STORE(a, 28, 31) STEP(a) HEAR(28, 29, 30, 31) STEP(sum)
        LEAK(0, 1, 2, 3) STORE(a, 0, 3) STEP(a) HEAR(0, 1, 2, 3) STEP(sum)
        NEXT(3)
        : [w] "=&r"(w), [p] "=&r"(p), [q] "=&r"(q), [r] "=&r"(r), [taps] "=&r"(taps),
          [k] "=&r"(k), [a] "+r"(a), [sum] "+r"(sum), [in] "+r"(in), [at] "+r"(at),
          [tiles] "+r"(tiles)
        : [work] "r"(&work), [row] "i"(4 * C), [tile] "i"(12 * C), [chunks] "i"(C / 4)
        : EVERY);
}

// Four outputs by three frames of y = x + weights a, so many tiles after each other.
template <int C>
inline void add_residual(const float* w, int tiles, const float* a, const float* x, float* y) {
    const float *p = a, *q, *r;
    asm volatile(
        "2:\n\t"
        LOAD(x, 0, 3) STEP(x) LOAD(x, 4, 7) STEP(x) LOAD(x, 8, 11) STEP(x)
        "add %[q], %[p], %[row]\n\t"
        "add %[r], %[q], %[row]\n\t"
        TAP
        STORE(y, 0, 3) STEP(y) STORE(y, 4, 7) STEP(y) STORE(y, 8, 11) STEP(y)
        "mov %[p], %[r]\n\t"
        "sub %[w], %[w], %[weights]\n\t"
        "subs %[tiles], %[tiles], #1\n\t"
        "bne 2b\n\t"
        : [w] "+r"(w), [p] "+r"(p), [q] "=&r"(q), [r] "=&r"(r), [x] "+r"(x), [y] "+r"(y),
          [tiles] "+r"(tiles)
        : [row] "i"(4 * C), [weights] "i"(16 * C), [chunks] "i"(C / 4)
        : EVERY);
}

#define INPUT2(x0, x1)                                                \
    TAKE(w, 8, 23)                                                    \
    FOUR(FMA, 0, 1, 2, 3, 8, 9, 10, 11, x0, x0, x0, x0)               \
    FOUR(FMA, 4, 5, 6, 7, 12, 13, 14, 15, x0, x0, x0, x0)             \
    FOUR(FMA, 0, 1, 2, 3, 16, 17, 18, 19, x1, x1, x1, x1)             \
    FOUR(FMA, 4, 5, 6, 7, 20, 21, 22, 23, x1, x1, x1, x1)

// Eight rows of a dense layer: out = biases + weights values. `eights`: inputs, in eights.
inline void multiply(const float*& w, const float* values, int eights, float* out) {
    asm volatile(
        TAKE(w, 0, 7)
        "1:\n\t"
        TAKE(values, 24, 31)
        INPUT2(24, 25) INPUT2(26, 27) INPUT2(28, 29) INPUT2(30, 31)
        "subs %[eights], %[eights], #1\n\t"
        "bne 1b\n\t"
        STORE(out, 0, 7)
        : [w] "+r"(w), [values] "+r"(values), [eights] "+r"(eights)
        : [out] "r"(out)
        : EVERY);
}

// Rows of a cell, `eights` times eight: out = biases + input weights u + weights state. `pairs`: of
// numbers of the state.
inline void multiply(const float*& w, float u, const float* state, int pairs, int eights,
                     float* out) {
    const float* p;
    int fours;
    asm volatile(
        "1:\n\t"
        TAKE(w, 0, 15)
        "vmov s24, %[u]\n\t"
        "mov %[p], %[state]\n\t"
        FOUR(FMA, 0, 1, 2, 3, 8, 9, 10, 11, 24, 24, 24, 24)
        FOUR(FMA, 4, 5, 6, 7, 12, 13, 14, 15, 24, 24, 24, 24)
        "lsrs %[fours], %[pairs], #1\n\t"
        "beq 3f\n\t"
        "2:\n\t"
        TAKE(p, 24, 27)
        INPUT2(24, 25) INPUT2(26, 27)
        "subs %[fours], %[fours], #1\n\t"
        "bne 2b\n\t"
        "3:\n\t"
        "tst %[pairs], #1\n\t"
        "beq 4f\n\t"
        TAKE(p, 24, 25)
        INPUT2(24, 25)
        "4:\n\t"
        PUT(out, 0, 7)
        "subs %[eights], %[eights], #1\n\t"
        "bne 1b\n\t"
        : [w] "+r"(w), [p] "=&r"(p), [fours] "=&r"(fours), [eights] "+r"(eights), [out] "+r"(out)
        : [u] "r"(u), [state] "r"(state), [pairs] "r"(pairs)
        : EVERY);
}

// Sixteen at a time, then one by one.
inline void copy(const float* from, float* to, int count) {
    for (; count >= 16; count -= 16)
        asm volatile(TAKE(from, 0, 15) PUT(to, 0, 15)
                     : [from] "+r"(from), [to] "+r"(to)
                     :
                     : EVERY);
    for (; count > 0; --count) *to++ = *from++;
}

}  // namespace ampsweep::m7

#endif

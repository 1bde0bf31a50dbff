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
#define FMS(d, n, m) "vfms.f32 s" #d ", s" #n ", s" #m "\n\t"
#define ADD(d, n, m) "vadd.f32 s" #d ", s" #n ", s" #m "\n\t"
#define SUB(d, n, m) "vsub.f32 s" #d ", s" #n ", s" #m "\n\t"
#define MUL(d, n, m) "vmul.f32 s" #d ", s" #n ", s" #m "\n\t"
#define MAX(d, n, m) "vmaxnm.f32 s" #d ", s" #n ", s" #m "\n\t"
#define DIV(d, n, m) "vdiv.f32 s" #d ", s" #n ", s" #m "\n\t"
#define ABS(d, n, m) "vabs.f32 s" #d ", s" #n "\n\t"
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

#define NEXT(times)                               \
    "add %[in], %[in], #4*" #times "\n\t"         \
    "add %[at], %[at], %[tile]\n\t"               \
    "subs %[frames], %[frames], #" #times "\n\t"  \
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
    const float* ramp;  // scales and shifts after the last frame, and what a frame adds to both
};

// In s30 how many frames there still are: scales and shifts go back from the end by so many steps
// at once, which is one rounding, not one a frame.
#define TO_TILE                               \
    "vmov s30, %[frames]\n\t"                 \
    "vcvt.f32.s32 s30, s30\n\t"

// z = scale z + shift, by scales in s12, shifts in s16, steps of scales in s20, of shifts in s24;
// what was in s0 to s11 is then in s16 to s19, s28 to s31, s0 to s3.
#define MOVE                                                                \
    TO_TILE LOAD(ramp, 12, 27)                                              \
    FOUR(FMS, 12, 13, 14, 15, 20, 21, 22, 23, 30, 30, 30, 30)               \
    FOUR(FMS, 16, 17, 18, 19, 24, 25, 26, 27, 30, 30, 30, 30)               \
    FOUR(ADD, 28, 29, 30, 31, 16, 17, 18, 19, 24, 25, 26, 27)               \
    FOUR(FMA, 16, 17, 18, 19, 0, 1, 2, 3, 12, 13, 14, 15)                   \
    FOUR(ADD, 12, 13, 14, 15, 12, 13, 14, 15, 20, 21, 22, 23)               \
    FOUR(ADD, 0, 1, 2, 3, 28, 29, 30, 31, 24, 25, 26, 27)                   \
    FOUR(FMA, 28, 29, 30, 31, 4, 5, 6, 7, 12, 13, 14, 15)                   \
    FOUR(ADD, 12, 13, 14, 15, 12, 13, 14, 15, 20, 21, 22, 23)               \
    FOUR(FMA, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15)

// Leaky ReLU, and into the sum over the layers.
#define FINISH                                                              \
    "vldr s12, [%[work], #12]\n\t"                                          \
    FOUR(MUL, 16, 17, 18, 19, 0, 1, 2, 3, 12, 12, 12, 12)                   \
    FOUR(MUL, 20, 21, 22, 23, 4, 5, 6, 7, 12, 12, 12, 12)                   \
    FOUR(MUL, 24, 25, 26, 27, 8, 9, 10, 11, 12, 12, 12, 12)                 \
    FOUR(MAX, 0, 1, 2, 3, 0, 1, 2, 3, 16, 17, 18, 19)                       \
    FOUR(MAX, 4, 5, 6, 7, 4, 5, 6, 7, 20, 21, 22, 23)                       \
    FOUR(MAX, 8, 9, 10, 11, 8, 9, 10, 11, 24, 25, 26, 27)                   \
    "add %[p], %[sum], %[row]\n\t"                                          \
    "add %[q], %[p], %[row]\n\t"                                            \
    LOAD(sum, 12, 15) LOAD(p, 16, 19) LOAD(q, 20, 23)                       \
    STORE(a, 0, 3) STEP(a) STORE(a, 4, 7) STEP(a) STORE(a, 8, 11) STEP(a)   \
    FOUR(ADD, 12, 13, 14, 15, 12, 13, 14, 15, 0, 1, 2, 3)                   \
    FOUR(ADD, 16, 17, 18, 19, 16, 17, 18, 19, 4, 5, 6, 7)                   \
    FOUR(ADD, 20, 21, 22, 23, 20, 21, 22, 23, 8, 9, 10, 11)                 \
    STORE(sum, 12, 15) STORE(p, 16, 19) STORE(q, 20, 23)                    \
    "add %[sum], %[sum], %[tile]\n\t"

#define FINISH_MOVED                                                                  \
    "vldr s4, [%[work], #12]\n\t"                                                     \
    LEAK(16, 17, 18, 19) STORE(a, 16, 19) STEP(a) HEAR(16, 17, 18, 19) STEP(sum)      \
    LEAK(28, 29, 30, 31) STORE(a, 28, 31) STEP(a) HEAR(28, 29, 30, 31) STEP(sum)      \
    LEAK(0, 1, 2, 3) STORE(a, 0, 3) STEP(a) HEAR(0, 1, 2, 3) STEP(sum)

// A convolution of four outputs by so many frames, three at a time, and what comes after it. `a`
// and `sum` point at the first of the outputs. Those that are bare leave activation and sum to
// others; those that move have z = scale z + shift first.
#define CONVOLVE(name, rest)                                                                  \
    template <int C>                                                                          \
    inline void name(const Work& work, int frames, const float* in, float* a, float* sum) {   \
        const float *w, *p, *q, *r;                                                           \
        const float* const* taps;                                                             \
        std::size_t at = 0;                                                                   \
        int k;                                                                                \
        asm volatile(BEGIN CONVOLUTION rest NEXT(3)                                           \
                     : [w] "=&r"(w), [p] "=&r"(p), [q] "=&r"(q), [r] "=&r"(r),                \
                       [taps] "=&r"(taps), [k] "=&r"(k), [a] "+r"(a), [sum] "+r"(sum),        \
                       [in] "+r"(in), [at] "+r"(at), [frames] "+r"(frames)                    \
                     : [work] "r"(&work), [ramp] "r"(work.ramp), [row] "i"(4 * C),            \
                       [tile] "i"(12 * C), [chunks] "i"(C / 4)                                \
                     : EVERY);                                                                \
    }

CONVOLVE(convolve, FINISH)
CONVOLVE(convolve_moving, MOVE FINISH_MOVED)
CONVOLVE(convolve_bare, STORE(a, 0, 3) STEP(a) STORE(a, 4, 7) STEP(a) STORE(a, 8, 11) STEP(a))
CONVOLVE(convolve_bare_moving,
         MOVE STORE(a, 16, 19) STEP(a) STORE(a, 28, 31) STEP(a) STORE(a, 0, 3) STEP(a))

// The way of four outputs' scales and shifts, which lie C apart, as convolve_moving goes it: from
// `before` to `after` in 1 / step frames, of which `reach` frames make the end.
template <int C>
inline void set_ramp(const float* before, const float* after, float step, float reach, float* to) {
    asm volatile(
        LOAD(before, 0, 3) STEP(before) LOAD(before, 4, 7)
        LOAD(after, 8, 11) STEP(after) LOAD(after, 12, 15)
        "vmov s16, %[step]\n\t"
        "vmov s17, %[reach]\n\t"
        FOUR(SUB, 8, 9, 10, 11, 8, 9, 10, 11, 0, 1, 2, 3)
        FOUR(SUB, 12, 13, 14, 15, 12, 13, 14, 15, 4, 5, 6, 7)
        FOUR(MUL, 8, 9, 10, 11, 8, 9, 10, 11, 16, 16, 16, 16)
        FOUR(MUL, 12, 13, 14, 15, 12, 13, 14, 15, 16, 16, 16, 16)
        FOUR(FMA, 0, 1, 2, 3, 8, 9, 10, 11, 17, 17, 17, 17)
        FOUR(FMA, 4, 5, 6, 7, 12, 13, 14, 15, 17, 17, 17, 17)
        STORE(to, 0, 15)
        : [before] "+r"(before), [after] "+r"(after)
        : [to] "r"(to), [step] "r"(step), [reach] "r"(reach), [row] "i"(4 * C)
        : EVERY);
}

// Four outputs by three frames of y = x + weights a, so many frames.
template <int C>
inline void add_residual(const float* w, int frames, const float* a, const float* x, float* y) {
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
        "subs %[frames], %[frames], #3\n\t"
        "bne 2b\n\t"
        : [w] "+r"(w), [p] "+r"(p), [q] "=&r"(q), [r] "=&r"(r), [x] "+r"(x), [y] "+r"(y),
          [frames] "+r"(frames)
        : [row] "i"(4 * C), [weights] "i"(16 * C), [chunks] "i"(C / 4)
        : EVERY);
}

#define INPUT2(x0, x1)                                                \
    TAKE(w, 8, 23)                                                    \
    FOUR(FMA, 0, 1, 2, 3, 8, 9, 10, 11, x0, x0, x0, x0)               \
    FOUR(FMA, 4, 5, 6, 7, 12, 13, 14, 15, x0, x0, x0, x0)             \
    FOUR(FMA, 0, 1, 2, 3, 16, 17, 18, 19, x1, x1, x1, x1)             \
    FOUR(FMA, 4, 5, 6, 7, 20, 21, 22, 23, x1, x1, x1, x1)

#define INPUT8                                                        \
    TAKE(p, 24, 31)                                                   \
    INPUT2(24, 25) INPUT2(26, 27) INPUT2(28, 29) INPUT2(30, 31)

// A dense layer, eight rows at a time: out = biases + weights values, then, if `bent`, softsign.
// `eights`: inputs, `rows`: outputs, both in eights.
inline void dense(const float* w, const float* values, int eights, int rows, bool bent,
                  float* out) {
    const float* p;
    int pairs;
    asm volatile(
        "1:\n\t"
        TAKE(w, 0, 7)
        "mov %[p], %[values]\n\t"
        "lsrs %[pairs], %[eights], #1\n\t"
        "beq 3f\n\t"
        "2:\n\t"
        INPUT8 INPUT8
        "subs %[pairs], %[pairs], #1\n\t"
        "bne 2b\n\t"
        "3:\n\t"
        "tst %[eights], #1\n\t"
        "beq 4f\n\t"
        INPUT8
        "4:\n\t"
        "cmp %[bent], #0\n\t"
        "beq 5f\n\t"
        "vmov.f32 s16, #1.0\n\t"
        FOUR(ABS, 8, 9, 10, 11, 0, 1, 2, 3, , , , )
        FOUR(ABS, 12, 13, 14, 15, 4, 5, 6, 7, , , , )
        FOUR(ADD, 8, 9, 10, 11, 8, 9, 10, 11, 16, 16, 16, 16)
        FOUR(ADD, 12, 13, 14, 15, 12, 13, 14, 15, 16, 16, 16, 16)
        FOUR(DIV, 0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11)
        FOUR(DIV, 4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15)
        "5:\n\t"
        PUT(out, 0, 7)
        "subs %[rows], %[rows], #1\n\t"
        "bne 1b\n\t"
        : [w] "+r"(w), [p] "=&r"(p), [pairs] "=&r"(pairs), [rows] "+r"(rows), [out] "+r"(out)
        : [values] "r"(values), [eights] "r"(eights), [bent] "r"(int(bent))
        : EVERY);
}

// What eight rows of a cell add to s0 to s7 for its state.
#define HEAR_STATE                   \
    "mov %[p], %[state]\n\t"         \
    "lsrs %[fours], %[pairs], #1\n\t" \
    "beq 3f\n\t"                     \
    "2:\n\t"                         \
    TAKE(p, 24, 27)                  \
    INPUT2(24, 25) INPUT2(26, 27)    \
    "subs %[fours], %[fours], #1\n\t" \
    "bne 2b\n\t"                     \
    "3:\n\t"                         \
    "tst %[pairs], #1\n\t"           \
    "beq 4f\n\t"                     \
    TAKE(p, 24, 25)                  \
    INPUT2(24, 25)                   \
    "4:\n\t"

#define EIGHT_FMA(d0, d1, d2, d3, d4, d5, d6, d7, n0, n1, n2, n3, n4, n5, n6, n7, m) \
    FOUR(FMA, d0, d1, d2, d3, n0, n1, n2, n3, m, m, m, m)                            \
    FOUR(FMA, d4, d5, d6, d7, n4, n5, n6, n7, m, m, m, m)

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
        EIGHT_FMA(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 24)
        HEAR_STATE
        PUT(out, 0, 7)
        "subs %[eights], %[eights], #1\n\t"
        "bne 1b\n\t"
        : [w] "+r"(w), [p] "=&r"(p), [fours] "=&r"(fours), [eights] "+r"(eights), [out] "+r"(out)
        : [u] "r"(u), [state] "r"(state), [pairs] "r"(pairs)
        : EVERY);
}

// The same while knobs move, `time` samples into the ramp; `ramp` is as in recurrent.h, and of `w`
// only the weights of the state count.
inline void multiply_moving(const float*& w, float u, float time, const float* state, int pairs,
                            int eights, const float*& ramp, float* out) {
    const float* p;
    int fours;
    asm volatile(
        "vmov s28, %[u]\n\t"
        "vmov s29, %[time]\n\t"
        "1:\n\t"
        TAKE(w, 0, 15)
        HEAR_STATE
        TAKE(ramp, 8, 23)
        FOUR(FMA, 16, 17, 18, 19, 0, 1, 2, 3, 8, 9, 10, 11)
        FOUR(FMA, 20, 21, 22, 23, 4, 5, 6, 7, 12, 13, 14, 15)
        TAKE(ramp, 8, 15)
        EIGHT_FMA(16, 17, 18, 19, 20, 21, 22, 23, 8, 9, 10, 11, 12, 13, 14, 15, 28)
        TAKE(ramp, 8, 15)
        EIGHT_FMA(8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 29)
        TAKE(ramp, 16, 23)
        EIGHT_FMA(8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 28)
        TAKE(ramp, 16, 23)
        FOUR(FMA, 8, 9, 10, 11, 0, 1, 2, 3, 16, 17, 18, 19)
        FOUR(FMA, 12, 13, 14, 15, 4, 5, 6, 7, 20, 21, 22, 23)
        PUT(out, 8, 15)
        "subs %[eights], %[eights], #1\n\t"
        "bne 1b\n\t"
        : [w] "+r"(w), [p] "=&r"(p), [fours] "=&r"(fours), [eights] "+r"(eights), [out] "+r"(out),
          [ramp] "+r"(ramp)
        : [u] "r"(u), [time] "r"(time), [state] "r"(state), [pairs] "r"(pairs)
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

// m7.h for nets of 3 channels, NAM's A2-Lite among them: all outputs by six frames, whose sums are
// s0 to s17, frame after frame, as they lie in memory.

#pragma once

#include "m7.h"

#if defined(AMPSWEEP_M7)

namespace ampsweep::m7 {

#define THREE(OP, d0, d1, d2, n0, n1, n2, m0, m1, m2) OP(d0, n0, m0) OP(d1, n1, m1) OP(d2, n2, m2)

// Three sums += three inputs of the next frame by nine weights, s18 to s26.
#define FRAME3(a, b, c)                                \
    TAKE(p, 27, 29)                                    \
    THREE(FMA, a, b, c, 18, 19, 20, 27, 27, 27)        \
    THREE(FMA, a, b, c, 21, 22, 23, 28, 28, 28)        \
    THREE(FMA, a, b, c, 24, 25, 26, 29, 29, 29)

#define TAP3                                                                  \
    TAKE(w, 18, 26)                                                           \
    FRAME3(0, 1, 2) FRAME3(3, 4, 5) FRAME3(6, 7, 8) FRAME3(9, 10, 11)         \
    FRAME3(12, 13, 14) FRAME3(15, 16, 17)

#define CONVOLUTION3                                                          \
    LOAD(w, 0, 2) LOAD(w, 3, 5) LOAD(w, 6, 8) LOAD(w, 9, 11) LOAD(w, 12, 14)  \
    TAKE(w, 15, 17)                                                           \
    TAKE(w, 18, 20) LOAD(p, 21, 26)                                           \
    THREE(FMA, 0, 1, 2, 18, 19, 20, 21, 21, 21)                               \
    THREE(FMA, 3, 4, 5, 18, 19, 20, 22, 22, 22)                               \
    THREE(FMA, 6, 7, 8, 18, 19, 20, 23, 23, 23)                               \
    THREE(FMA, 9, 10, 11, 18, 19, 20, 24, 24, 24)                             \
    THREE(FMA, 12, 13, 14, 18, 19, 20, 25, 25, 25)                            \
    THREE(FMA, 15, 16, 17, 18, 19, 20, 26, 26, 26)                            \
    "1:\n\t"                                                                  \
    "ldr %[p], [%[taps]], #4\n\t"                                             \
    "add %[p], %[p], %[at]\n\t"                                               \
    TAP3                                                                      \
    "subs %[k], %[k], #1\n\t"                                                 \
    "bne 1b\n\t"

// a = max(z, slope z) of three; the slope is in s18.
#define LEAK3(a, b, c)                                 \
    THREE(MUL, 19, 20, 21, a, b, c, 18, 18, 18)        \
    THREE(MAX, a, b, c, a, b, c, 19, 20, 21)

#define REST3                                                                 \
    "vldr s18, [%[work], #12]\n\t"                                           \
    LEAK3(0, 1, 2) LEAK3(3, 4, 5) LEAK3(6, 7, 8) LEAK3(9, 10, 11)             \
    LEAK3(12, 13, 14) LEAK3(15, 16, 17)                                       \
    PUT(a, 0, 17)                                                             \
    LOAD(sum, 18, 29)                                                         \
    THREE(ADD, 0, 1, 2, 0, 1, 2, 18, 19, 20)                                  \
    THREE(ADD, 3, 4, 5, 3, 4, 5, 21, 22, 23)                                  \
    THREE(ADD, 6, 7, 8, 6, 7, 8, 24, 25, 26)                                  \
    THREE(ADD, 9, 10, 11, 9, 10, 11, 27, 28, 29)                              \
    PUT(sum, 0, 11) LOAD(sum, 18, 23)                                         \
    THREE(ADD, 12, 13, 14, 12, 13, 14, 18, 19, 20)                            \
    THREE(ADD, 15, 16, 17, 15, 16, 17, 21, 22, 23)                            \
    PUT(sum, 12, 17)

// z = scale z + shift of one frame, and on to the next.
#define RAMP3(a, b, c)                                 \
    THREE(MUL, a, b, c, a, b, c, 18, 19, 20)           \
    THREE(ADD, 18, 19, 20, 18, 19, 20, 24, 25, 26)     \
    THREE(ADD, a, b, c, a, b, c, 21, 22, 23)           \
    THREE(ADD, 21, 22, 23, 21, 22, 23, 27, 28, 29)

// Scales s18, shifts s21, steps of scales s24, of shifts s27.
#define MOVE3                                                                 \
    TO_TILE LOAD(ramp, 18, 29)                                                \
    THREE(FMS, 18, 19, 20, 24, 25, 26, 30, 30, 30)                            \
    THREE(FMS, 21, 22, 23, 27, 28, 29, 30, 30, 30)                            \
    RAMP3(0, 1, 2) RAMP3(3, 4, 5) RAMP3(6, 7, 8) RAMP3(9, 10, 11)             \
    RAMP3(12, 13, 14) RAMP3(15, 16, 17)

// As in m7.h, all outputs by six frames.
#define CONVOLVE3(name, rest)                                                                 \
    inline void name(const Work& work, int frames, const float* in, float* a, float* sum) {   \
        const float *w, *p;                                                                   \
        const float* const* taps;                                                             \
        std::size_t at = 0;                                                                   \
        int k;                                                                                \
        asm volatile(BEGIN CONVOLUTION3 rest NEXT(6)                                          \
                     : [w] "=&r"(w), [p] "=&r"(p), [taps] "=&r"(taps), [k] "=&r"(k),          \
                       [a] "+r"(a), [sum] "+r"(sum), [in] "+r"(in), [at] "+r"(at),            \
                       [frames] "+r"(frames)                                                  \
                     : [work] "r"(&work), [ramp] "r"(work.ramp), [tile] "i"(72)               \
                     : EVERY);                                                                \
    }

CONVOLVE3(convolve3, REST3)
CONVOLVE3(convolve3_moving, MOVE3 REST3)
CONVOLVE3(convolve3_bare, PUT(a, 0, 17))
CONVOLVE3(convolve3_bare_moving, MOVE3 PUT(a, 0, 17))

// As in m7.h, all scales and shifts at once.
inline void set_ramp3(const float* before, const float* after, float step, float reach,
                      float* to) {
    asm volatile(LOAD(before, 0, 5) LOAD(after, 6, 11)
                 "vmov s12, %[step]\n\t"
                 "vmov s13, %[reach]\n\t"
                 THREE(SUB, 6, 7, 8, 6, 7, 8, 0, 1, 2)
                 THREE(SUB, 9, 10, 11, 9, 10, 11, 3, 4, 5)
                 THREE(MUL, 6, 7, 8, 6, 7, 8, 12, 12, 12)
                 THREE(MUL, 9, 10, 11, 9, 10, 11, 12, 12, 12)
                 THREE(FMA, 0, 1, 2, 6, 7, 8, 13, 13, 13)
                 THREE(FMA, 3, 4, 5, 9, 10, 11, 13, 13, 13)
                 STORE(to, 0, 11)
                 :
                 : [before] "r"(before), [after] "r"(after), [to] "r"(to), [step] "r"(step),
                   [reach] "r"(reach)
                 : EVERY);
}

inline void add_residual3(const float* w, int frames, const float* a, const float* x, float* y) {
    const float* p = a;
    asm volatile("2:\n\t"
                 TAKE(x, 0, 17) TAP3 PUT(y, 0, 17)
                 "sub %[w], %[w], #36\n\t"
                 "subs %[frames], %[frames], #6\n\t"
                 "bne 2b\n\t"
                 : [w] "+r"(w), [p] "+r"(p), [x] "+r"(x), [y] "+r"(y), [frames] "+r"(frames)
                 :
                 : EVERY);
}

}  // namespace ampsweep::m7

#endif

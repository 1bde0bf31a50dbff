// The products that all the time goes into: a few outputs by a few frames that stay in registers.
//
// This is the portable form. What an ARM Cortex-M7 runs instead is in m7.h.

#pragma once

#include <cstddef>

#include "rows.h"

namespace ampsweep {

template <int N>
struct Int {
    static constexpr int value = N;
};

// Channels as the compiler knows them; C is 0 where it does not.
template <int C>
constexpr int width(int channels) {
    return C > 0 ? C : channels;
}

// Calls f(rows, first) for each group of output channels: four of them, fewer at the end.
template <int C, class F>
inline void over_rows(int channels, F f) {
    const int c = width<C>(channels);
    int first = 0;
    for (; first + 4 <= c; first += 4) f(Int<4>(), first);
    switch (c - first) {
        case 3: f(Int<3>(), first); break;
        case 2: f(Int<2>(), first); break;
        case 1: f(Int<1>(), first); break;
        default: break;
    }
}

// Adds weights x inputs of one tap: `w` of R outputs by `c` inputs, `x` of T frames.
template <int R, int T>
inline void add_tap(Rows<R> (&sums)[T], int c, const float* w, const float* x) {
    for (int i = 0; i < c; ++i) {
        const Rows<R> weight = Rows<R>::load(w + i * R);
        for (int t = 0; t < T; ++t) sums[t].add(weight, x[t * c + i]);
    }
}

// What a layer's convolution and mix-in make of T frames from `start` on. `w`: packed, R outputs.
template <int R, int T>
inline void convolve(Rows<R> (&sums)[T], int c, const float* w, const float* in,
                     const float* const* taps, int kernel, int start) {
    const Rows<R> bias = Rows<R>::load(w), mixin = Rows<R>::load(w + R);
    for (int t = 0; t < T; ++t) {
        sums[t] = bias;
        sums[t].add(mixin, in[start + t]);
    }
    w += 2 * R;
    for (int k = 0; k < kernel; ++k, w += c * R) add_tap(sums, c, w, taps[k] + start * c);
}

}  // namespace ampsweep

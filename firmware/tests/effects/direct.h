// Convolution as it is written, for comparison: what the cabinet must sound like, and what the
// partitioned transform must cost less than.

#pragma once

#include <cstddef>

// Four samples and four taps at a time, in registers. `in` has count - 1 samples before it, and
// count and frames are multiples of four.
[[gnu::noinline]] inline void convolve_directly(const float* taps, unsigned count, const float* in,
                                                float* out, unsigned frames) noexcept {
    for (unsigned i = 0; i < frames; i += 4) {
        float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
        const float* x = in + i;
        float p = x[0], q = x[1], r = x[2], s = x[3];
        for (unsigned k = 0; k < count; k += 4, x -= 4) {
            const float h0 = taps[k], h1 = taps[k + 1], h2 = taps[k + 2], h3 = taps[k + 3];
            const float o = x[-1], n = x[-2], m = x[-3], l = x[-4];
            a += h0 * p + h1 * o + h2 * n + h3 * m;
            b += h0 * q + h1 * p + h2 * o + h3 * n;
            c += h0 * r + h1 * q + h2 * p + h3 * o;
            d += h0 * s + h1 * r + h2 * q + h3 * p;
            p = l, q = m, r = n, s = o;
        }
        out[i] = a, out[i + 1] = b, out[i + 2] = c, out[i + 3] = d;
    }
}

// The products that all the time goes into, on tiles that stay in registers.

#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "vectors.h"

// Functions of their own: within larger ones, compilers run out of registers.
#define APART __attribute__((noinline))
#define INLINE __attribute__((always_inline))

template <int ROWS, int COLUMNS, class Work, size_t... I>
INLINE inline void one_by_one(Work f, std::index_sequence<I...>) {
    (f(std::integral_constant<size_t, I / COLUMNS>(),
       std::integral_constant<size_t, I % COLUMNS>()),
     ...);
}

// Calls f(row, column) for each of a tile, by itself: a loop is taken apart too late for the tile
// to stay in registers.
template <int ROWS, int COLUMNS, class Work>
INLINE inline void over(Work f) {
    one_by_one<ROWS, COLUMNS>(f, std::make_index_sequence<size_t(ROWS * COLUMNS)>());
}

// One term of a sum over channels and taps: where its input lies, from the output's own place in
// the input's rows, and where its weight, from the first of the output's.
struct Term {
    ptrdiff_t in, weight;
};
typedef std::vector<Term> Terms;

// Adds the terms of `channels` rows of input, `row` apart: of each, `taps` samples, the first of
// them `from` and the others `step` apart. The weights of a channel's taps follow each other, from
// one channel to the next they are `channel` apart.
inline void add_terms(Terms& all, int channels, size_t row, size_t channel, int taps = 1,
                      ptrdiff_t from = 0, ptrdiff_t step = 0) {
    for (int c = 0; c < channels; ++c)
        for (int k = 0; k < taps; ++k)
            all.push_back({c * ptrdiff_t(row) + from + k * step, c * ptrdiff_t(channel) + k});
}

// A linear map: out[o][t] = bias[o] + add[o][t] + sum over terms of w[o row + weight] in[t + in].
struct Map {
    const float* in;
    const Terms& terms;
    const float* weights;
    size_t row;
    const float* bias;  // null: none
    const float* add;   // null: nothing
    size_t add_row;
    float* out;
    size_t out_row;
};

template <int ROWS>
APART void apply_rows(const Map& m, int o, int length) {
    const float* w = m.weights + size_t(o) * m.row;
    const size_t row = m.row;
    for (int t = 0; t < length; t += TILE) {
        Vec acc[ROWS][TIME];
        over<ROWS, TIME>([&](auto r, auto i) INLINE {
            acc[r][i] = Vec{} + (m.bias ? m.bias[size_t(o) + r] : 0.0f);
        });
        if (m.add)
            over<ROWS, TIME>([&](auto r, auto i) INLINE {
                acc[r][i] += at(m.add + (size_t(o) + r) * m.add_row + size_t(t) + i * LANES);
            });
        const float* in = m.in + t;
        for (const Term *term = m.terms.data(), *end = term + m.terms.size(); term != end; ++term) {
            const float* p = in + term->in;
            const float* q = w + term->weight;
            Vec v[TIME];
            over<1, TIME>([&](auto, auto i) INLINE { v[i] = held(at(p + i * LANES)); });
            over<ROWS, TIME>([&](auto r, auto i) INLINE { acc[r][i] += q[r * row] * v[i]; });
        }
        float* out = m.out + size_t(o) * m.out_row + t;
        over<ROWS, TIME>(
            [&](auto r, auto i) INLINE { at(out + r * m.out_row + i * LANES) = acc[r][i]; });
    }
}

// The same over one block with weights and biases that move across it, from those of the map to
// `weights` and `bias`: two sets of weights on one input.
template <int ROWS>
APART void apply_moving_rows(const Map& m, const float* weights, const float* bias, int o) {
    const float* before = m.weights + size_t(o) * m.row;
    const float* after = weights + size_t(o) * m.row;
    const size_t row = m.row;
    for (int t = 0; t < BLOCK; t += TILE) {
        Vec first[ROWS][TIME], second[ROWS][TIME];
        over<ROWS, TIME>([&](auto r, auto i) INLINE {
            first[r][i] = Vec{} + m.bias[size_t(o) + r];
            second[r][i] = Vec{} + bias[size_t(o) + r];
        });
        const float* in = m.in + t;
        for (const Term *term = m.terms.data(), *end = term + m.terms.size(); term != end; ++term) {
            const float* p = in + term->in;
            const float* q = before + term->weight;
            const float* s = after + term->weight;
            Vec v[TIME];
            over<1, TIME>([&](auto, auto i) INLINE { v[i] = held(at(p + i * LANES)); });
            over<ROWS, TIME>([&](auto r, auto i) INLINE { first[r][i] += q[r * row] * v[i]; });
            over<ROWS, TIME>([&](auto r, auto i) INLINE { second[r][i] += s[r * row] * v[i]; });
        }
        float* out = m.out + size_t(o) * m.out_row + t;
        over<ROWS, TIME>([&](auto r, auto i) INLINE {
            at(out + r * m.out_row + i * LANES) =
                first[r][i] + (second[r][i] - first[r][i]) * at(ramp.up + t + i * LANES);
        });
    }
}

// Calls f(rows, first row) for tiles of at most MOST rows that cover `count`, as even as may be.
template <int MOST, class Work>
inline void tiles_of(int count, Work work) {
    for (int o = 0; o < count;) {
        const int left = count - o;
        const int rows = MOST == 4 && (left == 5 || left == 6) ? 3 : std::min(MOST, left);
        if constexpr (MOST >= 4)
            if (rows == 4) work(std::integral_constant<int, 4>(), o);
        if constexpr (MOST >= 3)
            if (rows == 3) work(std::integral_constant<int, 3>(), o);
        if (rows == 2) work(std::integral_constant<int, 2>(), o);
        if (rows == 1) work(std::integral_constant<int, 1>(), o);
        o += rows;
    }
}

inline void apply(const Map& m, int rows, int length) {
    tiles_of<4>(rows, [&](auto high, int o) { apply_rows<decltype(high)::value>(m, o, length); });
}

// Fewer rows at once: two sets of sums share the registers.
inline void apply_moving(const Map& m, const float* weights, const float* bias, int rows) {
    tiles_of<2>(rows, [&](auto high, int o) {
        apply_moving_rows<decltype(high)::value>(m, weights, bias, o);
    });
}

// sums[r][s] += sum over t in [from, to) of g[r][t] columns[s][t], a sum in each lane.
template <int ROWS, int COLUMNS>
APART void outer(const float* g, size_t row, const float* const* columns, int from, int to,
                 Vec (&sums)[ROWS][COLUMNS]) {
    Vec acc[ROWS][COLUMNS];
    over<ROWS, COLUMNS>([&](auto r, auto s) INLINE { acc[r][s] = sums[r][s]; });
    for (int t = from; t < to; t += LANES) {
        Vec v[COLUMNS];
        over<1, COLUMNS>([&](auto, auto s) INLINE { v[s] = held(at(columns[s] + t)); });
        over<ROWS, 1>([&](auto r, auto) INLINE {
            const Vec here = held(at(g + r * row + t));
            over<1, COLUMNS>([&](auto, auto s) INLINE { acc[r][s] += here * v[s]; });
        });
    }
    over<ROWS, COLUMNS>([&](auto r, auto s) INLINE { sums[r][s] = acc[r][s]; });
}

// Adds the sums over lanes to out[r row_step + s column_step].
template <int ROWS, int COLUMNS>
inline void flush(const Vec (&acc)[ROWS][COLUMNS], float* out, size_t row_step,
                  size_t column_step) {
    for (int s = 0; s < COLUMNS; ++s) {
        float* p = out + size_t(s) * column_step;
        if constexpr (ROWS == 4) {
            const Four total = sum_four(acc[0][s], acc[1][s], acc[2][s], acc[3][s]);
            for (int r = 0; r < ROWS; ++r) p[size_t(r) * row_step] += total[r];
        } else {
            for (int r = 0; r < ROWS; ++r) p[size_t(r) * row_step] += sum(acc[r][s]);
        }
    }
}

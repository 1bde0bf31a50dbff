// The sizes of a GRU or an LSTM of HIDDEN units, and its weights in tiles.

#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "../../firmware/engine/bend.h"

// Every HIDDEN has its own library of these: their names must not meet.
namespace {

constexpr int H = HIDDEN;
constexpr bool LSTM = !GRU;
constexpr int BLOCK = 48;
constexpr int LANES = 8;
constexpr int ROWS = 8;  // rows of a matrix whose sums stay in registers together
constexpr int FED = LSTM ? 4 : 3;
constexpr int R = FED * H;
constexpr int MEMORY = LSTM ? 2 : 1;  // h, and the LSTM's c
constexpr int A = 0, S = 4 * H, T = 8 * H, HEAD = 12 * H, SKIP = 13 * H, OFFSET = SKIP + 1;
constexpr int CONDITIONS = OFFSET + 1;

constexpr int up(int count, int to) { return (count + to - 1) / to * to; }
constexpr int RP = up(R, ROWS), HP = up(H, ROWS);  // with the rows that only fill a tile

typedef float Vec __attribute__((vector_size(LANES * 4)));

inline Vec all(float x) { return Vec{} + x; }

using ampsweep::tanh_of;
inline Vec sigmoid(Vec x) { return ampsweep::sigmoid_of_twice(0.5f * x); }

struct Shape {
    int batch, samples, frames, first, stretch, threads, own;
    int blocks() const { return (samples + BLOCK - 1) / BLOCK; }
    int groups() const { return (batch + LANES - 1) / LANES; }
    int width() const { return CONDITIONS + (own ? R * H : 0); }
    size_t kept() const { return size_t(blocks()) * MEMORY * H * LANES; }  // floats for a group
};

// M rows by N columns, in tiles of ROWS rows: a number for all windows (float) or one each (Vec).
template <int M, int N, class Number>
struct Matrix {
    std::vector<Number> w = std::vector<Number>(size_t(up(M, ROWS)) * N, Number{});
    Number& at(int m, int n) { return w[size_t((m / ROWS * N + n) * ROWS + m % ROWS)]; }
    void times(const Vec* x, Vec* y) const {
        const Number* p = w.data();
        for (int m = 0; m < M; m += ROWS) {
            Vec sums[ROWS] = {};
            for (int n = 0; n < N; ++n, p += ROWS)
                for (int r = 0; r < ROWS; ++r) sums[r] += p[r] * x[n];
            for (int r = 0; r < ROWS; ++r) y[m + r] = sums[r];
        }
    }
};

template <class Number>
struct Weights {
    Matrix<R, H, Number> ahead;
    Matrix<H, R, Number> back;
    void set(int r, int j, Number value) {
        ahead.at(r, j) = value;
        back.at(j, r) = value;
    }
};

}  // namespace

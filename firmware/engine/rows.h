// A few output channels side by side: what one weight load and one sample are multiplied into.

#pragma once

#include "bend.h"

namespace ampsweep {

// Time runs in blocks of at most 48 frames.
constexpr int BLOCK = 48;

// Dense rows are packed by eights.
constexpr int EIGHT = 8;
constexpr int padded(int count) { return (count + EIGHT - 1) / EIGHT * EIGHT; }

#if defined(__SSE__) || defined(__ARM_NEON) || defined(__wasm_simd128__)
#define AMPSWEEP_VECTORS 1
#endif

template <int R>
struct Rows {
    float v[R];

    static Rows load(const float* p) {
        Rows rows;
        for (int r = 0; r < R; ++r) rows.v[r] = p[r];
        return rows;
    }
    void store(float* p) const {
        for (int r = 0; r < R; ++r) p[r] = v[r];
    }
    void add(const Rows& other) {
        for (int r = 0; r < R; ++r) v[r] += other.v[r];
    }
    void add(const Rows& weight, float x) {
        for (int r = 0; r < R; ++r) v[r] += weight.v[r] * x;
    }
    // The way to `other`, as far as `part` of it.
    void mix(const Rows& other, float part) {
        for (int r = 0; r < R; ++r) v[r] += (other.v[r] - v[r]) * part;
    }
    void scale(const Rows& by, const Rows& and_add) {
        for (int r = 0; r < R; ++r) v[r] = v[r] * by.v[r] + and_add.v[r];
    }
    void leak(float slope) {
        for (int r = 0; r < R; ++r) {
            const float low = v[r] * slope;
            v[r] = v[r] > low ? v[r] : low;
        }
    }
    void bend() {
        for (int r = 0; r < R; ++r) v[r] = tanh_of(v[r]);
    }
};

#if defined(AMPSWEEP_VECTORS)
template <>
struct Rows<4> {
    typedef float Four __attribute__((vector_size(16)));
    typedef float Loose __attribute__((vector_size(16), aligned(4), may_alias));
    Four v;

    static Rows load(const float* p) { return {*reinterpret_cast<const Loose*>(p)}; }
    void store(float* p) const { *reinterpret_cast<Loose*>(p) = v; }
    void add(const Rows& other) { v += other.v; }
    void add(const Rows& weight, float x) { v += weight.v * x; }
    void mix(const Rows& other, float part) { v += (other.v - v) * part; }
    void scale(const Rows& by, const Rows& and_add) { v = v * by.v + and_add.v; }
    void leak(float slope) {
        const Four low = v * slope;
        v = v > low ? v : low;
    }
    void bend() { v = tanh_of(v); }
};
#endif

}  // namespace ampsweep

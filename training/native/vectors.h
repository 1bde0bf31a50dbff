// Vectors of consecutive samples, what is summed and bent with them, and the time they stand in.
//
// Time runs in blocks of 48 samples, the control interval; a tile is what registers hold of it.

#pragma once

#include <cstddef>

#include "../../firmware/engine/bend.h"

constexpr int BLOCK = 48;
#if defined(__AVX512F__)
constexpr int LANES = 16;
#else
constexpr int LANES = 8;
#endif
constexpr int TIME = 3;  // vectors of time in a tile
constexpr int TILE = TIME * LANES;
static_assert(BLOCK % TILE == 0, "a block is whole tiles");

typedef float Vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef float Four __attribute__((vector_size(16), aligned(4), may_alias));

inline Vec& at(float* p) { return *reinterpret_cast<Vec*>(p); }
inline Vec at(const float* p) { return *reinterpret_cast<const Vec*>(p); }

// Keeps a loaded vector in its register: compilers else load it again for every use of it, and the
// load units, not the arithmetic, set the pace.
inline Vec held(Vec v) {
#if defined(__AVX512F__)
    asm("" : "+v"(v));
#elif defined(__AVX__)
    asm("" : "+x"(v));
#endif
    return v;
}

inline float sum(Vec v) {
    float total = 0;
    for (int i = 0; i < LANES; ++i) total += v[i];
    return total;
}

#if defined(__clang__)
#define SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int FourIndices __attribute__((vector_size(16)));
#define SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, FourIndices{i, j, k, l})
#endif

// The sums of four vectors at once: a fraction of the work of one after the other.
inline Four sum_four(const Vec& a, const Vec& b, const Vec& c, const Vec& d) {
    const auto quarter = [](const Vec& v) {
        const float* p = reinterpret_cast<const float*>(&v);
        Four total = *reinterpret_cast<const Four*>(p);
        for (int i = 4; i < LANES; i += 4) total += *reinterpret_cast<const Four*>(p + i);
        return total;
    };
    const Four p = quarter(a), q = quarter(b), r = quarter(c), s = quarter(d);
    const Four pq = SHUFFLE(p, q, 0, 4, 1, 5) + SHUFFLE(p, q, 2, 6, 3, 7);
    const Four rs = SHUFFLE(r, s, 0, 4, 1, 5) + SHUFFLE(r, s, 2, 6, 3, 7);
    return SHUFFLE(pq, rs, 0, 1, 4, 5) + SHUFFLE(pq, rs, 2, 3, 6, 7);
}

// How far into its block each sample stands, 0 to 1.
struct Ramp {
    float up[BLOCK];
    Ramp() {
        for (int i = 0; i < BLOCK; ++i) up[i] = float(i) / BLOCK;
    }
};
const Ramp ramp;

// Values at the control frame before a block and at the one after it, linear between; after is
// null where they stand still.
struct Frame {
    const float *before, *after;
    Vec operator()(size_t index, Vec up) const {
        const Vec first = Vec{} + before[index];
        return after ? first + (after[index] - before[index]) * up : first;
    }
};

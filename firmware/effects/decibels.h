// Decibels, and the logarithms that they need, without libm and without doubles.

#pragma once

#include <cstdint>
#include <cstring>

#include "../engine/powers.h"

namespace ampsweep {

// log2(x) within 1e-6 of the larger of 1 and the result; -126 for all that is not a normal number
// above zero. The mantissa's logarithm is the series of 2 artanh((m - 1) / (m + 1)).
inline float logarithm_of_two(float x) noexcept {
    if (!(x > 1.17549435e-38f)) return -126.0f;
    std::uint32_t bits;
    std::memcpy(&bits, &x, 4);
    constexpr std::uint32_t root_of_half = 0x3f3504f3;  // so that the mantissa is around 1
    const std::uint32_t moved = bits - root_of_half;
    const auto whole = static_cast<std::int32_t>(moved) >> 23;
    bits = (moved & 0x007fffff) + root_of_half;
    float mantissa;
    std::memcpy(&mantissa, &bits, 4);
    const float s = (mantissa - 1.0f) / (mantissa + 1.0f), square = s * s;
    const float series =
        1.0f + square * (1.0f / 3 + square * (1.0f / 5 + square * (1.0f / 7 + square / 9)));
    return static_cast<float>(whole) + 2.88539008f * s * series;
}

inline float gain_of(float decibels) noexcept { return power_of_two(0.166096405f * decibels); }

// -758.6 dB for silence.
inline float decibels_of(float gain) noexcept { return 6.02059991f * logarithm_of_two(gain); }

// What is left of 1 after a decay of so many samples with a time constant in samples.
inline float decay_over(float samples, float time_constant) noexcept {
    return power_of_two(-1.44269504f * samples / time_constant);
}

}  // namespace ampsweep

// Powers of two and of e, without libm and without doubles.

#pragma once

#include <cstdint>
#include <cstring>

namespace ampsweep {

inline std::int32_t nearest(float x) noexcept {
    return static_cast<std::int32_t>(x < 0.0f ? x - 0.5f : x + 0.5f);
}

// 2^k e^r, k from -126 to 127, |r| <= ln 2 / 2, where the series ends after the seventh power.
inline float raised(std::int32_t k, float r) noexcept {
    float sum = r * (1.0f / 5040.0f) + 1.0f / 720.0f;
    sum = sum * r + 1.0f / 120.0f;
    sum = sum * r + 1.0f / 24.0f;
    sum = sum * r + 1.0f / 6.0f;
    sum = sum * r + 0.5f;
    sum = (sum * r + 1.0f) * r + 1.0f;
    const std::uint32_t bits = static_cast<std::uint32_t>(k + 127) << 23;
    float power;
    std::memcpy(&power, &bits, 4);
    return sum * power;
}

// Both are off by 2e-7 of themselves at most.

// 2^x, for x held to -126…127.
inline float power_of_two(float x) noexcept {
    if (!(x > -126.0f)) x = -126.0f;  // NaN as well
    if (x > 127.0f) x = 127.0f;
    const std::int32_t k = nearest(x);
    return raised(k, 0.693147181f * (x - static_cast<float>(k)));
}

// e^x, for x up to 88; 0 below -87. The logarithm of 2 in two parts: k times the first is exact.
inline float exponential(float x) noexcept {
    if (!(x > -87.0f)) return 0.0f;
    if (x > 88.0f) x = 88.0f;
    const std::int32_t k = nearest(x * 1.44269504f);
    const float whole = static_cast<float>(k);
    return raised(k, (x - whole * 0.693359375f) + whole * 2.12194440e-4f);
}

}  // namespace ampsweep

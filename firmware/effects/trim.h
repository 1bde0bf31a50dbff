// A gain in decibels that a hand may turn: the input trim and the output level.

#pragma once

#include <atomic>

#include "decibels.h"

namespace ampsweep {

// The gain follows what is set through two equal one-pole filters, one after the other: critically
// damped, so that neither the gain nor its slope jumps, however coarse the steps that arrive.
class Trim {
public:
    static constexpr float TIME_CONSTANT = 0.008f;  // seconds, of each of the two filters

    explicit Trim(float rate) noexcept : step_(1.0f - decay_over(1.0f, TIME_CONSTANT * rate)) {}

    // In dB, held to -90…+24; at the lower end it is silence. From any thread.
    void set(float decibels) noexcept {
        const float held = decibels < 24.0f ? decibels : 24.0f;
        target_.store(decibels > -90.0f ? gain_of(held) : 0.0f, std::memory_order_relaxed);
    }

    // Arrives at once: for before the audio starts.
    void jump(float decibels) noexcept {
        set(decibels);
        first_ = gain_ = target_.load(std::memory_order_relaxed);
    }

    // `out` may be `in`.
    void process(const float* in, float* out, unsigned frames) noexcept {
        const float target = target_.load(std::memory_order_relaxed);
        for (unsigned i = 0; i < frames; ++i) {
            first_ += step_ * (target - first_);
            gain_ += step_ * (first_ - gain_);
            out[i] = gain_ * in[i];
        }
        settle(target);
    }

private:
    // Where steps become smaller than a float's, the filters would stop short: 0 dB would not be
    // exactly 1. That is the sooner the smaller their share of the way is; the last step, of 85 dB
    // under the signal at 48 kHz, is taken at once.
    void settle(float target) noexcept {
        const float near = 1.5e-7f / step_ * (target > 1e-3f ? target : 1e-3f);
        const float a = target - first_, b = target - gain_;
        if (a < near && a > -near && b < near && b > -near) first_ = gain_ = target;
    }

    float step_, first_ = 1.0f, gain_ = 1.0f;
    std::atomic<float> target_{1.0f};
};

}  // namespace ampsweep

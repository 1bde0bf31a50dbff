// A noise gate: silence where the guitar is silent.

#pragma once

#include <atomic>

#include "decibels.h"
#include "fade.h"

namespace ampsweep {

// It opens when the level rises above one threshold, and closes when the level has stayed below a
// lower one for the hold time. The level is a peak follower: it jumps up and decays, slowly enough
// that it stays up from one half-wave of a low string to the next.
class Gate {
public:
    static constexpr float ATTACK = 0.001f, HOLD = 0.05f, RELEASE = 0.08f;  // seconds
    static constexpr float FOLLOWER = 0.02f;                               // seconds
    static constexpr float HYSTERESIS = 6.0f;                              // dB

    explicit Gate(float rate) noexcept
        : fade_(ATTACK * rate, RELEASE * rate, true),
          decay_(decay_over(1.0f, FOLLOWER * rate)),
          hold_(static_cast<unsigned>(HOLD * rate)),
          since_(hold_) {}

    // The level above which it opens, in dBFS of the peak; it closes HYSTERESIS below. From any
    // thread, as `disable`; until then, it lets everything pass.
    void set(float decibels) noexcept { store(gain_of(decibels)); }
    void disable() noexcept { store(-1.0f); }

    // `out` may be `in`.
    void process(const float* in, float* out, unsigned frames) noexcept {
        const float open = open_.load(std::memory_order_relaxed), close = open * below_;
        for (unsigned i = 0; i < frames; ++i) {
            const float magnitude = in[i] < 0.0f ? -in[i] : in[i];
            level_ *= decay_;
            if (magnitude > level_) level_ = magnitude;
            const bool was_open = since_ < hold_;
            if (level_ > (was_open ? close : open)) since_ = 0;
            else if (was_open) ++since_;
            fade_.to(since_ < hold_);
            out[i] = in[i] * fade_.next();
        }
        if (level_ < 1e-9f) level_ = 0.0f;  // or it would decay among the denormals for ever
    }

private:
    void store(float open) noexcept { open_.store(open, std::memory_order_relaxed); }

    Fade fade_;
    float decay_, below_ = gain_of(-HYSTERESIS), level_ = 0.0f;
    std::atomic<float> open_{-1.0f};  // below zero: always open
    unsigned hold_, since_;           // samples since the level was last above its threshold
};

}  // namespace ampsweep

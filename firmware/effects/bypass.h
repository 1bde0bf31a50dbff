// The bypass: from wet to dry and back, softly.

#pragma once

#include <atomic>

#include "fade.h"

namespace ampsweep {

// An equal-gain cross-fade, since wet and dry are one signal twice: equal-power gains would add up
// to +3 dB on the way.
class Bypass {
public:
    static constexpr float LENGTH = 0.01f;  // seconds

    explicit Bypass(float rate) noexcept : wet_(LENGTH * rate, LENGTH * rate, true) {}

    // From any thread.
    void set(bool bypassed) noexcept { bypassed_.store(bypassed, std::memory_order_relaxed); }
    bool is_set() const noexcept { return bypassed_.load(std::memory_order_relaxed); }

    // `out` may be `wet` or `dry`. At either end, one of them is passed on bit for bit.
    void process(const float* dry, const float* wet, float* out, unsigned frames) noexcept {
        wet_.to(!is_set());
        if (wet_.is_still()) {
            const float* from = wet_.is_on() ? wet : dry;
            for (unsigned i = 0; i < frames; ++i) out[i] = from[i];
            return;
        }
        for (unsigned i = 0; i < frames; ++i) out[i] = dry[i] + wet_.next() * (wet[i] - dry[i]);
    }

private:
    Fade wet_;
    std::atomic<bool> bypassed_{false};
};

}  // namespace ampsweep

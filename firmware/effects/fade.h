// A gain that moves between 0 and 1 without a corner, so that no fade clicks.

#pragma once

namespace ampsweep {

// The position moves linearly; the gain is 3 p^2 - 2 p^3 of it, which starts and ends with slope 0.
// Two signals faded by it and by 1 minus it always add up to 1: an equal-gain cross-fade.
class Fade {
public:
    // Lengths in samples, at least 1. Half a sample less is counted, so that rounding adds none.
    Fade(float up, float down, bool on) noexcept
        : rise_(1.0f / (up - 0.5f)), fall_(1.0f / (down - 0.5f)) {
        jump(on);
    }

    void to(bool on) noexcept { target_ = on ? 1.0f : 0.0f; }
    void jump(bool on) noexcept { position_ = target_ = on ? 1.0f : 0.0f; }

    bool is_on() const noexcept { return position_ == 1.0f && target_ == 1.0f; }
    bool is_off() const noexcept { return position_ == 0.0f && target_ == 0.0f; }
    bool is_still() const noexcept { return position_ == target_; }

    // The gain of the next sample.
    float next() noexcept {
        if (position_ < target_) {
            position_ += rise_;
            if (position_ > target_) position_ = target_;
        } else if (position_ > target_) {
            position_ -= fall_;
            if (position_ < target_) position_ = target_;
        }
        return position_ * position_ * (3.0f - 2.0f * position_);
    }

    void process(float* audio, unsigned frames) noexcept {
        if (is_on()) return;
        for (unsigned i = 0; i < frames; ++i) audio[i] *= next();
    }

private:
    float rise_, fall_, position_ = 0.0f, target_ = 0.0f;
};

}  // namespace ampsweep

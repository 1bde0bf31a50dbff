// A potentiometer, from the converter's noisy value to a position that stands still when the hand
// does. A position is all it is: the model has learnt the amp's own tapers, and one applied here
// would be applied twice.

#pragma once

#include <algorithm>
#include <cstdint>

namespace ampsweep::pedal {

class Pot {
public:
    // Travel at either end that counts as the end: worn tracks and cheap pots never quite reach it.
    static constexpr float DEAD_ZONE = 0.01f;
    // Less than this does not move the position, whichever way it goes.
    static constexpr float HYSTERESIS = 0.003f;
    // Of the one-pole filter, at one update a millisecond: a time constant of 6 ms.
    static constexpr float SMOOTHING = 0.1535f;

    // Takes the converter's value, 0 to 1, once a millisecond; returns the position, 0 to 1.
    float update(float raw) {
        if (!(raw >= 0.0f)) raw = 0.0f;  // a NaN too
        raw = std::min(raw, 1.0f);
        if (!started_) {
            started_ = true;
            std::fill(recent_, recent_ + RECENT, raw);
            smooth_ = held_ = raw;
        }
        recent_[next_] = raw;
        next_ = uint8_t((next_ + 1) % RECENT);
        smooth_ += SMOOTHING * (median() - smooth_);
        held_ = std::clamp(held_, smooth_ - HYSTERESIS, smooth_ + HYSTERESIS);
        return position();
    }

    float position() const {
        return std::clamp((held_ - DEAD_ZONE) / (1.0f - 2.0f * DEAD_ZONE), 0.0f, 1.0f);
    }

private:
    static constexpr unsigned RECENT = 5;

    // Of five: two spikes in a row are not seen at all.
    float median() const {
        float sorted[RECENT];
        std::copy(recent_, recent_ + RECENT, sorted);
        std::sort(sorted, sorted + RECENT);
        return sorted[RECENT / 2];
    }

    float recent_[RECENT] = {};
    float smooth_ = 0.0f, held_ = 0.0f;
    uint8_t next_ = 0;
    bool started_ = false;
};

// A pot that is one of `count` detents: it changes to the next only when well past the border.
inline unsigned nearest_detent(float position, unsigned count, unsigned now) {
    constexpr float MARGIN = 0.1f;  // of the width of a detent
    const float place = position * float(count);
    if (now < count && place > float(now) - MARGIN && place < float(now + 1) + MARGIN) return now;
    return std::min(unsigned(std::max(place, 0.0f)), count - 1);
}

}  // namespace ampsweep::pedal

// A level meter: peak, held peak, RMS and clips.

#pragma once

#include <atomic>
#include <cstdint>

#include "decibels.h"

namespace ampsweep {

// The peak rises at once and falls by 20 dB in 1.7 s, as a digital peak meter's does (IEC 60268-18,
// 1995); the held peak waits for a second before it falls. RMS is the mean square through a
// one-pole filter of 0.3 s. The audio callback writes, and anyone may read.
class Meter {
public:
    static constexpr float FALL = 20.0f / 1.7f;   // dB a second
    static constexpr float HOLD = 1.0f;           // seconds
    static constexpr float INTEGRATION = 0.3f;    // seconds
    static constexpr float FULL_SCALE = 0.9999f;  // what counts as clipped

    explicit Meter(float rate) noexcept : rate_(rate) {}

    void process(const float* audio, unsigned frames) noexcept {
        float most = 0.0f, sum = 0.0f;
        for (unsigned i = 0; i < frames; ++i) {
            const float magnitude = audio[i] < 0.0f ? -audio[i] : audio[i];
            if (magnitude > most) most = magnitude;
            sum += magnitude * magnitude;
        }
        if (frames != frames_) prepare(frames);
        const bool sane = sum < 1e30f;  // or one NaN would stay in the mean for ever
        if (most >= FULL_SCALE || !sane) clips_.store(clips() + 1, std::memory_order_relaxed);
        if (!sane) sum = 0.0f;
        if (!(most < 1e15f)) most = 1e15f;

        const float fallen = peak_.load(std::memory_order_relaxed) * falls_;
        peak_.store(most > fallen ? most : fallen, std::memory_order_relaxed);
        float held = held_.load(std::memory_order_relaxed);
        held_for_ += static_cast<float>(frames);
        if (held_for_ > HOLD * rate_) held *= falls_;
        if (most >= held) {
            held = most;
            held_for_ = 0.0f;
        }
        held_.store(held, std::memory_order_relaxed);
        const float square = square_.load(std::memory_order_relaxed);
        square_.store(square + share_ * (sum / static_cast<float>(frames) - square),
                      std::memory_order_relaxed);
    }

    // All in dBFS, of which a sine of full scale has a peak of 0 and an RMS of -3.01.
    float peak() const noexcept { return decibels_of(peak_.load(std::memory_order_relaxed)); }
    float held() const noexcept { return decibels_of(held_.load(std::memory_order_relaxed)); }
    float rms() const noexcept {
        return 0.5f * decibels_of(square_.load(std::memory_order_relaxed));
    }

    // Blocks so far in which a sample reached full scale.
    std::uint32_t clips() const noexcept { return clips_.load(std::memory_order_relaxed); }

private:
    void prepare(unsigned frames) noexcept {
        frames_ = frames;
        const auto samples = static_cast<float>(frames);
        falls_ = gain_of(-FALL * samples / rate_);
        share_ = 1.0f - decay_over(samples, INTEGRATION * rate_);
    }

    float rate_, falls_ = 1.0f, share_ = 0.0f, held_for_ = 0.0f;
    unsigned frames_ = 0;
    std::atomic<float> peak_{0.0f}, held_{0.0f}, square_{0.0f};
    std::atomic<std::uint32_t> clips_{0};
};

}  // namespace ampsweep

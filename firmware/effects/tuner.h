// The pitch of a string.

#pragma once

#include <atomic>
#include <cstdint>

#include "decibels.h"

namespace ampsweep {

// The McLeod pitch method (P. McLeod and G. Wyvill, A smarter way to find pitch, ICMC 2005): the
// normalised square difference of a window with itself, over lags, has its key maxima at multiples
// of the period. The first that comes near the highest tells the period, and the last multiple of
// it in range tells it best, since a lag's error is divided by the number of periods in it.
//
// It listens at a quarter of 48 kHz, to what four one-pole filters leave under about 2.5 kHz: a
// string's harmonics above would only tell its stiffness. One buffer fills while the other is being
// looked at, some lags with every sample that arrives, so that all blocks have the same work.
class Tuner {
public:
    static constexpr float LISTENING_RATE = 12000.0f;  // Hz, about
    static constexpr unsigned WINDOW = 384;            // samples that are compared
    static constexpr unsigned LAGS = 304;              // 39.5 Hz and up
    static constexpr unsigned FILLED = WINDOW + LAGS;  // a reading every 57 ms
    static constexpr float NEAR_HIGHEST = 0.9f;        // the method's k
    static constexpr float LEAST_CLARITY = 0.8f;       // less is noise, or a chord
    static constexpr float QUIETEST = -70.0f;          // dBFS

    struct Reading {
        float frequency;  // Hz; 0 if there is no pitch
        float clarity;    // 0…1: how periodic the sound is
    };

    explicit Tuner(float rate) noexcept
        : every_(static_cast<unsigned>(rate / LISTENING_RATE + 0.5f)),
          rate_(rate / static_cast<float>(every_ > 0 ? every_ : 1)),
          smooth_(1.0f - decay_over(1.0f, rate / (6.2831853f * 2500.0f))) {
        if (every_ == 0) every_ = 1;
    }

    void process(const float* in, unsigned frames) noexcept {
        for (unsigned i = 0; i < frames; ++i) {
            low_[0] += smooth_ * (in[i] - low_[0]);
            for (unsigned k = 1; k < 4; ++k) low_[k] += smooth_ * (low_[k - 1] - low_[k]);
            if (++skipped_ < every_) continue;
            skipped_ = 0;
            listen(low_[3]);
        }
    }

    Reading reading() const noexcept {
        return {frequency_.load(std::memory_order_relaxed),
                clarity_.load(std::memory_order_relaxed)};
    }

    // How many windows have been looked at.
    std::uint32_t readings() const noexcept { return readings_.load(std::memory_order_acquire); }

private:
    static constexpr unsigned MOST_LOBES = 64;

    struct Lobe {
        float lag, height;  // of a key maximum, between the samples around it
    };

    void listen(float sample) noexcept {
        // Without what is under 10 Hz: an offset would be alike at all lags.
        still_ += 0.005f * (sample - still_);
        filling_[at_++] = sample - still_;
        while (lag_ * FILLED < at_ * LAGS) compare();
        if (at_ < FILLED) return;
        finish();
        at_ = lag_ = 0;
        float* const looked_at = looking_;
        looking_ = filling_;
        filling_ = looked_at;
    }

    // The next four lags: 2 sum x(j) x(j + lag) / sum (x(j)^2 + x(j + lag)^2), and what they tell.
    // Four samples of four lags at a time: seven loads would do for sixteen products.
    [[gnu::noinline]] void compare() noexcept {
        const float* later = looking_ + lag_;
        float sums[4] = {}, p = later[0], q = later[1], r = later[2];
        for (unsigned j = 0; j < WINDOW; j += 4) {
            const float *x = looking_ + j, *y = later + j + 3;
            const float s = y[0], t = y[1], u = y[2], v = y[3];
            sums[0] += x[0] * p, sums[1] += x[0] * q, sums[2] += x[0] * r, sums[3] += x[0] * s;
            sums[0] += x[1] * q, sums[1] += x[1] * r, sums[2] += x[1] * s, sums[3] += x[1] * t;
            sums[0] += x[2] * r, sums[1] += x[2] * s, sums[2] += x[2] * t, sums[3] += x[2] * u;
            sums[0] += x[3] * s, sums[1] += x[3] * t, sums[2] += x[3] * u, sums[3] += x[3] * v;
            p = t, q = u, r = v;
        }
        if (lag_ == 0) start(sums[0]);
        for (const float sum : sums) {
            const float energy = energy_ + shifted_;
            follow(energy > 0.0f ? 2.0f * sum / energy : 0.0f);
            const float in = looking_[lag_ + WINDOW], gone = looking_[lag_];
            shifted_ += in * in - gone * gone;
            ++lag_;
        }
    }

    void start(float energy) noexcept {
        energy_ = shifted_ = energy;
        lobes_ = 0;
        rising_ = false;
        best_ = {0.0f, 0.0f};
        last_ = before_last_ = 1.0f;
    }

    // A key maximum is the highest between a zero crossing upwards and the next one downwards.
    void follow(float height) noexcept {
        if (height < 0.0f) {
            keep();
            rising_ = true;  // the next crossing begins a lobe; that of lag 0 was none
        } else if (rising_ && last_ > best_.height && last_ >= before_last_ && last_ >= height) {
            const float bend = before_last_ - 2.0f * last_ + height;
            const float shift = bend < 0.0f ? 0.5f * (before_last_ - height) / bend : 0.0f;
            best_ = {static_cast<float>(lag_ - 1) + shift,
                     last_ - 0.25f * (before_last_ - height) * shift};
        }
        before_last_ = last_;
        last_ = height;
    }

    void keep() noexcept {
        if (best_.height > 0.0f && lobes_ < MOST_LOBES) lobe_[lobes_++] = best_;
        best_ = {0.0f, 0.0f};
    }

    void finish() noexcept {
        keep();
        float highest = 0.0f;
        for (unsigned i = 0; i < lobes_; ++i)
            if (lobe_[i].height > highest) highest = lobe_[i].height;
        const float least = gain_of(2.0f * QUIETEST) * static_cast<float>(WINDOW);
        if (highest < LEAST_CLARITY || energy_ < least) {
            tell(0.0f, highest);
            return;
        }
        unsigned first = 0;
        while (lobe_[first].height < NEAR_HIGHEST * highest) ++first;
        float period = lobe_[first].lag, periods = 1.0f;
        for (unsigned i = first + 1; i < lobes_; ++i) {
            const float away = lobe_[i].lag / period - (periods + 1.0f);
            if (away < -0.2f || lobe_[i].height < NEAR_HIGHEST * highest) continue;
            if (away > 0.2f) break;
            periods += 1.0f;
            period = lobe_[i].lag / periods;
        }
        tell(rate_ / period, lobe_[first].height);
    }

    void tell(float frequency, float clarity) noexcept {
        frequency_.store(frequency, std::memory_order_relaxed);
        clarity_.store(clarity < 1.0f ? clarity : 1.0f, std::memory_order_relaxed);
        readings_.store(readings() + 1, std::memory_order_release);
    }

    unsigned every_;
    float rate_, smooth_;
    float low_[4] = {}, still_ = 0.0f;
    unsigned skipped_ = 0, at_ = 0, lag_ = 0, lobes_ = 0;
    float energy_ = 0.0f, shifted_ = 0.0f, last_ = 1.0f, before_last_ = 1.0f;
    bool rising_ = false;
    Lobe best_{0.0f, 0.0f}, lobe_[MOST_LOBES] = {};
    float buffers_[2][FILLED] = {};
    float *filling_ = buffers_[0], *looking_ = buffers_[1];
    std::atomic<float> frequency_{0.0f}, clarity_{0.0f};
    std::atomic<std::uint32_t> readings_{0};
};

// The note next to a frequency: MIDI's number (69 is the A of `reference` Hz), and how many cents
// above it the frequency is, -50…50.
struct Note {
    int number;
    float cents;
};

inline Note note_of(float frequency, float reference = 440.0f) noexcept {
    const float number = 69.0f + 12.0f * logarithm_of_two(frequency / reference);
    const int nearest = static_cast<int>(number + 0.5f);
    return {nearest, 100.0f * (number - static_cast<float>(nearest))};
}

}  // namespace ampsweep

// Bass and treble after the model, on pots that the amp's own knobs leave free: two shelves of
// first order, at 200 Hz and at 2.5 kHz.

#pragma once

#include <atomic>

#include "../effects/decibels.h"

namespace ampsweep::pedal {

// What hands set; shared by the tones of both voices, from any thread.
struct ToneSettings {
    std::atomic<float> bass{1.0f}, treble{1.0f};  // gains of the shelves
};

class Tone {
public:
    static constexpr float BASS = 200.0f, TREBLE = 2500.0f;  // Hz
    static constexpr float GLIDE = 0.01f;                     // seconds

    explicit Tone(float rate = 48000.0f)
        : low_step_(1.0f - decay_over(6.2831853f * BASS, rate)),
          high_step_(1.0f - decay_over(6.2831853f * TREBLE, rate)),
          glide_(1.0f - decay_over(1.0f, GLIDE * rate)) {}

    // Begins as after endless silence, its gains where they are set.
    void restart(const ToneSettings& settings) {
        low_ = high_ = 0.0f;
        bass_ = settings.bass.load(std::memory_order_relaxed);
        treble_ = settings.treble.load(std::memory_order_relaxed);
    }

    // In place. With both gains at 1 the samples are passed on bit for bit.
    void process(const ToneSettings& settings, float* audio, unsigned frames) {
        const float bass = settings.bass.load(std::memory_order_relaxed);
        const float treble = settings.treble.load(std::memory_order_relaxed);
        for (unsigned i = 0; i < frames; ++i) {
            const float x = audio[i];
            bass_ += glide_ * (bass - bass_);
            treble_ += glide_ * (treble - treble_);
            low_ += low_step_ * (x - low_);
            high_ += high_step_ * (x - high_);
            audio[i] = x + (bass_ - 1.0f) * low_ + (treble_ - 1.0f) * (x - high_);
        }
        // The glide would stop just short of where it goes.
        if (near(bass_, bass)) bass_ = bass;
        if (near(treble_, treble)) treble_ = treble;
        if (tiny(low_)) low_ = 0.0f;  // nor decay among the denormals for ever
        if (tiny(high_)) high_ = 0.0f;
    }

private:
    static bool near(float a, float b) { return a - b < 1e-5f && b - a < 1e-5f; }
    static bool tiny(float a) { return a < 1e-20f && a > -1e-20f; }

    float low_step_, high_step_, glide_;
    float low_ = 0.0f, high_ = 0.0f, bass_ = 1.0f, treble_ = 1.0f;
};

}  // namespace ampsweep::pedal

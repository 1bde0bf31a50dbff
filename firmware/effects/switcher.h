// From one model to another while the guitar plays.

#pragma once

#include <atomic>

#include "fade.h"
#include "voice.h"

namespace ampsweep {

// Two voices, of which one plays. The other is loaded outside the audio callback, at leisure; then
// the one that plays fades out in 2 ms, and the other, which starts in the state that silence
// leaves, fades in. Never do both play: the processor could not, and a gap of so few milliseconds
// is not heard as one.
//
// Whoever loads the spare one sets its knobs and restarts it, so that it begins where they stand:
//
//     if (Voice<Engine>* spare = switcher.spare()) {
//         spare->model.load(image, arena, size);  // not the arena of the voice that plays
//         for (…) spare->model.set(knob, position);
//         spare->model.restart();
//         spare->match(levels_of(image), ours);
//         spare->cabinet.load(taps, count);
//         switcher.play_spare();
//     }
//
// `spare`, `play_spare` and `current` are for one thread, `process` is for the audio callback.
template <class Model = Engine>
class Switcher {
public:
    static constexpr float LENGTH = 0.002f;  // seconds, of each of the two fades

    explicit Switcher(float rate) noexcept : fade_(LENGTH * rate, LENGTH * rate, false) {}

    bool is_switching() const noexcept { return asked_.load(std::memory_order_acquire); }

    // The voice that does not play, to be loaded; null while the last switch is still going on.
    Voice<Model>* spare() noexcept { return is_switching() ? nullptr : &voices_[1 - playing()]; }

    // The spare one is loaded and shall play.
    void play_spare() noexcept { asked_.store(true, std::memory_order_release); }

    // The voice that plays, whose knobs can be turned; null before there is one.
    Voice<Model>* current() noexcept {
        return loaded_.load(std::memory_order_acquire) ? &voices_[playing()] : nullptr;
    }

    // `out` may be `in`.
    void process(const float* in, float* out, unsigned frames) noexcept {
        if (is_switching()) {
            fade_.to(false);
            if (fade_.is_off()) flip();
        }
        if (!loaded_.load(std::memory_order_relaxed)) {
            for (unsigned i = 0; i < frames; ++i) out[i] = 0.0f;
            return;
        }
        voices_[playing()].process(in, out, frames);
        fade_.process(out, frames);
    }

private:
    unsigned playing() const noexcept { return playing_.load(std::memory_order_relaxed); }

    void flip() noexcept {
        playing_.store(1 - playing(), std::memory_order_relaxed);
        loaded_.store(true, std::memory_order_release);
        asked_.store(false, std::memory_order_release);
        fade_.to(true);
    }

    Voice<Model> voices_[2];
    Fade fade_;
    std::atomic<unsigned> playing_{1};
    std::atomic<bool> asked_{false}, loaded_{false};
};

}  // namespace ampsweep

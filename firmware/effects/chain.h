// The whole way from the guitar to the amplifier's input.

#pragma once

#include "bypass.h"
#include "gate.h"
#include "meter.h"
#include "overload.h"
#include "switcher.h"
#include "trim.h"
#include "tuner.h"

namespace ampsweep {

// trim -> gate -> voice (level, model, level, cabinet) -> level -> bypass -> mute
//
// The first meter and the tuner listen at the input, the second meter at the output. Nothing adds
// latency. The parts are set directly and from any thread; `process` and `overran` are for the
// audio callback.
template <class Model = Engine>
class Chain {
public:
    static constexpr float MUTING = 0.01f;  // seconds

    explicit Chain(float rate) noexcept
        : trim(rate),
          level(rate),
          gate(rate),
          models(rate),
          bypass(rate),
          overload(rate),
          input(rate),
          output(rate),
          tuner(rate),
          sound_(MUTING * rate, MUTING * rate, true) {}

    // Any number of frames, in blocks of 48; `out` may be `in`.
    void process(const float* in, float* out, unsigned frames) noexcept {
        while (frames > 0) {
            const unsigned now = frames < MOST_FRAMES ? frames : MOST_FRAMES;
            process_block(in, out, now);
            in += now;
            out += now;
            frames -= now;
        }
    }

    // The callback missed its deadline with the block before.
    void overran() noexcept { overload.late(); }

    // The spare voice is loaded and shall play; whatever the last one cost is forgiven.
    void play_spare() noexcept {
        models.play_spare();
        overload.forgive();
    }

    void tune(bool on) noexcept { tuning_.store(on, std::memory_order_relaxed); }
    void mute(bool on) noexcept { muted_.store(on, std::memory_order_relaxed); }

    Trim trim, level;
    Gate gate;
    Switcher<Model> models;
    Bypass bypass;
    Overload overload;
    Meter input, output;
    Tuner tuner;

private:
    static constexpr unsigned MOST_FRAMES = Cabinet::PARTITION;

    void process_block(const float* in, float* out, unsigned frames) noexcept {
        input.process(in, frames);
        if (tuning_.load(std::memory_order_relaxed)) tuner.process(in, frames);
        if (overload.rests()) {
            overload.rest(in, out, frames);
        } else {
            float wet[MOST_FRAMES];
            trim.process(in, wet, frames);
            gate.process(wet, wet, frames);
            models.process(wet, wet, frames);
            level.process(wet, wet, frames);
            bypass.process(in, wet, out, frames);
            overload.play(out, frames);
        }
        sound_.to(!muted_.load(std::memory_order_relaxed));
        sound_.process(out, frames);
        output.process(out, frames);
    }

    Fade sound_;
    std::atomic<bool> tuning_{false}, muted_{false};
};

}  // namespace ampsweep

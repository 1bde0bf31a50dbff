// A model between an input and an output: any sample rate, any block, levels, bypass.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../effects/bypass.h"
#include "../effects/cabinet.h"
#include "../effects/trim.h"
#include "any_rate.h"
#include "denormals.h"

namespace ampsweep {

// What LV2 and the live sound card share. Nothing allocates, blocks or fails after construction.
class Hosted {
public:
    // Rate in Hz. Throws std::bad_alloc if there is no memory; the model stays its owner's.
    Hosted(amp_model* model, std::uint32_t rate)
        : model_(model, rate),
          before_(float(rate)),
          after_(float(rate)),
          bypass_(float(rate)),
          late_(model_.delay() + AnyRate::CHUNK) {}

    std::size_t delay() const { return model_.delay(); }  // samples

    void set_levels(float input, float output) {  // dB
        before_.set(input);
        after_.set(output);
    }
    void set_bypass(bool bypassed) { bypass_.set(bypassed); }

    // Plays what follows through an impulse response at the host's rate, of at most
    // Cabinet::MOST_TAPS samples. Throws std::bad_alloc; not while `process` may run.
    void set_cabinet(const float* taps, unsigned count) {
        if (!cabinet_) cabinet_ = std::make_unique<Cabinet>();
        cabinet_->load(taps, count);
    }

    // As after endless silence, with knobs and levels where they were set.
    void restart(float input, float output) {
        before_.jump(input);
        after_.jump(output);
        model_.restart();
        if (cabinet_) cabinet_->clear();
        std::fill(late_.begin(), late_.end(), 0.0f);
    }

    // Any number of frames; in and out may be the same.
    void process(const float* in, float* out, std::size_t frames) {
        const NoDenormals guard;
        while (frames > 0) {
            const std::size_t now = std::min(frames, AnyRate::CHUNK);
            chunk(in, out, now);
            in += now;
            out += now;
            frames -= now;
        }
    }

private:
    void chunk(const float* in, float* out, std::size_t frames) {
        float* newest = late_.data() + delay();
        for (std::size_t i = 0; i < frames; ++i) newest[i] = sane(in[i]);
        float wet[AnyRate::CHUNK];
        before_.process(newest, wet, unsigned(frames));
        model_.process(wet, wet, frames);
        if (cabinet_) cabinet_->process(wet, wet, unsigned(frames));
        after_.process(wet, wet, unsigned(frames));
        bypass_.process(late_.data(), wet, out, unsigned(frames));
        std::copy(late_.begin() + long(frames), late_.end(), late_.begin());
    }

    // What another plugin's fault would leave in the model's memory for a while, or for ever.
    static float sane(float x) {
        constexpr float most = 64.0f;  // +36 dBFS
        if (x != x) return 0.0f;
        return x > most ? most : x < -most ? -most : x;
    }

    AnyRate model_;
    std::unique_ptr<Cabinet> cabinet_;
    Trim before_, after_;
    Bypass bypass_;
    std::vector<float> late_;  // the dry, as late as the wet
};

}  // namespace ampsweep

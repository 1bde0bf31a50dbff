// A model at whatever sample rate its host has.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "../host/ampsweep.h"
#include "resampler.h"

namespace ampsweep {

// At the model's own rate, nothing but the model. At another, the audio is resampled to it and
// back, which delays by a whole number of samples, the same for every block.
class AnyRate {
public:
    static constexpr std::size_t CHUNK = 64;

    // Rate in Hz. Throws std::bad_alloc if there is no memory; the model stays its owner's.
    AnyRate(amp_model* model, std::uint32_t rate) : model_(model) {
        const std::uint32_t own = amp_sample_rate(model);
        if (rate == own) return;
        in_ = std::make_unique<Resampler>(rate, own, CHUNK);
        inside_.resize(in_->most(CHUNK));
        out_ = std::make_unique<Resampler>(own, rate, inside_.size());
        // An output sample needs the model's up to out_'s lookahead later, and the last of these
        // the host's up to in_'s lookahead later.
        delay_ = in_->lookahead() + std::size_t(std::uint64_t(out_->lookahead()) * rate / own);
        ready_.resize(delay_ + CHUNK + out_->most(inside_.size()));
    }

    std::size_t delay() const { return delay_; }  // samples at the host's rate

    // As after endless silence, with the knobs where they were set.
    void restart() {
        amp_restart(model_);
        if (!in_) return;
        const float silence = 0.0f;
        float rest;
        amp_process(model_, &silence, &rest, 1);
        amp_restart(model_);
        in_->fill(0.0f);
        out_->fill(rest);
        waiting_ = delay_;
        std::fill_n(ready_.begin(), waiting_, rest);
    }

    // At most CHUNK frames; in and out may be the same.
    void process(const float* in, float* out, std::size_t frames) {
        if (!in_) {
            amp_process(model_, in, out, std::uint32_t(frames));
            return;
        }
        const std::size_t inside = in_->process(in, frames, inside_.data());
        amp_process(model_, inside_.data(), inside_.data(), std::uint32_t(inside));
        waiting_ += out_->process(inside_.data(), inside, ready_.data() + waiting_);
        std::copy_n(ready_.data(), frames, out);
        waiting_ -= frames;
        std::copy_n(ready_.data() + frames, waiting_, ready_.data());
    }

private:
    amp_model* model_;
    std::unique_ptr<Resampler> in_, out_;
    std::size_t delay_ = 0, waiting_ = 0;
    std::vector<float> inside_;  // at the model's rate
    std::vector<float> ready_;   // `waiting_` samples, whose turn has not come
};

}  // namespace ampsweep

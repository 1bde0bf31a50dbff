#include "live.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <new>
#include <vector>

#include "../lv2/hosted.h"

using namespace ampsweep;

struct amp_live {
    amp_live(amp_model* opened, uint32_t rate, uint32_t in, uint32_t heard, uint32_t out)
        : model(opened),
          hosted(opened, rate),
          inputs(in),
          input(heard),
          outputs(out),
          wanted(amp_knob_count(opened)) {
        for (uint32_t knob = 0; knob < wanted.size(); ++knob)
            wanted[knob].store(amp_get(model, knob));
        hosted.restart(0.0f, 0.0f);
    }

    amp_model* model;
    Hosted hosted;
    uint32_t inputs, input, outputs;
    // Each is read whole, and none waits for another: a callback that sees one turned and the next
    // not yet, sees it turned 1 ms later.
    std::vector<std::atomic<float>> wanted;
    std::atomic<float> input_level{0.0f}, output_level{0.0f};
    std::atomic<bool> bypassed{false};
    std::atomic<float> input_peak{0.0f}, output_peak{0.0f};
    std::atomic<uint32_t> callbacks{0}, dropouts{0}, block{0};
};

static_assert(std::atomic<float>::is_always_lock_free, "the callback must not wait");

namespace {

constexpr unsigned long LOST = 15;  // PortAudio's flags of under- and overflow, not of priming

void raise_to(std::atomic<float>& peak, float sample) {
    constexpr auto relaxed = std::memory_order_relaxed;
    if (sample > peak.load(relaxed)) peak.store(sample, relaxed);
}

}  // namespace

amp_live* live_open(amp_model* model, uint32_t rate, uint32_t inputs, uint32_t input,
                    uint32_t outputs) {
    try {
        return new amp_live(model, rate, inputs, input, outputs);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void live_close(amp_live* live) { delete live; }

int live_cabinet(amp_live* live, const float* taps, uint32_t count) {
    try {
        live->hosted.set_cabinet(taps, count);
        return 1;
    } catch (const std::bad_alloc&) {
        return 0;
    }
}

uint32_t live_delay(const amp_live* live) { return uint32_t(live->hosted.delay()); }

void live_set(amp_live* live, uint32_t knob, float position) {
    if (knob < live->wanted.size()) live->wanted[knob].store(position);
}

void live_levels(amp_live* live, float input, float output) {
    live->input_level.store(input);
    live->output_level.store(output);
}

void live_bypass(amp_live* live, int bypassed) { live->bypassed.store(bypassed != 0); }

void live_read(amp_live* live, amp_meters* meters) {
    *meters = {live->input_peak.exchange(0.0f), live->output_peak.exchange(0.0f),
               live->callbacks.exchange(0), live->dropouts.exchange(0), live->block.load()};
}

int live_callback(const void* in, void* out, unsigned long frames, const void*,
                  unsigned long flags, void* self) {
    amp_live& live = *static_cast<amp_live*>(self);
    live.callbacks.fetch_add(1, std::memory_order_relaxed);
    live.block.store(uint32_t(frames), std::memory_order_relaxed);
    if (flags & LOST) live.dropouts.fetch_add(1, std::memory_order_relaxed);
    for (uint32_t knob = 0; knob < live.wanted.size(); ++knob)
        amp_set(live.model, knob, live.wanted[knob].load(std::memory_order_relaxed));
    live.hosted.set_levels(live.input_level.load(std::memory_order_relaxed),
                           live.output_level.load(std::memory_order_relaxed));
    live.hosted.set_bypass(live.bypassed.load(std::memory_order_relaxed));
    const float* heard = static_cast<const float*>(in);
    float* sounding = static_cast<float*>(out);
    float highest_in = 0.0f, highest_out = 0.0f;
    while (frames > 0) {
        float audio[AnyRate::CHUNK];
        const std::size_t now = frames < AnyRate::CHUNK ? frames : AnyRate::CHUNK;
        for (std::size_t i = 0; i < now; ++i) {
            audio[i] = heard ? heard[i * live.inputs + live.input] : 0.0f;
            highest_in = std::fmax(highest_in, std::fabs(audio[i]));
        }
        live.hosted.process(audio, audio, now);
        for (std::size_t i = 0; i < now; ++i) {
            highest_out = std::fmax(highest_out, std::fabs(audio[i]));
            for (uint32_t channel = 0; channel < live.outputs; ++channel)
                *sounding++ = audio[i];
        }
        if (heard) heard += now * live.inputs;
        frames -= now;
    }
    raise_to(live.input_peak, highest_in);
    raise_to(live.output_peak, highest_out);
    return 0;  // paContinue
}

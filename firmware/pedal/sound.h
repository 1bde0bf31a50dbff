// The pedal's whole sound: the chain of effects with the engine in it, and what changes it while it
// plays. `process` is for the audio callback, all else for the main loop.

#pragma once

#include <cstddef>
#include <cstdint>

#include "../effects/chain.h"
#include "../effects/load.h"
#include "../engine/engine.h"
#include "hardware.h"
#include "surface.h"
#include "tone.h"

namespace ampsweep::pedal {

constexpr float RATE = 48000.0f;

// Memory for the two voices' engines: the fast, which every sample touches, and the other.
struct Arena {
    void* fast;
    std::size_t fast_size;
    void* other;
    std::size_t other_size;
};

// What the board has, and where: `staging` and `images` of LARGEST_FILE bytes each, at multiples
// of 4, and memory for two engines.
struct Board {
    uint8_t* staging;
    uint8_t* images[2];
    Arena arenas[2];
    Levels levels;           // of its converters
    float ticks_per_second;  // of Hardware::ticks
    const char* firmware;    // its name and version
};

// What the chain takes for a model: the engine and the tone after it.
struct Amp {
    Engine engine;
    Tone tone{RATE};
    const ToneSettings* settings = nullptr;

    void process(const float* in, float* out, unsigned frames) noexcept {
        engine.process(in, out, frames);
        if (settings) tone.process(*settings, out, frames);
    }
};

// Whether a voice's memory holds this model; what is not known of it is for Engine::load to say.
inline bool fits(const Image& image, const Arena& arena) {
    return fast_size(image) <= arena.fast_size &&
           arena_size(image) <= arena.fast_size + arena.other_size;
}

class Sound {
public:
    // `arenas`: two, one a voice. `levels`: of the board's own converters. `ticks_per_second`: of
    // Hardware::ticks.
    Sound(const Arena* arenas, const Levels& levels, float ticks_per_second)
        : load_(ticks_per_second, RATE), levels_(levels) {
        arenas_[0] = arenas[0];
        arenas_[1] = arenas[1];
        chain_.bypass.set(true);
    }

    void process(Hardware& hardware, const float* in, float* out, unsigned frames) {
        load_.begin(hardware.ticks());
        chain_.process(in, out, frames);
        if (load_.end(hardware.ticks(), frames)) chain_.overran();
        blocks_.store(blocks_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    // Whether a model can be loaded now: not in the few milliseconds of a switch.
    bool ready() const { return !chain_.models.is_switching(); }

    // Loads a model into the voice that does not play. `positions`: one for each knob. The one that
    // plays does so until `play`; it does too if this fails.
    Status load(const Image& image, const float* positions, const float* cabinet, unsigned taps) {
        Voice<Amp>* voice = chain_.models.spare();
        const Arena& arena = arenas_[spare_];
        if (!voice || !fits(image, arena)) return Status::small_arena;
        Engine& engine = voice->model.engine;
        const Status status =
            engine.load(image, arena.fast, arena.fast_size, arena.other, arena.other_size);
        if (status != Status::ok) return status;
        for (unsigned k = 0; k < image.knobs; ++k) engine.set(k, positions[k]);
        engine.restart();
        voice->model.settings = &tone_;
        voice->model.tone.restart(tone_);
        voice->match({image.input_level, image.output_level, image.has_input_level,
                      image.has_output_level},
                     levels_);
        voice->cabinet.load(cabinet, taps);
        return Status::ok;
    }

    void play() {
        engine_ = &chain_.models.spare()->model.engine;
        spare_ = 1 - spare_;
        chain_.overload.forgive();
        chain_.models.play_spare();
        loaded_ = true;
        apply_bypass();
    }

    // A knob of the model that was loaded last.
    void turn(unsigned knob, float position) {
        if (engine_) engine_->set(knob, position);
    }

    // In the target's own unit, dB.
    void set(Target target, float value) {
        switch (target) {
            case Target::trim: chain_.trim.set(value); break;
            case Target::level:
                chain_.level.set(value > range_of(Target::level).minimum ? value : -90.0f);
                break;
            case Target::bass: tone_.bass = gain_of(value); break;
            case Target::treble: tone_.treble = gain_of(value); break;
            case Target::gate:
                threshold_ = value;
                if (gate_) chain_.gate.set(value);
                break;
            case Target::knob:
            case Target::none: break;
        }
    }

    void gate(bool on) {
        gate_ = on;
        if (on) chain_.gate.set(threshold_);
        else chain_.gate.disable();
    }

    void bypass(bool on) {
        bypassed_ = on;
        apply_bypass();
    }

    // The tuner listens, and nothing is heard.
    void tune(bool on) {
        chain_.tune(on);
        chain_.mute(on);
    }

    bool bypassed() const { return bypassed_; }
    bool loaded() const { return loaded_; }
    float load() const { return load_.average(); }
    uint32_t overruns() const { return load_.overruns(); }
    bool gave_up() const { return chain_.overload.gave_up(); }
    uint32_t clips() const { return chain_.input.clips(); }
    float input_peak() const { return chain_.input.peak(); }
    float output_peak() const { return chain_.output.peak(); }
    float frequency() const { return chain_.tuner.reading().frequency; }
    uint32_t blocks() const { return blocks_.load(std::memory_order_relaxed); }

private:
    // Without a model the guitar passes as it is.
    void apply_bypass() { chain_.bypass.set(bypassed_ || !loaded_); }

    Chain<Amp> chain_{RATE};
    LoadMeter load_;
    Levels levels_;
    Arena arenas_[2];
    unsigned spare_ = 0;
    Engine* engine_ = nullptr;
    ToneSettings tone_;
    float threshold_ = range_of(Target::gate).initial;
    bool gate_ = false, bypassed_ = false, loaded_ = false;
    std::atomic<uint32_t> blocks_{0};
};

}  // namespace ampsweep::pedal

// What one sounds through: a model, its levels, and a cabinet.

#pragma once

#include "../engine/engine.h"
#include "cabinet.h"
#include "decibels.h"

namespace ampsweep {

// What a sine of 0 dBFS is at an input and at an output, in dBu.
struct Levels {
    float input, output;
    bool knows_input, knows_output;
};

inline Levels levels_of(const Image& image) noexcept {
    return {image.input_level, image.output_level, image.has_input_level, image.has_output_level};
}

// `Model` is the Engine, or something around it or instead of it that has its `process`.
template <class Model>
struct Voice {
    Model model;
    Cabinet cabinet;
    float input = 1.0f, output = 1.0f;  // gains before the model and after it

    // So that the model is given the volts it was captured with, and gives those it then gave. A
    // level that either side does not know is left as it is.
    void match(const Levels& model_has, const Levels& we_have) noexcept {
        input = model_has.knows_input && we_have.knows_input
                    ? gain_of(we_have.input - model_has.input)
                    : 1.0f;
        output = model_has.knows_output && we_have.knows_output
                     ? gain_of(model_has.output - we_have.output)
                     : 1.0f;
    }

    // `out` may be `in`.
    void process(const float* in, float* out, unsigned frames) noexcept {
        for (unsigned i = 0; i < frames; ++i) out[i] = input * in[i];
        model.process(out, out, frames);
        for (unsigned i = 0; i < frames; ++i) out[i] *= output;
        cabinet.process(out, out, frames);
    }
};

}  // namespace ampsweep

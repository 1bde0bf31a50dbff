// The knobs and the control network: from panel positions to what the weights follow.

#pragma once

#include "arena.h"
#include "engine.h"

namespace ampsweep {

// Dense layers, W packed for eight outputs at a time.
struct Dense {
    int inputs, outputs;
    bool bent;       // by softsign, x / (1 + |x|)
    float* weights;  // of each eight outputs: biases, then eight weights for each input; all padded
};

struct Panel {
    float minimum, maximum;
    int detents;
};

struct Control {
    int knobs, inputs, outputs, layers;
    Panel* panel;
    Dense* dense;
    float* scratch[2];  // (widest layer)
};

// Takes its memory from the arena and, if that is more than counted, fills it.
Control place_control(const Image& image, Arena& arena);

// What the network puts out at a setting: positions (knobs), outputs (control.outputs rounded up
// to eights).
void follow(const Control& control, const float* positions, float* outputs);

}  // namespace ampsweep

// The GRU and the LSTM of docs/pedal-image.md, sample by sample.
//
// A step makes four planes of pre-activations, each as wide as the state h: z = A u + S (W h) + T;
// what becomes of them, training/models/cell.py says. Gates are halved, and so is the GRU's q,
// which a gate multiplies: that is how sigmoids are made of tanh, and no sample pays for it.
//
// Rows of W are packed by eights: T, A, then eight weights for each number of the state, whose
// count is rounded up to even. While knobs move, z = (T + t T') + (A + t A') u + (S + t S') (W h)
// after t samples, and the ramp has of each eight rows S', T', A', T, A, S.

#pragma once

#include "arena.h"
#include "engine.h"
#include "wavenet.h"

namespace ampsweep {

struct Recurrent {
    bool lstm;
    int units, bases;
    int rows;   // of pre-activations: four planes
    int heard;  // of these, the first ones that hear the state: of a GRU three planes
    int pairs;  // of the state, rounded up
    int outputs;      // of the control network
    float* base;      // packed, as the image has it, but for the biases
    float* bias;      // (rows)
    float* bases_of;  // packed in the same way, one after another
    float* folded[2]; // packed: now, and, if bases move, at the next frame
    float* head;
    float* raw;       // outputs of the control network, as they come
    float head_bias, skip;
    float *state, *cell;  // h and, of an LSTM, c
    float *z, *other;     // pre-activations; what the next frame's weights make of the state
    float* ramp;          // of the rows, from where a block begins
};

Recurrent place_recurrent(const Image& image, Arena& arena);

// Numbers of a frame: A, S and T of all rows, the level, then the mixtures.
int frame_size(const Recurrent& net);

// The following are as in wavenet.h; conditions are a frame.
void to_conditions(const Recurrent& net, float* outputs);
void approach(Recurrent& net, const float* conditions);
void arrive(Recurrent& net);
void fold(Recurrent& net, const float* conditions);
void settle(Recurrent& net);
void run(Recurrent& net, const Block& block);

}  // namespace ampsweep

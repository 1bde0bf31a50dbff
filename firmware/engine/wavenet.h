// The WaveNet of docs/pedal-image.md, in blocks of at most 48 frames.
//
// Samples stand side by side by channel: (time, channel). Each layer keeps its input so that every
// tap is one straight run: in a ring of whole blocks, whose first block is there once more behind
// the last; or, if it looks back no further than a block, in a window whose last rows move to its
// beginning when it is full. A block passes through layer after layer.
//
// Weights are packed for four output channels at a time (fewer for the last ones): biases, mix-ins,
// then four weights for each tap and input channel. What a residual's bias adds is a constant that
// goes through every later layer, so it is in their biases, and no sample pays for it.

#pragma once

#include "arena.h"
#include "engine.h"
#include "rows.h"

namespace ampsweep {

struct Layer {
    int kernel, dilation;
    int past;         // samples that it looks back
    int rows;         // of the ring, mirrored block apart, or of the window
    int at;           // where the next block goes
    float* ring;      // (kept(), channels)
    float* base;      // packed, as the image has it
    float* bases;     // packed in the same way, one after another
    float* folded[2]; // packed, as the knobs have it: now, and, if bases move, at the next frame
    float* residual;  // packed

    bool slides() const { return past <= BLOCK; }
    int start() const { return slides() ? past : 0; }
    int kept() const { return slides() ? rows : rows + BLOCK; }
};

struct Wavenet;

// Frames of one block. While knobs move, conditions are linear from `before` to `after`: at the
// block's first frame `from` of the way, and by `step` more with every frame.
struct Block {
    const float* in;
    float* out;
    int frames;
    bool moving;
    const float *before, *after;
    float from, step;
};

struct Wavenet {
    int channels, layers, head_kernel, bases;
    bool tanh;    // else leaky ReLU
    float slope;  // of that
    Layer* layer;
    const float** taps;  // of the layer at work, (largest kernel)
    float* ramp;         // of the layer at work, (4, channels)
    float* a;            // what a layer gives, (BLOCK, channels)
    float* sum;          // of all layers, (head_kernel - 1 + BLOCK, channels)
    float *rechannel, *entry;      // as the image has it, and folded: (channels)
    float *head, *folded_head;     // (head_kernel, channels)
    float head_bias;
    void (*run)(Wavenet& net, const Block& block);
};

// The activation of a few outputs.
template <int R>
inline void activate(const Wavenet& net, Rows<R>& z) {
    if (net.tanh)
        z.bend();
    else
        z.leak(net.slope);
}

// What plays a block of a net that wide.
void (*run_of(int channels))(Wavenet& net, const Block& block);

// Takes its memory from the arena and, if that is more than counted, fills it.
Wavenet place_wavenet(const Image& image, Arena& arena);

// The control network's outputs, as factors and summands: in place.
void to_conditions(const Wavenet& net, float* outputs);

// What the knobs do between two frames, into the weights that bases mix.
void approach(Wavenet& net, const float* conditions);

// That frame is reached.
void arrive(Wavenet& net);

// The knobs stand at these conditions.
void fold(Wavenet& net, const float* conditions);

// State as endless silence leaves it; the weights are folded.
void settle(Wavenet& net);

}  // namespace ampsweep

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
//
// Most nets are one layer array. Of several, each plays a whole block before the next one does:
// join.cpp is what leads from one to the next, cascade.cpp the net that they are.

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

// Frames of one block. While knobs move, conditions are linear from `before` to `after`: at the
// block's first frame `from` of the way, and by `step` more with every frame. An array is given its
// own conditions.
struct Block {
    const float* in;
    float* out;
    int frames;
    bool moving;
    const float *before, *after;
    float from, step;
};

// Layers of one width, and what leads in and out of them.
struct LayerArray {
    int channels, layers, head_kernel, bases;
    bool tanh;    // else leaky ReLU
    float slope;  // of that
    Layer* layer;
    const float** taps;  // of the layer at work, (largest kernel)
    float* ramp;         // of the layer at work, (4, channels)
    int at_hand;         // frames of the block at work that m7.h plays; at their end is the ramp's
    float* a;            // what a layer gives, (BLOCK, channels)
    float* sum;          // of all layers, (head_kernel - 1 + BLOCK, channels)
    float* passed;       // by all residuals' biases, and not in any ring: (channels)
    void (*run)(LayerArray& array, const Block& block);

    // In. Of the first what the input is multiplied by, (channels); of any other packed matrices,
    // which join.cpp describes.
    float* rechannel;        // as the image has it
    float* entry;            // the same, folded
    float* joined;           // by which the sum before goes into this one; null in the first
    const LayerArray* from;  // the array before; null in the first

    // Out. Of the last a convolution, (head_kernel, channels), as the image has it, and folded.
    float *head, *folded_head;
    float head_bias;
    float* left;  // by the layers, for the next array, (BLOCK, channels); null in the last
};

struct Wavenet {
    int arrays;
    LayerArray* array;
};

// The activation of a few outputs.
template <int R>
inline void activate(const LayerArray& array, Rows<R>& z) {
    if (array.tanh)
        z.bend();
    else
        z.leak(array.slope);
}

// What plays a block of an array that wide.
void (*run_of(int channels))(LayerArray& array, const Block& block);

// How many of the control network's outputs are an array's; the level comes after the last one's.
inline int conditions_of(const LayerArray& array) {
    return array.channels + (array.bases + 2 * array.channels) * array.layers;
}

inline bool is_last(const LayerArray& array) { return array.left == nullptr; }

// Takes its memory from the arena and, if that is more than counted, fills it. `at`: where the
// image has the array's record, and behind it those of its layers.
LayerArray place_array(const Image& image, std::uint32_t at, bool first, bool last, Arena& arena);

// The same of what leads to it from the array before, which is at `before` in the image.
void place_join(const Image& image, std::uint32_t before, std::uint32_t at, const LayerArray* from,
                LayerArray& array, Arena& arena);

// What it leads: a block of the first layer's input x, (frames, channels), and of the sum.
void join(const LayerArray& array, const Block& block, float* x, float* sum);

// The entry by these factors, (channels).
void fold_join(LayerArray& array, const float* factors);

// Of an array: as of the whole net, below.
void to_conditions(const LayerArray& array, float* outputs);
void approach(LayerArray& array, const float* conditions);
void arrive(LayerArray& array);
void fold(LayerArray& array, const float* conditions);
void settle(LayerArray& array);

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

void run(Wavenet& net, const Block& block);

}  // namespace ampsweep

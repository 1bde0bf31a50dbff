// Sizes of a net and of a window, and where everything lies in memory.

#pragma once

#include "tiles.h"

constexpr int FRONT = BLOCK;  // zeros before a row: a rounded-down start may read them

struct Layer {
    int kernel, dilation;
    int before, start;  // first samples of its input and of its output, whole blocks
    size_t conv, bias;  // in the weights or, if they follow the knobs, in a frame of those
    size_t row;         // of conv: of each output channel, the convolution and then the mix-in
    size_t residual, residual_bias;  // in the weights
    size_t scale, shift;             // in a frame of conditions, if no weights follow the knobs
    size_t x;   // in a window's memory: its input
    size_t z;   // before FiLM; of weights that follow the knobs, after the activation
    size_t gx;  // in a thread's scratch, if weights move: the gradient of x
    Terms past, future;  // of the convolution, and of its transpose
    int reach() const { return (kernel - 1) * dilation; }
};

struct Array {
    int channels, inputs, heads, head_kernel;
    bool first, last, tanh;
    float slope;
    int begin;       // first sample of its first layer's input, a whole block
    int head_begin;  // of what its layers sum
    int out_begin;   // of what its head makes of that
    size_t rechannel, head, head_bias;  // in the weights
    size_t entry;                       // in a frame of conditions
    size_t x_out, sum, out;             // in a window's memory: what goes on; the head
    size_t g_out;                       // in a thread's scratch: the gradient of the head's output
    Terms entry_terms, entry_back, residual, residual_back, head_terms, head_back;
    std::vector<Layer> layers;
};

struct Net {
    int samples, frames;
    bool generated;  // convolutions and mix-ins follow the knobs by themselves
    bool kept;       // backward will follow
    int receptive_field;
    int chunk;  // samples that pass all layers before the next do, whole blocks
    int widest;
    size_t row;  // floats from one channel to the next in memory
    size_t weights, of_frame, conditions;
    size_t dry;  // in a window's memory
    size_t memory, scratch;
    std::vector<Array> arrays;
    bool moving() const { return generated && frames > 1; }
    int output_start() const { return receptive_field - 1; }
};

inline size_t take(size_t& total, size_t count) {
    total += count;
    return total - count;
}

// Offsets in the weights, in what is generated and in the conditions.
inline void place(Net& net, Array& a) {
    const size_t c = size_t(a.channels);
    a.rechannel = take(net.weights, c * size_t(a.inputs));
    a.entry = take(net.conditions, c);
    for (Layer& l : a.layers) {
        l.row = c * size_t(l.kernel) + 1;
        size_t& home = net.generated ? net.of_frame : net.weights;
        l.conv = take(home, c * l.row);
        l.bias = take(home, c);
        l.residual = take(net.weights, c * c);
        l.residual_bias = take(net.weights, c);
        if (net.generated) continue;
        l.scale = take(net.conditions, c);
        l.shift = take(net.conditions, c);
    }
    a.head = take(net.weights, size_t(a.heads) * c * size_t(a.head_kernel));
    if (a.last) a.head_bias = take(net.weights, 1);
}

// Offsets in a window's memory and in a thread's scratch.
inline void lay_out(Net& net, Array& a) {
    const size_t plane = net.row * size_t(a.channels);
    for (Layer& l : a.layers) {
        l.x = take(net.memory, plane);
        if (net.kept) l.z = take(net.memory, plane);
        if (net.moving()) l.gx = take(net.scratch, plane);
    }
    if (!a.last) a.x_out = take(net.memory, plane);
    a.sum = take(net.memory, plane);
    a.out = take(net.memory, net.row * size_t(a.heads));
    a.g_out = take(net.scratch, net.row * size_t(a.heads));
}

// What the sums of each map run over.
inline void list_terms(const Net& net, Array& a) {
    const int c = a.channels, taps = a.head_kernel;
    const size_t chunk = size_t(net.chunk);
    for (Layer& l : a.layers) {
        l.past.push_back({ptrdiff_t(net.dry) - ptrdiff_t(l.x), ptrdiff_t(l.row) - 1});
        add_terms(l.past, c, net.row, size_t(l.kernel), l.kernel, -l.reach(), l.dilation);
        add_terms(l.future, c, net.row, l.row, l.kernel, l.reach(), -l.dilation);
    }
    add_terms(a.entry_terms, a.inputs, net.row, 1);
    add_terms(a.entry_back, c, chunk, size_t(a.inputs));
    add_terms(a.residual, c, BLOCK, 1);
    add_terms(a.residual_back, c, chunk, size_t(c));
    add_terms(a.head_terms, c, net.row, size_t(taps), taps, 1 - taps, 1);
    add_terms(a.head_back, a.heads, net.row, size_t(c * taps), taps, taps - 1, -1);
}

// shape: samples, control frames (1: still), whether weights are generated, head kernel, arrays;
// of each array its channels, whether tanh or LeakyReLU, layers, then kernel and dilation of each.
inline Net describe(const int32_t* shape, const float* slopes, bool kept) {
    Net net{};
    net.kept = kept;
    net.samples = *shape++;
    net.frames = *shape++;
    net.generated = *shape++ != 0;
    const int head_kernel = *shape++;
    net.arrays.resize(size_t(*shape++));
    int start = 0, reach = head_kernel - 1;
    for (Array& a : net.arrays) {
        a.first = &a == &net.arrays.front();
        a.last = &a == &net.arrays.back();
        a.inputs = a.first ? 1 : (&a - 1)->channels;
        a.channels = *shape++;
        a.tanh = *shape++ != 0;
        a.slope = *slopes++;
        a.layers.resize(size_t(*shape++));
        a.heads = a.head_kernel = 1;
        if (!a.first) (&a - 1)->heads = a.channels;
        int before = a.begin = start / BLOCK * BLOCK;
        for (Layer& l : a.layers) {
            l.kernel = *shape++;
            l.dilation = *shape++;
            start += l.reach();
            reach = std::max(reach, l.reach());
            l.before = before;
            l.start = before = start / BLOCK * BLOCK;
        }
        a.head_begin = before;
        if (a.last) {
            a.head_kernel = head_kernel;
            start += head_kernel - 1;
        }
        a.out_begin = start / BLOCK * BLOCK;
        net.widest = std::max(net.widest, a.channels);
    }
    for (Array& a : net.arrays) place(net, a);
    ++net.conditions;  // the output's level
    net.receptive_field = start + 1;
    // Two planes of a chunk stay in the first-level cache.
    net.chunk = std::max(1, 3840 / net.widest / BLOCK) * BLOCK;
    // An odd number of cache lines, so that rows do not fall on the same sets.
    const size_t lines = (size_t(FRONT + net.samples + reach) + 15) / 16;
    net.row = (lines | 1) * 16;
    net.dry = take(net.memory, net.row);
    for (Array& a : net.arrays) {
        lay_out(net, a);
        list_terms(net, a);
    }
    return net;
}

// A WaveNet's weights: out of the image, and as the knobs have them.

#include "control.h"
#include "layout.h"
#include "powers.h"
#include "tiles.h"
#include "wavenet.h"

namespace ampsweep {

namespace {

std::size_t map_size(int c, int kernel) { return std::size_t(c) * std::size_t(2 + kernel * c); }

// A convolution (out, in, tap), its biases (none: null) and mix-ins, in the order of tiles.h.
// `passed`: the constant that its input has and the ring's does not.
void pack_map(float* to, int c, int kernel, const float* conv, const float* bias,
              const float* mixin, const float* passed) {
    over_rows<0>(c, [&](auto rows, int first) {
        constexpr int R = decltype(rows)::value;
        for (int o = first; o < first + R; ++o) {
            float sum = bias ? bias[o] : 0.0f;
            for (int i = 0; i < c; ++i)
                for (int k = 0; k < kernel; ++k)
                    sum += conv[(o * c + i) * kernel + k] * passed[i];
            *to++ = sum;
        }
        for (int o = first; o < first + R; ++o) *to++ = mixin[o];
        for (int k = 0; k < kernel; ++k)
            for (int i = 0; i < c; ++i)
                for (int o = first; o < first + R; ++o)
                    *to++ = conv[(o * c + i) * kernel + k];
    });
}

// `weights`: all that the image has of a layer. `passed` grows by what this layer's residual adds.
void pack_layer(const Layer& layer, int c, int bases, const float* weights, float* passed) {
    const int conv = c * c * layer.kernel;
    const float* bias = weights + conv;
    const float* mixin = bias + c;
    const float* residual = mixin + c;
    const float* offset = residual + c * c;
    pack_map(layer.base, c, layer.kernel, weights, bias, mixin, passed);
    for (int b = 0; b < bases; ++b) {
        const float* own = offset + c + b * (conv + c);
        pack_map(layer.bases + std::size_t(b) * map_size(c, layer.kernel), c, layer.kernel, own,
                 nullptr, own + conv, passed);
    }
    float* to = layer.residual;
    over_rows<0>(c, [&](auto rows, int first) {
        constexpr int R = decltype(rows)::value;
        for (int i = 0; i < c; ++i)
            for (int o = first; o < first + R; ++o) *to++ = residual[o * c + i];
    });
    for (int i = 0; i < c; ++i) passed[i] += offset[i];
}

// `conditions`: of this layer: mixture, scales, shifts.
void fold_layer(const Layer& layer, int c, int bases, const float* conditions, float* to) {
    const float* scale = conditions + bases;
    const float* shift = scale + c;
    const std::size_t apart = map_size(c, layer.kernel);
    std::size_t at = 0;
    over_rows<0>(c, [&](auto rows, int first) {
        constexpr int R = decltype(rows)::value;
        for (int entry = 0; entry < 2 + layer.kernel * c; ++entry)
            for (int r = 0; r < R; ++r, ++at) {
                float sum = layer.base[at];
                for (int b = 0; b < bases; ++b)
                    sum += conditions[b] * layer.bases[std::size_t(b) * apart + at];
                to[at] = scale[first + r] * sum + (entry == 0 ? shift[first + r] : 0.0f);
            }
    });
}

const float* of_layer(const Wavenet& net, const float* conditions, int index) {
    return conditions + net.channels + (net.bases + 2 * net.channels) * index;
}

}  // namespace

Wavenet place_wavenet(const Image& image, Arena& arena) {
    using namespace layout;
    const std::uint8_t* bytes = image.bytes;
    const std::uint32_t at = image.audio_at;
    Wavenet net{};
    net.channels = int(u32(bytes, at + 12));
    net.layers = int(u32(bytes, at + 16));
    net.tanh = u32(bytes, at + 20) == TANH;
    net.slope = f32(bytes, at + 24);
    net.head_kernel = int(u32(bytes, at + 28));
    net.bases = int(u32(bytes, at + 48));
    net.run = run_of(net.channels);
    const int c = net.channels;
    const std::size_t wide = std::size_t(c), head = wide * std::size_t(net.head_kernel);
    net.layer = arena.fast.take<Layer>(std::size_t(net.layers));
    net.ramp = arena.fast.take<float>(4 * wide);
    net.a = arena.fast.take<float>(BLOCK * wide);
    net.sum = arena.fast.take<float>(head + (BLOCK - 1) * wide);
    net.entry = arena.fast.take<float>(wide);
    net.rechannel = arena.fast.take<float>(wide);
    net.folded_head = arena.fast.take<float>(head);
    net.head = arena.fast.take<float>(head);
    float* passed = arena.other.take<float>(wide);
    for (int i = 0; passed && i < c; ++i) passed[i] = 0.0f;
    int longest = 0;
    for (int l = 0; l < net.layers; ++l) {
        const std::uint32_t record = at + WAVENET_RECORD + std::uint32_t(l) * WAVENET_LAYER;
        Layer layer{};
        layer.kernel = int(u32(bytes, record));
        layer.dilation = int(u32(bytes, record + 4));
        longest = layer.kernel > longest ? layer.kernel : longest;
        layer.past = (layer.kernel - 1) * layer.dilation;
        layer.rows = layer.slides() ? layer.past + BLOCK
                                    : ((layer.past + BLOCK - 1) / BLOCK + 1) * BLOCK;
        const std::size_t size = map_size(c, layer.kernel);
        Region& moving = net.bases ? arena.other : arena.fast;
        layer.folded[0] = arena.fast.take<float>(size);
        if (net.bases) layer.folded[1] = arena.fast.take<float>(size);
        layer.residual = arena.fast.take<float>(wide * wide);
        layer.ring = arena.fast.take<float>(std::size_t(layer.kept()) * wide);
        layer.base = moving.take<float>(size);
        layer.bases = arena.other.take<float>(std::size_t(net.bases) * size);
        if (passed) pack_layer(layer, c, net.bases, array(bytes, record + 8), passed);
        if (passed) net.layer[l] = layer;
    }
    net.taps = arena.fast.take<const float*>(std::size_t(longest));
    if (passed) {
        const float* entry = array(bytes, at + 32);
        const float* leave = array(bytes, at + 40);
        for (int i = 0; i < c; ++i) net.rechannel[i] = entry[i];
        for (int i = 0; i < c; ++i)
            for (int k = 0; k < net.head_kernel; ++k)
                net.head[k * c + i] = leave[i * net.head_kernel + k];
        net.head_bias = leave[head];
    }
    return net;
}

void to_conditions(const Wavenet& net, float* outputs) {
    const int c = net.channels, level = c + (net.bases + 2 * c) * net.layers;
    for (int i = 0; i < c; ++i) outputs[i] = exponential(outputs[i]);
    for (int l = 0; l < net.layers; ++l) {
        float* scale = outputs + c + (net.bases + 2 * c) * l + net.bases;
        for (int i = 0; i < c; ++i) scale[i] += 1.0f;
    }
    outputs[level] = exponential(outputs[level]);
}

void approach(Wavenet& net, const float* conditions) {
    for (int l = 0; net.bases && l < net.layers; ++l)
        fold_layer(net.layer[l], net.channels, net.bases, of_layer(net, conditions, l),
                   net.layer[l].folded[1]);
}

void arrive(Wavenet& net) {
    for (int l = 0; net.bases && l < net.layers; ++l) {
        Layer& layer = net.layer[l];
        float* before = layer.folded[0];
        layer.folded[0] = layer.folded[1];
        layer.folded[1] = before;
    }
}

void fold(Wavenet& net, const float* conditions) {
    const int head = net.channels * net.head_kernel;
    const float level = conditions[net.channels + (net.bases + 2 * net.channels) * net.layers];
    for (int i = 0; i < net.channels; ++i) net.entry[i] = conditions[i] * net.rechannel[i];
    for (int i = 0; i < head; ++i) net.folded_head[i] = level * net.head[i];
    for (int l = 0; l < net.layers; ++l)
        fold_layer(net.layer[l], net.channels, net.bases, of_layer(net, conditions, l),
                   net.layer[l].folded[0]);
}

void settle(Wavenet& net) {
    const int c = net.channels;
    const float silence = 0.0f;
    for (int i = 0; i < (net.head_kernel - 1) * c; ++i) net.sum[i] = 0.0f;
    for (int i = 0; i < c; ++i) net.layer[0].ring[i] = 0.0f;
    for (int l = 0; l < net.layers; ++l) {
        Layer& layer = net.layer[l];
        layer.at = layer.start();
        for (int i = c; i < layer.kept() * c; ++i) layer.ring[i] = layer.ring[i - c];
        for (int k = 0; k < layer.kernel; ++k) net.taps[k] = layer.ring;
        float* next = l + 1 < net.layers ? net.layer[l + 1].ring : nullptr;
        over_rows<0>(c, [&](auto rows, int first) {
            constexpr int R = decltype(rows)::value;
            Rows<R> z[1];
            convolve(z, c, layer.folded[0] + first * (2 + layer.kernel * c), &silence, net.taps,
                     layer.kernel, 0);
            activate(net, z[0]);
            z[0].store(net.a + first);
        });
        for (int t = 0; t < net.head_kernel - 1; ++t)
            for (int i = 0; i < c; ++i) net.sum[t * c + i] += net.a[i];
        over_rows<0>(c, [&](auto rows, int first) {
            constexpr int R = decltype(rows)::value;
            if (next == nullptr) return;
            Rows<R> y[1] = {Rows<R>::load(layer.ring + first)};
            add_tap(y, c, layer.residual + first * c, net.a);
            y[0].store(next + first);
        });
    }
}

}  // namespace ampsweep

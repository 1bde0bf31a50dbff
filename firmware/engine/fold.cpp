// The weights of a layer array: out of the image, and as the knobs have them.

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

const float* of_layer(const LayerArray& array, const float* conditions, int index) {
    return conditions + array.channels + (array.bases + 2 * array.channels) * index;
}

}  // namespace

LayerArray place_array(const Image& image, std::uint32_t at, bool first, bool last,
                       Arena& arena) {
    using namespace layout;
    const std::uint8_t* bytes = image.bytes;
    LayerArray array{};
    array.channels = int(u32(bytes, at + 12));
    array.layers = int(u32(bytes, at + 16));
    array.tanh = u32(bytes, at + 20) == TANH;
    array.slope = f32(bytes, at + 24);
    array.head_kernel = int(u32(bytes, at + 28));
    array.bases = int(u32(bytes, at + 48));
    array.run = run_of(array.channels);
    const int c = array.channels;
    const std::size_t wide = std::size_t(c), head = wide * std::size_t(array.head_kernel);
    array.layer = arena.fast.take<Layer>(std::size_t(array.layers));
    array.ramp = arena.fast.take<float>(4 * wide);
    array.a = arena.fast.take<float>(BLOCK * wide);
    array.sum = arena.fast.take<float>(head + (BLOCK - 1) * wide);
    if (first) {
        array.entry = arena.fast.take<float>(wide);
        array.rechannel = arena.fast.take<float>(wide);
    }
    if (last) {
        array.folded_head = arena.fast.take<float>(head);
        array.head = arena.fast.take<float>(head);
    } else {
        array.left = arena.fast.take<float>(BLOCK * wide);
    }
    float* passed = array.passed = arena.other.take<float>(wide);
    for (int i = 0; passed && i < c; ++i) passed[i] = 0.0f;
    int longest = 0;
    for (int l = 0; l < array.layers; ++l) {
        const std::uint32_t record = at + WAVENET_RECORD + std::uint32_t(l) * WAVENET_LAYER;
        Layer layer{};
        layer.kernel = int(u32(bytes, record));
        layer.dilation = int(u32(bytes, record + 4));
        longest = layer.kernel > longest ? layer.kernel : longest;
        layer.past = (layer.kernel - 1) * layer.dilation;
        layer.rows = layer.slides() ? layer.past + BLOCK
                                    : ((layer.past + BLOCK - 1) / BLOCK + 1) * BLOCK;
        const std::size_t size = map_size(c, layer.kernel);
        Region& moving = array.bases ? arena.other : arena.fast;
        layer.folded[0] = arena.fast.take<float>(size);
        if (array.bases) layer.folded[1] = arena.fast.take<float>(size);
        layer.residual = arena.fast.take<float>(wide * wide);
        layer.ring = arena.fast.take<float>(std::size_t(layer.kept()) * wide);
        layer.base = moving.take<float>(size);
        layer.bases = arena.other.take<float>(std::size_t(array.bases) * size);
        if (passed) pack_layer(layer, c, array.bases, layout::array(bytes, record + 8), passed);
        if (passed) array.layer[l] = layer;
    }
    array.taps = arena.fast.take<const float*>(std::size_t(longest));
    if (passed && first) {
        const float* entry = layout::array(bytes, at + 32);
        for (int i = 0; i < c; ++i) array.rechannel[i] = entry[i];
    }
    if (passed && last) {
        const float* leave = layout::array(bytes, at + 40);
        for (int i = 0; i < c; ++i)
            for (int k = 0; k < array.head_kernel; ++k)
                array.head[k * c + i] = leave[i * array.head_kernel + k];
        array.head_bias = leave[head];
    }
    return array;
}

void to_conditions(const LayerArray& array, float* outputs) {
    const int c = array.channels, level = conditions_of(array);
    for (int i = 0; i < c; ++i) outputs[i] = exponential(outputs[i]);
    for (int l = 0; l < array.layers; ++l) {
        float* scale = outputs + c + (array.bases + 2 * c) * l + array.bases;
        for (int i = 0; i < c; ++i) scale[i] += 1.0f;
    }
    if (is_last(array)) outputs[level] = exponential(outputs[level]);
}

void approach(LayerArray& array, const float* conditions) {
    for (int l = 0; array.bases && l < array.layers; ++l)
        fold_layer(array.layer[l], array.channels, array.bases, of_layer(array, conditions, l),
                   array.layer[l].folded[1]);
}

void arrive(LayerArray& array) {
    for (int l = 0; array.bases && l < array.layers; ++l) {
        Layer& layer = array.layer[l];
        float* before = layer.folded[0];
        layer.folded[0] = layer.folded[1];
        layer.folded[1] = before;
    }
}

void fold(LayerArray& array, const float* conditions) {
    if (array.from)
        fold_join(array, conditions);
    else
        for (int i = 0; i < array.channels; ++i)
            array.entry[i] = conditions[i] * array.rechannel[i];
    const int head = is_last(array) ? array.channels * array.head_kernel : 0;
    for (int i = 0; i < head; ++i)
        array.folded_head[i] = conditions[conditions_of(array)] * array.head[i];
    for (int l = 0; l < array.layers; ++l)
        fold_layer(array.layer[l], array.channels, array.bases, of_layer(array, conditions, l),
                   array.layer[l].folded[0]);
}

}  // namespace ampsweep

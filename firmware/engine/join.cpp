// From one layer array to the next: what its layers leave, by a matrix and a factor for each
// channel, is the next one's input, and what they sum, by another matrix, where its sum begins.
//
// Both are packed like a tap in tiles.h. The first has, before the weights of each group of
// outputs, what it makes of the constant that the residuals' biases before have passed on.

#include "layout.h"
#include "tiles.h"
#include "wavenet.h"

namespace ampsweep {

void place_join(const Image& image, std::uint32_t before, std::uint32_t at, const LayerArray* from,
                LayerArray& array, Arena& arena) {
    using namespace layout;
    const int c = array.channels, inputs = int(u32(image.bytes, before + 12));
    const std::size_t size = std::size_t(c) * std::size_t(inputs);
    array.entry = arena.fast.take<float>(size + std::size_t(c));
    array.rechannel = arena.fast.take<float>(size + std::size_t(c));
    array.joined = arena.fast.take<float>(size);
    if (array.joined == nullptr) return;
    array.from = from;
    const float* enters = layout::array(image.bytes, at + 32);
    const float* sums = layout::array(image.bytes, before + 40);
    float *entry = array.rechannel, *joined = array.joined;
    over_rows<0>(c, [&](auto rows, int first) {
        constexpr int R = decltype(rows)::value;
        for (int o = first; o < first + R; ++o) {
            *entry = 0.0f;
            for (int i = 0; i < inputs; ++i) *entry += enters[o * inputs + i] * from->passed[i];
            ++entry;
        }
        for (int i = 0; i < inputs; ++i)
            for (int o = first; o < first + R; ++o) {
                *entry++ = enters[o * inputs + i];
                *joined++ = sums[o * inputs + i];
            }
    });
}

void fold_join(LayerArray& array, const float* factors) {
    const int inputs = array.from->channels;
    std::size_t at = 0;
    over_rows<0>(array.channels, [&](auto rows, int first) {
        constexpr int R = decltype(rows)::value;
        for (int i = 0; i < 1 + inputs; ++i)
            for (int r = 0; r < R; ++r, ++at)
                array.entry[at] = factors[first + r] * array.rechannel[at];
    });
}

void join(const LayerArray& array, const Block& block, float* x, float* sum) {
    const LayerArray& from = *array.from;
    const int c = array.channels, before = from.channels;
    const float* entry = block.moving ? array.rechannel : array.entry;
    for (int t = 0; t < block.frames; ++t, x += c, sum += c)
        over_rows<0>(c, [&](auto rows, int first) {
            constexpr int R = decltype(rows)::value;
            const float* w = entry + first * (1 + before);
            Rows<R> y[1] = {Rows<R>::load(w)}, heard[1] = {};
            add_tap(y, before, w + R, from.left + t * before);
            add_tap(heard, before, array.joined + first * before, from.sum + t * before);
            if (block.moving) {
                Rows<R> factor = Rows<R>::load(block.before + first);
                factor.mix(Rows<R>::load(block.after + first), block.from + block.step * float(t));
                y[0].scale(factor, Rows<R>{});
            }
            y[0].store(x + first);
            heard[0].store(sum + first);
        });
}

}  // namespace ampsweep

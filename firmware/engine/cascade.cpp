// A WaveNet of one layer array or several, one after another.

#include "layout.h"
#include "wavenet.h"

namespace ampsweep {

namespace {

// Does it with each array and its conditions.
template <class Values, class F>
void each(const Wavenet& net, Values* conditions, F f) {
    for (int i = 0; i < net.arrays; ++i) {
        f(net.array[i], conditions);
        conditions += conditions_of(net.array[i]);
    }
}

}  // namespace

Wavenet place_wavenet(const Image& image, Arena& arena) {
    using namespace layout;
    const bool several = u32(image.bytes, image.audio_at) == ARRAYS;
    Wavenet net{};
    const LayerArray* from = nullptr;
    net.arrays = several ? int(u32(image.bytes, image.audio_at + 8)) : 1;
    net.array = arena.fast.take<LayerArray>(std::size_t(net.arrays));
    std::uint32_t before = 0, at = image.audio_at + (several ? ARRAYS_RECORD : 0);
    for (int i = 0; i < net.arrays; ++i) {
        LayerArray array = place_array(image, at, i == 0, i + 1 == net.arrays, arena);
        if (i > 0) place_join(image, before, at, from, array, arena);
        if (net.array) from = &(net.array[i] = array);
        before = at;
        at += WAVENET_RECORD + std::uint32_t(array.layers) * WAVENET_LAYER;
    }
    return net;
}

void to_conditions(const Wavenet& net, float* outputs) {
    each(net, outputs, [](LayerArray& array, float* own) { to_conditions(array, own); });
}

void approach(Wavenet& net, const float* conditions) {
    each(net, conditions, [](LayerArray& array, const float* own) { approach(array, own); });
}

void arrive(Wavenet& net) {
    for (int i = 0; i < net.arrays; ++i) arrive(net.array[i]);
}

void fold(Wavenet& net, const float* conditions) {
    each(net, conditions, [](LayerArray& array, const float* own) { fold(array, own); });
}

void settle(Wavenet& net) {
    for (int i = 0; i < net.arrays; ++i) settle(net.array[i]);
}

void run(Wavenet& net, const Block& block) {
    Block own = block;
    for (int i = 0; i < net.arrays; ++i) {
        LayerArray& array = net.array[i];
        array.run(array, own);
        own.before += conditions_of(array);
        own.after += conditions_of(array);
    }
}

}  // namespace ampsweep

#include "control.h"

#include "layout.h"
#include "m7.h"
#include "rows.h"

namespace ampsweep {

namespace {

void pack(Dense& layer, const float* weight) {
    const float* bias = weight + layer.inputs * layer.outputs;
    float* to = layer.weights;
    for (int first = 0; first < layer.outputs; first += EIGHT)
        for (int i = -1; i < padded(layer.inputs); ++i)
            for (int o = first; o < first + EIGHT; ++o) {
                const bool there = o < layer.outputs && i < layer.inputs;
                *to++ = !there ? 0.0f : i < 0 ? bias[o] : weight[o * layer.inputs + i];
            }
}

// values (inputs) -> out (outputs, padded)
void apply(const Dense& layer, const float* values, float* out) {
#if defined(AMPSWEEP_M7)
    m7::dense(layer.weights, values, padded(layer.inputs) / EIGHT, padded(layer.outputs) / EIGHT,
              layer.bent, out);
#else
    const float* w = layer.weights;
    for (int first = 0; first < layer.outputs; first += EIGHT) {
        Rows<4> low = Rows<4>::load(w), high = Rows<4>::load(w + 4);
        w += EIGHT;
        for (int i = 0; i < padded(layer.inputs); ++i, w += EIGHT) {
            low.add(Rows<4>::load(w), values[i]);
            high.add(Rows<4>::load(w + 4), values[i]);
        }
        low.store(out + first);
        high.store(out + first + 4);
    }
    if (!layer.bent) return;
    for (int o = 0; o < layer.outputs; ++o) out[o] /= 1.0f + (out[o] < 0.0f ? -out[o] : out[o]);
#endif
}

// Positions as the network is given them; docs/pedal-image.md, "Values are panel positions".
void encode(const Control& control, const float* positions, float* inputs) {
    for (int i = control.inputs; i < padded(control.inputs); ++i) inputs[i] = 0.0f;
    for (int k = 0; k < control.knobs; ++k) {
        const Panel& knob = control.panel[k];
        const float value = positions[k];
        if (knob.detents == 0)
            *inputs++ = 2.0f * ((value - knob.minimum) / (knob.maximum - knob.minimum)) - 1.0f;
        for (int d = 0; d < knob.detents; ++d) {
            const float away = value - float(d);
            const float near = 1.0f - (away < 0.0f ? -away : away);
            *inputs++ = near > 0.0f ? near : 0.0f;
        }
    }
}

}  // namespace

Control place_control(const Image& image, Arena& arena) {
    using namespace layout;
    const std::uint8_t* bytes = image.bytes;
    Control control{};
    control.knobs = int(image.knobs);
    control.inputs = int(u32(bytes, image.control_at + 8));
    control.outputs = int(u32(bytes, image.control_at + 12));
    control.layers = int(u32(bytes, image.control_at + 16));
    control.panel = arena.other.take<Panel>(image.knobs);
    control.dense = arena.other.take<Dense>(std::size_t(control.layers));
    for (unsigned k = 0; control.panel && k < image.knobs; ++k) {
        const Knob knob = image.knob(k);
        control.panel[k] = {knob.minimum, knob.maximum, int(knob.detents)};
    }
    int widest = control.inputs;
    for (int i = 0; i < control.layers; ++i) {
        const std::uint32_t at = image.control_at + CONTROL_RECORD + std::uint32_t(i) * DENSE_LAYER;
        Dense layer = {int(u32(bytes, at)), int(u32(bytes, at + 4)), u32(bytes, at + 8) == SOFTSIGN,
                       nullptr};
        widest = layer.outputs > widest ? layer.outputs : widest;
        layer.weights = arena.other.take<float>(std::size_t(padded(layer.outputs)) *
                                                std::size_t(1 + padded(layer.inputs)));
        if (layer.weights) pack(layer, array(bytes, at + 12));
        if (control.dense) control.dense[i] = layer;
    }
    for (float*& scratch : control.scratch)
        scratch = arena.other.take<float>(std::size_t(padded(widest)));
    return control;
}

void follow(const Control& control, const float* positions, float* outputs) {
    float* from = control.scratch[0];
    encode(control, positions, from);
    for (int i = 0; i < control.layers; ++i) {
        float* to = i + 1 == control.layers ? outputs : control.scratch[(i + 1) % 2];
        apply(control.dense[i], from, to);
        from = to;
    }
}

}  // namespace ampsweep

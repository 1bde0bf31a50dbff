// A GRU's or LSTM's weights: out of the image, and as the knobs have them.

#include "control.h"
#include "layout.h"
#include "powers.h"
#include "recurrent.h"

namespace ampsweep {

namespace {

// The maps of a cell, one after another: their rows, and whether they hear state and input.
struct Map {
    int rows;
    bool state, input;
};
constexpr int MAPS = 3;

void maps_of(bool lstm, int n, Map* maps) {
    maps[0] = {lstm ? 4 * n : 2 * n, true, true};
    maps[1] = {lstm ? 0 : n, true, false};
    maps[2] = {lstm ? 0 : n, false, true};
}

// Where a row's bias is among packed weights; its input's weight is EIGHT further, those of the
// state follow by eights.
int packed_at(const Recurrent& net, int row) {
    const int before = row / EIGHT, hearing = padded(net.heard) / EIGHT;
    const int fed = before < hearing ? before : hearing;
    return EIGHT * (2 * before + 2 * net.pairs * fed) + row % EIGHT;
}

int packed_size(const Recurrent& net) { return packed_at(net, padded(net.rows)); }

// A map's weights (rows, inputs), from its first row on.
void pack(const Recurrent& net, const Map& map, int row, const float* weights, float* to) {
    const int n = net.units, wide = (map.state ? n : 0) + (map.input ? 1 : 0);
    for (int r = 0; r < map.rows; ++r, weights += wide) {
        float* at = to + packed_at(net, row + r);
        at[EIGHT] = map.input ? weights[wide - 1] : 0.0f;
        for (int i = 0; map.state && i < n; ++i) at[(2 + i) * EIGHT] = weights[i];
    }
}

// What a row's pre-activation is multiplied by; see recurrent.h.
float part_of(const Recurrent& net, int row) {
    const int plane = row / net.units;
    return plane == (net.lstm ? 2 : 3) ? 1.0f : 0.5f;
}

// What a packed number of the bases' mixture is.
float mixed(const Recurrent& net, int at, const float* mixture) {
    float sum = net.base[at];
    for (int b = 0; b < net.bases; ++b) sum += mixture[b] * net.bases_of[b * packed_size(net) + at];
    return sum;
}

void fold_into(const Recurrent& net, const float* frame, float* to) {
    Map maps[MAPS];
    maps_of(net.lstm, net.units, maps);
    const float* mixture = frame + 3 * net.rows + 1;
    int row = 0;
    for (int i = 0; i < packed_size(net); ++i) to[i] = 0.0f;
    for (const Map& map : maps) {
        for (int r = row; r < row + map.rows; ++r) {
            const int at = packed_at(net, r);
            to[at] = frame[2 * net.rows + r];
            to[at + EIGHT] = frame[r];
            for (int i = 2; map.state && i < 2 + net.units; ++i)
                to[at + i * EIGHT] = frame[net.rows + r] * mixed(net, at + i * EIGHT, mixture);
        }
        row += map.rows;
        if (map.rows) mixture += net.bases;
    }
}

}  // namespace

int frame_size(const Recurrent& net) {
    return 3 * net.rows + 1 + (net.lstm ? 1 : MAPS) * net.bases;
}

Recurrent place_recurrent(const Image& image, Arena& arena) {
    using namespace layout;
    const std::uint8_t* bytes = image.bytes;
    const std::uint32_t at = image.audio_at;
    Recurrent net{};
    net.lstm = u32(bytes, at) == LSTM;
    net.units = int(u32(bytes, at + 12));
    net.bases = int(u32(bytes, at + 16));
    net.rows = 4 * net.units;
    net.heard = (net.lstm ? 4 : 3) * net.units;
    net.pairs = (net.units + 1) / 2;
    net.outputs = int(u32(bytes, image.control_at + 12));
    const std::size_t size = std::size_t(packed_size(net)), rows = std::size_t(padded(net.rows));
    const std::size_t wide = std::size_t(2 * net.pairs);
    net.state = arena.fast.take<float>(wide);
    net.cell = arena.fast.take<float>(wide);
    net.z = arena.fast.take<float>(rows);
    net.other = arena.fast.take<float>(rows);
    net.folded[0] = arena.fast.take<float>(size);
    if (net.bases) net.folded[1] = arena.fast.take<float>(size);
    net.base = (net.bases ? arena.other : arena.fast).take<float>(size);
    net.ramp = arena.fast.take<float>(6 * rows);
    net.bases_of = arena.other.take<float>(size * std::size_t(net.bases));
    net.bias = arena.other.take<float>(rows);
    net.head = arena.other.take<float>(wide);
    net.raw = arena.other.take<float>(std::size_t(padded(net.outputs)));
    if (net.raw == nullptr) return net;
    for (std::size_t i = 0; i < 6 * rows; ++i) net.ramp[i] = 0.0f;
    for (std::size_t i = 0; i < size; ++i) net.base[i] = 0.0f;
    for (std::size_t i = 0; i < size * std::size_t(net.bases); ++i) net.bases_of[i] = 0.0f;
    Map maps[MAPS];
    maps_of(net.lstm, net.units, maps);
    const float* from = array(bytes, at + 20);
    int row = 0;
    for (const Map& map : maps) {
        const int count = map.rows * ((map.state ? net.units : 0) + (map.input ? 1 : 0));
        pack(net, map, row, from, net.base);
        for (int r = 0; r < map.rows; ++r) net.bias[row + r] = from[count + r];
        from += count + map.rows;
        for (int b = 0; b < net.bases; ++b, from += count)
            pack(net, map, row, from, net.bases_of + std::size_t(b) * size);
        row += map.rows;
    }
    for (int i = 0; i < net.units; ++i) net.head[i] = from[i];
    net.head_bias = from[net.units];
    net.skip = from[net.units + 1];
    return net;
}

void to_conditions(const Recurrent& net, float* outputs) {
    const int rows = net.rows;
    for (int i = 0; i < net.outputs; ++i) net.raw[i] = outputs[i];
    Map maps[MAPS];
    maps_of(net.lstm, net.units, maps);
    const float *given = net.raw, *factors = net.raw;
    for (const Map& map : maps) factors += map.rows ? net.bases + 2 * map.rows : 0;
    float* mixture = outputs + 3 * rows + 1;
    int row = 0;
    for (const Map& map : maps) {
        if (map.rows == 0) continue;
        for (int b = 0; b < net.bases; ++b) mixture[b] = given[b];
        const float *scales = given + net.bases, *shifts = scales + map.rows;
        for (int i = 0; i < map.rows; ++i) {
            const int r = row + i, at = packed_at(net, r);
            const float part = part_of(net, r), scale = part * (1.0f + scales[i]);
            outputs[r] = 0.0f;
            if (map.input)
                outputs[r] = scale * mixed(net, at + EIGHT, mixture) * exponential(*factors++);
            outputs[rows + r] = scale;
            outputs[2 * rows + r] = scale * net.bias[r] + part * shifts[i];
        }
        given = shifts + map.rows;
        mixture += net.bases;
        row += map.rows;
    }
    outputs[3 * rows] = exponential(net.raw[net.outputs - 1]);
}

void approach(Recurrent& net, const float* conditions) {
    if (net.bases) fold_into(net, conditions, net.folded[1]);
}

void arrive(Recurrent& net) {
    if (net.bases == 0) return;
    float* before = net.folded[0];
    net.folded[0] = net.folded[1];
    net.folded[1] = before;
}

void fold(Recurrent& net, const float* conditions) { fold_into(net, conditions, net.folded[0]); }

}  // namespace ampsweep

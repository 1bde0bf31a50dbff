#include "wavenet.h"

#include "m7_three.h"
#include "tiles.h"

namespace ampsweep {

namespace {

#if defined(AMPSWEEP_M7)
// Whether m7.h knows nets of so many channels.
template <int C>
constexpr bool AT_HAND = C == 3 || (C > 0 && C % 4 == 0);
#else
template <int C>
constexpr bool AT_HAND = false;
#endif

// Frames of a tile.
template <int C>
constexpr int TIMES = AT_HAND<C> && C != 3 ? 3 : 6;

// Frames of a block that whole tiles of m7.h make.
template <int C>
int frames_at_hand(const Wavenet& net, const Block& block) {
    const bool at_hand = AT_HAND<C> && !(block.moving && net.bases);
    return at_hand ? block.frames / TIMES<C> * TIMES<C> : 0;
}

// Everything that a layer does to T frames of a block, from `start` on. `next`: where the next
// layer's input goes; null after the last.
template <int C, int T>
void tile(const Wavenet& net, const Layer& layer, const Block& block, int start, float* next) {
    const int c = width<C>(net.channels), row = 2 + layer.kernel * c;
    float* a = net.a + start * c;
    float* sum = net.sum + (net.head_kernel - 1 + start) * c;
    const float* x = net.taps[layer.kernel - 1] + start * c;
    const bool ramped = block.moving && net.bases == 0;
    over_rows<C>(c, [&](auto rows, int first) {
        constexpr int R = decltype(rows)::value;
        typedef Rows<R> Sums;
        Sums z[T];
        const std::ptrdiff_t at = std::ptrdiff_t(first) * row;
        convolve(z, c, (ramped ? layer.base : layer.folded[0]) + at, block.in, net.taps,
                 layer.kernel, start);
        if (ramped) {
            const float* ramp = net.ramp + 4 * first;
            const int end = frames_at_hand<C>(net, block);
            for (int t = 0; t < T; ++t) {
                Sums scale = Sums::load(ramp), shift = Sums::load(ramp + R);
                scale.add(Sums::load(ramp + 2 * R), float(start + t - end));
                shift.add(Sums::load(ramp + 3 * R), float(start + t - end));
                z[t].scale(scale, shift);
            }
        } else if (block.moving) {
            Sums after[T];
            convolve(after, c, layer.folded[1] + at, block.in, net.taps, layer.kernel, start);
            for (int t = 0; t < T; ++t)
                z[t].mix(after[t], block.from + block.step * float(start + t));
        }
        for (int t = 0; t < T; ++t) {
            activate(net, z[t]);
            z[t].store(a + t * c + first);
            Sums total = Sums::load(sum + t * c + first);
            total.add(z[t]);
            total.store(sum + t * c + first);
        }
    });
    if (next == nullptr) return;
    over_rows<C>(c, [&](auto rows, int first) {
        constexpr int R = decltype(rows)::value;
        Rows<R> y[T];
        for (int t = 0; t < T; ++t) y[t] = Rows<R>::load(x + t * c + first);
        add_tap(y, c, layer.residual + first * c, a);
        for (int t = 0; t < T; ++t) y[t].store(next + (start + t) * c + first);
    });
}

#if defined(AMPSWEEP_M7)
template <int R>
void bend(float* a, float* sum) {
    Rows<R> bent = Rows<R>::load(a), total = Rows<R>::load(sum);
    bent.bend();
    bent.store(a);
    total.add(bent);
    total.store(sum);
}

// What m7.h's bare convolutions leave. Four at a time: no division waits for another's end.
void bend(float* a, float* sum, int count) {
    int i = 0;
    for (; i + 4 <= count; i += 4) bend<4>(a + i, sum + i);
    for (; i < count; ++i) bend<1>(a + i, sum + i);
}

typedef void (*Convolve)(const m7::Work& work, int frames, const float* in, float* a, float* sum);

// What m7.h has for the net as it is.
template <int C>
Convolve convolution(const Wavenet& net, bool moving) {
    if constexpr (C == 3) {
        if (net.tanh) return moving ? m7::convolve3_bare_moving : m7::convolve3_bare;
        return moving ? m7::convolve3_moving : m7::convolve3;
    } else {
        if (net.tanh) return moving ? m7::convolve_bare_moving<C> : m7::convolve_bare<C>;
        return moving ? m7::convolve_moving<C> : m7::convolve<C>;
    }
}

// The same from the block's start on, by m7.h, as far as it goes; returns how many frames.
template <int C>
int tiles_at_hand(const Wavenet& net, const Layer& layer, const Block& block, float* next) {
    const int frames = frames_at_hand<C>(net, block);
    if (frames == 0) return 0;
    const float* w = block.moving ? layer.base : layer.folded[0];
    m7::Work work = {w, net.taps, layer.kernel, net.slope, net.ramp};
    float* sum = net.sum + (net.head_kernel - 1) * C;
    const float* x = net.taps[layer.kernel - 1];
    const Convolve convolve = convolution<C>(net, block.moving);
    for (int first = 0; first < C; first += 4) {
        convolve(work, frames, block.in, net.a + first, sum + first);
        work.w += 4 * (2 + layer.kernel * C);
        work.ramp += 16;
    }
    if (net.tanh) bend(net.a, sum, frames * C);
    if constexpr (C == 3) {
        if (next) m7::add_residual3(layer.residual, frames, net.a, x, next);
    } else {
        for (int first = 0; next && first < C; first += 4)
            m7::add_residual<C>(layer.residual + first * C, frames, net.a, x + first,
                                next + first);
    }
    return frames;
}
#endif

// The way of a layer's scales and shifts, as `tile` goes it: of each group of outputs the scales
// and the shifts at the frame where m7.h ends, then what a frame adds to both.
template <int C>
void set_ramp(const Wavenet& net, const Block& block, int index) {
    const int c = width<C>(net.channels);
    const float* before = block.before + c + 2 * c * index;
    const float* after = block.after + c + 2 * c * index;
    const float reach = block.from / block.step + float(frames_at_hand<C>(net, block));
#if defined(AMPSWEEP_M7)
    if constexpr (C == 3) return m7::set_ramp3(before, after, block.step, reach, net.ramp);
    if constexpr (AT_HAND<C>) {
        for (int first = 0; first < C; first += 4)
            m7::set_ramp<C>(before + first, after + first, block.step, reach,
                            net.ramp + 4 * first);
        return;
    }
#endif
    over_rows<C>(c, [&](auto rows, int first) {
        constexpr int R = decltype(rows)::value;
        for (int i = 0; i < 2; ++i)
            for (int r = 0; r < R; ++r) {
                const int at = i * c + first + r;
                const float step = (after[at] - before[at]) * block.step;
                net.ramp[4 * first + i * R + r] = before[at] + step * reach;
                net.ramp[4 * first + (2 + i) * R + r] = step;
            }
    });
}

void copy(const float* from, float* to, int count) {
#if defined(AMPSWEEP_M7)
    m7::copy(from, to, count);
#else
    for (int i = 0; i < count; ++i) to[i] = from[i];
#endif
}

// What a block wrote at the start of a ring goes behind its end, too.
void mirror(const Layer& layer, int c, int frames) {
    if (layer.slides() || layer.at >= BLOCK) return;
    copy(layer.ring + layer.at * c, layer.ring + (layer.rows + layer.at) * c, frames * c);
}

// After a block: where the next one goes.
void go_on(Layer& layer, int c, int frames) {
    layer.at += frames;
    if (layer.at < layer.rows) return;
    if (layer.slides()) copy(layer.ring + BLOCK * c, layer.ring, layer.past * c);
    layer.at = layer.start();
}

// The input, by each channel's gain; and no sum yet.
template <int C>
void enter(const Wavenet& net, const Block& block) {
    const int c = width<C>(net.channels);
    constexpr int MOST = C > 0 ? C : 64;
    float gain[MOST], step[MOST];
    for (int i = 0; i < c; ++i) {
        const float way = block.moving ? block.after[i] - block.before[i] : 0.0f;
        gain[i] = block.moving ? net.rechannel[i] * (block.before[i] + way * block.from)
                               : net.entry[i];
        step[i] = net.rechannel[i] * (way * block.step);
    }
    float* x = net.layer[0].ring + net.layer[0].at * c;
    float* sum = net.sum + (net.head_kernel - 1) * c;
    for (int t = 0; t < block.frames; ++t, x += c, sum += c) {
        const float u = block.in[t];
        for (int i = 0; i < c; ++i) {
            x[i] = block.moving ? (gain[i] + step[i] * float(t)) * u : gain[i] * u;
            sum[i] = 0.0f;
        }
    }
}

// The output of T frames from `start` on, before its level.
template <int T>
void hear(const Wavenet& net, const float* head, int start, float* y) {
    const float* x = net.sum + start * net.channels;
    float sums[T] = {};
    for (int i = 0; i < net.channels * net.head_kernel; ++i)
        for (int t = 0; t < T; ++t) sums[t] += head[i] * x[t * net.channels + i];
    for (int t = 0; t < T; ++t) y[t] = sums[t];
}

void leave(Wavenet& net, const Block& block, int level) {
    const float* head = block.moving ? net.head : net.folded_head;
    float y[BLOCK];
    int start = 0;
    for (; start + 4 <= block.frames; start += 4) hear<4>(net, head, start, y + start);
    for (; start < block.frames; ++start) hear<1>(net, head, start, y + start);
    float gain = 1.0f, step = 0.0f;
    if (block.moving) {
        const float way = block.after[level] - block.before[level];
        gain = block.before[level] + way * block.from;
        step = way * block.step;
    }
    for (int t = 0; t < block.frames; ++t)
        block.out[t] = (gain + step * float(t)) * y[t] + net.head_bias;
    const float* kept = net.sum + block.frames * net.channels;
    for (int i = 0; i < (net.head_kernel - 1) * net.channels; ++i) net.sum[i] = kept[i];
}

template <int C>
void run(Wavenet& net, const Block& block) {
    const int c = width<C>(net.channels);
    enter<C>(net, block);
    mirror(net.layer[0], c, block.frames);
    for (int l = 0; l < net.layers; ++l) {
        Layer& layer = net.layer[l];
        for (int k = 0; k < layer.kernel; ++k) {
            const int row = layer.at - (layer.kernel - 1 - k) * layer.dilation;
            net.taps[k] = layer.ring + (row < 0 ? row + layer.rows : row) * c;
        }
        if (block.moving && net.bases == 0) set_ramp<C>(net, block, l);
        Layer* after = l + 1 < net.layers ? &layer + 1 : nullptr;
        float* next = after ? after->ring + after->at * c : nullptr;
        int start = 0;
#if defined(AMPSWEEP_M7)
        if constexpr (AT_HAND<C>) start = tiles_at_hand<C>(net, layer, block, next);
#endif
        for (; start + TIMES<C> <= block.frames; start += TIMES<C>)
            tile<C, TIMES<C>>(net, layer, block, start, next);
        for (; start < block.frames; ++start) tile<C, 1>(net, layer, block, start, next);
        if (after) mirror(*after, c, block.frames);
    }
    leave(net, block, c + (2 * c + net.bases) * net.layers);
    for (int l = 0; l < net.layers; ++l) go_on(net.layer[l], c, block.frames);
}

typedef void (*Run)(Wavenet& net, const Block& block);
// Widths that nets have are compiled by themselves; all others share one.
constexpr Run RUNS[] = {run<0>, run<0>, run<2>, run<3>, run<4>,  run<0>, run<6>, run<0>, run<8>,
                        run<0>, run<0>, run<0>, run<12>, run<0>, run<0>, run<0>, run<16>};
constexpr int KNOWN = sizeof RUNS / sizeof *RUNS;

}  // namespace

Run run_of(int channels) {
    return RUNS[channels < KNOWN ? channels : 0];
}

}  // namespace ampsweep

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
int frames_at_hand(const LayerArray& array, const Block& block) {
    const bool at_hand = AT_HAND<C> && !(block.moving && array.bases);
    return at_hand ? block.frames / TIMES<C> * TIMES<C> : 0;
}

// Everything that a layer does to T frames of a block, from `start` on. `next`: where the next
// layer's input goes, or the next array's is taken from; null after the last.
template <int C, int T>
void tile(const LayerArray& array, const Layer& layer, const Block& block, int start, float* next) {
    const int c = width<C>(array.channels), row = 2 + layer.kernel * c;
    float* a = array.a + start * c;
    float* sum = array.sum + (array.head_kernel - 1 + start) * c;
    const float* x = array.taps[layer.kernel - 1] + start * c;
    const bool ramped = block.moving && array.bases == 0;
    over_rows<C>(c, [&](auto rows, int first) {
        constexpr int R = decltype(rows)::value;
        typedef Rows<R> Sums;
        Sums z[T];
        const std::ptrdiff_t at = std::ptrdiff_t(first) * row;
        convolve(z, c, (ramped ? layer.base : layer.folded[0]) + at, block.in, array.taps,
                 layer.kernel, start);
        if (ramped) {
            const float* ramp = array.ramp + 4 * first;
            const int end = array.at_hand;
            for (int t = 0; t < T; ++t) {
                Sums scale = Sums::load(ramp), shift = Sums::load(ramp + R);
                scale.add(Sums::load(ramp + 2 * R), float(start + t - end));
                shift.add(Sums::load(ramp + 3 * R), float(start + t - end));
                z[t].scale(scale, shift);
            }
        } else if (block.moving) {
            Sums after[T];
            convolve(after, c, layer.folded[1] + at, block.in, array.taps, layer.kernel, start);
            for (int t = 0; t < T; ++t)
                z[t].mix(after[t], block.from + block.step * float(start + t));
        }
        for (int t = 0; t < T; ++t) {
            activate(array, z[t]);
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

// What m7.h has for the array as it is.
template <int C>
Convolve convolution(const LayerArray& array, bool moving) {
    if constexpr (C == 3) {
        if (array.tanh) return moving ? m7::convolve3_bare_moving : m7::convolve3_bare;
        return moving ? m7::convolve3_moving : m7::convolve3;
    } else {
        if (array.tanh) return moving ? m7::convolve_bare_moving<C> : m7::convolve_bare<C>;
        return moving ? m7::convolve_moving<C> : m7::convolve<C>;
    }
}

// The same from the block's start on, by m7.h, as far as it goes; returns how many frames.
template <int C>
int tiles_at_hand(const LayerArray& array, const Layer& layer, const Block& block, float* next) {
    const int frames = array.at_hand;
    if (frames == 0) return 0;
    const float* w = block.moving ? layer.base : layer.folded[0];
    m7::Work work = {w, array.taps, layer.kernel, array.slope, array.ramp};
    float* sum = array.sum + (array.head_kernel - 1) * C;
    const float* x = array.taps[layer.kernel - 1];
    const Convolve convolve = convolution<C>(array, block.moving);
    for (int first = 0; first < C; first += 4) {
        convolve(work, frames, block.in, array.a + first, sum + first);
        work.w += 4 * (2 + layer.kernel * C);
        work.ramp += 16;
    }
    if (array.tanh) bend(array.a, sum, frames * C);
    if constexpr (C == 3) {
        if (next) m7::add_residual3(layer.residual, frames, array.a, x, next);
    } else {
        for (int first = 0; next && first < C; first += 4)
            m7::add_residual<C>(layer.residual + first * C, frames, array.a, x + first,
                                next + first);
    }
    return frames;
}
#endif

// The way of a layer's scales and shifts, as `tile` goes it: of each group of outputs the scales
// and the shifts at the frame where m7.h ends, then what a frame adds to both.
template <int C>
void set_ramp(const LayerArray& array, const Block& block, int index) {
    const int c = width<C>(array.channels);
    const float* before = block.before + c + 2 * c * index;
    const float* after = block.after + c + 2 * c * index;
    const float reach = block.from / block.step + float(array.at_hand);
#if defined(AMPSWEEP_M7)
    if constexpr (C == 3) return m7::set_ramp3(before, after, block.step, reach, array.ramp);
    if constexpr (AT_HAND<C>) {
        for (int first = 0; first < C; first += 4)
            m7::set_ramp<C>(before + first, after + first, block.step, reach,
                            array.ramp + 4 * first);
        return;
    }
#endif
    over_rows<C>(c, [&](auto rows, int first) {
        constexpr int R = decltype(rows)::value;
        for (int i = 0; i < 2; ++i)
            for (int r = 0; r < R; ++r) {
                const int at = i * c + first + r;
                const float step = (after[at] - before[at]) * block.step;
                array.ramp[4 * first + i * R + r] = before[at] + step * reach;
                array.ramp[4 * first + (2 + i) * R + r] = step;
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
void enter(const LayerArray& array, const Block& block, float* x, float* sum) {
    const int c = width<C>(array.channels);
    constexpr int MOST = C > 0 ? C : 64;
    float gain[MOST], step[MOST];
    for (int i = 0; i < c; ++i) {
        const float way = block.moving ? block.after[i] - block.before[i] : 0.0f;
        gain[i] = block.moving ? array.rechannel[i] * (block.before[i] + way * block.from)
                               : array.entry[i];
        step[i] = array.rechannel[i] * (way * block.step);
    }
    for (int t = 0; t < block.frames; ++t, x += c, sum += c) {
        const float u = block.in[t], later = float(t) * u;
        for (int i = 0; i < c; ++i) {
            x[i] = block.moving ? gain[i] * u + step[i] * later : gain[i] * u;
            sum[i] = 0.0f;
        }
    }
}

// The output of T frames from `start` on, before its level.
template <int T>
void hear(const LayerArray& array, const float* head, int start, float* y) {
    const float* x = array.sum + start * array.channels;
    float sums[T] = {};
    for (int i = 0; i < array.channels * array.head_kernel; ++i)
        for (int t = 0; t < T; ++t) sums[t] += head[i] * x[t * array.channels + i];
    for (int t = 0; t < T; ++t) y[t] = sums[t];
}

void leave(LayerArray& array, const Block& block, int level) {
    const float* head = block.moving ? array.head : array.folded_head;
    float y[BLOCK];
    int start = 0;
    for (; start + 4 <= block.frames; start += 4) hear<4>(array, head, start, y + start);
    for (; start < block.frames; ++start) hear<1>(array, head, start, y + start);
    float gain = 1.0f, step = 0.0f;
    if (block.moving) {
        const float way = block.after[level] - block.before[level];
        gain = block.before[level] + way * block.from;
        step = way * block.step;
    }
    for (int t = 0; t < block.frames; ++t)
        block.out[t] = (gain + step * float(t)) * y[t] + array.head_bias;
    const float* kept = array.sum + block.frames * array.channels;
    for (int i = 0; i < (array.head_kernel - 1) * array.channels; ++i) array.sum[i] = kept[i];
}

template <int C>
void run(LayerArray& array, const Block& block) {
    const int c = width<C>(array.channels);
    float* x = array.layer[0].ring + array.layer[0].at * c;
    float* sum = array.sum + (array.head_kernel - 1) * c;
    if (array.from)
        join(array, block, x, sum);
    else
        enter<C>(array, block, x, sum);
    mirror(array.layer[0], c, block.frames);
    array.at_hand = frames_at_hand<C>(array, block);
    for (int l = 0; l < array.layers; ++l) {
        Layer& layer = array.layer[l];
        for (int k = 0; k < layer.kernel; ++k) {
            const int row = layer.at - (layer.kernel - 1 - k) * layer.dilation;
            array.taps[k] = layer.ring + (row < 0 ? row + layer.rows : row) * c;
        }
        if (block.moving && array.bases == 0) set_ramp<C>(array, block, l);
        Layer* after = l + 1 < array.layers ? &layer + 1 : nullptr;
        float* next = after ? after->ring + after->at * c : array.left;
        int start = 0;
#if defined(AMPSWEEP_M7)
        if constexpr (AT_HAND<C>) start = tiles_at_hand<C>(array, layer, block, next);
#endif
        for (; start + TIMES<C> <= block.frames; start += TIMES<C>)
            tile<C, TIMES<C>>(array, layer, block, start, next);
        for (; start < block.frames; ++start)
            tile<AT_HAND<C> ? 0 : C, 1>(array, layer, block, start, next);
        if (after) mirror(*after, c, block.frames);
    }
    if (is_last(array)) leave(array, block, conditions_of(array));
    for (int l = 0; l < array.layers; ++l) go_on(array.layer[l], c, block.frames);
}

typedef void (*Run)(LayerArray& array, const Block& block);
// Widths that nets have are compiled by themselves; all others share one.
constexpr Run RUNS[] = {run<0>, run<0>, run<2>, run<3>, run<4>,  run<0>, run<6>, run<0>, run<8>,
                        run<0>, run<0>, run<0>, run<12>, run<0>, run<0>, run<0>, run<16>};
constexpr int KNOWN = sizeof RUNS / sizeof *RUNS;

}  // namespace

Run run_of(int channels) {
    return RUNS[channels < KNOWN ? channels : 0];
}

// A frame of silence, again and again: every row of the past is as the first.
void settle(LayerArray& array) {
    const int c = array.channels, now = (array.head_kernel - 1) * c;
    const float silence = 0.0f;
    const Block still = {&silence, nullptr, 1, false, nullptr, nullptr, 0.0f, 0.0f};
    float *x = array.layer[0].ring, *sum = array.sum;
    for (int i = 0; i < c; ++i) x[i] = sum[now + i] = 0.0f;
    if (array.from) join(array, still, x, sum + now);
    for (int l = 0; l < array.layers; ++l) {
        Layer& layer = array.layer[l];
        layer.at = layer.start();
        for (int i = c; i < layer.kept() * c; ++i) layer.ring[i] = layer.ring[i - c];
        for (int k = 0; k < layer.kernel; ++k) array.taps[k] = layer.ring;
        float* next = l + 1 < array.layers ? array.layer[l + 1].ring : array.left;
        tile<0, 1>(array, layer, still, 0, next);
    }
    for (int i = 0; i < now; ++i) sum[i] = sum[now + i % c];
}

}  // namespace ampsweep

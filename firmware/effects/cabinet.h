// A loudspeaker cabinet: convolution with its impulse response, without latency.

#pragma once

#include "fourier.h"

namespace ampsweep {

// Uniformly partitioned overlap-save (T. G. Stockham, High-speed convolution and correlation, 1966;
// F. Wefers, Partitioned convolution algorithms for real-time auralization, 2015). Partitions are
// as long as the blocks that audio comes in, so that every block has the same work: its own
// transform forward, the products of all partitions, one transform backward.
//
// A shorter block is transformed with the last one's samples in place of those still to come, on
// which its output does not depend, and once more when they have come: any length of block gives
// the same samples, and only that of 48, if all have it, gives them at the least cost.
class Cabinet {
public:
    static constexpr unsigned PARTITION = fourier::SIZE;
    static constexpr unsigned MOST_TAPS = 2048;
    static constexpr unsigned MOST_PARTITIONS = (MOST_TAPS + PARTITION - 1) / PARTITION;

    Cabinet() noexcept { clear(); }

    // Takes an impulse response and forgets what has sounded. More than MOST_TAPS are cut off; of
    // none, audio passes as it is. Not while `process` may run: it costs as much as five blocks.
    void load(const float* taps, unsigned count) noexcept {
        if (count > MOST_TAPS) count = MOST_TAPS;
        partitions_ = (count + PARTITION - 1) / PARTITION;
        for (unsigned p = 0; p < partitions_; ++p) {
            float block[PARTITION] = {};
            const float none[PARTITION] = {};
            for (unsigned n = 0; n < PARTITION && p * PARTITION + n < count; ++n)
                block[n] = taps[p * PARTITION + n] / fourier::SIZE;
            fourier::forward(block, none, response_ + p * FLOATS, MOST_PARTITIONS * FLOATS);
        }
        clear();
    }

    // Forgets what has sounded.
    void clear() noexcept {
        for (float& value : played_) value = 0.0f;
        for (float& value : before_) value = 0.0f;
        for (float& value : now_) value = 0.0f;
        filled_ = newest_ = 0;
    }

    // `out` may be `in`.
    void process(const float* in, float* out, unsigned frames) noexcept {
        if (partitions_ == 0) {
            for (unsigned i = 0; i < frames; ++i) out[i] = in[i];
            return;
        }
        while (frames > 0) {
            const unsigned room = PARTITION - filled_, some = frames < room ? frames : room;
            step(in, out, some);
            in += some;
            out += some;
            frames -= some;
        }
    }

private:
    static constexpr unsigned FLOATS = 2 * fourier::TILE;  // of one tile

    void step(const float* in, float* out, unsigned frames) noexcept {
        for (unsigned i = 0; i < frames; ++i) now_[filled_ + i] = in[i];
        fourier::forward(before_, now_, played_ + newest_ * FLOATS, MOST_PARTITIONS * FLOATS);
        float sum[fourier::TILES * FLOATS], sounds[PARTITION];
        for (unsigned t = 0; t < fourier::TILES; ++t) products(t, sum + t * FLOATS);
        fourier::backward(sum, sounds);
        for (unsigned i = 0; i < frames; ++i) out[i] = sounds[filled_ + i];
        filled_ += frames;
        if (filled_ < PARTITION) return;
        for (unsigned i = 0; i < PARTITION; ++i) before_[i] = now_[i];
        filled_ = 0;
        newest_ = (newest_ == 0 ? partitions_ : newest_) - 1;
    }

    // One tile of the output's spectrum: what was played, newest first, from `newest_` round to the
    // one before it.
    [[gnu::noinline]] void products(unsigned t, float* sum) const noexcept {
        constexpr unsigned TILE = fourier::TILE;
        float re[TILE] = {}, im[TILE] = {};
        const float* h = response_ + t * MOST_PARTITIONS * FLOATS;
        const float* start = played_ + t * MOST_PARTITIONS * FLOATS;
        const float *x = start + newest_ * FLOATS, *end = start + partitions_ * FLOATS;
        for (int part = 0; part < 2; ++part) {
            for (; x != end; x += FLOATS, h += FLOATS) {
                for (unsigned k = 0; k < TILE; ++k) {  // four fused multiply-adds, nothing else
                    re[k] += x[k] * h[k];
                    im[k] += x[k] * h[k + TILE];
                    re[k] -= x[k + TILE] * h[k + TILE];
                    im[k] += x[k + TILE] * h[k];
                }
            }
            x = start;
            end = start + newest_ * FLOATS;
        }
        for (unsigned k = 0; k < TILE; ++k) {
            sum[k] = re[k];
            sum[k + TILE] = im[k];
        }
    }

    // Spectra, tile by tile and in each tile partition by partition: a sum runs through memory.
    float response_[MOST_PARTITIONS * fourier::TILES * FLOATS];
    float played_[MOST_PARTITIONS * fourier::TILES * FLOATS];
    float before_[PARTITION], now_[PARTITION];
    unsigned partitions_ = 0, filled_ = 0, newest_ = 0;
};

}  // namespace ampsweep

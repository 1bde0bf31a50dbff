// From one sample rate to another, for good: as many samples as there are, as soon as they are.
//
// A polyphase filter bank (R. E. Crochiere and L. R. Rabiner, "Multirate Digital Signal
// Processing", 1983) of a sinc under J. F. Kaiser's window ("Nonrecursive digital filter design using the
// I0-sinh window function", 1974). It is flat to 20 kHz at 44.1 kHz, and what it folds lies above
// that. Libraries that do this allocate as they go, or tell their delay to a fraction of a sample;
// here nothing is allocated after construction, and the delay is exact.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace ampsweep {

class Resampler {
public:
    // Rates in Hz. Throws std::bad_alloc if there is no memory.
    Resampler(std::uint32_t from, std::uint32_t to, std::size_t longest_block)
        : step_(from / std::gcd(from, to)),
          phases_(to / std::gcd(from, to)),
          half_(from > to ? (HALF * from + to - 1) / to : HALF),
          taps_(2 * half_),
          bank_(std::size_t(phases_) * taps_),
          history_(taps_ - 1 + longest_block) {
        const double cutoff = from > to ? double(to) / from : 1.0;
        for (std::uint32_t phase = 0; phase < phases_; ++phase) design(phase, cutoff);
        fill(0.0f);
    }

    // Input samples after a moment that its output needs.
    std::size_t lookahead() const { return half_; }

    // How many samples a block of so many can give.
    std::size_t most(std::size_t frames) const { return frames * phases_ / step_ + 2; }

    // Begins again, as if `level` had lasted for ever: sample 0 of the output is at the time of
    // sample 0 of the input to come.
    void fill(float level) {
        std::fill(history_.begin(), history_.end(), level);
        phase_ = 0;
        at_ = half_;
    }

    // Returns how many samples were written. At most `longest_block` frames.
    std::size_t process(const float* in, std::size_t frames, float* out) {
        float* heard = history_.data();
        std::copy_n(in, frames, heard + taps_ - 1);
        std::size_t made = 0;
        while (at_ < frames) {
            out[made++] = product(&bank_[std::size_t(phase_) * taps_], heard + at_);
            const std::uint64_t next = std::uint64_t(phase_) + step_;
            at_ += std::size_t(next / phases_);
            phase_ = std::uint32_t(next % phases_);
        }
        at_ -= frames;
        std::copy(heard + frames, heard + frames + taps_ - 1, heard);
        return made;
    }

private:
    // Half the filter, in samples of the lower rate. With BETA, images and aliases lie 100 dB down
    // from 1.09 times the lower Nyquist frequency, and up to 0.91 times it nothing is missing.
    static constexpr std::uint32_t HALF = 36;
    static constexpr double BETA = 10.06;  // Kaiser's formula: 0.1102 (100 - 8.7)
    static constexpr double PI = 3.14159265358979323846;

    static double bessel_i0(double x) {
        double sum = 1.0, term = 1.0;
        for (int k = 1; term > 1e-17 * sum; ++k) {
            term *= (x / (2 * k)) * (x / (2 * k));
            sum += term;
        }
        return sum;
    }

    // The filter between two input samples: its sum is 1, so that what stands still stays.
    void design(std::uint32_t phase, double cutoff) {
        float* filter = &bank_[std::size_t(phase) * taps_];
        std::vector<double> exact(taps_);
        double sum = 0.0;
        for (std::size_t i = 0; i < taps_; ++i) {
            const double t = double(phase) / phases_ + double(half_) - 1.0 - double(i);
            const double u = t / double(half_), x = PI * cutoff * t;
            const double window = bessel_i0(BETA * std::sqrt(std::max(0.0, 1.0 - u * u)));
            exact[i] = window * (x == 0.0 ? 1.0 : std::sin(x) / x);
            sum += exact[i];
        }
        for (std::size_t i = 0; i < taps_; ++i) filter[i] = float(exact[i] / sum);
    }

    // The compiler makes vectors of it, if sums may be reordered (-fassociative-math).
    float product(const float* filter, const float* heard) const {
        float sum = 0.0f;
        for (std::size_t i = 0; i < taps_; ++i) sum += filter[i] * heard[i];
        return sum;
    }

    std::uint32_t step_, phases_, phase_ = 0;
    std::size_t half_, taps_;
    std::size_t at_ = 0;  // the newest sample of the next output, counted in the block to come
    std::vector<float> bank_;     // (phases, taps)
    std::vector<float> history_;  // taps - 1 of the past, then the block
};

}  // namespace ampsweep

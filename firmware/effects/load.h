// How much of its time the audio callback uses, and whether it was late.

#pragma once

#include <atomic>
#include <cstdint>

namespace ampsweep {

// Counts in ticks of any clock that runs up and wraps at 2^32, such as a processor's cycle counter.
class LoadMeter {
public:
    static constexpr float SHARE = 1.0f / 64;  // of a new block in the average

    LoadMeter(float ticks_per_second, float rate) noexcept : per_frame_(ticks_per_second / rate) {}

    void begin(std::uint32_t now) noexcept { began_ = now; }

    // True if the block took longer than it lasts: the next one begins late.
    bool end(std::uint32_t now, unsigned frames) noexcept {
        const auto ticks = static_cast<float>(now - began_);
        const float load = ticks / (per_frame_ * static_cast<float>(frames));
        const float before = average();
        average_.store(before + SHARE * (load - before), std::memory_order_relaxed);
        if (load > worst()) worst_.store(load, std::memory_order_relaxed);
        if (load <= 1.0f) return false;
        overruns_.store(overruns() + 1, std::memory_order_relaxed);
        return true;
    }

    // Of the time there is: 1 is all of it.
    float average() const noexcept { return average_.load(std::memory_order_relaxed); }
    float worst() const noexcept { return worst_.load(std::memory_order_relaxed); }
    std::uint32_t overruns() const noexcept { return overruns_.load(std::memory_order_relaxed); }

    // Begins a new search for the worst block.
    void forget_worst() noexcept { worst_.store(0.0f, std::memory_order_relaxed); }

private:
    float per_frame_;
    std::uint32_t began_ = 0;
    std::atomic<float> average_{0.0f}, worst_{0.0f};
    std::atomic<std::uint32_t> overruns_{0};
};

}  // namespace ampsweep

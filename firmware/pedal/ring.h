// Bytes on their way from an interrupt to the main loop.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ampsweep::pedal {

// One side puts, the other takes, and neither waits. When it is full, what comes is lost: whoever
// sends something that matters asks again.
template <std::size_t SIZE>
class Ring {
    static_assert((SIZE & (SIZE - 1)) == 0, "a power of two");

public:
    void put(const uint8_t* bytes, std::size_t count) {
        const std::size_t end = end_.load(std::memory_order_relaxed);
        const std::size_t room = SIZE - (end - begin_.load(std::memory_order_acquire));
        if (count > room) return;  // half a message is worth nothing
        for (std::size_t i = 0; i < count; ++i) bytes_[(end + i) % SIZE] = bytes[i];
        end_.store(end + count, std::memory_order_release);
    }

    // Returns how many, at most `room`.
    std::size_t take(uint8_t* bytes, std::size_t room) {
        const std::size_t begin = begin_.load(std::memory_order_relaxed);
        const std::size_t there = end_.load(std::memory_order_acquire) - begin;
        const std::size_t count = there < room ? there : room;
        for (std::size_t i = 0; i < count; ++i) bytes[i] = bytes_[(begin + i) % SIZE];
        begin_.store(begin + count, std::memory_order_release);
        return count;
    }

private:
    uint8_t bytes_[SIZE];
    std::atomic<std::size_t> begin_{0}, end_{0};  // they run on; only their remainders are places
};

}  // namespace ampsweep::pedal

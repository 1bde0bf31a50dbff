// Counting instructions, and bytes of stack, on the emulated Cortex-M7.
//
// Its cycle counter reads 0, but with -icount shift=0 an instruction takes a nanosecond and SysTick
// counts at 25 MHz: 40 instructions a tick, always the same.

#pragma once

#include <cstddef>
#include <cstdint>

inline volatile std::uint32_t* systick() {
    return reinterpret_cast<volatile std::uint32_t*>(0xe000e010);
}

inline void start_counting() {
    systick()[1] = 0xffffff;
    systick()[2] = 0;
    systick()[0] = 5;
}

inline std::uint32_t now() { return systick()[2]; }

// Instructions from one reading of now() to a later one, at most 671 million; in steps of 40.
inline std::uint32_t between(std::uint32_t before, std::uint32_t after) {
    return ((before - after) & 0xffffff) * 40;
}

// Paints the stack below main, and says how far down it has been used since.
class Stack {
public:
    // `frame`: main's own, by __builtin_frame_address(0).
    explicit Stack(void* frame) : top_(static_cast<std::size_t*>(frame) - OWN) {
        for (std::size_t i = 1; i <= WORDS; ++i) top_[-std::ptrdiff_t(i)] = UNUSED;
    }

    // In bytes; what main has is counted as 1 KiB.
    unsigned used() const {
        std::size_t words = WORDS;
        while (words > 0 && top_[-std::ptrdiff_t(words)] == UNUSED) --words;
        return unsigned(4 * (OWN + words));
    }

private:
    static constexpr std::size_t UNUSED = 0x5ac35ac3, WORDS = 4096, OWN = 256;
    volatile std::size_t* top_;
};

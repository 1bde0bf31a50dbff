// Counting instructions on the emulated Cortex-M7.
//
// Its cycle counter reads 0, but with -icount shift=0 an instruction takes a nanosecond and SysTick
// counts at 25 MHz: 40 instructions a tick, always the same.

#pragma once

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

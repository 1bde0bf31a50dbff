// Numbers too small to matter, rounded to zero: many processors are slow with them.

#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace ampsweep {

// While one lives, this thread flushes denormals; what the host had set is put back.
class NoDenormals {
public:
    NoDenormals() : before_(read()) { write(before_ | BITS); }
    ~NoDenormals() { write(before_); }
    NoDenormals(const NoDenormals&) = delete;
    NoDenormals& operator=(const NoDenormals&) = delete;

private:
#if defined(__SSE2__)
    using Register = unsigned;
    static constexpr Register BITS = 0x8040;  // of MXCSR: flush to zero, denormals are zero
    static Register read() { return _mm_getcsr(); }
    static void write(Register value) { _mm_setcsr(value); }
#elif defined(__aarch64__)
    using Register = std::uint64_t;
    static constexpr Register BITS = 1u << 24;  // of FPCR: flush to zero
    static Register read() {
        Register value;
        asm volatile("mrs %0, fpcr" : "=r"(value));
        return value;
    }
    static void write(Register value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
#else
    using Register = unsigned;
    static constexpr Register BITS = 0;
    static Register read() { return 0; }
    static void write(Register) {}
#endif

    Register before_;
};

}  // namespace ampsweep

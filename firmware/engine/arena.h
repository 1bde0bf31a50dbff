// Memory that the caller gives, handed out from its start: the part that every sample touches apart
// from the rest, so that a microcontroller can have it in its fastest memory.

#pragma once

#include <cstddef>
#include <cstdint>

namespace ampsweep {

class Region {
public:
    static constexpr std::size_t ALIGNMENT = 16;

    Region() = default;  // counts what would be needed
    Region(void* memory, std::size_t size) : size_(size) {
        const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(memory);
        const std::size_t skipped = (ALIGNMENT - start % ALIGNMENT) % ALIGNMENT;
        start_ = static_cast<std::uint8_t*>(memory) + (skipped < size ? skipped : size);
        size_ -= skipped < size ? skipped : size;
    }

    // Null if it only counts, or if there is not enough.
    template <class T>
    T* take(std::size_t count) {
        const std::size_t at = used_, bytes = count * sizeof(T);
        used_ += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        return start_ && used_ <= size_ ? reinterpret_cast<T*>(start_ + at) : nullptr;
    }

    bool enough() const { return used_ <= size_; }
    std::size_t used() const { return used_; }
    std::size_t needed() const { return used_ + ALIGNMENT - 1; }  // wherever it starts

private:
    std::uint8_t* start_ = nullptr;
    std::size_t size_ = 0, used_ = 0;
};

struct Arena {
    Region fast, other;
};

}  // namespace ampsweep

// Bytes that may be a pedal image, to the engine: as they are, and with the header made good, so
// that what lies behind it is reached. What is found good is then played.
//
// Both lie in memory of their very size, so that AddressSanitizer sees every byte beyond.

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "../../engine/crc.h"
#include "../../engine/engine.h"

using namespace ampsweep;

namespace {

constexpr std::size_t LARGEST_ARENA = 1 << 20;  // what is larger plays no differently, but slower

void put(std::uint8_t* bytes, std::uint32_t value) { std::memcpy(bytes, &value, 4); }

// Every text is looked at, to its end.
void read(const char* text, std::size_t most) {
    if (std::strlen(text) > most) std::abort();
}

void try_to_play(const std::uint8_t* bytes, std::size_t size) {
    Image image;
    const Status status = open(bytes, size, image);
    read(text(status), 100);
    if (status != Status::ok) return;
    read(image.name, 255);
    read(image.device, 255);
    for (unsigned k = 0; k < image.knobs; ++k) {
        const Knob knob = image.knob(k);
        read(knob.name, 255);
        read(knob.unit, 255);
        read(knob.short_name, 11);
        for (unsigned d = 0; d < knob.detents; ++d) {
            read(image.detent(k, d).label, 255);
            read(image.detent(k, d).short_name, 11);
        }
    }
    const std::size_t needed = arena_size(image);
    if (needed > LARGEST_ARENA) return;
    void* arena = std::malloc(needed);
    Engine engine;
    if (engine.load(image, arena, needed - 1) != Status::small_arena) std::abort();
    if (engine.load(image, arena, needed) != Status::ok) std::abort();
    float audio[100];
    for (int i = 0; i < 100; ++i) audio[i] = float(i % 7) - 3.0f;
    engine.process(audio, audio, 31);
    engine.set(0, 1e9f);
    engine.process(audio, audio, 69);
    engine.process(audio, audio, 100);
    std::free(arena);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    std::uint8_t* bytes = static_cast<std::uint8_t*>(std::malloc(size));
    std::memcpy(bytes, data, size);
    try_to_play(bytes, size);
    if (size >= 20) {
        std::memcpy(bytes, "ASPD", 4);
        put(bytes + 4, 1);
        put(bytes + 8, std::uint32_t(size));
        put(bytes + 12, crc32(bytes + 16, size - 16));
        try_to_play(bytes, size);
    }
    std::free(bytes);
    return 0;
}

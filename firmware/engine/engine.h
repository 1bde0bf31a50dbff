// The engine: plays a pedal image, its knobs turning, on anything with a C++17 compiler.
//
// Freestanding: no heap, no exceptions, no RTTI, no libm, no doubles. All state is in memory that
// the caller gives; how much, the image says. What an image holds, docs/pedal-image.md describes;
// what it sounds like, training/play.py.
//
//     Image image;
//     if (Status bad = open(bytes, size, image); bad != Status::ok) complain(text(bad));
//     Engine engine;
//     engine.load(image, arena, arena_size(image));
//     engine.set(0, 7.5f);
//     engine.process(in, out, 48);

#pragma once

#include <cstddef>
#include <cstdint>

namespace ampsweep {

// Why an image is not played. The first are the codes of docs/pedal-image.md.
enum class Status : std::uint8_t {
    ok = 0,
    bad_magic = 1,
    bad_version = 2,
    bad_size = 3,
    bad_crc = 4,
    bad_section = 5,
    bad_dimension = 6,
    bad_number = 7,
    bad_kind = 8,
    bad_text = 9,
    bad_knob = 10,
    bad_alignment = 11,  // the image does not lie at a multiple of 4 bytes
    small_arena = 12,
};

// What is wrong and what to do, in one sentence.
const char* text(Status status) noexcept;

// All texts are UTF-8, end with a zero, and lie in the image.
struct Detent {
    const char* label;
    const char* short_name;  // at most 11 characters of ASCII
};

struct Knob {
    const char* name;        // as printed on the panel
    const char* unit;        // empty if it has none
    const char* short_name;  // at most 11 characters of ASCII
    float minimum, maximum, initial;  // panel positions
    unsigned pot;            // 1 to 6, or 0: none
    unsigned detents;        // of a switch, whose positions are 0 to detents - 1; 0: a knob
};

// An image that has been found good: views into its bytes, which must stay while this is used.
struct Image {
    const char* name;
    const char* device;
    std::uint32_t sample_rate;  // Hz
    std::uint32_t interval;     // samples from one control frame to the next
    bool has_input_level, has_output_level;
    float input_level;   // dBu of a sine that is 0 dBFS at the model's input
    float output_level;  // dBu of a sine that the model puts out at 0 dBFS
    unsigned knobs;

    Knob knob(unsigned index) const noexcept;                      // index < knobs
    Detent detent(unsigned knob, unsigned position) const noexcept;  // position < its detents

    // Where the engine finds the rest.
    const std::uint8_t* bytes;
    std::uint32_t knobs_at, control_at, audio_at;
};

// Checks everything and trusts nothing; reads no byte outside [bytes, bytes + size).
Status open(const void* bytes, std::size_t size, Image& image) noexcept;

// Bytes that Engine::load needs: all of them, and of these the ones that every sample reads or
// writes, which belong into the fastest memory there is.
std::size_t arena_size(const Image& image) noexcept;
std::size_t fast_size(const Image& image) noexcept;

struct Player;

// A model that plays. It keeps nothing of the image: after load, its bytes may go.
class Engine {
public:
    // Knobs at their defaults, state as endless silence leaves it. The memory need not be aligned.
    // What played before is lost, even if this fails.
    Status load(const Image& image, void* arena, std::size_t size) noexcept;
    Status load(const Image& image, void* fast, std::size_t fast_size, void* other,
                std::size_t other_size) noexcept;

    unsigned knobs() const noexcept;

    // A panel position, clamped to the knob's range; NaN is ignored. Followed from the next control
    // frame on, and reached at the one after it. From any thread; so is get.
    void set(unsigned knob, float position) noexcept;
    float get(unsigned knob) const noexcept;

    // Begins again: knobs stand where they were set, and silence has lasted for ever.
    void restart() noexcept;

    // 1 to 48 frames, or any other number; in and out may be the same. Silence if nothing is
    // loaded.
    void process(const float* in, float* out, unsigned frames) noexcept;

private:
    Player* player_ = nullptr;
};

}  // namespace ampsweep

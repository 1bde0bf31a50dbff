// Where things are in a pedal image: the tables of docs/pedal-image.md, in their order.

#pragma once

#include <cstdint>
#include <cstring>

namespace ampsweep::layout {

constexpr std::uint32_t VERSION = 1;
constexpr std::uint32_t LARGEST_IMAGE = 512 * 1024;
constexpr std::uint32_t LARGEST_TEXT = 255;
constexpr std::uint32_t LARGEST_HISTORY = 1 << 20;  // floats of the past
constexpr std::uint32_t POTS = 6;
constexpr std::uint32_t SHORT_NAME = 11;

struct Limits {
    std::uint32_t least, most;
};
constexpr Limits SECTIONS = {1, 16}, KNOBS = {1, 32}, DETENTS = {0, 256}, INTERVAL = {1, 4096},
                 SAMPLE_RATE = {8000, 384000}, DENSE_LAYERS = {1, 8}, DENSE_INPUTS = {1, 256},
                 DENSE_OUTPUTS = {1, 9281}, CHANNELS = {1, 64}, LAYERS = {1, 64}, KERNEL = {1, 64},
                 DILATION = {1, 4096}, HEAD_KERNEL = {1, 64}, BASES = {1, 16},
                 UNITS = {1, 64}, SEVERAL = {2, 4};

enum Section : std::uint32_t { TEXT = 1, MODEL, KNOB_TABLE, CONTROL, AUDIO, LAST = AUDIO };
constexpr std::uint32_t OPTIONAL = 1u << 31;

enum Kind : std::uint32_t { DENSE = 0, WAVENET = 1, GRU = 2, LSTM = 3, ARRAYS = 4 };
enum Format : std::uint32_t { FLOAT32 = 0 };
enum Conditioning : std::uint32_t { FILM = 0, BASIS = 1 };
enum Activation : std::uint32_t { IDENTITY = 0, SOFTSIGN = 1, LEAKY_RELU = 2, TANH = 3 };
enum Flags : std::uint32_t { HAS_INPUT_LEVEL = 1, HAS_OUTPUT_LEVEL = 2 };

// Sizes of records in bytes.
constexpr std::uint32_t HEADER = 16, COUNT = 4, ENTRY = 12, MODEL_RECORD = 36, KNOB_COUNTS = 8,
                        KNOB = 52, DETENT = 20, CONTROL_RECORD = 20, DENSE_LAYER = 20,
                        WAVENET_RECORD = 52, WAVENET_LAYER = 16, RECURRENT_RECORD = 28,
                        ARRAYS_RECORD = 12;

inline std::uint32_t u32(const std::uint8_t* bytes, std::uint32_t offset) {
    std::uint32_t value;
    std::memcpy(&value, bytes + offset, 4);
    return value;
}

inline float f32(const std::uint8_t* bytes, std::uint32_t offset) {
    float value;
    std::memcpy(&value, bytes + offset, 4);
    return value;
}

// The text or the array that the two numbers at `field` say.
inline const char* text(const std::uint8_t* bytes, std::uint32_t field) {
    return reinterpret_cast<const char*>(bytes + u32(bytes, field));
}

inline const float* array(const std::uint8_t* bytes, std::uint32_t field) {
    return reinterpret_cast<const float*>(bytes + u32(bytes, field));
}

}  // namespace ampsweep::layout

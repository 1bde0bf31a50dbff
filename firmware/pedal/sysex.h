// The pedal's own SysEx messages: F0 7D 'a' 's' kind, a body packed into 7-bit bytes, F7.
//
// 7D is the manufacturer number that the MIDI standard gives to whoever has none. The body's last
// four bytes are the CRC-32 of the kind and of the body before them, little-endian. Each seven
// bytes become eight: first their highest bits, that of the first byte lowest, then the rest.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../engine/crc.h"
#include "midi.h"

namespace ampsweep::pedal {

constexpr uint8_t SYSEX_HEAD[3] = {0x7D, 'a', 's'};
constexpr std::size_t AROUND = 1 + sizeof SYSEX_HEAD + 1 + 1;  // F0, head, kind, F7
constexpr std::size_t PACKED_ROOM = MidiParser::LONGEST - AROUND;
constexpr std::size_t BODY_ROOM = PACKED_ROOM / 8 * 7 + (PACKED_ROOM % 8 ? PACKED_ROOM % 8 - 1 : 0);

inline std::size_t pack(const uint8_t* bytes, std::size_t count, uint8_t* packed) {
    uint8_t* out = packed;
    for (std::size_t i = 0; i < count; i += 7) {
        uint8_t* high = out++;
        *high = 0;
        for (std::size_t j = 0; j < 7 && i + j < count; ++j) {
            *high = uint8_t(*high | (bytes[i + j] >> 7) << j);
            *out++ = bytes[i + j] & 0x7F;
        }
    }
    return std::size_t(out - packed);
}

// Returns how many bytes came of it, fewer than `count`.
inline std::size_t unpack(const uint8_t* packed, std::size_t count, uint8_t* bytes) {
    uint8_t* out = bytes;
    for (std::size_t i = 0; i < count; i += 8) {
        const uint8_t high = packed[i];
        for (std::size_t j = 0; j < 7 && i + 1 + j < count; ++j)
            *out++ = uint8_t(packed[i + 1 + j] | (high >> j & 1) << 7);
    }
    return std::size_t(out - bytes);
}

inline void put32(uint8_t* at, uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) at[i] = uint8_t(value >> (8 * i));
}

inline uint32_t get32(const uint8_t* at) {
    return uint32_t(at[0]) | uint32_t(at[1]) << 8 | uint32_t(at[2]) << 16 | uint32_t(at[3]) << 24;
}

// A body being written or read, and its kind.
class Sysex {
public:
    static constexpr std::size_t ROOM = BODY_ROOM - 4;  // without the CRC

    uint8_t kind = 0;

    Sysex() = default;
    explicit Sysex(uint8_t of) : kind(of) {}

    Sysex& u8(uint8_t value) { return raw(&value, 1); }
    Sysex& u32(uint32_t value) {
        uint8_t bytes[4];
        put32(bytes, value);
        return raw(bytes, 4);
    }
    Sysex& raw(const void* bytes, std::size_t count) {
        if (count > ROOM - count_) count = ROOM - count_;
        if (count) std::memcpy(body_ + count_, bytes, count);
        count_ += count;
        return *this;
    }
    // One byte of length, then as many.
    Sysex& text(const char* words) {
        const std::size_t length = std::strlen(words);
        const std::size_t fits = ROOM - count_ ? ROOM - count_ - 1 : 0;
        const std::size_t count = length < fits ? length : fits;
        return u8(uint8_t(count)).raw(words, count);
    }

    // The whole message, with F0 and F7; `message` has room for MidiParser::LONGEST bytes.
    std::size_t write(uint8_t* message) const {
        uint8_t body[BODY_ROOM];
        std::memcpy(body, body_, count_);
        put32(body + count_, check());
        uint8_t* out = message;
        *out++ = 0xF0;
        for (uint8_t byte : SYSEX_HEAD) *out++ = byte;
        *out++ = kind;
        out += pack(body, count_ + 4, out);
        *out++ = 0xF7;
        return std::size_t(out - message);
    }

    // Of a SysEx's data; false if it is not one of ours, and it is left as it was if it is not
    // whole either. `damaged` says which of the two.
    bool read(const uint8_t* data, std::size_t count, bool& damaged) {
        damaged = false;
        const std::size_t head = sizeof SYSEX_HEAD;
        if (count < head + 1 || std::memcmp(data, SYSEX_HEAD, head) != 0) return false;
        damaged = true;
        if (count - head - 1 > PACKED_ROOM) return false;
        uint8_t body[PACKED_ROOM];
        const std::size_t length = unpack(data + head + 1, count - head - 1, body);
        if (length < 4 || length > BODY_ROOM) return false;
        Sysex read(data[head]);
        read.raw(body, length - 4);
        if (get32(body + length - 4) != read.check()) return false;
        *this = read;
        damaged = false;
        return true;
    }

    const uint8_t* body() const { return body_; }
    std::size_t count() const { return count_; }

private:
    uint32_t check() const { return crc32(body_, count_, crc32(&kind, 1)); }

    uint8_t body_[ROOM] = {};
    std::size_t count_ = 0;
};

}  // namespace ampsweep::pedal

// MIDI in: bytes to messages, and what each message is to this pedal.

#pragma once

#include <cstddef>
#include <cstdint>

namespace ampsweep::pedal {

// One complete message. `data` of a SysEx is what stands between F0 and F7.
struct MidiMessage {
    uint8_t status = 0;  // of a channel message with its channel; 0xF0: SysEx
    const uint8_t* data = nullptr;
    std::size_t count = 0;
};

// One stream of bytes, from one port. Knows running status, real-time bytes in the middle of
// anything, and drops a SysEx that is longer than ours ever are or is cut off.
class MidiParser {
public:
    static constexpr std::size_t LONGEST = 120;  // of a SysEx, F0 and F7 among it

    // Takes one byte; true if `message` is now complete, valid until the next byte.
    bool take(uint8_t byte, MidiMessage& message) {
        if (byte >= 0xF8) return false;  // real time: a clock is nothing to us
        if (byte & 0x80) return begin(byte, message);
        if (status_ == 0xF0) {
            if (count_ == LONGEST - 2) status_ = 0;  // another's: dropped to its end
            else data_[count_++] = byte;
            return false;
        }
        if (!needed(status_)) return false;  // data that belongs to nothing
        data_[count_++] = byte;
        if (count_ < needed(status_)) return false;
        message = {status_, data_, count_};
        count_ = 0;                        // running status: the next data begin the same again
        if (status_ >= 0xF0) status_ = 0;  // but system messages have none
        return true;
    }

private:
    static std::size_t needed(uint8_t status) {
        switch (status & 0xF0) {
            case 0xC0:
            case 0xD0: return 1;
            case 0xF0: return status == 0xF1 || status == 0xF3 ? 1 : status == 0xF2 ? 2 : 0;
            default: return status & 0x80 ? 2 : 0;
        }
    }

    bool begin(uint8_t byte, MidiMessage& message) {
        const bool whole = byte == 0xF7 && status_ == 0xF0;
        if (whole) message = {0xF0, data_, count_};
        status_ = byte == 0xF7 ? 0 : byte;
        count_ = 0;
        return whole;
    }

    uint8_t data_[LONGEST] = {};
    std::size_t count_ = 0;
    uint8_t status_ = 0;
};

// What a control change turns or switches.
enum class Control : uint8_t { none, knob, level, bypass, tuner, gate, cabinet, bass, treble };

struct ControlNumber {
    Control control = Control::none;
    uint8_t knob = 0;  // counted from 0 in the image's order
};

// 32 knobs in the numbers that the MIDI standard leaves undefined: knobs 1–12 are 20–31, 13–30 are
// 102–119, 31 and 32 are 14 and 15.
inline ControlNumber control_of(uint8_t number) {
    if (number >= 20 && number <= 31) return {Control::knob, uint8_t(number - 20)};
    if (number >= 102 && number <= 119) return {Control::knob, uint8_t(number - 102 + 12)};
    if (number == 14 || number == 15) return {Control::knob, uint8_t(number - 14 + 30)};
    switch (number) {
        case 7: return {Control::level, 0};
        case 80: return {Control::bypass, 0};
        case 81: return {Control::tuner, 0};
        case 82: return {Control::gate, 0};
        case 83: return {Control::cabinet, 0};
        case 85: return {Control::bass, 0};
        case 86: return {Control::treble, 0};
        default: return {};
    }
}

// Programs 0–63 are models by their place in the store, 64–127 are presets.
constexpr uint8_t FIRST_PRESET = 64;

}  // namespace ampsweep::pedal

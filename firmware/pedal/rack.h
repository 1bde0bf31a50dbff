// What plays now: a model out of the store, a cabinet after it, and where all knobs stand.

#pragma once

#include <cstdint>
#include <cstring>

#include "sound.h"
#include "store.h"
#include "transfer.h"

namespace ampsweep::pedal {

constexpr uint8_t NONE = 255;
constexpr unsigned MOST_KNOBS = 32;

// Details of Refusal::contents beside the engine's Status.
constexpr uint8_t BAD_RATE = 100;     // not a model of 48 kHz
constexpr uint8_t BAD_CABINET = 101;  // not up to 2048 finite samples

// What a preset holds.
struct Preset {
    uint8_t model = NONE, cabinet = NONE;
    float own[TARGETS] = {};  // of the pedal's own controls, in dB
    unsigned knobs = 0;
    float positions[MOST_KNOBS] = {};

    std::size_t encode(uint8_t* value) const {
        uint8_t* at = value;
        for (const uint8_t byte : {VERSION, model, cabinet, uint8_t(knobs)}) *at++ = byte;
        for (unsigned t = unsigned(Target::trim); t < TARGETS; ++t) at = put(at, own[t]);
        for (unsigned k = 0; k < knobs; ++k) at = put(at, positions[k]);
        return std::size_t(at - value);
    }

    bool decode(const uint8_t* value, std::size_t length) {
        const std::size_t fixed = 4 + 4 * (TARGETS - 2);
        if (length < fixed || value[0] != VERSION || value[3] > MOST_KNOBS ||
            length != fixed + 4u * value[3])
            return false;
        model = value[1];
        cabinet = value[2];
        knobs = value[3];
        const uint8_t* at = value + 4;
        for (unsigned t = unsigned(Target::trim); t < TARGETS; ++t, at += 4) own[t] = get(at);
        for (unsigned k = 0; k < knobs; ++k, at += 4) positions[k] = get(at);
        return true;
    }

private:
    static constexpr uint8_t VERSION = 1;

    static uint8_t* put(uint8_t* at, float value) {
        uint32_t bits;
        std::memcpy(&bits, &value, 4);
        put32(at, bits);
        return at + 4;
    }
    static float get(const uint8_t* at) {
        const uint32_t bits = get32(at);
        float value;
        std::memcpy(&value, &bits, 4);
        return value;
    }
};

class Rack {
public:
    // `images`: two of LARGEST_FILE bytes, at multiples of 4.
    Rack(Store& store, Sound& sound, uint8_t* const* images) : store_(store), sound_(sound) {
        images_[0] = images[0];
        images_[1] = images[1];
        for (unsigned t = 0; t < TARGETS; ++t) own_[t] = range_of(Target(t)).initial;
    }

    // Why a file cannot be played, for Receiver; `arenas` are Sound's.
    static uint8_t judge(const void* arenas, Kind kind, const uint8_t* bytes, uint32_t size) {
        if (kind == Kind::cabinet) return good_cabinet(bytes, size) ? 0 : BAD_CABINET;
        Image image;
        if (const Status status = open(bytes, size, image); status != Status::ok)
            return uint8_t(status);
        if (image.sample_rate != uint32_t(RATE)) return BAD_RATE;
        return fits(image, *static_cast<const Arena*>(arenas)) ? 0 : uint8_t(Status::small_arena);
    }

    // The model that plays; null if there is none.
    const Image* image() const { return slot_ == NONE ? nullptr : &image_; }
    uint8_t slot() const { return slot_; }
    uint8_t cabinet() const { return cabinet_; }
    float position(unsigned knob) const { return positions_[knob]; }
    float own(Target target) const { return own_[unsigned(target)]; }

    // Reads a model into memory that nothing plays from; false if it is not there or damaged.
    bool read(uint8_t slot, Image& image) {
        uint8_t* bytes = images_[1 - playing_];
        std::size_t size = 0;
        return store_.load(Kind::model, slot, bytes, LARGEST_FILE, size) &&
               open(bytes, size, image) == Status::ok && image.sample_rate == uint32_t(RATE);
    }

    // Plays what was just read. If that fails, what played does so still.
    Status play(uint8_t slot, const Image& image, const float* positions, uint8_t cabinet) {
        unsigned taps = 0;
        std::size_t size = 0;
        auto* bytes = reinterpret_cast<uint8_t*>(taps_);
        if (cabinet != NONE && store_.load(Kind::cabinet, cabinet, bytes, sizeof taps_, size))
            taps = unsigned(size / sizeof(float));
        const Status status = sound_.load(image, positions, taps_, taps);
        if (status != Status::ok) return status;
        sound_.play();
        playing_ = 1 - playing_;
        image_ = image;
        slot_ = slot;
        cabinet_ = cabinet;
        std::memcpy(positions_, positions, image.knobs * sizeof *positions);
        return Status::ok;
    }

    // A knob's panel position, held to its range.
    void turn(unsigned knob, float position) {
        if (slot_ == NONE || knob >= image_.knobs) return;
        const Knob what = image_.knob(knob);
        positions_[knob] = position < what.minimum   ? what.minimum
                           : position > what.maximum ? what.maximum
                                                     : position;
        sound_.turn(knob, positions_[knob]);
    }

    void set(Target target, float value) {
        const Range range = range_of(target);
        own_[unsigned(target)] = value < range.minimum   ? range.minimum
                                 : value > range.maximum ? range.maximum
                                                         : value;
        sound_.set(target, own_[unsigned(target)]);
    }

    Preset preset() const {
        Preset preset;
        preset.model = slot_;
        preset.cabinet = cabinet_;
        preset.knobs = slot_ == NONE ? 0 : image_.knobs;
        std::memcpy(preset.own, own_, sizeof own_);
        std::memcpy(preset.positions, positions_, preset.knobs * sizeof *positions_);
        return preset;
    }

private:
    static bool good_cabinet(const uint8_t* bytes, uint32_t size) {
        if (size % 4 || size > sizeof taps_) return false;
        for (uint32_t at = 0; at < size; at += 4)
            if ((get32(bytes + at) & 0x7F800000) == 0x7F800000) return false;  // infinite, or NaN
        return true;
    }

    Store& store_;
    Sound& sound_;
    uint8_t* images_[2];
    unsigned playing_ = 0;
    Image image_ = {};
    uint8_t slot_ = NONE, cabinet_ = NONE;
    float positions_[MOST_KNOBS] = {};
    float own_[TARGETS] = {};
    float taps_[Cabinet::MOST_TAPS] = {};
};

}  // namespace ampsweep::pedal

// NOR flash that wears, that only clears bits between erasures, and whose power can be cut in the
// middle of any write or erasure, which then leaves whatever it had done so far.

#pragma once

#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "../../pedal/hardware.h"

class SimFlash final : public ampsweep::pedal::Flash {
public:
    static constexpr unsigned NEVER = ~0u;

    explicit SimFlash(uint32_t size, uint8_t fill = 0xFF)
        : bytes(size, fill), wear(size / SECTOR, 0) {}

    std::vector<uint8_t> bytes;
    std::vector<unsigned> wear;  // erasures of each sector
    unsigned operations = 0;     // writes and erasures since the power came
    unsigned cut_at = NEVER;    // the power goes in the middle of this operation, counted from 0
    bool dead = false;
    std::minstd_rand random{1};

    void power_on() {
        dead = false;
        operations = 0;
        cut_at = NEVER;
    }

    uint32_t size() const override { return uint32_t(bytes.size()); }

    void read(uint32_t at, void* to, std::size_t count) override {
        demand(at <= bytes.size() && count <= bytes.size() - at, "a read outside the flash");
        for (std::size_t i = 0; i < count; ++i) static_cast<uint8_t*>(to)[i] = bytes[at + i];
    }

    bool erase(uint32_t at) override {
        demand(at % SECTOR == 0 && at < bytes.size(), "an erasure of no sector");
        if (dead) return false;
        const bool cut = begin();
        ++wear[at / SECTOR];
        for (uint32_t i = at; i < at + SECTOR; ++i)
            bytes[i] = uint8_t(cut ? bytes[i] | some() : 0xFF);
        return !cut;
    }

    bool write(uint32_t at, const void* from, std::size_t count) override {
        demand(count && at + count <= bytes.size(), "a write outside the flash");
        demand(at / PAGE == (at + count - 1) / PAGE, "a write across pages");
        if (dead) return false;
        const bool cut = begin();
        for (std::size_t i = 0; i < count; ++i) {
            const uint8_t wanted = static_cast<const uint8_t*>(from)[i];
            demand((bytes[at + i] & wanted) == wanted, "a write that needs bits to rise");
            bytes[at + i] = uint8_t(bytes[at + i] & (cut ? wanted | some() : wanted));
        }
        return !cut;
    }

private:
    // Each time another share of the bits: none, all, or some.
    uint8_t some() {
        switch (mood_) {
            case 0: return 0x00;
            case 1: return 0xFF;
            default: return uint8_t(random() >> 8);
        }
    }

    bool begin() {
        if (operations++ != cut_at) return false;
        mood_ = unsigned(random() >> 4) % 4;
        return dead = true;
    }

    static void demand(bool so, const char* what) {
        if (so) return;
        std::fprintf(stderr, "the flash saw %s\n", what);
        std::abort();
    }

    unsigned mood_ = 0;
};

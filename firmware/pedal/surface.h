// Which pot turns what, on each of the four pages that toggles 1 and 4 choose.
//
//   neither   the amp's own knobs on the pots that the image gives them; of the pots it leaves
//             free, the last three are bass, treble and level, from the right
//   1 up      knobs that have no pot, the first six
//   4 up      the pedal's own: trim, gate, nothing, bass, treble, level
//   both up   knobs that have no pot, the next six
//
// Where a pot stands is where its knob stands, when a model is chosen. But when the page changes,
// or a preset or MIDI sets the knob, the pot lies; it is let go of, and takes its knob again when
// it is turned.

#pragma once

#include <cstdint>

#include "../engine/engine.h"
#include "hardware.h"
#include "pots.h"

namespace ampsweep::pedal {

enum class Target : uint8_t { none, knob, trim, gate, bass, treble, level };
constexpr unsigned TARGETS = 7;

struct Assigned {
    Target target = Target::none;
    uint8_t knob = 0;  // of the image, from 0

    bool operator==(const Assigned& other) const {
        return target == other.target && knob == other.knob;
    }
};

class Surface {
public:
    static constexpr unsigned PAGES = 4;
    static constexpr float TAKE = 0.02f;  // of a pot's travel, until it takes its knob again

    // Until then, no pot turns anything.
    void assign(const Image& image) {
        for (auto& page : pages_)
            for (Assigned& pot : page) pot = {};
        unsigned without = 0;
        for (unsigned k = 0; k < image.knobs; ++k) {
            const unsigned pot = image.knob(k).pot;
            if (pot >= 1 && pot <= POTS) pages_[0][pot - 1] = {Target::knob, uint8_t(k)};
            else if (without < 2 * POTS) {
                pages_[without < POTS ? 1 : 3][without % POTS] = {Target::knob, uint8_t(k)};
                ++without;
            }
        }
        const Target last[] = {Target::level, Target::treble, Target::bass};
        unsigned given = 0;
        for (unsigned pot = POTS; pot-- > 0 && given < 3;)
            if (pages_[0][pot].target == Target::none) pages_[0][pot].target = last[given++];
        const Target own[POTS] = {Target::trim, Target::gate,   Target::none,
                                   Target::bass, Target::treble, Target::level};
        for (unsigned pot = 0; pot < POTS; ++pot) pages_[2][pot].target = own[pot];
    }

    static unsigned page_of(bool toggle_1, bool toggle_4) {
        return (toggle_1 ? 1u : 0u) + (toggle_4 ? 2u : 0u);
    }

    const Assigned& at(unsigned page, unsigned pot) const { return pages_[page][pot]; }

    // Whether one of the pots that the amp leaves free has it.
    bool has(Target target) const {
        for (const Assigned& pot : pages_[0])
            if (pot.target == target) return true;
        return false;
    }

    // From now on each pot is its knob, wherever it stands.
    void take_all() {
        for (unsigned pot = 0; pot < POTS; ++pot) let_go_[pot] = false;
    }

    void let_go(unsigned pot) {
        let_go_[pot] = true;
        left_at_[pot] = position_[pot];
    }
    void let_go_all() {
        for (unsigned pot = 0; pot < POTS; ++pot) let_go(pot);
    }
    // The pot of this knob, if it has one on this page.
    void let_go_of(unsigned page, const Assigned& what) {
        for (unsigned pot = 0; pot < POTS; ++pot)
            if (pages_[page][pot] == what) let_go(pot);
    }

    // Takes a pot's position; true if what it is assigned to shall follow.
    bool turn(unsigned pot, float position) {
        position_[pot] = position;
        const float by = position - left_at_[pot];
        if (by > TAKE || by < -TAKE) let_go_[pot] = false;
        return !let_go_[pot];
    }

private:
    Assigned pages_[PAGES][POTS] = {};
    bool let_go_[POTS] = {};
    float left_at_[POTS] = {}, position_[POTS] = {};
};

// Where a knob is when its pot is there, 0 to 1. `now`: where it is, since a switch tends to stay.
inline float value_at(const Knob& knob, float position, float now) {
    if (knob.detents) return float(nearest_detent(position, knob.detents, unsigned(now)));
    return knob.minimum + position * (knob.maximum - knob.minimum);
}

// The pedal's own controls: what a pot's two ends are, and where they stand if no pot has them.
struct Range {
    const char* name;
    const char* unit;
    float minimum, maximum, initial;
};

inline Range range_of(Target target) {
    switch (target) {
        case Target::trim: return {"Trim", "dB", -12.0f, 12.0f, 0.0f};
        case Target::gate: return {"Gate", "dB", -90.0f, -30.0f, -60.0f};
        case Target::bass: return {"Bass EQ", "dB", -12.0f, 12.0f, 0.0f};
        case Target::treble: return {"Treble EQ", "dB", -12.0f, 12.0f, 0.0f};
        case Target::level: return {"Level", "dB", -48.0f, 12.0f, 0.0f};
        case Target::knob:
        case Target::none: break;
    }
    return {"", "", 0.0f, 1.0f, 0.0f};
}

}  // namespace ampsweep::pedal

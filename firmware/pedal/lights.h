// What the two lights say. The table is the manual's: docs/pedal.md repeats it.

#pragma once

#include <cstdint>

namespace ampsweep::pedal {

// The left light, beside the bypass switch.
enum class Left : uint8_t {
    off,       // bypassed: what goes in comes out
    on,        // playing
    no_model,  // short blink once a second: there is no model; what goes in comes out
    clipping,  // on, with short gaps: the input is too hot
    flat,      // tuner: on while the string is flat or in tune
    dark,      // tuner: nothing to say
};

// The right light, beside the model switch.
enum class Right : uint8_t {
    off,        // nothing to say
    shifted,    // on: toggle 1 or 4 is up, and the pots are other knobs
    receiving,  // slow blink: a model is on its way in, or being written
    fault,      // fast blink: what came was refused, or the sound was faded out for lack of time
    counting,   // n blinks: the nth model has just been chosen
    sharp,      // tuner: on while the string is sharp or in tune
};

class Lights {
public:
    // Begin `count` blinks, which nothing but a fault interrupts.
    void count(unsigned blinks, uint32_t now_ms) {
        counted_ = blinks;
        counting_since_ = now_ms;
    }

    bool counting(uint32_t now_ms) const { return now_ms - counting_since_ < counted_ * COUNT; }

    bool left(Left state, uint32_t now_ms) const {
        switch (state) {
            case Left::off:
            case Left::dark: return false;
            case Left::on:
            case Left::flat: return true;
            case Left::no_model: return now_ms % 1000 < 60;
            case Left::clipping: return now_ms % 100 >= 40;
        }
        return false;
    }

    bool right(Right state, uint32_t now_ms) const {
        switch (state) {
            case Right::off: return false;
            case Right::shifted:
            case Right::sharp: return true;
            case Right::receiving: return now_ms % 600 < 300;
            case Right::fault: return now_ms % 120 < 60;
            case Right::counting: return (now_ms - counting_since_) % COUNT < COUNT / 2;
        }
        return false;
    }

private:
    static constexpr uint32_t COUNT = 240;  // ms a blink
    uint32_t counted_ = 0, counting_since_ = 0;
};

}  // namespace ampsweep::pedal

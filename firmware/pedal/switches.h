// Contacts: footswitches and the encoder's push, debounced, and told by how long they are held;
// the encoder's own two, told by their order. Updated once a millisecond.

#pragma once

#include <cstdint>

namespace ampsweep::pedal {

enum class Press : uint8_t {
    none,
    down,     // it has just gone down
    tap,      // it came up again soon
    hold,     // it has been down for long; said once, while it still is
    release,  // it came up after a hold
};

class Button {
public:
    static constexpr unsigned BOUNCE = 5;   // ms without a change until a change is believed
    static constexpr unsigned HOLD = 600;   // ms

    Press update(bool closed) {
        steady_ = closed == seen_ ? steady_ + (steady_ < BOUNCE) : 0;
        seen_ = closed;
        if (down_ && held_ <= HOLD) ++held_;
        if (steady_ >= BOUNCE && seen_ != down_) {
            down_ = seen_;
            if (down_) {
                held_ = 0;
                return Press::down;
            }
            return held_ > HOLD ? Press::release : Press::tap;
        }
        return down_ && held_ == HOLD ? Press::hold : Press::none;
    }

    bool down() const { return down_; }

private:
    unsigned steady_ = 0, held_ = 0;
    bool seen_ = false, down_ = false;
};

class Toggle {
public:
    // Returns whether it is up. What it is at first counts at once.
    bool update(bool up) {
        steady_ = up == seen_ ? steady_ + (steady_ < Button::BOUNCE) : 0;
        seen_ = up;
        if (!started_ || steady_ >= Button::BOUNCE) up_ = seen_;
        started_ = true;
        return up_;
    }

    bool up() const { return up_; }

private:
    unsigned steady_ = 0;
    bool seen_ = false, up_ = false, started_ = false;
};

// A quadrature encoder with one full cycle a click. A bounce goes back and forth between two
// neighbouring states, and cancels; both contacts changing at once is no movement that exists.
class Encoder {
public:
    // Returns +1 for a click clockwise, −1 for one counter-clockwise, else 0.
    int update(bool a, bool b) {
        static constexpr int8_t STEP[4][4] = {
            // to:  00  0B  A0  AB      from:
            {0, -1, 1, 0},   // none
            {1, 0, 0, -1},   // B
            {-1, 0, 0, 1},   // A
            {0, 1, -1, 0},   // both
        };
        const unsigned state = (a ? 2u : 0u) | (b ? 1u : 0u);
        quarters_ = int8_t(quarters_ + STEP[state_][state]);
        state_ = uint8_t(state);
        if (state != 0) return 0;
        // At rest between clicks: three of four quarters will do, so that none is lost for long.
        const int click = quarters_ >= 3 ? 1 : quarters_ <= -3 ? -1 : 0;
        quarters_ = 0;
        return click;
    }

private:
    int8_t quarters_ = 0;
    uint8_t state_ = 0;
};

}  // namespace ampsweep::pedal

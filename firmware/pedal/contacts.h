// Footswitches and encoder: watched in the audio callback, because the main loop may wait for the
// flash longer than a foot stays down, and told to the main loop in their order.

#pragma once

#include "hardware.h"
#include "ring.h"
#include "switches.h"

namespace ampsweep::pedal {

struct Contact {
    enum Which : uint8_t { foot_1, foot_2, push, forward, backward };  // the last two: one click

    Which which;
    Press press;
};

class Contacts {
public:
    // Once a millisecond.
    void watch(const Panel& panel) {
        post(Contact::foot_1, feet_[0].update(panel.footswitches[0]));
        post(Contact::foot_2, feet_[1].update(panel.footswitches[1]));
        post(Contact::push, push_.update(panel.encoder_push));
        if (const int clicks = encoder_.update(panel.encoder_a, panel.encoder_b))
            post(clicks > 0 ? Contact::forward : Contact::backward, Press::tap);
    }

    // From another thread: what has happened next; false: nothing.
    bool take(Contact& contact) {
        uint8_t event;
        if (!events_.take(&event, 1)) return false;
        contact = {Contact::Which(event >> 4), Press(event & 15)};
        return true;
    }

private:
    void post(Contact::Which which, Press press) {
        const auto event = uint8_t(unsigned(which) << 4 | unsigned(press));
        if (press != Press::none) events_.put(&event, 1);
    }

    Button feet_[FOOTSWITCHES], push_;
    Encoder encoder_;
    Ring<64> events_;
};

}  // namespace ampsweep::pedal

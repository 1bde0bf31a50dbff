// What the pedal shows: two lights, and a display if there is one.

#pragma once

#include <cstdint>
#include <cstring>

#include "hardware.h"
#include "lights.h"
#include "menu.h"
#include "rack.h"
#include "screen.h"
#include "sound.h"
#include "store.h"
#include "surface.h"
#include "transfer.h"

namespace ampsweep::pedal {

class Face {
public:
    // What it looks at.
    struct Views {
        const Sound& sound;
        const Rack& rack;
        const Store& store;
        const Receiver& receiver;
        const Surface& surface;
        const Menu& menu;
    };

    explicit Face(const Views& views) : see_(views) {}

    void say(const char* words, uint32_t now) {
        message_ = words;
        said_at_ = now;
    }

    void fault(const char* words, uint32_t now) {
        fault_at_ = now;
        say(words, now);
    }

    void pop_up(const Assigned& what, uint32_t now) {
        turned_ = what;
        turned_at_ = now;
    }

    void chosen(uint8_t model, uint32_t now) {
        lights_.count(model + 1u, now);
        turned_at_ = now - POP_UP;
    }

    // Once a millisecond. `page`: of the surface.
    void show(Hardware& hardware, unsigned page, bool tuning, uint32_t now) {
        light(hardware, page, tuning, now);
        if (now - drawn_at_ >= FRAME) {
            drawn_at_ = now;
            draw(page, tuning, now);
        }
        if (now % 4 == 0) send(hardware);  // a page takes the bus 3 ms
    }

private:
    static constexpr uint32_t POP_UP = 1500;   // ms that a knob's value is shown
    static constexpr uint32_t MESSAGE = 3000;  // ms that a sentence is shown
    static constexpr uint32_t FAULT = 1500;    // ms that the right light blinks
    static constexpr uint32_t CLIP = 500;      // ms that the left one does
    static constexpr uint32_t FRAME = 50;      // ms from one frame of the display to the next
    static constexpr float IN_TUNE = 3.0f;     // cents

    void light(Hardware& hardware, unsigned page, bool tuning, uint32_t now) {
        const Sound& sound = see_.sound;
        if (sound.overruns() != overruns_) {
            overruns_ = sound.overruns();
            fault_at_ = now;
        }
        if (sound.clips() != clips_) {
            clips_ = sound.clips();
            clipped_at_ = now;
        }
        const bool fault = now - fault_at_ < FAULT || sound.gave_up();
        Left left = sound.bypassed()          ? Left::off
                    : !sound.loaded()         ? Left::no_model
                    : now - clipped_at_ < CLIP ? Left::clipping
                                              : Left::on;
        Right right = fault                        ? Right::fault
                      : lights_.counting(now)      ? Right::counting
                      : see_.receiver.busy(now)    ? Right::receiving
                      : page != 0                  ? Right::shifted
                                                   : Right::off;
        if (tuning) {
            const float frequency = sound.frequency();
            const float cents = frequency > 0.0f ? note_of(frequency).cents : 0.0f;
            left = frequency > 0.0f && cents < IN_TUNE ? Left::flat : Left::dark;
            right = frequency > 0.0f && cents > -IN_TUNE ? Right::sharp : Right::off;
        }
        hardware.light(0, lights_.left(left, now));
        hardware.light(1, lights_.right(right, now));
    }

    void draw(unsigned page, bool tuning, uint32_t now) {
        frame_.clear();
        if (tuning) screen::tuner(frame_, {see_.sound.frequency()});
        else if (see_.receiver.busy(now))
            screen::receiving(frame_, see_.receiver.name(), see_.receiver.progress());
        else if (now - said_at_ < MESSAGE) screen::message(frame_, message_);
        else if (see_.menu.is_open()) see_.menu.show(frame_);
        else if (now - turned_at_ < POP_UP) screen::knob(frame_, shown(turned_));
        else play(page);
    }

    void play(unsigned page) {
        PlayView view;
        File file;
        char name[File::NAME] = {};
        if (see_.rack.image() && see_.store.find(Kind::model, see_.rack.slot(), file))
            to_ascii(file.name, name, sizeof name);
        else if (see_.rack.image()) to_ascii(see_.rack.image()->name, name, sizeof name);
        view.model = name;
        view.bypassed = see_.sound.bypassed();
        view.page = page;
        for (unsigned i = 0; i < POTS; ++i) view.knobs[i] = shown(see_.surface.at(page, i));
        view.input = see_.sound.input_peak();
        view.output = see_.sound.output_peak();
        view.load = see_.sound.load();
        view.gave_up = see_.sound.gave_up();
        screen::play(frame_, view);
    }

    Shown shown(const Assigned& what) const {
        Shown shown;
        const Image* image = see_.rack.image();
        if (what.target == Target::none || (what.target == Target::knob && !image)) return shown;
        if (what.target != Target::knob) {
            const Range range = range_of(what.target);
            const float value = see_.rack.own(what.target);
            copy_text(shown.name, LABEL, range.name);
            shown.value.number(value, 1);
            shown.unit = range.unit;
            shown.share = (value - range.minimum) / (range.maximum - range.minimum);
            return shown;
        }
        const Knob knob = image->knob(what.knob);
        const float value = see_.rack.position(what.knob), width = knob.maximum - knob.minimum;
        copy_text(shown.name, LABEL, knob.short_name);
        shown.has_bar = knob.detents == 0;
        shown.share = (value - knob.minimum) / width;
        const unsigned detent = unsigned(value + 0.5f);
        if (knob.detents) shown.value.add(image->detent(what.knob, detent).short_name);
        else shown.value.number(value, width > 100.0f ? 0 : 1);
        return shown;
    }

    // One page that the display does not show yet.
    void send(Hardware& hardware) {
        for (unsigned i = 0; i < Frame::PAGES; ++i) {
            const unsigned page = (next_ + i) % Frame::PAGES;
            uint8_t* sent = sent_.pages[page];
            const uint8_t* drawn = frame_.pages[page];
            if (known_ >> page & 1 && !std::memcmp(sent, drawn, Frame::WIDTH)) continue;
            std::memcpy(sent, drawn, Frame::WIDTH);
            known_ = uint8_t(known_ | 1u << page);
            hardware.show(page, sent);
            next_ = page + 1;
            return;
        }
    }

    Views see_;
    Lights lights_;
    Frame frame_, sent_;
    uint8_t known_ = 0;  // one bit a page: what is sent is what the display has
    unsigned next_ = 0;
    const char* message_ = "";
    Assigned turned_;
    // In ms since the start, when all of this was long ago.
    uint32_t turned_at_ = 0u - POP_UP, said_at_ = 0u - MESSAGE, fault_at_ = 0u - FAULT;
    uint32_t clipped_at_ = 0u - CLIP, drawn_at_ = 0;
    uint32_t overruns_ = 0, clips_ = 0;
};

}  // namespace ampsweep::pedal

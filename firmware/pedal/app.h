// The pedal: what hands, feet and MIDI do becomes sound, light and display.
//
// `audio` is for the audio callback, `tick` for the main loop, as often as it comes round. What
// takes long (a sector erased, a page of the display sent) is done one piece a tick.

#pragma once

#include <cstdint>
#include <cstring>

#include "contacts.h"
#include "face.h"
#include "hardware.h"
#include "menu.h"
#include "midi.h"
#include "pots.h"
#include "rack.h"
#include "sound.h"
#include "store.h"
#include "surface.h"
#include "switches.h"
#include "transfer.h"

namespace ampsweep::pedal {

class App {
public:
    App(Hardware& hardware, Flash& flash, const Board& board)
        : hardware_(hardware),
          board_(board),
          store_(flash),
          sound_(board_.arenas, board_.levels, board_.ticks_per_second),
          rack_(store_, sound_, board_.images),
          receiver_(store_, board_.staging, Rack::judge, board_.arenas),
          menu_(store_),
          face_({sound_, rack_, store_, receiver_, surface_, menu_}) {
        receiver_.firmware = board_.firmware;
    }

    // Before the audio starts: finds what is stored, and begins with the model that played last.
    void start() {
        store_.mount();
        for (unsigned i = 0; i < 64 && store_.tidy();) ++i;  // a pedal's first start takes a second
        uint8_t value[Log::LARGEST];
        uint8_t model = NONE;
        if (store_.read(Kind::settings, 0, value) == sizeof saved_) {
            std::memcpy(saved_, value, sizeof saved_);
            model = saved_[0];
            cabinet_ = saved_[1];
        }
        if (!store_.has(Kind::model, model)) model = first_model();
        hardware_.read(panel_);
        for (unsigned i = 0; i < POTS; ++i) surface_.turn(i, pots_[i].update(panel_.pots[i]));
        for (unsigned i = 0; i < TOGGLES; ++i) toggles_[i].update(panel_.toggles[i]);
        sound_.gate(toggles_[2].up());
        page_ = page_now();
        last_ = hardware_.millis();
        // A model that hung the pedal must not do so again before anyone can choose another.
        if (!hardware_.restarted_by_watchdog()) wanted_ = model;
        else face_.say("Started again by its watchdog. Choose a model.", now_);
    }

    // 48 frames, so that contacts are watched once a millisecond.
    void audio(const float* in, float* out, unsigned frames) {
        sound_.process(hardware_, in, out, frames);
        Panel now;
        hardware_.read(now);
        contacts_.watch(now);
    }

    void tick() {
        const uint32_t millis = hardware_.millis();
        if (millis == last_) return;
        now_ += millis - last_;  // after a long erasure, more than one
        last_ = millis;
        hardware_.read(panel_);
        contacts();
        toggles();
        pots();
        for (unsigned port = 0; port < PORTS; ++port) midi(Port(port));
        transfer();
        change_model();
        if (now_ - settled_ > SETTLE) save();
        if (now_ % 1024 == 0) store_.tidy();
        menu_.tick(now_);
        face_.show(hardware_, page_, tuning_, now_);
        if (sound_.blocks() != blocks_) {
            blocks_ = sound_.blocks();
            audio_at_ = now_;
        }
        // The main loop runs, or it would not come here; the audio must, too.
        if (now_ - audio_at_ < 100) hardware_.feed_watchdog();
    }

    const Sound& sound() const { return sound_; }
    const Rack& rack() const { return rack_; }

private:
    static constexpr uint32_t SETTLE = 5000;   // ms without a change until it is remembered

    unsigned page_now() const { return Surface::page_of(toggles_[0].up(), toggles_[3].up()); }
    uint8_t first_model() const {
        const unsigned slot = store_.next(Kind::model, 0);
        return slot < MODELS ? uint8_t(slot) : NONE;
    }

    void contacts() {
        Contact contact;
        while (contacts_.take(contact)) {
            switch (contact.which) {
                case Contact::foot_1: bypass_foot(contact.press); break;
                case Contact::foot_2: model_foot(contact.press); break;
                case Contact::push: push(contact.press); break;
                case Contact::forward: turned(1); break;
                case Contact::backward: turned(-1); break;
            }
        }
    }

    void bypass_foot(Press press) {
        if (press != Press::down) return;
        if (tuning_) tune(false);
        else sound_.bypass(!sound_.bypassed());
    }

    void model_foot(Press press) {
        if (press == Press::down) leaves_tuner_ = tuning_;
        if (press == Press::hold && !leaves_tuner_) tune(true);
        if (press != Press::tap) return;
        if (tuning_) tune(false);
        else next_model();
    }

    void turned(int clicks) {
        if (menu_.is_open()) menu_.turn(clicks, now_);
        else open_menu(Kind::model);
    }

    void push(Press press) {
        const bool open = menu_.is_open();
        if (press == Press::hold) open_menu(open ? Menu::after(menu_.kind()) : Kind::preset);
        if (press != Press::tap) return;
        if (open) choose();
        else open_menu(Kind::model);
    }

    void toggles() {
        bool was[TOGGLES];
        for (unsigned i = 0; i < TOGGLES; ++i) {
            was[i] = toggles_[i].up();
            toggles_[i].update(panel_.toggles[i]);
        }
        if (toggles_[1].up() != was[1]) wanted_cabinet();
        if (toggles_[2].up() != was[2]) sound_.gate(toggles_[2].up());
        if (page_now() == page_) return;
        page_ = page_now();
        surface_.let_go_all();
    }

    void open_menu(Kind kind) {
        const uint8_t current = kind == Kind::model     ? rack_.slot()
                                : kind == Kind::cabinet ? cabinet_
                                                        : NONE;
        menu_.open(kind, current, now_);
    }

    void choose() {
        Menu::Row row;
        menu_.close();
        if (!menu_.choose(row)) return;
        if (row.kind == Kind::model) wanted_ = row.slot;
        else if (row.kind == Kind::cabinet) {
            cabinet_ = row.slot;
            wanted_cabinet();
        } else if (row.save) save_preset(row.slot);
        else recall(row.slot);
    }

    void next_model() {
        const unsigned after = rack_.slot() == NONE ? 0u : rack_.slot() + 1u;
        const unsigned slot = store_.next(Kind::model, after);
        wanted_ = slot < MODELS ? uint8_t(slot) : first_model();
    }

    void tune(bool on) {
        tuning_ = on;
        sound_.tune(on);
    }

    void pots() {
        for (unsigned i = 0; i < POTS; ++i) {
            const float position = pots_[i].update(panel_.pots[i]);
            if (surface_.turn(i, position)) turn(surface_.at(page_, i), position);
        }
    }

    // A pot's position, or a controller's, 0 to 1, for what it is assigned to.
    void turn(const Assigned& what, float position) {
        if (what.target == Target::none) return;
        if (what.target != Target::knob) {
            const Range range = range_of(what.target);
            const float value = range.minimum + position * (range.maximum - range.minimum);
            if (value == rack_.own(what.target)) return;
            rack_.set(what.target, value);
            face_.pop_up(what, now_);
        } else if (rack_.image() && what.knob < rack_.image()->knobs) {
            const float now = rack_.position(what.knob);
            const float value = value_at(rack_.image()->knob(what.knob), position, now);
            if (value == now) return;
            rack_.turn(what.knob, value);
            face_.pop_up(what, now_);
        }
    }

    void midi(Port port) {
        uint8_t bytes[128];
        const std::size_t count = hardware_.receive(port, bytes, sizeof bytes);
        MidiMessage message;
        for (std::size_t i = 0; i < count; ++i)
            if (parsers_[unsigned(port)].take(bytes[i], message)) hear(port, message);
    }

    void hear(Port port, const MidiMessage& message) {
        Sysex answer;
        receiver_.playing = rack_.slot();
        if (message.status == 0xF0) {
            if (!receiver_.take(message.data, message.count, now_, answer)) return;
            from_ = port;
            reply(answer);
        } else if ((message.status & 0xF0) == 0xC0) {
            const uint8_t program = message.data[0];
            if (program >= FIRST_PRESET) recall(uint8_t(program - FIRST_PRESET));
            else if (store_.has(Kind::model, program)) wanted_ = program;
        } else if ((message.status & 0xF0) == 0xB0) {
            control(control_of(message.data[0]), message.data[1]);
        }
    }

    void control(const ControlNumber& what, uint8_t value) {
        const float position = float(value) / 127.0f;
        Assigned target;
        switch (what.control) {
            case Control::knob: target = {Target::knob, what.knob}; break;
            case Control::level: target.target = Target::level; break;
            case Control::bass: target.target = Target::bass; break;
            case Control::treble: target.target = Target::treble; break;
            case Control::bypass: sound_.bypass(value < 64); break;
            case Control::tuner: tune(value >= 64); break;
            case Control::gate: sound_.gate(value >= 64); break;
            case Control::cabinet:
                cabinet_off_ = value < 64;
                wanted_cabinet();
                break;
            case Control::none: break;
        }
        surface_.let_go_of(page_, target);
        turn(target, position);
    }

    void reply(const Sysex& answer) {
        uint8_t message[MidiParser::LONGEST];
        hardware_.send(from_, message, answer.write(message));
    }

    void transfer() {
        Sysex answer;
        if (receiver_.tick(answer)) reply(answer);
        Kind kind;
        uint8_t slot;
        if (receiver_.arrived(kind, slot)) {
            if (kind == Kind::model) wanted_ = slot;
            else {
                cabinet_ = slot;
                wanted_cabinet();
            }
        }
        if (receiver_.removed(kind, slot) && kind == Kind::cabinet && slot == cabinet_) {
            cabinet_ = NONE;
            wanted_cabinet();
        }
        if (receiver_.failed()) fault("What came by MIDI was refused. The computer says why.");
        if (receiver_.wants_bootloader()) hardware_.start_bootloader();
    }

    // Toggle 2 or a controller decides whether the cabinet sounds; the model is loaded again with
    // it or without it into the other voice, so that nothing clicks.
    uint8_t sounding_cabinet() const {
        const bool on = toggles_[1].up() && !cabinet_off_;
        return on && store_.has(Kind::cabinet, cabinet_) ? cabinet_ : NONE;
    }

    void wanted_cabinet() {
        if (rack_.slot() == NONE || wanted_ != NONE) return;
        wanted_ = rack_.slot();
        same_knobs_ = true;
    }

    void change_model() {
        if (wanted_ == NONE || !sound_.ready()) return;
        const uint8_t slot = wanted_;
        const bool same = same_knobs_ && slot == rack_.slot(), preset = from_preset_;
        wanted_ = NONE;
        same_knobs_ = from_preset_ = false;
        Image image;
        if (!rack_.read(slot, image)) return fault("This model is damaged. Send it again.");
        Surface surface;
        surface.assign(image);
        float positions[MOST_KNOBS];
        for (unsigned k = 0; k < image.knobs; ++k) {
            positions[k] = image.knob(k).initial;
            if (same) positions[k] = rack_.position(k);
            if (preset && k < preset_.knobs) positions[k] = preset_.positions[k];
        }
        for (unsigned i = 0; !same && !preset && i < POTS; ++i) {
            const Assigned what = surface.at(0, i);
            if (what.target == Target::knob)
                positions[what.knob] = value_at(image.knob(what.knob), pots_[i].position(), NONE);
        }
        if (rack_.play(slot, image, positions, sounding_cabinet()) != Status::ok)
            return fault("This model is too large for the pedal.");
        if (same) return;
        // What only that model's free pots had set goes back where it was.
        for (const Target own : {Target::bass, Target::treble, Target::level})
            if (!preset && surface_.has(own) && !surface.has(own))
                rack_.set(own, range_of(own).initial);
        surface_.assign(image);
        surface_.take_all();
        if (preset || page_ != 0) surface_.let_go_all();
        face_.chosen(slot, now_);
        settled_ = now_;
    }

    void save_preset(uint8_t slot) {
        uint8_t value[Log::LARGEST];
        Preset preset = rack_.preset();
        preset.cabinet = cabinet_;
        const std::size_t length = preset.encode(value);
        if (store_.write(Kind::preset, slot, value, length)) face_.say("Saved.", now_);
        else fault("The preset could not be saved.");
    }

    void recall(uint8_t slot) {
        uint8_t value[Log::LARGEST];
        Preset preset;
        if (!preset.decode(value, store_.read(Kind::preset, slot, value))) return;
        for (unsigned t = unsigned(Target::trim); t < TARGETS; ++t)
            rack_.set(Target(t), preset.own[t]);
        surface_.let_go_all();
        cabinet_ = preset.cabinet;
        if (!store_.has(Kind::model, preset.model)) return fault("The preset's model is gone.");
        preset_ = preset;
        from_preset_ = true;
        wanted_ = preset.model;
    }

    // Flash wears: what is chosen is remembered once it has been for a while.
    void save() {
        settled_ = now_;
        const uint8_t now[sizeof saved_] = {rack_.slot(), cabinet_};
        if (rack_.slot() == NONE || std::memcmp(now, saved_, sizeof saved_) == 0) return;
        if (store_.write(Kind::settings, 0, now, sizeof now))
            std::memcpy(saved_, now, sizeof saved_);
    }

    void fault(const char* words) { face_.fault(words, now_); }

    Hardware& hardware_;
    Board board_;
    Store store_;
    Sound sound_;
    Rack rack_;
    Receiver receiver_;
    Menu menu_;
    Surface surface_;
    Face face_;

    Panel panel_ = {};
    Pot pots_[POTS];
    Toggle toggles_[TOGGLES];
    Contacts contacts_;
    unsigned page_ = 0;
    MidiParser parsers_[PORTS];
    Port from_ = Port::usb;

    uint8_t wanted_ = NONE, cabinet_ = 0;  // the model to change to; the cabinet when it sounds
    bool same_knobs_ = false, from_preset_ = false, cabinet_off_ = false;
    Preset preset_;
    bool tuning_ = false, leaves_tuner_ = false;
    uint8_t saved_[2] = {NONE, NONE};

    uint32_t last_ = 0, blocks_ = 0;
    uint32_t now_ = 0, settled_ = 0, audio_at_ = 0;  // ms since the start
};

}  // namespace ampsweep::pedal

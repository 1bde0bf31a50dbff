// A pedal on a table: its board is simulated, one millisecond at a time, and everything else is
// what runs on the real one.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../../pedal/app.h"
#include "sim_flash.h"

class Bench final : public ampsweep::pedal::Hardware {
public:
    static constexpr unsigned BLOCK = 48;           // frames, one millisecond
    static constexpr unsigned ERASE = 60, WRITE = 1;  // ms that the main loop waits for the flash
    static constexpr unsigned WATCHDOG = 1000;      // ms
    static constexpr uint32_t PARTITION = 256 * ampsweep::pedal::Flash::SECTOR;

    Bench() { start(false); }

    // What hands do.
    ampsweep::pedal::Panel panel{{0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f}, {}, {}, false, false, false};
    unsigned cost = 200;            // us that the audio callback takes
    bool main_hangs = false, audio_hangs = false;
    std::vector<uint8_t> midi_in[ampsweep::pedal::PORTS];

    // What eyes and ears see, as it happens.
    std::function<void(const std::string&)> log = [](const std::string&) {};
    std::function<void(ampsweep::pedal::Port, const uint8_t*, std::size_t)> midi_out =
        [](ampsweep::pedal::Port, const uint8_t*, std::size_t) {};
    ampsweep::pedal::Frame display;
    bool lights[ampsweep::pedal::LIGHTS] = {};

    SimFlash flash{PARTITION};
    uint32_t now = 1;  // ms; 1 when the power was first on

    // The power goes and comes back.
    void restart(bool by_watchdog = false) {
        flash.power_on();
        start(by_watchdog);
    }

    void step(const float* in, float* out) {
        for (unsigned i = 0; i < BLOCK; ++i) out[i] = 0.0f;
        if (!audio_hangs) {
            clock_reads_ = 0;
            app->audio(in, out, BLOCK);
        }
        if (waits_) --waits_;
        else if (!main_hangs) {
            const std::vector<unsigned> wear = flash.wear;
            const unsigned operations = flash.operations;
            app->tick();
            unsigned erased = 0;
            for (std::size_t i = 0; i < wear.size(); ++i) erased += flash.wear[i] - wear[i];
            waits_ = erased * ERASE + (flash.operations - operations - erased) * WRITE;
        }
        ++now;
        if (flash.dead) {
            log("power cut in the flash");
            restart();
        } else if (now - fed_ > WATCHDOG) {
            log("watchdog");
            main_hangs = audio_hangs = false;
            restart(true);
        }
    }

    uint32_t millis() override { return now; }
    uint32_t ticks() override { return now * 1000 + (clock_reads_++ ? cost : 0); }
    void read(ampsweep::pedal::Panel& to) override { to = panel; }
    void light(unsigned led, bool on) override {
        if (lights[led] != on) log("light " + std::to_string(led + 1) + (on ? " on" : " off"));
        lights[led] = on;
    }
    void show(unsigned page, const uint8_t* columns) override {
        std::memcpy(display.pages[page], columns, ampsweep::pedal::Frame::WIDTH);
    }
    std::size_t receive(ampsweep::pedal::Port port, uint8_t* bytes, std::size_t room) override {
        std::vector<uint8_t>& waiting = midi_in[unsigned(port)];
        const std::size_t count = std::min(room, waiting.size());
        std::copy(waiting.begin(), waiting.begin() + long(count), bytes);
        waiting.erase(waiting.begin(), waiting.begin() + long(count));
        return count;
    }
    void send(ampsweep::pedal::Port port, const uint8_t* bytes, std::size_t count) override {
        if (!flash.dead) midi_out(port, bytes, count);  // else the power is gone
    }
    void feed_watchdog() override { fed_ = now; }
    bool restarted_by_watchdog() override { return by_watchdog_; }
    void start_bootloader() override { log("bootloader"); }

    std::unique_ptr<ampsweep::pedal::App> app;

private:
    void start(bool by_watchdog) {
        using namespace ampsweep::pedal;
        by_watchdog_ = by_watchdog;
        fed_ = now;
        waits_ = 0;
        // Memory is not cleared by a restart, nor is it zero at first.
        for (std::vector<uint8_t>* bytes : {&staging_, &images_[0], &images_[1]})
            bytes->assign(LARGEST_FILE, 0xA5);
        for (unsigned i = 0; i < 2; ++i) {
            fast_[i].assign(256 * 1024, 0xA5);
            other_[i].assign(1024 * 1024, 0xA5);
        }
        const auto arena = [&](unsigned i) {
            return Arena{fast_[i].data(), fast_[i].size(), other_[i].data(), other_[i].size()};
        };
        const Board board{staging_.data(), {images_[0].data(), images_[1].data()},
                          {arena(0), arena(1)}, {}, 1e6f, "simulator"};
        app = std::make_unique<App>(*this, flash, board);
        app->start();
    }

    std::vector<uint8_t> staging_, images_[2], fast_[2], other_[2];
    uint32_t fed_ = 0;
    unsigned waits_ = 0, clock_reads_ = 0;
    bool by_watchdog_ = false;
};

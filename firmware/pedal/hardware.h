// All that the pedal's logic asks of its board. There are two: the Daisy Seed (daisy/main.cpp) and
// the simulator (tests/pedal/simulator.cpp).

#pragma once

#include <cstddef>
#include <cstdint>

namespace ampsweep::pedal {

constexpr unsigned POTS = 6;
constexpr unsigned TOGGLES = 4;
constexpr unsigned FOOTSWITCHES = 2;
constexpr unsigned LIGHTS = 2;

// What hands and feet do, as the pins read it now: neither filtered nor debounced.
struct Panel {
    float pots[POTS];                 // 0, counter-clockwise, to 1
    bool toggles[TOGGLES];            // true: up
    bool footswitches[FOOTSWITCHES];  // true: held down
    bool encoder_a, encoder_b;         // true: contact closed
    bool encoder_push;                 // true: held down
};

enum class Port : uint8_t { usb, serial };
constexpr unsigned PORTS = 2;

// A partition of NOR flash. Erasing sets all bits of a sector; writing can only clear bits.
class Flash {
public:
    static constexpr uint32_t SECTOR = 4096;  // bytes erased at once
    static constexpr uint32_t PAGE = 256;     // bytes written at once, at most, and within one page

    virtual uint32_t size() const = 0;  // bytes; a multiple of SECTOR
    virtual void read(uint32_t at, void* bytes, std::size_t count) = 0;
    virtual bool erase(uint32_t sector_at) = 0;                                     // true: done
    virtual bool write(uint32_t at, const void* bytes, std::size_t count) = 0;      // true: done

protected:
    ~Flash() = default;
};

class Hardware {
public:
    // Both count up, and begin again at 0 after 2^32.
    virtual uint32_t millis() = 0;
    virtual uint32_t ticks() = 0;  // of a clock that is fine enough to time a block of audio
    virtual void read(Panel& panel) = 0;
    virtual void light(unsigned led, bool on) = 0;
    // One of the display's eight pages: 128 columns of 8 pixels, the lowest bit at the top.
    virtual void show(unsigned page, const uint8_t* columns) = 0;
    // MIDI bytes as they came; returns how many, at most `room`.
    virtual std::size_t receive(Port port, uint8_t* bytes, std::size_t room) = 0;
    virtual void send(Port port, const uint8_t* bytes, std::size_t count) = 0;
    // If it is not called for a second, the board starts again.
    virtual void feed_watchdog() = 0;
    virtual bool restarted_by_watchdog() = 0;
    // Start again as what `dfu-util` talks to. May return: a simulator has no such thing.
    virtual void start_bootloader() = 0;

protected:
    ~Hardware() = default;
};

}  // namespace ampsweep::pedal

// The pedal on a Daisy Seed in a Terrarium: the only file that knows libDaisy. What it uses of it,
// declared/daisy_seed.h declares, so that it compiles without it too.

#include "../pedal/app.h"
#include "../pedal/ring.h"
#include "../pedal/usb_midi.h"
#include "pins.h"

#include "daisy_seed.h"

#ifndef PEDAL_VERSION
#define PEDAL_VERSION "ampsweep"
#endif

using namespace ampsweep::pedal;
namespace pins = ampsweep::pins::terrarium;

namespace {

daisy::DaisySeed seed;

// The 8 MB of flash begin with 256 KB that the bootloader keeps and then this program, at most
// 480 KB of it. From 1 MB on, it is ours.
class BoardFlash final : public Flash {
public:
    static constexpr uint32_t BEGIN = 0x100000, END = 0x800000;

    uint32_t size() const override { return END - BEGIN; }

    void read(uint32_t at, void* bytes, std::size_t count) override {
        auto* from = static_cast<uint8_t*>(seed.qspi.GetData(BEGIN + at));
        // The flash is mapped into memory, and the cache may still have what was there before.
        dsy_dma_invalidate_cache_for_buffer(from, count);
        std::memcpy(bytes, from, count);
    }

    bool erase(uint32_t at) override {
        const uint32_t from = BEGIN + at;
        return seed.qspi.Erase(from, from + SECTOR) == daisy::QSPIHandle::Result::OK;
    }

    bool write(uint32_t at, const void* bytes, std::size_t count) override {
        uint8_t page[PAGE];  // libDaisy's argument is not const
        std::memcpy(page, bytes, count);
        return seed.qspi.Write(BEGIN + at, uint32_t(count), page) == daisy::QSPIHandle::Result::OK;
    }
};

// An SSD1306 on I2C, at the address that nearly all of them have.
class Display {
public:
    void start() {
        daisy::I2CHandle::Config config;
        config.periph = daisy::I2CHandle::Config::Peripheral::I2C_1;
        config.speed = daisy::I2CHandle::Config::Speed::I2C_400KHZ;
        config.mode = daisy::I2CHandle::Config::Mode::I2C_MASTER;
        config.pin_config.scl = daisy::DaisySeed::GetPin(pins::kDisplayScl);
        config.pin_config.sda = daisy::DaisySeed::GetPin(pins::kDisplaySda);
        i2c_.Init(config);
        // Off; 64 rows from row 0; the charge pump on; pages one by one; upright; contrast; on.
        uint8_t commands[] = {0x00, 0xAE, 0xA8, 0x3F, 0xD3, 0x00, 0x40, 0x8D, 0x14, 0x20, 0x02,
                              0xA1, 0xC8, 0xDA, 0x12, 0x81, 0xCF, 0xD9, 0xF1, 0xDB, 0x40, 0xA4,
                              0xA6, 0xAF};
        there_ = send(commands, sizeof commands);
    }

    void show(unsigned page, const uint8_t* columns) {
        uint8_t place[] = {0x00, uint8_t(0xB0 | page), 0x00, 0x10};
        uint8_t data[1 + Frame::WIDTH] = {0x40};
        std::memcpy(data + 1, columns, Frame::WIDTH);
        // A display that has stopped answering would stop everything else as well.
        if (there_) there_ = send(place, sizeof place) && send(data, sizeof data);
    }

private:
    static constexpr uint16_t ADDRESS = 0x3C;
    static constexpr uint32_t PATIENCE = 10;  // ms

    bool send(uint8_t* bytes, std::size_t count) {
        return i2c_.TransmitBlocking(ADDRESS, bytes, uint16_t(count), PATIENCE) ==
               daisy::I2CHandle::Result::OK;
    }

    daisy::I2CHandle i2c_;
    bool there_ = false;
};

class BoardHardware final : public Hardware {
public:
    void start() {
        const uint8_t knobs[POTS] = {pins::kKnob1, pins::kKnob2, pins::kKnob3,
                                     pins::kKnob4, pins::kKnob5, pins::kKnob6};
        daisy::AdcChannelConfig channels[POTS];
        for (unsigned i = 0; i < POTS; ++i)
            channels[i].InitSingle(daisy::DaisySeed::GetPin(knobs[i]));
        seed.adc.Init(channels, POTS);
        seed.adc.Start();

        const uint8_t toggles[TOGGLES] = {pins::kToggle1, pins::kToggle2, pins::kToggle3,
                                          pins::kToggle4};
        for (unsigned i = 0; i < TOGGLES; ++i) contact(toggles_[i], toggles[i]);
        contact(feet_[0], pins::kFootswitch1);
        contact(feet_[1], pins::kFootswitch2);
        contact(encoder_[0], pins::kEncoderA);
        contact(encoder_[1], pins::kEncoderB);
        contact(encoder_[2], pins::kEncoderPush);
        lights_[0].Init(daisy::DaisySeed::GetPin(pins::kLed1), daisy::GPIO::Mode::OUTPUT);
        lights_[1].Init(daisy::DaisySeed::GetPin(pins::kLed2), daisy::GPIO::Mode::OUTPUT);
        display_.start();

        daisy::MidiUsbTransport::Config usb;
        usb_.Init(usb);
        listen();
        daisy::MidiUartTransport::Config serial;
        serial.rx = daisy::DaisySeed::GetPin(pins::kMidiRx);
        serial.tx = daisy::DaisySeed::GetPin(pins::kMidiTx);
        serial_.Init(serial);
        serial_.StartRx(heard, &rings_[1]);
    }

    // Nothing stops it again but a restart. Its clock has 32 kHz, and is told to count to 1000 of
    // its 32 parts.
    void start_watchdog() {
        by_watchdog_ = (RCC->RSR & RCC_RSR_IWDG1RSTF) != 0;
        RCC->RSR |= RCC_RSR_RMVF;
        IWDG1->KR = 0xCCCC;
        IWDG1->KR = 0x5555;
        IWDG1->PR = 3;
        IWDG1->RLR = 1000;
        IWDG1->KR = 0xAAAA;
    }

    uint32_t millis() override { return daisy::System::GetNow(); }
    uint32_t ticks() override { return daisy::System::GetTick(); }

    void read(Panel& panel) override {
        for (unsigned i = 0; i < POTS; ++i) panel.pots[i] = seed.adc.GetFloat(uint8_t(i));
        for (unsigned i = 0; i < TOGGLES; ++i) panel.toggles[i] = !toggles_[i].Read();
        for (unsigned i = 0; i < FOOTSWITCHES; ++i) panel.footswitches[i] = !feet_[i].Read();
        panel.encoder_a = !encoder_[0].Read();
        panel.encoder_b = !encoder_[1].Read();
        panel.encoder_push = !encoder_[2].Read();
    }

    void light(unsigned led, bool on) override { lights_[led].Write(on); }
    void show(unsigned page, const uint8_t* columns) override { display_.show(page, columns); }

    std::size_t receive(Port port, uint8_t* bytes, std::size_t room) override {
        if (port == Port::usb && !usb_.RxActive()) listen();  // it stops when its buffer is full
        return rings_[unsigned(port)].take(bytes, room);
    }

    void send(Port port, const uint8_t* bytes, std::size_t count) override {
        uint8_t buffer[MidiParser::LONGEST / 3 * 4 + 4];
        if (port == Port::serial) {
            std::memcpy(buffer, bytes, count);
            serial_.Tx(buffer, count);
            return;
        }
        const std::size_t size = to_usb_packets(bytes, count, buffer);
        // Whoever does not hear an answer asks again: a computer that is gone is not waited for.
        for (int tries = 0; tries < 20; ++tries) {
            if (seed.usb_handle.TransmitInternal(buffer, size) == daisy::UsbHandle::Result::OK)
                return;
            daisy::System::DelayUs(100);
        }
    }

    void feed_watchdog() override { IWDG1->KR = 0xAAAA; }
    bool restarted_by_watchdog() override { return by_watchdog_; }

    void start_bootloader() override {
        daisy::System::ResetToBootloader(daisy::System::BootloaderMode::DAISY_INFINITE_TIMEOUT);
    }

private:
    // Contacts to ground, with the processor's own resistors.
    static void contact(daisy::GPIO& pin, uint8_t number) {
        pin.Init(daisy::DaisySeed::GetPin(number), daisy::GPIO::Mode::INPUT,
                 daisy::GPIO::Pull::PULLUP);
    }

    static void heard(uint8_t* bytes, std::size_t count, void* ring) {
        static_cast<Ring<1024>*>(ring)->put(bytes, count);
    }

    void listen() { usb_.StartRx(heard, &rings_[0]); }

    daisy::GPIO toggles_[TOGGLES], feet_[FOOTSWITCHES], encoder_[3], lights_[LIGHTS];
    daisy::MidiUsbTransport usb_;
    daisy::MidiUartTransport serial_;
    Ring<1024> rings_[PORTS];
    Display display_;
    bool by_watchdog_ = false;
};

// Which memory for what. This program and one engine are in AXI SRAM; the other engine is in the
// SRAM of domain 2, which libDaisy's linker script names but puts little into; the effects are with
// the stack in tightly coupled memory (libDaisy's .bss); what only the main loop reads is in SDRAM.
constexpr std::size_t FAST = 128 * 1024, OTHER = 68 * 1024;
alignas(32) __attribute__((section(".axi_bss"))) uint8_t fast[FAST], other[OTHER];
alignas(4) uint8_t DSY_SDRAM_BSS staging[LARGEST_FILE];
alignas(4) uint8_t DSY_SDRAM_BSS images[2][LARGEST_FILE];
uint8_t* const DOMAIN_2 = reinterpret_cast<uint8_t*>(0x30008000);  // 256 KB
static_assert(FAST + OTHER <= 256 * 1024, "domain 2 is full");

// What 0 dBFS is, in dBu, nobody has measured on a board yet: models are played as they are.
constexpr ampsweep::Levels LEVELS = {0.0f, 0.0f, false, false};
constexpr float TICKS = 240e6f;  // a second, of System::GetTick: checked below

BoardFlash flash;
BoardHardware hardware;
App app(hardware, flash,
        {staging,
         {images[0], images[1]},
         {{fast, FAST, other, OTHER}, {DOMAIN_2, FAST, DOMAIN_2 + FAST, OTHER}},
         LEVELS,
         TICKS,
         PEDAL_VERSION});

void audio(daisy::AudioHandle::InputBuffer in, daisy::AudioHandle::OutputBuffer out,
           std::size_t frames) {
    // Numbers too small to be heard are zero: the processor is slow with them. An interrupt begins
    // with this switched off.
    uint32_t mode;
    asm volatile("vmrs %0, fpscr" : "=r"(mode));
    asm volatile("vmsr fpscr, %0" : : "r"(mode | 1u << 24));
    app.audio(in[0], out[0], unsigned(frames));
    std::memcpy(out[1], out[0], frames * sizeof(float));
}

}  // namespace

int main() {
    seed.Init(true);  // boost: 480 MHz
    seed.SetAudioBlockSize(48);
    hardware.start();
    if (daisy::System::GetTickFreq() != uint32_t(TICKS)) seed.SetLed(true);  // loads are wrong
    app.start();
    hardware.start_watchdog();
    seed.StartAudio(audio);
    for (;;) app.tick();
}

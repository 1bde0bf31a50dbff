// The part of libDaisy that main.cpp uses, declared by us so that it compiles where libDaisy is not.
// Nothing here does anything. What of it agrees with the real one, only a build against that shows:
// docs/pedal.md says with which it did.

#pragma once

#include <cstddef>
#include <cstdint>

#define DSY_SDRAM_BSS __attribute__((section(".sdram_bss")))

extern "C" void dsy_dma_invalidate_cache_for_buffer(std::uint8_t* buffer, std::size_t size);

// Of the processor's own header: its watchdog, and why it started.
struct IWDG_TypeDef {
    volatile std::uint32_t KR, PR, RLR, SR, WINR;
};
struct RCC_TypeDef {
    volatile std::uint32_t RSR;
};
extern IWDG_TypeDef* const IWDG1;
extern RCC_TypeDef* const RCC;
constexpr std::uint32_t RCC_RSR_RMVF = 1u << 16, RCC_RSR_IWDG1RSTF = 1u << 26;

namespace daisy {

struct Pin {};

class GPIO {
public:
    enum class Mode { INPUT, OUTPUT };
    enum class Pull { NOPULL, PULLUP };
    void Init(Pin pin, Mode mode = Mode::INPUT, Pull pull = Pull::NOPULL);
    bool Read();
    void Write(bool state);
};

struct AdcChannelConfig {
    void InitSingle(Pin pin);
};

class AdcHandle {
public:
    void Init(AdcChannelConfig* channels, std::size_t count);
    void Start();
    float GetFloat(std::uint8_t channel) const;
};

class I2CHandle {
public:
    enum class Result { OK, ERR };
    struct Config {
        enum class Mode { I2C_MASTER };
        enum class Peripheral { I2C_1 };
        enum class Speed { I2C_400KHZ };
        Mode mode;
        Peripheral periph;
        Speed speed;
        struct {
            Pin scl, sda;
        } pin_config;
    };
    Result Init(const Config& config);
    Result TransmitBlocking(std::uint16_t address, std::uint8_t* data, std::uint16_t size,
                            std::uint32_t timeout);
};

class QSPIHandle {
public:
    enum Result { OK = 0, ERR };
    Result Write(std::uint32_t address, std::uint32_t size, std::uint8_t* buffer);
    Result Erase(std::uint32_t begin, std::uint32_t end);
    void* GetData(std::uint32_t offset = 0);
};

class UsbHandle {
public:
    enum class Result { OK, ERR };
    Result TransmitInternal(std::uint8_t* buffer, std::size_t size);
};

typedef void (*MidiRxParseCallback)(std::uint8_t* data, std::size_t size, void* context);

class MidiUsbTransport {
public:
    struct Config {
        Config();
    };
    void Init(Config config);
    void StartRx(MidiRxParseCallback callback, void* context);
    bool RxActive();
};

class MidiUartTransport {
public:
    struct Config {
        Pin rx, tx;
        Config();
    };
    void Init(Config config);
    void StartRx(MidiRxParseCallback callback, void* context);
    void Tx(std::uint8_t* buffer, std::size_t size);
};

class AudioHandle {
public:
    typedef const float* const* InputBuffer;
    typedef float** OutputBuffer;
    typedef void (*AudioCallback)(InputBuffer in, OutputBuffer out, std::size_t size);
};

class System {
public:
    enum BootloaderMode { DAISY_INFINITE_TIMEOUT };
    static std::uint32_t GetNow();
    static std::uint32_t GetTick();
    static std::uint32_t GetTickFreq();
    static void DelayUs(std::uint32_t delay);
    static void ResetToBootloader(BootloaderMode mode);
};

class DaisySeed {
public:
    void Init(bool boost = false);
    static Pin GetPin(std::uint8_t number);
    void StartAudio(AudioHandle::AudioCallback callback);
    void SetAudioBlockSize(std::size_t frames);
    void SetLed(bool state);
    QSPIHandle qspi;
    AdcHandle adc;
    UsbHandle usb_handle;
};

}  // namespace daisy

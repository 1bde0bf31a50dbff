// Which pin of the Daisy Seed does what, by its D number.
// Made from hardware/pedal/pins.toml by `ampsweep hardware draw`: change it there.
#pragma once

#include <cstdint>

namespace ampsweep::pins::terrarium {

inline constexpr std::uint8_t kKnob1 = 16;
inline constexpr std::uint8_t kKnob2 = 17;
inline constexpr std::uint8_t kKnob3 = 18;
inline constexpr std::uint8_t kKnob4 = 19;
inline constexpr std::uint8_t kKnob5 = 20;
inline constexpr std::uint8_t kKnob6 = 21;
inline constexpr std::uint8_t kToggle1 = 10;
inline constexpr std::uint8_t kToggle2 = 9;
inline constexpr std::uint8_t kToggle3 = 8;
inline constexpr std::uint8_t kToggle4 = 7;
inline constexpr std::uint8_t kFootswitch1 = 25;
inline constexpr std::uint8_t kFootswitch2 = 26;
inline constexpr std::uint8_t kLed1 = 22;
inline constexpr std::uint8_t kLed2 = 23;
inline constexpr std::uint8_t kDisplayScl = 11;
inline constexpr std::uint8_t kDisplaySda = 12;
inline constexpr std::uint8_t kEncoderA = 27;
inline constexpr std::uint8_t kEncoderB = 28;
inline constexpr std::uint8_t kEncoderPush = 5;
inline constexpr std::uint8_t kMidiTx = 13;
inline constexpr std::uint8_t kMidiRx = 14;

}  // namespace ampsweep::pins::terrarium

namespace ampsweep::pins::v2 {

inline constexpr std::uint8_t kKnob1 = 16;
inline constexpr std::uint8_t kKnob2 = 17;
inline constexpr std::uint8_t kKnob3 = 18;
inline constexpr std::uint8_t kKnob4 = 19;
inline constexpr std::uint8_t kKnob5 = 20;
inline constexpr std::uint8_t kKnob6 = 21;
inline constexpr std::uint8_t kFootswitch1 = 25;
inline constexpr std::uint8_t kFootswitch2 = 26;
inline constexpr std::uint8_t kLed1 = 22;
inline constexpr std::uint8_t kLed2 = 23;
inline constexpr std::uint8_t kDisplayScl = 11;
inline constexpr std::uint8_t kDisplaySda = 12;
inline constexpr std::uint8_t kEncoderA = 27;
inline constexpr std::uint8_t kEncoderB = 28;
inline constexpr std::uint8_t kEncoderPush = 5;
inline constexpr std::uint8_t kMidiTx = 13;
inline constexpr std::uint8_t kMidiRx = 14;
inline constexpr std::uint8_t kRelay = 24;

}  // namespace ampsweep::pins::v2

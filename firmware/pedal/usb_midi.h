// A SysEx as USB-MIDI carries it (Universal Serial Bus Device Class Definition for MIDI Devices,
// 1999, section 4): packets of four bytes, the first of which says how many of the others count.

#pragma once

#include <cstddef>
#include <cstdint>

namespace ampsweep::pedal {

// `packets` has room for 4 bytes for each 3 of the message, begun ones among them. The message goes
// from F0 to F7: the packet that has the F7 says that it is the last. libDaisy's own transmitter
// splits it off and marks the packet before it as the last, which not every computer forgives.
inline std::size_t to_usb_packets(const uint8_t* message, std::size_t count, uint8_t* packets) {
    uint8_t* out = packets;
    for (std::size_t i = 0; i < count; i += 3, out += 4) {
        const std::size_t left = count - i;
        out[0] = left > 3 ? 0x04 : uint8_t(0x04 + left);  // goes on; or ends with 1, 2 or 3 bytes
        for (std::size_t j = 0; j < 3; ++j) out[1 + j] = j < left ? message[i + j] : 0;
    }
    return std::size_t(out - packets);
}

}  // namespace ampsweep::pedal

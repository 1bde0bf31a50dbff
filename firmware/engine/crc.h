// CRC-32 as zlib has it: polynomial 0xEDB88320 reflected, start and final XOR 0xFFFFFFFF.

#pragma once

#include <cstddef>
#include <cstdint>

namespace ampsweep {

// Of more bytes after those whose CRC is `before`.
inline std::uint32_t crc32(const void* bytes, std::size_t count, std::uint32_t before = 0) {
    // Half a byte at a time: the table is 64 bytes.
    static constexpr std::uint32_t TABLE[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    const std::uint8_t* p = static_cast<const std::uint8_t*>(bytes);
    std::uint32_t crc = ~before;
    for (std::size_t i = 0; i < count; ++i) {
        crc = TABLE[(crc ^ p[i]) & 15] ^ (crc >> 4);
        crc = TABLE[(crc ^ (p[i] >> 4u)) & 15] ^ (crc >> 4);
    }
    return ~crc;
}

}  // namespace ampsweep

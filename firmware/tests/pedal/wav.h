// Mono WAV files of 32-bit floats at 48 kHz, and nothing else.

#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

inline std::vector<uint8_t> read_file(const std::string& path) {
    std::vector<uint8_t> bytes;
    if (std::FILE* file = std::fopen(path.c_str(), "rb")) {
        uint8_t part[4096];
        while (const std::size_t count = std::fread(part, 1, sizeof part, file))
            bytes.insert(bytes.end(), part, part + count);
        std::fclose(file);
    }
    return bytes;
}

inline bool write_file(const std::string& path, const void* bytes, std::size_t count) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (!file) return false;
    const bool whole = std::fwrite(bytes, 1, count, file) == count;
    return std::fclose(file) == 0 && whole;
}

inline bool read_wav(const std::string& path, std::vector<float>& audio) {
    const std::vector<uint8_t> bytes = read_file(path);
    const auto u32 = [&](std::size_t at) {
        uint32_t value;
        std::memcpy(&value, bytes.data() + at, 4);
        return value;
    };
    bool good = false;
    for (std::size_t at = 12; at + 8 <= bytes.size(); at += 8 + (u32(at + 4) + 1) / 2 * 2) {
        const uint8_t* chunk = bytes.data() + at;
        const std::size_t size = u32(at + 4);
        if (size > bytes.size() - at - 8) return false;
        if (!std::memcmp(chunk, "fmt ", 4)) good = u32(at + 8) == 0x10003 && u32(at + 12) == 48000;
        if (std::memcmp(chunk, "data", 4) != 0) continue;
        audio.resize(size / 4);
        std::memcpy(audio.data(), chunk + 8, audio.size() * 4);
        return good;
    }
    return false;
}

inline bool write_wav(const std::string& path, const std::vector<float>& audio) {
    const auto size = uint32_t(audio.size() * 4);
    const uint32_t header[] = {0x46464952, 36 + size, 0x45564157, 0x20746D66, 16, 0x10003,
                               48000,      192000,    0x200004,   0x61746164, size};
    std::vector<uint8_t> bytes(sizeof header + size);
    std::memcpy(bytes.data(), header, sizeof header);
    if (size) std::memcpy(bytes.data() + sizeof header, audio.data(), size);
    return write_file(path, bytes.data(), bytes.size());
}

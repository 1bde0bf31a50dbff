// A frame of the display as a PNG, four pixels wide a pixel, so that it can be looked at. Not
// compressed: zlib's format has blocks that are just stored.

#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "../../engine/crc.h"
#include "../../pedal/frame.h"

inline std::vector<uint8_t> png_of(const ampsweep::pedal::Frame& frame) {
    using ampsweep::pedal::Frame;
    constexpr unsigned SCALE = 4, WIDTH = Frame::WIDTH * SCALE, HEIGHT = Frame::HEIGHT * SCALE;

    std::vector<uint8_t> png{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    const auto big_endian = [](std::vector<uint8_t>& to, uint32_t value) {
        for (int shift = 24; shift >= 0; shift -= 8) to.push_back(uint8_t(value >> shift));
    };
    const auto chunk = [&](const std::string& kind, const std::vector<uint8_t>& data) {
        big_endian(png, uint32_t(data.size()));
        std::vector<uint8_t> body(kind.begin(), kind.end());
        body.insert(body.end(), data.begin(), data.end());
        png.insert(png.end(), body.begin(), body.end());
        big_endian(png, ampsweep::crc32(body.data(), body.size()));
    };

    std::vector<uint8_t> header;
    big_endian(header, WIDTH);
    big_endian(header, HEIGHT);
    header.insert(header.end(), {1, 0, 0, 0, 0});  // one bit of grey
    chunk("IHDR", header);

    std::vector<uint8_t> rows;
    for (unsigned y = 0; y < HEIGHT; ++y) {
        rows.push_back(0);  // not filtered
        for (unsigned x = 0; x < WIDTH; x += 8) {
            uint8_t byte = 0;
            for (unsigned i = 0; i < 8; ++i)
                byte = uint8_t(byte << 1 | frame.pixel(int((x + i) / SCALE), int(y / SCALE)));
            rows.push_back(byte);
        }
    }
    const auto size = uint16_t(rows.size());
    std::vector<uint8_t> data{0x78, 0x01, 1};
    for (const unsigned half : {unsigned(size), unsigned(uint16_t(~size))}) {
        data.push_back(uint8_t(half));
        data.push_back(uint8_t(half >> 8));
    }
    data.insert(data.end(), rows.begin(), rows.end());
    uint32_t a = 1, b = 0;
    for (const uint8_t byte : rows) {
        a = (a + byte) % 65521;
        b = (b + a) % 65521;
    }
    big_endian(data, b << 16 | a);
    chunk("IDAT", data);
    chunk("IEND", {});
    return png;
}

inline bool write_png(const std::string& path, const ampsweep::pedal::Frame& frame) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (!file) return false;
    const std::vector<uint8_t> png = png_of(frame);
    const bool whole = std::fwrite(png.data(), 1, png.size(), file) == png.size();
    return std::fclose(file) == 0 && whole;
}

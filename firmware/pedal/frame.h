// A picture of 128 x 64 pixels, as an SSD1306 holds it: eight pages of 128 columns of 8 pixels, the
// lowest bit at the top. Drawing outside it draws nothing.

#pragma once

#include <cstdint>
#include <cstring>

#include "font.h"

namespace ampsweep::pedal {

class Frame {
public:
    static constexpr int WIDTH = 128, HEIGHT = 64, PAGES = 8;

    uint8_t pages[PAGES][WIDTH] = {};

    void clear() { std::memset(pages, 0, sizeof pages); }

    bool pixel(int x, int y) const { return pages[y / 8][x] >> (y % 8) & 1; }

    void set(int x, int y, bool on = true) {
        if (x < 0 || x >= WIDTH || y < 0 || y >= HEIGHT) return;
        uint8_t& column = pages[y / 8][x];
        const unsigned bit = 1u << (y % 8);
        column = uint8_t(on ? column | bit : column & ~bit);
    }

    void fill(int x, int y, int width, int height, bool on = true) {
        for (int i = 0; i < width; ++i)
            for (int j = 0; j < height; ++j) set(x + i, y + j, on);
    }

    void outline(int x, int y, int width, int height) {
        fill(x, y, width, 1);
        fill(x, y + height - 1, width, 1);
        fill(x, y, 1, height);
        fill(x + width - 1, y, 1, height);
    }

    void invert(int x, int y, int width, int height) {
        for (int i = x; i < x + width && i < WIDTH; ++i)
            for (int j = y; j < y + height && j < HEIGHT; ++j) set(i, j, !pixel(i, j));
    }

    // Each pixel of the letters as a square of `scale`; returns where the next letter would begin.
    // Stops before a letter that would go beyond `right`.
    int text(int x, int y, const char* words, int scale = 1, int right = WIDTH) {
        const int step = (GLYPH_WIDTH + 1) * scale;
        for (; *words && x + GLYPH_WIDTH * scale <= right; ++words, x += step)
            for (int i = 0; i < GLYPH_WIDTH; ++i)
                for (int j = 0; j < GLYPH_HEIGHT; ++j)
                    if (glyph_pixel(*words, i, j)) fill(x + i * scale, y + j * scale, scale, scale);
        return x;
    }

    static int width_of(const char* words, int scale = 1) {
        const int letters = int(std::strlen(words));
        return letters ? (letters * (GLYPH_WIDTH + 1) - 1) * scale : 0;
    }

    void centred(int y, const char* words, int scale = 1) {
        const int x = (WIDTH - width_of(words, scale)) / 2;
        text(x > 0 ? x : 0, y, words, scale);
    }

    void right_aligned(int right, int y, const char* words, int scale = 1) {
        text(right - width_of(words, scale), y, words, scale);
    }
};

}  // namespace ampsweep::pedal

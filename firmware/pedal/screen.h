// What the display shows: one function a page, from plain values to a frame.

#pragma once

#include "../effects/tuner.h"
#include "frame.h"
#include "words.h"

namespace ampsweep::pedal {

constexpr unsigned LABEL = 12;  // a short name and its zero

// A knob as it is shown: its short name, and its value as text.
struct Shown {
    char name[LABEL] = {};
    Words<12> value;
    const char* unit = "";
    float share = 0.0f;     // of its range, 0 to 1
    bool has_bar = true;
};

struct PlayView {
    const char* model = "";  // empty: there is none
    bool bypassed = false;
    unsigned page = 0;
    Shown knobs[6];          // an empty name: nothing on that pot
    float input = -90.0f, output = -90.0f;  // peaks, dBFS
    float load = 0.0f;                      // of the time there is: 1 is all of it
    bool gave_up = false;
};

struct TunerView {
    float frequency = 0.0f;  // Hz; 0: no pitch
};

struct ListView {
    static constexpr unsigned ROWS = 5;
    const char* title = "";
    char rows[ROWS][22] = {};
    unsigned count = 0;          // of rows that are used
    int selected = -1, current = -1;  // rows; −1: not among them
    bool above = false, below = false;  // there is more
};

namespace screen {

inline void bar(Frame& frame, int x, int y, int width, int height, float share) {
    frame.outline(x, y, width, height);
    const float inside = float(width - 2) * (share < 0.0f ? 0.0f : share > 1.0f ? 1.0f : share);
    frame.fill(x + 1, y + 1, int(inside + 0.5f), height - 2);
}

// From −60 dBFS to 0.
inline void meter(Frame& frame, int y, const char* name, float peak) {
    frame.text(0, y, name);
    bar(frame, 20, y, 80, 7, (peak + 60.0f) / 60.0f);
}

inline void play(Frame& frame, const PlayView& view) {
    frame.text(2, 1, *view.model ? view.model : "no model");
    if (view.bypassed) frame.right_aligned(126, 1, "BYPASS");
    frame.invert(0, 0, Frame::WIDTH, 9);
    for (unsigned i = 0; i < 6; ++i) {
        const Shown& knob = view.knobs[i];
        const int x = i % 3 * 43, y = 12 + int(i / 3) * 18;
        if (!*knob.name) continue;
        frame.text(x, y, knob.name, 1, x + 40);
        frame.text(x, y + 9, knob.value.c_str(), 1, x + 40);
    }
    meter(frame, 47, "in", view.input);
    meter(frame, 56, "out", view.output);
    Words<8> load;
    load.number(100.0f * view.load, 0).add('%');
    frame.right_aligned(Frame::WIDTH, 47, view.gave_up ? "SLOW" : load.c_str());
    const char* pages[] = {"", "7-12", "own", "13+"};
    frame.right_aligned(Frame::WIDTH, 56, pages[view.page % 4]);
}

inline void knob(Frame& frame, const Shown& shown) {
    frame.centred(2, shown.name, Frame::width_of(shown.name, 2) <= Frame::WIDTH ? 2 : 1);
    const char* value = shown.value.c_str();
    const bool huge = Frame::width_of(value, 3) <= Frame::WIDTH - 24;
    frame.centred(huge ? 24 : 28, value, huge ? 3 : Frame::width_of(value, 2) <= 128 ? 2 : 1);
    frame.right_aligned(Frame::WIDTH, 38, shown.unit);
    if (shown.has_bar) bar(frame, 0, 54, Frame::WIDTH, 9, shown.share);
}

inline void tuner(Frame& frame, const TunerView& view) {
    static const char* const NOTES[12] = {"C",  "C#", "D",  "D#", "E",  "F",
                                           "F#", "G",  "G#", "A",  "A#", "B"};
    frame.text(0, 0, "Tuner");
    const int middle = Frame::WIDTH / 2;
    for (int cents = -50; cents <= 50; cents += 10)
        frame.fill(middle + cents * 6 / 5, cents ? 56 : 52, 1, cents ? 4 : 8);
    if (view.frequency <= 0.0f) {
        frame.centred(20, "-", 4);
        return;
    }
    const Note note = note_of(view.frequency);
    frame.centred(14, NOTES[unsigned(note.number) % 12], 4);
    frame.right_aligned(Frame::WIDTH, 0, Words<>().number(view.frequency, 1).add(" Hz").c_str());
    frame.right_aligned(Frame::WIDTH, 36, Words<>().number(note.cents, 0).add('c').c_str());
    const float away = note.cents * 1.2f;
    frame.fill(middle + int(away < 0 ? away - 0.5f : away + 0.5f) - 2, 48, 5, 14);
    if (note.cents > -2.0f && note.cents < 2.0f) frame.invert(middle - 30, 10, 60, 36);
}

inline void list(Frame& frame, const ListView& view) {
    frame.text(2, 1, view.title);
    frame.invert(0, 0, Frame::WIDTH, 9);
    if (!view.count) frame.centred(30, "none");
    for (unsigned i = 0; i < view.count; ++i) {
        const int y = 12 + int(i) * 10;
        if (int(i) == view.current) frame.text(0, y + 1, ">");
        frame.text(8, y + 1, view.rows[i], 1, 120);
        if (int(i) == view.selected) frame.invert(6, y, 116, 9);
    }
    if (view.above) frame.right_aligned(Frame::WIDTH, 13, "^");
    if (view.below) frame.right_aligned(Frame::WIDTH, 55, "v");
}

inline void receiving(Frame& frame, const char* name, float progress) {
    frame.centred(4, "Receiving");
    frame.centred(20, name);
    bar(frame, 4, 36, 120, 9, progress);
    frame.centred(52, Words<>().number(100.0f * progress, 0).add('%').c_str());
}

// A sentence, broken at its spaces into lines of 21 letters.
inline void message(Frame& frame, const char* words) {
    constexpr int LETTERS = 21;
    for (int y = 8; *words && y < 60; y += 10) {
        int fits = 0, last = 0;
        while (words[fits] && fits < LETTERS) {
            if (words[fits] == ' ') last = fits;
            ++fits;
        }
        if (words[fits] && words[fits] != ' ' && last) fits = last;
        char line[LETTERS + 1] = {};
        std::memcpy(line, words, std::size_t(fits));
        frame.centred(y, line);
        words += fits;
        while (*words == ' ') ++words;
    }
}

}  // namespace screen

}  // namespace ampsweep::pedal

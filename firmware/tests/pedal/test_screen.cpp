// The display: letters, numbers, and every page; with a folder as FRAMES, the pages as PNGs too.

#include "../../pedal/screen.h"
#include "check.h"
#include "png.h"

using namespace ampsweep::pedal;

static void keep(const char* name, const Frame& frame) {
    if (const char* folder = std::getenv("FRAMES"))
        CHECK(write_png(std::string(folder) + "/" + name + ".png", frame));
}

static int lit(const Frame& frame) {
    int count = 0;
    for (int x = 0; x < Frame::WIDTH; ++x)
        for (int y = 0; y < Frame::HEIGHT; ++y) count += frame.pixel(x, y);
    return count;
}

TEST(letters_differ_and_stay_in_their_box) {
    std::vector<uint64_t> seen;
    for (char c = '!'; c <= '~'; ++c) {
        Frame frame;
        const char word[] = {c, 0};
        CHECK(frame.text(10, 10, word) == 16);
        uint64_t shape = 0;
        for (int x = 10; x < 15; ++x)
            for (int y = 10; y < 17; ++y) shape = shape << 1 | frame.pixel(x, y);
        CHECK(lit(frame) > 0);
        for (const uint64_t other : seen) CHECK(other != shape);
        seen.push_back(shape);
    }
    Frame frame;
    int y = 0;
    for (int c = ' '; c <= '~'; c += 20, y += 10) {
        char line[21] = {};
        for (int i = 0; i < 20 && c + i <= '~'; ++i) line[i] = char(c + i);
        frame.text(0, y, line);
    }
    keep("font", frame);
}

TEST(drawing_outside_draws_nothing) {
    Frame frame;
    frame.text(-100, -3, "far");
    frame.text(124, 60, "cut");
    frame.fill(-10, -10, 5, 5);
    frame.invert(120, 60, 50, 50);
    CHECK(lit(frame) == 8 * 4);
}

TEST(numbers_are_rounded) {
    CHECK(!std::strcmp(Words<>().number(7.449f, 1).c_str(), "7.4"));
    CHECK(!std::strcmp(Words<>().number(9.97f, 1).c_str(), "10.0"));
    CHECK(!std::strcmp(Words<>().number(-0.04f, 1).c_str(), "0.0"));
    CHECK(!std::strcmp(Words<>().number(-0.96f, 1).c_str(), "-1.0"));
    CHECK(!std::strcmp(Words<>().number(-12.345f, 2).c_str(), "-12.35") ||
          !std::strcmp(Words<>().number(-12.345f, 2).c_str(), "-12.34"));
    CHECK(!std::strcmp(Words<>().number(440.0f, 0).c_str(), "440"));
    CHECK(!std::strcmp(Words<>().number(1.05f, 2).c_str(), "1.05"));
    CHECK(!std::strcmp(Words<>().number(1e30f, 0).c_str(), "1000000"));
    CHECK(!std::strcmp(Words<5>("abcdefg").c_str(), "abcd"));
    char ascii[8];
    to_ascii("Grün 🔥 heiß", ascii, sizeof ascii);
    CHECK(!std::strcmp(ascii, "Gr?n ? "));
}

static Shown shown(const char* name, const char* value, float share, const char* unit = "") {
    Shown knob;
    std::strncpy(knob.name, name, LABEL - 1);
    knob.value.add(value);
    knob.share = share;
    knob.unit = unit;
    return knob;
}

TEST(the_pages) {
    PlayView view;
    view.model = "Plexi 1959";
    const char* names[] = {"Gain", "Bass", "Middle", "Treble", "MasterVolum", "Bright"};
    const char* values[] = {"7.5", "4.2", "10.0", "0.0", "3.3", "on"};
    for (int i = 0; i < 6; ++i) view.knobs[i] = shown(names[i], values[i], 0.5f);
    view.input = -12.0f;
    view.output = -6.0f;
    view.load = 0.63f;
    Frame play;
    screen::play(play, view);
    keep("play", play);
    view.bypassed = true;
    view.page = 1;
    Frame bypassed;
    screen::play(bypassed, view);
    keep("bypassed", bypassed);
    CHECK(std::memcmp(play.pages, bypassed.pages, sizeof play.pages) != 0);

    Frame knob;
    screen::knob(knob, shown("Gain", "7.5", 0.75f));
    keep("knob", knob);
    Frame unit;
    screen::knob(unit, shown("Treble EQ", "-11.5", 0.02f, "dB"));
    keep("unit", unit);
    Shown detent = shown("MasterVoice", "British", 0.0f);
    detent.has_bar = false;
    Frame with_label;
    screen::knob(with_label, detent);
    keep("switch", with_label);

    for (const float frequency : {0.0f, 82.41f, 111.0f, 435.0f}) {
        Frame tuner;
        screen::tuner(tuner, {frequency});
        keep(("tuner-" + std::to_string(int(frequency))).c_str(), tuner);
    }

    ListView models;
    models.title = "Models";
    models.count = 5;
    for (unsigned i = 0; i < 5; ++i)
        std::strcpy(models.rows[i], i == 2 ? "A name of 23 letters" : "Plexi");
    models.selected = 2;
    models.current = 0;
    models.below = true;
    Frame list;
    screen::list(list, models);
    keep("list", list);
    Frame empty;
    screen::list(empty, {"Cabinets"});
    keep("empty", empty);

    Frame receiving;
    screen::receiving(receiving, "Plexi 1959", 0.43f);
    keep("receiving", receiving);
    Frame message;
    screen::message(message, "What came is not a model that this pedal can play: export it again.");
    keep("message", message);
    Frame unbroken;
    screen::message(unbroken, "averyveryverylongwordwithoutanyspacesinitatall");
    CHECK(lit(unbroken) > 100);
}

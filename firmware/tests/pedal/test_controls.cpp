// Pots, switches, encoder, lights.

#include <cmath>
#include <random>

#include "../../pedal/lights.h"
#include "../../pedal/pots.h"
#include "../../pedal/switches.h"
#include "check.h"

using namespace ampsweep::pedal;

TEST(pot_reaches_both_ends_though_the_part_does_not) {
    for (const float end : {0.006f, 0.994f}) {
        Pot pot;
        pot.update(0.5f);
        for (int ms = 0; ms < 100; ++ms) pot.update(end);
        CHECK(pot.position() == (end < 0.5f ? 0.0f : 1.0f));
    }
}

TEST(pot_stands_still_under_noise) {
    std::mt19937 random(1);
    std::normal_distribution<float> noise(0.0f, 0.002f);
    Pot pot;
    for (int ms = 0; ms < 2000; ++ms) pot.update(0.37f + noise(random));
    const float there = pot.position();
    for (int ms = 0; ms < 20000; ++ms) pot.update(0.37f + noise(random));
    CHECK(pot.position() == there);
    CHECK_NEAR(there, (0.37 - 0.01) / 0.98, 0.004);
}

TEST(pot_ignores_two_spikes_in_a_row) {
    Pot pot;
    for (int ms = 0; ms < 100; ++ms) pot.update(0.5f);
    const float there = pot.position();
    pot.update(1.0f);
    pot.update(0.0f);
    for (int ms = 0; ms < 10; ++ms) CHECK(pot.update(0.5f) == there);
}

TEST(pot_follows_a_turn_within_20_ms_and_never_backwards) {
    Pot pot;
    pot.update(0.0f);
    float before = 0.0f, raw = 0.0f;
    for (int ms = 0; ms < 200; ++ms) {
        raw = float(ms) / 200.0f;
        const float now = pot.update(raw);
        CHECK(now >= before);
        before = now;
    }
    for (int ms = 0; ms < 20; ++ms) pot.update(raw);
    CHECK_NEAR(pot.position(), (0.995 - 0.01) / 0.98, 0.01);
}

TEST(pot_is_linear_in_position) {
    for (int i = 1; i < 20; ++i) {
        Pot pot;
        pot.update(float(i) / 20.0f);
        CHECK_NEAR(pot.position(), (i / 20.0 - 0.01) / 0.98, 1e-6);
    }
}

TEST(pot_survives_what_is_no_number) {
    Pot pot;
    pot.update(0.5f);
    pot.update(NAN);
    pot.update(-7.0f);
    CHECK(pot.update(1e30f) == pot.position());
    CHECK(pot.position() >= 0.0f && pot.position() <= 1.0f);
}

TEST(detents_do_not_flicker_at_the_border) {
    unsigned now = nearest_detent(0.0f, 3, 99);
    CHECK(now == 0);
    CHECK((now = nearest_detent(0.34f, 3, now)) == 0);  // just past the border
    CHECK((now = nearest_detent(0.38f, 3, now)) == 1);
    CHECK((now = nearest_detent(0.32f, 3, now)) == 1);
    CHECK((now = nearest_detent(0.29f, 3, now)) == 0);
    CHECK((now = nearest_detent(1.0f, 3, now)) == 2);
}

static Press after(Button& button, bool closed, int ms) {
    Press last = Press::none;
    for (int i = 0; i < ms; ++i)
        if (const Press press = button.update(closed); press != Press::none) last = press;
    return last;
}

TEST(button_tells_a_tap_from_a_hold) {
    Button button;
    CHECK(after(button, false, 100) == Press::none);
    CHECK(after(button, true, 300) == Press::down);
    CHECK(after(button, false, 20) == Press::tap);
    CHECK(after(button, true, 50) == Press::down);
    CHECK(after(button, true, 2000) == Press::hold);
    CHECK(after(button, true, 2000) == Press::none);
    CHECK(after(button, false, 20) == Press::release);
}

TEST(button_does_not_hear_bounces) {
    Button button;
    int downs = 0;
    std::mt19937 random(2);
    after(button, false, 20);
    for (int i = 0; i < 10; ++i) {
        for (int ms = 0; ms < 4; ++ms) downs += button.update(random() & 1) == Press::down;
        for (int ms = 0; ms < 50; ++ms) downs += button.update(true) == Press::down;
        for (int ms = 0; ms < 4; ++ms) downs += button.update(random() & 1) == Press::down;
        for (int ms = 0; ms < 50; ++ms) downs += button.update(false) == Press::down;
    }
    CHECK(downs == 10);
    CHECK(after(button, true, 4) == Press::none);  // a spike
    CHECK(after(button, false, 50) == Press::none);
}

TEST(toggle_counts_at_once_when_the_pedal_starts) {
    Toggle toggle;
    CHECK(toggle.update(true));
    for (int ms = 0; ms < 4; ++ms) CHECK(toggle.update(ms % 2 == 0));
    for (int ms = 0; ms < 10; ++ms) toggle.update(false);
    CHECK(!toggle.up());
}

TEST(encoder_counts_clicks_both_ways_and_cancels_bounces) {
    Encoder encoder;
    const auto click = [&](bool clockwise, bool bouncing) {
        int sum = 0;
        const bool a[] = {true, true, false, false}, b[] = {false, true, true, false};
        bool before_a = false, before_b = false;
        for (int i = 0; i < 4; ++i) {
            const bool now_a = clockwise ? a[i] : b[i], now_b = clockwise ? b[i] : a[i];
            if (bouncing && i < 3) {
                sum += encoder.update(now_a, now_b);
                sum += encoder.update(before_a, before_b);
            }
            sum += encoder.update(now_a, now_b);
            before_a = now_a;
            before_b = now_b;
        }
        return sum;
    };
    for (int i = 0; i < 20; ++i) CHECK(click(true, false) == 1);
    for (int i = 0; i < 20; ++i) CHECK(click(false, false) == -1);
    CHECK(encoder.update(true, false) == 0);
    CHECK(encoder.update(false, false) == 0);  // half a click and back is none
    int sum = 0;
    for (int i = 0; i < 20; ++i) sum += click(true, i % 2 == 0 ? false : true);
    CHECK(sum >= 10 && sum <= 20);  // amid a bounce, a click may be lost, but never doubled
}

TEST(lights_say_different_things_differently) {
    Lights lights;
    const auto share = [&](Left state) {
        int on = 0;
        for (uint32_t ms = 0; ms < 1000; ++ms) on += lights.left(state, ms);
        return on;
    };
    CHECK(share(Left::off) == 0 && share(Left::on) == 1000 && share(Left::dark) == 0);
    CHECK(share(Left::no_model) == 60 && share(Left::clipping) == 600);
    lights.count(3, 5000);
    int edges = 0;
    bool before = false;
    for (uint32_t ms = 5000; lights.counting(ms); ++ms) {
        const bool now = lights.right(Right::counting, ms);
        edges += now && !before;
        before = now;
    }
    CHECK(edges == 3);
    CHECK(!lights.counting(5000 + 3 * 240));
}

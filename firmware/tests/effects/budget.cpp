// Counts the instructions that each part of firmware/effects takes for a block of 48 samples on the
// Cortex-M7: the mean and the worst of many blocks, as lines of JSON.

#include <cstdio>
#include <initializer_list>

#include "../engine/m7.h"
#include "chain.h"
#include "direct.h"

using namespace ampsweep;

namespace {

constexpr unsigned FRAMES = 48, BLOCKS = 150;  // more than two of the tuner's windows
constexpr float RATE = 48000.0f;

float noise() {
    static std::uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return static_cast<float>(static_cast<std::int32_t>(state)) * 2.3e-10f;
}

// A decaying string with noise, so that every branch is taken some time.
void play(float* block) {
    static float phase = 0.0f, loud = 0.5f;
    for (unsigned i = 0; i < FRAMES; ++i) {
        phase += 110.0f / RATE;
        if (phase > 1.0f) phase -= 1.0f;
        loud *= 0.9997f;
        if (loud < 1e-4f) loud = 0.5f;
        block[i] = loud * (phase - 0.5f + 0.1f * noise());
    }
}

template <class Work>
void count(const char* name, Work work) {
    float in[FRAMES], out[FRAMES];
    std::uint32_t worst = 0, all = 0;
    for (unsigned block = 0; block < BLOCKS; ++block) {
        play(in);
        const std::uint32_t from = now();
        work(in, out);
        const std::uint32_t took = between(from, now());
        all += took;
        if (took > worst) worst = took;
    }
    std::printf("{\"part\": \"%s\", \"mean\": %u, \"worst\": %u}\n", name,
                static_cast<unsigned>(all / BLOCKS), static_cast<unsigned>(worst));
}

// A model that costs nothing, so that what is counted is everything around it.
struct Nothing {
    void process(const float* in, float* out, unsigned frames) noexcept {
        for (unsigned i = 0; i < frames; ++i) out[i] = in[i];
    }
};

Trim trim(RATE);
Gate gate(RATE);
Bypass bypass(RATE);
Meter meter(RATE);
Tuner tuner(RATE);
Cabinet cabinet;
Chain<Nothing> chain(RATE);
float response[Cabinet::MOST_TAPS], past[Cabinet::MOST_TAPS + FRAMES];

}  // namespace

int main() {
    start_counting();
    for (float& tap : response) tap = noise();
    count("nothing", [](const float*, float*) {});
    count("trim", [](const float* in, float* out) { trim.process(in, out, FRAMES); });
    gate.set(-50.0f);
    count("gate", [](const float* in, float* out) { gate.process(in, out, FRAMES); });
    bypass.set(true);
    count("bypass", [](const float* in, float* out) { bypass.process(in, out, out, FRAMES); });
    count("meter", [](const float* in, float*) { meter.process(in, FRAMES); });
    count("tuner", [](const float* in, float*) { tuner.process(in, FRAMES); });
    count("load 2048 taps", [](const float*, float*) { cabinet.load(response, 2048); });
    for (const unsigned taps : {512u, 1024u, 2048u}) {
        char name[32];
        cabinet.load(response, taps);
        std::snprintf(name, sizeof name, "cabinet %u", taps);
        count(name, [](const float* in, float* out) { cabinet.process(in, out, FRAMES); });
    }
    for (const unsigned taps : {128u, 512u, 2048u}) {
        char name[32];
        std::snprintf(name, sizeof name, "direct %u", taps);
        // What it costs, to hold the past of the audio where it is read, is not even counted.
        count(name, [taps](const float*, float* out) {
            convolve_directly(response, taps, past + Cabinet::MOST_TAPS, out, FRAMES);
        });
    }
    for (int voice = 0; voice < 2; ++voice) {
        chain.models.spare()->cabinet.load(response, Cabinet::MOST_TAPS);
        chain.play_spare();
        float block[FRAMES] = {};
        for (int i = 0; i < 8; ++i) chain.process(block, block, FRAMES);
    }
    chain.gate.set(-50.0f);
    chain.tune(true);
    unsigned block = 0;
    count("chain", [&block](const float* in, float* out) {
        // Somebody turns and treads on everything, all the time.
        chain.trim.set(static_cast<float>(block % 7));
        chain.level.set(static_cast<float>(block % 5));
        chain.bypass.set(block % 40 < 20);
        if (++block % 30 == 0) chain.play_spare();
        chain.process(in, out, FRAMES);
    });
}

// Plays audio through one part of firmware/effects.
//
// words.txt: the part's name, then settings, NAME=VALUE or FRAME:NAME=VALUE, and blocks=7,48 if
// blocks are not all of 48 frames. in.f32: samples. out.f32: audio, or for what only listens one
// row of numbers for each block. A setting takes effect at the first block that begins at FRAME or
// later. The same program runs on the host and, through semihosting, on the Cortex-M7.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "chain.h"
#include "load.h"

using namespace ampsweep;

namespace {

constexpr float RATE = 48000.0f;

struct Event {
    long frame;
    std::string name;
    float value;
};

// A part as the driver sees it: settings by name, and blocks that go through.
struct Part {
    virtual ~Part() = default;
    virtual void set(const std::string& name, float value) = 0;
    virtual void process(const float* in, unsigned frames, std::vector<float>& out) = 0;
};

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "parts: %s\n", what.c_str());
    std::exit(2);
}

std::FILE* open_file(const char* name, const char* mode) {
    std::FILE* file = std::fopen(name, mode);
    if (!file) fail(std::string("cannot open ") + name);
    return file;
}

float* more(std::vector<float>& out, unsigned count) {
    out.resize(out.size() + count);
    return out.data() + out.size() - count;
}

struct TrimPart : Part {
    explicit TrimPart(float rate) : trim(rate) {}
    Trim trim;
    void set(const std::string& name, float value) override {
        name == "jump" ? trim.jump(value) : trim.set(value);
    }
    void process(const float* in, unsigned frames, std::vector<float>& out) override {
        trim.process(in, more(out, frames), frames);
    }
};

struct GatePart : Part {
    Gate gate{RATE};
    void set(const std::string& name, float value) override {
        name == "disable" ? gate.disable() : gate.set(value);
    }
    void process(const float* in, unsigned frames, std::vector<float>& out) override {
        gate.process(in, more(out, frames), frames);
    }
};

// The first `taps` samples of the input are the impulse response; its output is silence.
struct CabinetPart : Part {
    std::unique_ptr<Cabinet> cabinet = std::make_unique<Cabinet>();
    std::vector<float> response;
    size_t taps = 0;
    void set(const std::string& name, float value) override {
        if (name == "taps") taps = size_t(value);
        else cabinet->clear();
    }
    void process(const float* in, unsigned frames, std::vector<float>& out) override {
        float* to = more(out, frames);
        if (response.size() < taps) {
            const size_t missing = taps - response.size();
            response.insert(response.end(), in, in + std::min(size_t(frames), missing));
            if (response.size() == taps) cabinet->load(response.data(), unsigned(taps));
            std::fill_n(to, frames, 0.0f);
        } else {
            cabinet->process(in, to, frames);
        }
    }
};

// Wet is the dry signal, negated and twice as loud.
struct BypassPart : Part {
    Bypass bypass{RATE};
    void set(const std::string&, float value) override { bypass.set(value != 0.0f); }
    void process(const float* in, unsigned frames, std::vector<float>& out) override {
        std::vector<float> wet(in, in + frames);
        for (float& sample : wet) sample *= -2.0f;
        bypass.process(in, wet.data(), more(out, frames), frames);
    }
};

struct MeterPart : Part {
    Meter meter{RATE};
    void set(const std::string& name, float) override { fail("a meter has no " + name); }
    void process(const float* in, unsigned frames, std::vector<float>& out) override {
        meter.process(in, frames);
        for (const float value : {meter.peak(), meter.held(), meter.rms(), float(meter.clips())})
            out.push_back(value);
    }
};

struct TunerPart : Part {
    Tuner tuner{RATE};
    void set(const std::string& name, float) override { fail("a tuner has no " + name); }
    void process(const float* in, unsigned frames, std::vector<float>& out) override {
        tuner.process(in, frames);
        const Tuner::Reading now = tuner.reading();
        const Note note = now.frequency > 0.0f ? note_of(now.frequency) : Note{0, 0.0f};
        for (const float value : {float(tuner.readings()), now.frequency, now.clarity,
                                  float(note.number), note.cents})
            out.push_back(value);
    }
};

// Takes pairs of tick counts: when a block of 48 frames began and ended.
struct LoadPart : Part {
    LoadMeter load{48000000.0f, RATE};
    void set(const std::string&, float) override { load.forget_worst(); }
    void process(const float* in, unsigned frames, std::vector<float>& out) override {
        for (unsigned i = 0; i + 1 < frames; i += 2) {
            load.begin(uint32_t(int64_t(in[i])));
            const bool late = load.end(uint32_t(int64_t(in[i + 1])), 48);
            for (const float value : {load.average(), load.worst(), float(load.overruns()),
                                      float(late)})
                out.push_back(value);
        }
    }
};

// decibels_of, gain_of of every sample.
struct DecibelsPart : Part {
    void set(const std::string& name, float) override { fail("decibels have no " + name); }
    void process(const float* in, unsigned frames, std::vector<float>& out) override {
        for (unsigned i = 0; i < frames; ++i) {
            out.push_back(decibels_of(in[i]));
            out.push_back(gain_of(in[i]));
        }
    }
};

// A model that is a gain, and counts how often it is asked.
struct Gain {
    float gain = 1.0f;
    void process(const float* in, float* out, unsigned frames) noexcept {
        for (unsigned i = 0; i < frames; ++i) out[i] = gain * in[i];
    }
};

struct ChainPart : Part {
    std::unique_ptr<Chain<Gain>> chain = std::make_unique<Chain<Gain>>(RATE);
    Levels model{}, own{};
    void set(const std::string& name, float value) override {
        if (name == "model") {  // a gain: load it and play it
            Voice<Gain>* spare = chain->models.spare();
            if (!spare) fail("the last switch still goes on");
            spare->model.gain = value;
            spare->match(model, own);
            chain->play_spare();
        } else if (name == "delay") {  // the spare cabinet: so many samples
            std::vector<float> taps(size_t(value) + 1);
            taps.back() = 1.0f;
            chain->models.spare()->cabinet.load(taps.data(), unsigned(taps.size()));
        } else if (name == "model_input") {
            model.input = value, model.knows_input = true;
        } else if (name == "model_output") {
            model.output = value, model.knows_output = true;
        } else if (name == "own_input") {
            own.input = value, own.knows_input = true;
        } else if (name == "own_output") {
            own.output = value, own.knows_output = true;
        } else if (name == "trim") {
            chain->trim.set(value);
        } else if (name == "level") {
            chain->level.set(value);
        } else if (name == "gate") {
            chain->gate.set(value);
        } else if (name == "bypass") {
            chain->bypass.set(value != 0.0f);
        } else if (name == "mute") {
            chain->mute(value != 0.0f);
        } else if (name == "tune") {
            chain->tune(value != 0.0f);
        } else if (name == "late") {
            chain->overran();
        } else {
            fail("a chain has no " + name);
        }
    }
    void process(const float* in, unsigned frames, std::vector<float>& out) override {
        float* to = more(out, frames);
        std::copy_n(in, frames, to);
        chain->process(to, to, frames);  // in place, as it may
    }
};

std::unique_ptr<Part> make(const std::string& name) {
    if (name == "trim") return std::make_unique<TrimPart>(RATE);
    if (name == "trim_at_twice_the_rate") return std::make_unique<TrimPart>(2 * RATE);
    if (name == "gate") return std::make_unique<GatePart>();
    if (name == "cabinet") return std::make_unique<CabinetPart>();
    if (name == "bypass") return std::make_unique<BypassPart>();
    if (name == "meter") return std::make_unique<MeterPart>();
    if (name == "tuner") return std::make_unique<TunerPart>();
    if (name == "load") return std::make_unique<LoadPart>();
    if (name == "decibels") return std::make_unique<DecibelsPart>();
    if (name == "chain") return std::make_unique<ChainPart>();
    fail("there is no " + name);
}

Event event_of(const std::string& text) {
    const size_t colon = text.find(':'), equals = text.find('=');
    if (equals == std::string::npos) fail(text + " sets nothing");
    const size_t begin = colon == std::string::npos ? 0 : colon + 1;
    return {begin ? std::atol(text.c_str()) : 0, text.substr(begin, equals - begin),
            float(std::atof(text.c_str() + equals + 1))};
}

}  // namespace

int main() {
    std::FILE* file = open_file("words.txt", "r");
    char word[256];
    if (std::fscanf(file, "%255s", word) != 1) fail("name a part");
    const std::unique_ptr<Part> part = make(word);
    std::vector<unsigned> blocks{48};
    std::vector<Event> events;
    while (std::fscanf(file, "%255s", word) == 1) {
        if (std::strncmp(word, "blocks=", 7) != 0) {
            events.push_back(event_of(word));
            continue;
        }
        blocks.clear();
        for (char* p = word + 7; *p; p += *p == ',')
            blocks.push_back(unsigned(std::strtoul(p, &p, 10)));
    }
    std::fclose(file);

    std::vector<float> in, out;
    float buffer[4096];
    file = open_file("in.f32", "rb");
    while (const size_t got = std::fread(buffer, 4, 4096, file))
        in.insert(in.end(), buffer, buffer + got);
    std::fclose(file);

    size_t event = 0, block = 0;
    for (size_t at = 0; at < in.size(); ++block) {
        for (; event < events.size() && events[event].frame <= long(at); ++event)
            part->set(events[event].name, events[event].value);
        const size_t frames = std::min(size_t(blocks[block % blocks.size()]), in.size() - at);
        // Copied, so that reading a sample beyond the block is seen.
        const std::vector<float> now(in.begin() + long(at), in.begin() + long(at + frames));
        part->process(now.data(), unsigned(frames), out);
        at += frames;
    }
    file = open_file("out.f32", "wb");
    if (std::fwrite(out.data(), 4, out.size(), file) != out.size()) fail("the disk is full");
    return std::fclose(file);
}

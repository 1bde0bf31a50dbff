// The LV2 plugin: a model from its bundle, the device's knobs as control ports.
//
// Ports, in order: audio in and out; the knobs, as the image has them; input level, output level,
// enabled, latency. training/exports/lv2/ writes the description that says so to hosts.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <lv2/core/lv2.h>

#include "hosted.h"

#ifndef AMPSWEEP_URI
#error "AMPSWEEP_URI is the plugin's own: compile with -DAMPSWEEP_URI='\"urn:...\"'"
#endif

namespace ampsweep {
namespace {

constexpr std::size_t LARGEST_IMAGE = 512 * 1024;

struct Close {
    void operator()(amp_model* model) const { amp_close(model); }
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using Model = std::unique_ptr<amp_model, Close>;

// Null, and why on stderr, if the bundle's model cannot be played.
Model open_model(const std::string& bundle) {
    const bool slash = !bundle.empty() && bundle.back() == '/';
    const std::string path = bundle + (slash ? "" : "/") + "model.pedal";
    const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
    if (!file) {
        std::fprintf(stderr, "%s cannot be read; export the plugin again.\n", path.c_str());
        return nullptr;
    }
    std::vector<char> bytes(LARGEST_IMAGE + 1);
    bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
    int status = 0;
    Model model(amp_open(bytes.data(), bytes.size(), &status));
    if (!model) std::fprintf(stderr, "%s: %s\n", path.c_str(), amp_status_text(status));
    return model;
}

class Plugin {
public:
    Plugin(Model model, std::uint32_t rate)
        : model_(std::move(model)),
          hosted_(model_.get(), rate),
          knobs_(amp_knob_count(model_.get())),
          ports_(FIRST_KNOB + knobs_ + AFTER_KNOBS) {}

    void connect(std::uint32_t port, void* where) {
        if (port < ports_.size()) ports_[port] = static_cast<float*>(where);
    }

    void activate() { fresh_ = true; }

    void run(std::uint32_t frames) {
        for (std::uint32_t knob = 0; knob < knobs_; ++knob)
            if (const float* position = ports_[FIRST_KNOB + knob])
                amp_set(model_.get(), knob, *position);
        const float input = read(INPUT_LEVEL, 0.0f), output = read(OUTPUT_LEVEL, 0.0f);
        // Only now is it known where the knobs stand.
        if (fresh_) hosted_.restart(input, output);
        fresh_ = false;
        hosted_.set_levels(input, output);
        hosted_.set_bypass(!(read(ENABLED, 1.0f) > 0.0f));
        if (float* latency = ports_[FIRST_KNOB + knobs_ + LATENCY])
            *latency = float(hosted_.delay());
        const float* in = ports_[IN];
        float* out = ports_[OUT];
        if (in && out) hosted_.process(in, out, frames);
    }

private:
    enum : std::uint32_t { IN, OUT, FIRST_KNOB };
    enum : std::uint32_t { INPUT_LEVEL, OUTPUT_LEVEL, ENABLED, LATENCY, AFTER_KNOBS };

    float read(std::uint32_t port, float otherwise) const {
        const float* at = ports_[FIRST_KNOB + knobs_ + port];
        return at && *at == *at ? *at : otherwise;
    }

    Model model_;
    Hosted hosted_;
    std::uint32_t knobs_;
    std::vector<float*> ports_;
    bool fresh_ = true;
};

LV2_Handle instantiate(const LV2_Descriptor*, double rate, const char* bundle,
                       const LV2_Feature* const*) {
    if (!(rate >= 8000.0 && rate <= 768000.0)) {
        std::fprintf(stderr, "The sample rate %g Hz is not one from 8 to 768 kHz.\n", rate);
        return nullptr;
    }
    try {
        Model model = open_model(bundle);
        return model ? new Plugin(std::move(model), std::uint32_t(rate + 0.5)) : nullptr;
    } catch (const std::bad_alloc&) {
        std::fprintf(stderr, "There is not enough memory for the plugin; free some.\n");
        return nullptr;
    }
}

Plugin& of(LV2_Handle handle) { return *static_cast<Plugin*>(handle); }

const LV2_Descriptor DESCRIPTOR = {
    AMPSWEEP_URI,
    instantiate,
    [](LV2_Handle handle, std::uint32_t port, void* where) { of(handle).connect(port, where); },
    [](LV2_Handle handle) { of(handle).activate(); },
    [](LV2_Handle handle, std::uint32_t frames) { of(handle).run(frames); },
    nullptr,
    [](LV2_Handle handle) { delete &of(handle); },
    nullptr,
};

}  // namespace
}  // namespace ampsweep

LV2_SYMBOL_EXPORT const LV2_Descriptor* lv2_descriptor(std::uint32_t index) {
    return index == 0 ? &ampsweep::DESCRIPTOR : nullptr;
}

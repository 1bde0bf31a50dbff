#include "ampsweep.h"

#include <cstdlib>
#include <cstring>

#include "../engine/engine.h"

using namespace ampsweep;

struct amp_model {
    Engine engine;
    Image image;
};

namespace {

// One piece of memory: the model, its image, its arena.
constexpr size_t aligned(size_t size) { return (size + 15) / 16 * 16; }

}  // namespace

amp_model* amp_open(const void* bytes, size_t size, int* status) {
    // A copy, for its alignment; so much of it that the reader sees what is too long.
    const size_t most = 512 * 1024 + 4, kept = size < most ? size : most;
    void* copy = std::malloc(kept ? kept : 1);
    if (copy == nullptr) {
        *status = AMP_NO_MEMORY;
        return nullptr;
    }
    std::memcpy(copy, bytes, kept);
    Image image;
    const Status found = open(copy, kept, image);
    *status = int(found);
    if (found != Status::ok) {
        std::free(copy);
        return nullptr;
    }
    const size_t arena = arena_size(image);
    char* memory = static_cast<char*>(
        std::malloc(aligned(sizeof(amp_model)) + aligned(kept) + arena));
    if (memory == nullptr) {
        *status = AMP_NO_MEMORY;
        std::free(copy);
        return nullptr;
    }
    char* home = memory + aligned(sizeof(amp_model));
    std::memcpy(home, copy, kept);
    std::free(copy);
    open(home, kept, image);
    amp_model* model = reinterpret_cast<amp_model*>(memory);
    *model = {Engine(), image};
    model->engine.load(image, home + aligned(kept), arena);
    return model;
}

void amp_close(amp_model* model) { std::free(model); }

const char* amp_status_text(int status) {
    if (status == AMP_NO_MEMORY) return "There is not enough memory for the model; free some.";
    return text(Status(status));
}

const char* amp_name(const amp_model* model) { return model->image.name; }
const char* amp_device(const amp_model* model) { return model->image.device; }
uint32_t amp_sample_rate(const amp_model* model) { return model->image.sample_rate; }
uint32_t amp_interval(const amp_model* model) { return model->image.interval; }

int amp_input_level(const amp_model* model, float* dbu) {
    *dbu = model->image.input_level;
    return model->image.has_input_level;
}

int amp_output_level(const amp_model* model, float* dbu) {
    *dbu = model->image.output_level;
    return model->image.has_output_level;
}

uint32_t amp_knob_count(const amp_model* model) { return model->image.knobs; }

int amp_knob_at(const amp_model* model, uint32_t index, amp_knob* found) {
    if (index >= model->image.knobs) return 0;
    const Knob knob = model->image.knob(index);
    *found = {knob.name,    knob.unit,    knob.short_name, knob.minimum,
              knob.maximum, knob.initial, knob.pot,        knob.detents};
    return 1;
}

const char* amp_detent(const amp_model* model, uint32_t knob, uint32_t position) {
    if (knob >= model->image.knobs || position >= model->image.knob(knob).detents) return nullptr;
    return model->image.detent(knob, position).label;
}

void amp_set(amp_model* model, uint32_t knob, float position) { model->engine.set(knob, position); }
float amp_get(const amp_model* model, uint32_t knob) { return model->engine.get(knob); }
void amp_restart(amp_model* model) { model->engine.restart(); }

void amp_process(amp_model* model, const float* in, float* out, uint32_t frames) {
    model->engine.process(in, out, frames);
}

void amp_render(amp_model* model, const float* in, float* out, size_t frames,
                const float* positions, size_t rows) {
    const uint32_t knobs = model->image.knobs, interval = model->image.interval;
    for (size_t row = 0; frames > 0; ++row) {
        for (uint32_t k = 0; row < rows && k < knobs; ++k)
            model->engine.set(k, positions[row * knobs + k]);
        const unsigned now = frames < interval ? unsigned(frames) : interval;
        model->engine.process(in, out, now);
        in += now;
        out += now;
        frames -= now;
    }
}

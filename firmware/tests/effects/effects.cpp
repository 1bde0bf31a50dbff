// Everything in firmware/effects that the audio callback and its surroundings call, compiled alone:
// what this object leaves undefined, the pedal would have to find in a library.

#include "chain.h"
#include "load.h"

namespace ampsweep {

struct Through {
    void process(const float* in, float* out, unsigned frames) noexcept {
        for (unsigned i = 0; i < frames; ++i) out[i] = in[i];
    }
};

template class Switcher<Through>;
template class Chain<Through>;

void load_cabinet(Cabinet& cabinet, const float* taps, unsigned count) {
    cabinet.load(taps, count);
}

void set(Chain<Through>& chain, float decibels) {
    chain.trim.set(decibels);
    chain.gate.set(decibels);
    chain.bypass.set(decibels > 0.0f);
}

float read(const Meter& meter) { return meter.peak() + meter.held() + meter.rms(); }

bool measure(LoadMeter& load, std::uint32_t from, std::uint32_t to) {
    load.begin(from);
    return load.end(to, 48);
}

Note tell(const Tuner& tuner) { return note_of(tuner.reading().frequency); }

}  // namespace ampsweep

// A cabinet for whatever speaks C, and has its audio at hand rather than in a stream.

#include "../effects/cabinet.h"

#include <cstddef>
#include <cstdint>
#include <new>

#include "../lv2/denormals.h"

using ampsweep::Cabinet;

extern "C" {

// Of at most 2048 samples; null: no memory.
Cabinet* cabinet_open(const float* taps, uint32_t count) {
    Cabinet* cabinet = new (std::nothrow) Cabinet;
    if (cabinet) cabinet->load(taps, count);
    return cabinet;
}

void cabinet_close(Cabinet* cabinet) { delete cabinet; }  // or null

// Plays on; in and out may be the same.
void cabinet_process(Cabinet* cabinet, const float* in, float* out, size_t frames) {
    const ampsweep::NoDenormals guard;
    while (frames > 0) {
        const unsigned now = frames < Cabinet::PARTITION ? unsigned(frames) : Cabinet::PARTITION;
        cabinet->process(in, out, now);
        in += now;
        out += now;
        frames -= now;
    }
}
}

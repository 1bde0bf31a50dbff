// A model between a sound card's input and its output, as PortAudio calls it.
//
// Whoever opened the stream turns the knobs and reads the meters from another thread; what the
// callback does never waits for them, and never leaves C++.

#ifndef AMPSWEEP_LIVE_H
#define AMPSWEEP_LIVE_H

#include <stdint.h>

#include "../host/ampsweep.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct amp_live amp_live;

/* What passed since it was read before. */
typedef struct {
    float input, output; /* the largest samples; 1 is 0 dBFS */
    uint32_t callbacks;
    uint32_t dropouts; /* callbacks that were told that audio had been lost */
    uint32_t block; /* frames of the last one; 0: there was none yet */
} amp_meters;

/* Frames hold `inputs` channels, of which number `input` (from 0) is heard, and `outputs`, which
   all sound the same. The model must stay open, and nothing else may play it. Null: no memory. */
amp_live* live_open(amp_model* model, uint32_t rate, uint32_t inputs, uint32_t input,
                    uint32_t outputs);
void live_close(amp_live* live); /* or null; after the stream */

/* An impulse response at the stream's rate, before it starts: at most 2048 samples count. 0: no
   memory. */
int live_cabinet(amp_live* live, const float* taps, uint32_t count);

uint32_t live_delay(const amp_live* live); /* samples of resampling; 0 at the model's rate */

/* From any thread. */
void live_set(amp_live* live, uint32_t knob, float position);
void live_levels(amp_live* live, float input, float output); /* dB */
void live_bypass(amp_live* live, int bypassed);
void live_read(amp_live* live, amp_meters* meters);

/* A PaStreamCallback: interleaved floats. */
int live_callback(const void* in, void* out, unsigned long frames, const void* times,
                  unsigned long flags, void* live);

#ifdef __cplusplus
}
#endif

#endif

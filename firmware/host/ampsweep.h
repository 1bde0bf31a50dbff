// The engine for whatever speaks C: LV2, the web page, Python. It copies the image and allocates
// its memory when a model is opened; nothing else here allocates, blocks or fails.

#ifndef AMPSWEEP_H
#define AMPSWEEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct amp_model amp_model;

typedef struct {
    const char* name; /* UTF-8, as printed on the panel */
    const char* unit; /* empty if it has none */
    const char* short_name; /* at most 11 characters of ASCII */
    float minimum, maximum, initial; /* panel positions */
    uint32_t pot; /* 1 to 6, or 0: none */
    uint32_t detents; /* of a switch, at positions 0 to detents - 1; 0: a knob */
} amp_knob;

/* Opens a pedal image; its bytes may go afterwards. Null if it is bad: then *status says why. */
amp_model* amp_open(const void* image, size_t size, int* status);
void amp_close(amp_model* model); /* or null */

#define AMP_NO_MEMORY 255 /* a status beside those of the image */
const char* amp_status_text(int status); /* one sentence */

/* What it says about itself. All texts live as long as the model is open. */
const char* amp_name(const amp_model* model);
const char* amp_device(const amp_model* model);
uint32_t amp_sample_rate(const amp_model* model); /* Hz */
uint32_t amp_interval(const amp_model* model); /* samples from one control frame to the next */
/* Levels of 0 dBFS in dBu; 0 returned if not known. */
int amp_input_level(const amp_model* model, float* dbu);
int amp_output_level(const amp_model* model, float* dbu);

uint32_t amp_knob_count(const amp_model* model);
/* 0 returned if there is none. */
int amp_knob_at(const amp_model* model, uint32_t knob, amp_knob* found);
/* The label of a switch's position; null if there is none. */
const char* amp_detent(const amp_model* model, uint32_t knob, uint32_t position);

/* Panel positions, clamped to the knob's range; followed from the next control frame on. */
void amp_set(amp_model* model, uint32_t knob, float position);
float amp_get(const amp_model* model, uint32_t knob);

/* Begins again: knobs stand where they were set, and silence has lasted for ever. */
void amp_restart(amp_model* model);

/* Any number of frames; in and out may be the same. */
void amp_process(amp_model* model, const float* in, float* out, uint32_t frames);

/* Plays on from a control frame with knobs that move. positions: (rows, knobs); each row is reached
   at the end of its interval, and the last one stays. */
void amp_render(amp_model* model, const float* in, float* out, size_t frames,
                const float* positions, size_t rows);

#ifdef __cplusplus
}
#endif

#endif

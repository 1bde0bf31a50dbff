/* An LV2 plugin that does, one at a time, what a host has to cope with. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXT "http://lv2plug.in/ns/ext/"

typedef struct { const char *uri; void *data; } Feature;
typedef struct { void *handle; uint32_t (*map)(void *, const char *); } Map;
typedef struct { void *handle; int (*schedule)(void *, uint32_t, const void *); } Schedule;
typedef struct { void *handle; int (*printf)(void *, uint32_t, const char *, ...); } Log;
typedef struct {
    int context; uint32_t subject, key, size, type; const void *value;
} Option;
typedef struct { uint32_t size, type, unit, pad; } Sequence;

enum { IN, SIDE, OUT, MODE, LEVEL, LATENCY, EVENTS, NOTES, PORTS };
enum { PASS, CRASH, RINGS, BLOCK, NOT_A_NUMBER, WORKS, PRINTS, LEAVES, DELAYS };
#define DELAY 100

typedef struct {
    void *ports[PORTS];
    Schedule *schedule;
    Log *log;
    uint32_t sequence, chunk, block;
    float ring, worked, asked, held[DELAY];
    uint32_t at;
} Probe;

static void *instantiate(const void *d, double rate, const char *path, const Feature *const *f)
{
    (void)d, (void)path;
    Probe *p = calloc(1, sizeof(Probe));
    Map *map = NULL;
    const Option *options = NULL;
    for (; *f; f++) {
        if (!strcmp((*f)->uri, EXT "urid#map")) map = (*f)->data;
        if (!strcmp((*f)->uri, EXT "worker#schedule")) p->schedule = (*f)->data;
        if (!strcmp((*f)->uri, EXT "options#options")) options = (*f)->data;
        if (!strcmp((*f)->uri, EXT "log#log")) p->log = (*f)->data;
    }
    if (!map || !p->schedule || !options || !p->log) return NULL;
    p->sequence = map->map(map->handle, EXT "atom#Sequence");
    p->chunk = map->map(map->handle, EXT "atom#Chunk");
    float said = 0;
    for (; options->key; options++) {
        if (options->key == map->map(map->handle, EXT "buf-size#maxBlockLength"))
            p->block = *(const int32_t *)options->value;
        if (options->key == map->map(map->handle, EXT "parameters#sampleRate"))
            said = *(const float *)options->value;
    }
    if (said != rate) return NULL;
    p->ring = 0.5f;
    printf("instantiated\n");
    fprintf(stderr, "instantiated\n");
    p->log->printf(p->log->handle, 0, "a number: %d\n", 5);
    return p;
}

static void connect(void *h, uint32_t port, void *where) { ((Probe *)h)->ports[port] = where; }

static void run(void *h, uint32_t frames)
{
    Probe *p = h;
    const float *in = p->ports[IN], *side = p->ports[SIDE];
    float *out = p->ports[OUT], level = *(float *)p->ports[LEVEL];
    int mode = (int)*(float *)p->ports[MODE];
    const Sequence *events = p->ports[EVENTS];
    const Sequence *notes = p->ports[NOTES];
    int wrong = frames != p->block || events->type != p->sequence || events->size != 8 ||
                notes->type != p->chunk || notes->size < 1024;
    memset(p->ports[NOTES], 0, 16);
    *(float *)p->ports[LATENCY] = mode == DELAYS ? DELAY : 0;
    for (uint32_t i = 0; i < frames; i++) {
        float x = in[i] + 10 * side[i];
        out[i] = wrong ? NAN : level * x;
        if (mode == BLOCK) out[i] = frames;
        if (mode == NOT_A_NUMBER) out[i] = NAN;
        if (mode == WORKS) out[i] = p->worked;
        if (mode == RINGS) { out[i] += p->ring; p->ring *= 0.9997f; }
        if (mode == LEAVES) out[i] = level;
        if (mode == DELAYS) { out[i] = p->held[p->at]; p->held[p->at] = x; p->at = (p->at + 1) % DELAY; }
    }
    if (mode == CRASH && frames && in[0] != 0) *(volatile int *)8 = 1;
    if (mode == PRINTS) { printf("noise\n"); fflush(stdout); fprintf(stderr, "noise\n"); }
    if (mode == WORKS && level != p->asked) {
        p->asked = level;
        p->schedule->schedule(p->schedule->handle, sizeof(float), &level);
    }
}

static void cleanup(void *h) { free(h); }

typedef int (*Respond)(void *, uint32_t, const void *);

static int work(void *h, Respond respond, void *to, uint32_t size, const void *data)
{
    (void)h;
    float twice = 2 * *(const float *)data;
    return size == sizeof twice ? respond(to, sizeof twice, &twice) : 1;
}

static int work_response(void *h, uint32_t size, const void *data)
{
    if (size == sizeof(float)) ((Probe *)h)->worked = *(const float *)data;
    return 0;
}

static const void *extension_data(const char *uri)
{
    static const struct {
        int (*work)(void *, Respond, void *, uint32_t, const void *);
        int (*response)(void *, uint32_t, const void *);
        int (*end)(void *);
    } worker = { work, work_response, NULL };
    return strcmp(uri, EXT "worker#interface") ? NULL : &worker;
}

typedef struct {
    const char *uri;
    void *(*instantiate)(const void *, double, const char *, const Feature *const *);
    void (*connect)(void *, uint32_t, void *);
    void (*activate)(void *);
    void (*run)(void *, uint32_t);
    void (*deactivate)(void *);
    void (*cleanup)(void *);
    const void *(*extension_data)(const char *);
} Descriptor;

const Descriptor *lv2_descriptor(uint32_t index)
{
    static const Descriptor probe = {
        "urn:ampsweep:probe", instantiate, connect, NULL, run, NULL, cleanup, extension_data,
    };
    return index ? NULL : &probe;
}

// Traps what a real-time thread may not do: loaded before everything else (LD_PRELOAD), it counts
// whatever allocates, waits, or touches a file while trap_run() is in a plugin's run().

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

static __thread int armed __attribute__((tls_model("initial-exec")));
static const char* first;
static unsigned count;

static void caught(const char* name) {
    if (!armed) return;
    if (count++ == 0) first = name;
}

// Calls run(handle, frames); returns how many forbidden calls it made.
unsigned trap_run(void (*run)(void*, uint32_t), void* handle, uint32_t frames) {
    first = NULL;
    count = 0;
    armed = 1;
    run(handle, frames);
    armed = 0;
    return count;
}

typedef int (*Callback)(const void*, void*, unsigned long, const void*, unsigned long, void*);

// The same for a PaStreamCallback.
unsigned trap_callback(Callback callback, const float* in, float* out, uint32_t frames, void* to) {
    first = NULL;
    count = 0;
    armed = 1;
    callback(in, out, frames, NULL, 0, to);
    armed = 0;
    return count;
}

// The name of the first of them; null if there was none.
const char* trap_first(void) { return first; }

// The allocator, whose real functions dlsym() cannot be asked for: it allocates.
extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

void* malloc(size_t size) { return caught("malloc"), __libc_malloc(size); }
void* calloc(size_t items, size_t size) { return caught("calloc"), __libc_calloc(items, size); }
void* realloc(void* at, size_t size) { return caught("realloc"), __libc_realloc(at, size); }
void* memalign(size_t to, size_t size) { return caught("memalign"), __libc_memalign(to, size); }
void* aligned_alloc(size_t to, size_t size) {
    return caught("aligned_alloc"), __libc_memalign(to, size);
}
int posix_memalign(void** at, size_t to, size_t size) {
    caught("posix_memalign");
    return (*at = __libc_memalign(to, size)) ? 0 : 12;
}
void free(void* at) {
    caught("free");
    __libc_free(at);
}

// Everything else: seven words are passed on and one comes back, whatever the function means by
// them.
typedef uintptr_t Word;
typedef Word (*Function)(Word, Word, Word, Word, Word, Word, Word);

#define TRAPPED(name)                                                                 \
    Word trapped_##name(Word, Word, Word, Word, Word, Word, Word) __asm__(#name);     \
    Word trapped_##name(Word a, Word b, Word c, Word d, Word e, Word f, Word g) {     \
        static Function real;                                                         \
        caught(#name);                                                                \
        if (!real) *(void**)&real = dlsym(RTLD_NEXT, #name);                          \
        return real(a, b, c, d, e, f, g);                                             \
    }

TRAPPED(pthread_mutex_lock)
TRAPPED(pthread_rwlock_rdlock)
TRAPPED(pthread_rwlock_wrlock)
TRAPPED(pthread_cond_wait)
TRAPPED(pthread_cond_timedwait)
TRAPPED(pthread_join)
TRAPPED(pthread_create)
TRAPPED(sem_wait)
TRAPPED(nanosleep)
TRAPPED(clock_nanosleep)
TRAPPED(usleep)
TRAPPED(sched_yield)
TRAPPED(poll)
TRAPPED(select)
TRAPPED(open)
TRAPPED(open64)
TRAPPED(openat)
TRAPPED(fopen)
TRAPPED(fopen64)
TRAPPED(fclose)
TRAPPED(fread)
TRAPPED(fwrite)
TRAPPED(read)
TRAPPED(write)
TRAPPED(close)
TRAPPED(mmap)
TRAPPED(munmap)
TRAPPED(syscall)

// The engine for a web page: the C interface of firmware/host, and as much of a C library as that
// needs. WebAssembly brings none.

#include "../host/all.cpp"

extern "C" {

extern unsigned char __heap_base;  // the linker's: where the memory is free from

// Copies and fills become one instruction each, which is why these do not call themselves.
void* memcpy(void* to, const void* from, size_t size) { return __builtin_memcpy(to, from, size); }
void* memmove(void* to, const void* from, size_t size) { return __builtin_memmove(to, from, size); }
void* memset(void* to, int value, size_t size) { return __builtin_memset(to, value, size); }

int memcmp(const void* a, const void* b, size_t size) {
    const unsigned char* one = static_cast<const unsigned char*>(a);
    const unsigned char* other = static_cast<const unsigned char*>(b);
    for (size_t i = 0; i < size; ++i)
        if (one[i] != other[i]) return one[i] - other[i];
    return 0;
}

// From the free memory's start upwards, which grows as it must. Null if the browser has no more.
void* malloc(size_t size) {
    constexpr size_t PAGE = 65536, LARGEST = 64 * 1024 * 1024;
    static size_t top = 0;
    if (top == 0) top = aligned(reinterpret_cast<size_t>(&__heap_base));
    if (size > LARGEST) return nullptr;
    const size_t start = top, end = start + aligned(size);
    const size_t pages = (end + PAGE - 1) / PAGE, there = __builtin_wasm_memory_size(0);
    if (pages > there && __builtin_wasm_memory_grow(0, pages - there) == size_t(-1)) return nullptr;
    top = end;
    return reinterpret_cast<void*>(start);
}

// Nothing comes back: an instance opens one model, and the two are dropped together.
void free(void*) {}

}  // extern "C"

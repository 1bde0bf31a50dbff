// From reset to main on the emulated Cortex-M7; files and printing go through semihosting.

#include <cstdint>
#include <cstdlib>

int main();

extern "C" {
void initialise_monitor_handles();
void __libc_init_array();
extern char __stack, __bss_start__, __bss_end__;

// newlib's own start would ask the emulator where the stack is, and believe it.
[[noreturn]] void begin() {
    for (char* p = &__bss_start__; p < &__bss_end__; ++p) *p = 0;
    initialise_monitor_handles();
    __libc_init_array();
    std::exit(main());
}

void reset() {
    volatile std::uint32_t* access = reinterpret_cast<volatile std::uint32_t*>(0xe000ed88);
    *access = *access | (0xfu << 20);  // the floating-point unit
    asm volatile("dsb\n\tisb" ::: "memory");
    begin();
}

void stop() {
    for (;;) asm volatile("bkpt 0");
}

__attribute__((section(".vectors"), used)) void* const vectors[16] = {
    &__stack,
    reinterpret_cast<void*>(reset),
    reinterpret_cast<void*>(stop),
    reinterpret_cast<void*>(stop),
    reinterpret_cast<void*>(stop),
    reinterpret_cast<void*>(stop),
    reinterpret_cast<void*>(stop),
};
}

// Plays a job through the whole chain with the engine in it and, on the emulated Cortex-M7, counts
// the instructions of every block of 48 frames.
//
// job.bin: u32 size of the image, the image; u32 taps, the cabinet; u32 frames, the dry; u32 rows,
// positions (rows, knobs), one for each block from the first; u32 whether somebody turns and treads
// on everything else as well, all the time. wet.bin: the wet. Printed: bytes of stack, then the counts, a line
// each.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "chain.h"

#if defined(__arm__)
#include "../engine/m7.h"
#else
inline void start_counting() {}
inline std::uint32_t now() { return 0; }
inline std::uint32_t between(std::uint32_t, std::uint32_t) { return 0; }
struct Stack {
    explicit Stack(void*) {}
    unsigned used() const { return 0; }
};
#endif

using namespace ampsweep;

namespace {

constexpr unsigned FRAMES = 48;

template <class T>
std::vector<T> read(std::FILE* file, std::size_t count) {
    std::vector<T> values(count);
    if (count && std::fread(values.data(), sizeof(T), count, file) != count) std::exit(3);
    return values;
}

}  // namespace

int main() {
    std::FILE* job = std::fopen("job.bin", "rb");
    if (!job) return 3;
    const auto count = [&] { return read<std::uint32_t>(job, 1)[0]; };
    const std::vector<std::uint8_t> bytes = read<std::uint8_t>(job, count());
    Image image;
    if (const Status bad = open(bytes.data(), bytes.size(), image); bad != Status::ok) {
        std::fprintf(stderr, "%s\n", text(bad));
        return 3;
    }
    const std::vector<float> taps = read<float>(job, count()), dry = read<float>(job, count());
    const std::uint32_t rows = count();
    const std::vector<float> positions = read<float>(job, rows * image.knobs);
    const bool restless = count() != 0;
    std::fclose(job);

    const Levels ours = {6.0f, 9.0f, true, true};
    const auto chain = std::make_unique<Chain<>>(float(image.sample_rate));
    std::vector<std::uint8_t> arenas[2];
    const auto load = [&](std::vector<std::uint8_t>& arena) {
        arena.resize(arena_size(image));
        Voice<Engine>* spare = chain->models.spare();
        spare->model.load(image, arena.data(), arena.size());
        for (unsigned k = 0; k < image.knobs; ++k) spare->model.set(k, positions[k]);
        spare->model.restart();
        spare->match(levels_of(image), ours);
        spare->cabinet.load(taps.data(), unsigned(taps.size()));
        chain->play_spare();
    };
    load(arenas[0]);
    if (restless) {
        std::vector<float> silence(2 * FRAMES * 4);
        for (std::size_t at = 0; at < silence.size(); at += FRAMES)
            chain->process(&silence[at], &silence[at], FRAMES);
        load(arenas[1]);
        chain->gate.set(-60.0f);
        chain->tune(true);
    }

    start_counting();
    std::vector<float> wet(dry.size());
    std::vector<std::uint32_t> counts;
    unsigned block = 0;
    const Stack stack(__builtin_frame_address(0));
    for (std::size_t at = 0; at + FRAMES <= dry.size(); at += FRAMES, ++block) {
        if (restless) {
            chain->trim.set(float(block % 7));
            chain->level.set(float(block % 5));
            chain->bypass.set(block % 40 < 20);
            if (block % 30 == 29) chain->play_spare();
        }
        const std::uint32_t before = now();
        Voice<Engine>* playing = chain->models.current();
        for (unsigned k = 0; playing && block < rows && k < image.knobs; ++k)
            playing->model.set(k, positions[block * image.knobs + k]);
        chain->process(&dry[at], &wet[at], FRAMES);
        counts.push_back(between(before, now()));
    }
    std::printf("%u\n", stack.used());
    for (const std::uint32_t each : counts) std::printf("%u\n", unsigned(each));
    std::FILE* out = std::fopen("wet.bin", "wb");
    if (!out || std::fwrite(wet.data(), sizeof(float), wet.size(), out) != wet.size()) return 3;
    return std::fclose(out);
}

// Plays a job on the emulated Cortex-M7 and counts instructions.
//
// job.bin: u32 size of the image, the image, u32 frames, the dry, u32 rows, positions (rows,
// knobs). wet.bin: the wet. Printed, a line each: bytes of the arena, of its fast part and of stack;
// instructions of the image's check, of the load, then of every block of 48 frames.

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../../engine/engine.h"
#include "m7.h"

using namespace ampsweep;

namespace {

template <class T>
std::vector<T> read(std::FILE* file, std::size_t count) {
    std::vector<T> values(count);
    if (std::fread(values.data(), sizeof(T), count, file) != count) std::exit(3);
    return values;
}

}  // namespace

int main() {
    std::FILE* job = std::fopen("job.bin", "rb");
    if (job == nullptr) return 3;
    const auto count = [&] { return read<std::uint32_t>(job, 1)[0]; };
    std::vector<std::uint8_t> bytes = read<std::uint8_t>(job, count());
    std::vector<float> dry = read<float>(job, count());
    const std::uint32_t rows = count();

    start_counting();
    Image image;
    std::uint32_t before = now();
    const Status found = open(bytes.data(), bytes.size(), image);
    const unsigned opening = between(before, now());
    if (found != Status::ok) return int(found);
    const std::vector<float> positions = read<float>(job, rows * image.knobs);
    std::fclose(job);

    std::vector<std::uint8_t> arena(arena_size(image));
    Engine engine;
    before = now();
    engine.load(image, arena.data(), arena.size());
    const unsigned loading = between(before, now());
    const unsigned fast = unsigned(fast_size(image));
    bytes.assign(bytes.size(), 0xa5);  // the image may go

    const auto turn = [&](std::size_t row) {
        for (unsigned k = 0; row < rows && k < engine.knobs(); ++k)
            engine.set(k, positions[row * engine.knobs() + k]);
    };
    turn(0);
    engine.restart();
    std::vector<float> wet(dry.size());
    std::vector<std::uint32_t> counts;
    counts.reserve(dry.size() / 48 + 1);
    const Stack stack(__builtin_frame_address(0));
    for (std::size_t start = 0, row = 1; start < dry.size(); start += 48, ++row) {
        const std::size_t left = dry.size() - start;
        before = now();
        turn(row);
        engine.process(dry.data() + start, wet.data() + start, left < 48 ? unsigned(left) : 48);
        counts.push_back(between(before, now()));
    }
    std::printf("%u\n%u\n%u\n", unsigned(arena.size()), fast, stack.used());
    std::printf("%u\n%u\n", opening, loading);
    for (const std::uint32_t each : counts) std::printf("%u\n", unsigned(each));
    std::FILE* out = std::fopen("wet.bin", "wb");
    std::fwrite(wet.data(), sizeof(float), wet.size(), out);
    return std::fclose(out);
}

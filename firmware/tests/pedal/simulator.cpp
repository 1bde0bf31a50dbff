// The whole pedal, without a board.
//
//     simulator SCRIPT FOLDER IN.wav OUT.wav   plays IN.wav, as the script has hands and feet do
//     simulator SCRIPT FOLDER                  MIDI comes on stdin and goes to stdout, until stdin
//                                              ends; silence is played
//
// FOLDER/flash.bin is the flash, kept from one run to the next. FOLDER/log.txt has what the lights
// and the MIDI outputs did. A line of the script, in the order of time, is a time in milliseconds
// and one of:
//
//     pot 1 0.75        toggle 1 up|down     foot 1 down|up       push down|up
//     turn 3            the encoder, so many clicks; −3: the other way
//     midi usb B01440   bytes that come in; or serial
//     cost 1200         microseconds that the audio callback takes from now on
//     cut               the power goes, and comes back
//     cut 7             it goes in the middle of the seventh write or erasure from now on
//     hang main|audio   that one stops for ever
//     frame NAME        FOLDER/NAME.png: the display as it is

#include <poll.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "bench.h"
#include "png.h"
#include "wav.h"

using namespace ampsweep::pedal;

namespace {

struct Simulation {
    Bench bench;
    std::string folder;
    std::ifstream script;
    std::ofstream log;
    std::string line;     // the next of the script
    long clicks = 0;      // of the encoder, still to be turned
    unsigned quarter = 0;

    [[noreturn]] void fail(const std::string& what) {
        std::fprintf(stderr, "%s\n", what.c_str());
        std::exit(2);
    }

    Simulation(const char* script_path, const char* at) : folder(at), script(script_path) {
        if (!script) fail("no script");
        log.open(folder + "/log.txt");
        const std::vector<uint8_t> kept = read_file(folder + "/flash.bin");
        if (kept.size() == bench.flash.bytes.size()) bench.flash.bytes = kept;
        const auto note = [this](const std::string& what) {
            log << bench.now << ' ' << what << '\n';
        };
        bench.log = note;
        bench.midi_out = [note](Port port, const uint8_t* bytes, std::size_t count) {
            std::string hex;
            for (std::size_t i = 0; i < count; ++i) {
                char two[3];
                std::snprintf(two, sizeof two, "%02X", unsigned(bytes[i]));
                hex += two;
            }
            note(std::string("midi ") + (port == Port::usb ? "usb " : "serial ") + hex);
        };
        bench.restart();
        next_line();
    }

    ~Simulation() {
        const std::vector<uint8_t>& flash = bench.flash.bytes;
        write_file(folder + "/flash.bin", flash.data(), flash.size());
    }

    void next_line() {
        while (std::getline(script, line))
            if (!line.empty() && line[0] != '#') return;
        line.clear();
    }

    void step(const float* in, float* out) {
        while (!line.empty() && std::strtoul(line.c_str(), nullptr, 10) <= bench.now) {
            act();
            next_line();
        }
        turn();
        bench.step(in, out);
    }

    void act() {
        std::istringstream words(line);
        unsigned long time = 0;
        std::string what, first, second;
        words >> time >> what >> first >> second;
        const unsigned which = unsigned(std::strtoul(first.c_str(), nullptr, 10)) - 1;
        const bool on = second == "up" ? what == "toggle" : second == "down" && what == "foot";
        if (what == "pot" && which < POTS)
            bench.panel.pots[which] = std::strtof(second.c_str(), nullptr);
        else if (what == "toggle" && which < TOGGLES) bench.panel.toggles[which] = on;
        else if (what == "foot" && which < FOOTSWITCHES) bench.panel.footswitches[which] = on;
        else if (what == "push") bench.panel.encoder_push = first == "down";
        else if (what == "turn") clicks += std::strtol(first.c_str(), nullptr, 10);
        else if (what == "midi") {
            for (std::size_t i = 0; i + 2 <= second.size(); i += 2)
                bench.midi_in[first == "serial"].push_back(
                    uint8_t(std::strtoul(second.substr(i, 2).c_str(), nullptr, 16)));
        } else if (what == "cost") bench.cost = which + 1;
        else if (what == "cut" && first.empty()) {
            bench.log("power cut");
            bench.restart();
        } else if (what == "cut") bench.flash.cut_at = bench.flash.operations + which;
        else if (what == "hang") (first == "main" ? bench.main_hangs : bench.audio_hangs) = true;
        else if (what == "frame") {
            if (!write_png(folder + "/" + first + ".png", bench.display)) fail("no " + first);
        } else fail("what is this: " + line);
    }

    // A quarter of a click in two milliseconds.
    void turn() {
        if (!clicks || bench.now % 2) return;
        const bool forward = clicks > 0;
        const bool leads = quarter == 0 || quarter == 1, follows = quarter == 1 || quarter == 2;
        bench.panel.encoder_a = forward ? leads : follows;
        bench.panel.encoder_b = forward ? follows : leads;
        quarter = (quarter + 1) % 4;
        if (quarter == 0) clicks += forward ? -1 : 1;
    }
};

int serve(Simulation& simulation) {
    Bench& bench = simulation.bench;
    bench.midi_out = [](Port, const uint8_t* bytes, std::size_t count) {
        if (write(STDOUT_FILENO, bytes, count) != ssize_t(count)) std::exit(0);  // nobody listens
    };
    const float silence[Bench::BLOCK] = {};
    float out[Bench::BLOCK];
    for (;;) {
        pollfd input{STDIN_FILENO, POLLIN, 0};
        if (poll(&input, 1, 1) > 0) {
            uint8_t bytes[4096];
            const ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
            if (count <= 0) return 0;
            bench.midi_in[0].insert(bench.midi_in[0].end(), bytes, bytes + count);
        }
        simulation.step(silence, out);
    }
}

}  // namespace

int main(int count, char** words) {
    if (count != 3 && count != 5) {
        std::fprintf(stderr, "usage: simulator SCRIPT FOLDER [IN.wav OUT.wav]\n");
        return 2;
    }
    Simulation simulation(words[1], words[2]);
    if (count == 3) return serve(simulation);
    std::vector<float> audio;
    if (!read_wav(words[3], audio)) simulation.fail("not a mono 48 kHz WAV of floats");
    audio.resize(audio.size() / Bench::BLOCK * Bench::BLOCK);
    for (std::size_t at = 0; at < audio.size(); at += Bench::BLOCK) {
        float out[Bench::BLOCK];
        simulation.step(audio.data() + at, out);
        std::copy(out, out + Bench::BLOCK, audio.begin() + long(at));
    }
    return write_wav(words[4], audio) ? 0 : 2;
}

// MIDI's bytes, the pedal's own messages in them, and files that arrive by them.

#include <random>
#include <string>

#include "../../pedal/ring.h"
#include "../../pedal/transfer.h"
#include "../../pedal/usb_midi.h"
#include "check.h"
#include "sim_flash.h"

using namespace ampsweep::pedal;
using ampsweep::crc32;

typedef std::vector<uint8_t> Bytes;

static std::vector<Bytes> parsed(MidiParser& parser, const Bytes& bytes) {
    std::vector<Bytes> all;
    MidiMessage message;
    for (const uint8_t byte : bytes) {
        if (!parser.take(byte, message)) continue;
        Bytes one{message.status};
        one.insert(one.end(), message.data, message.data + message.count);
        all.push_back(one);
    }
    return all;
}

TEST(messages_of_each_length_and_running_status) {
    MidiParser parser;
    CHECK((parsed(parser, {0xB0, 20, 64, 21, 65, 0xC5, 3, 4, 0xE0, 1, 2}) ==
           std::vector<Bytes>{{0xB0, 20, 64}, {0xB0, 21, 65}, {0xC5, 3}, {0xC5, 4}, {0xE0, 1, 2}}));
}

TEST(real_time_bytes_anywhere_disturb_nothing) {
    MidiParser parser;
    CHECK((parsed(parser, {0xF8, 0xB0, 0xFE, 20, 0xF8, 64, 0xF0, 1, 0xF8, 2, 0xF7, 0xFA}) ==
           std::vector<Bytes>{{0xB0, 20, 64}, {0xF0, 1, 2}}));
}

TEST(data_without_a_status_is_ignored) {
    MidiParser parser;
    CHECK((parsed(parser, {1, 2, 3, 0xF7, 5, 0xF6, 6, 7, 0xF3, 8, 9, 0xF2, 1, 2, 3, 0xC0, 4}) ==
           std::vector<Bytes>{{0xF3, 8}, {0xF2, 1, 2}, {0xC0, 4}}));
}

TEST(a_sysex_too_long_or_cut_off_is_dropped_and_the_next_is_heard) {
    MidiParser parser;
    Bytes bytes{0xF0};
    bytes.insert(bytes.end(), 119, 7);
    bytes.insert(bytes.end(), {0xF7, 0xF0, 1, 0xB0, 20, 64, 0xF7, 0xF0, 2, 0xF7});
    CHECK((parsed(parser, bytes) == std::vector<Bytes>{{0xB0, 20, 64}, {0xF0, 2}}));
    Bytes longest{0xF0};
    longest.insert(longest.end(), 118, 7);
    longest.push_back(0xF7);
    CHECK(parsed(parser, longest).size() == 1);
}

TEST(thirty_two_knobs_have_thirty_two_numbers) {
    bool seen[32] = {};
    for (unsigned number = 0; number < 128; ++number) {
        const ControlNumber what = control_of(uint8_t(number));
        if (what.control != Control::knob) continue;
        CHECK(what.knob < 32 && !seen[what.knob]);
        seen[what.knob] = true;
    }
    for (const bool knob : seen) CHECK(knob);
    CHECK(control_of(20).knob == 0 && control_of(102).knob == 12 && control_of(15).knob == 31);
    CHECK(control_of(80).control == Control::bypass && control_of(1).control == Control::none);
}

TEST(the_crc_is_everyone_s) { CHECK(crc32("123456789", 9) == 0xCBF43926); }

TEST(any_bytes_survive_seven_bits) {
    std::mt19937 random(1);
    for (std::size_t count = 0; count <= Sysex::ROOM; ++count) {
        Sysex sent(uint8_t(random() % 128)), got;
        for (std::size_t i = 0; i < count; ++i) sent.u8(uint8_t(random()));
        uint8_t message[MidiParser::LONGEST];
        const std::size_t length = sent.write(message);
        CHECK(length <= 120);
        for (std::size_t i = 1; i + 1 < length; ++i) CHECK(message[i] < 0x80);
        MidiParser parser;
        const auto heard = parsed(parser, Bytes(message, message + length));
        CHECK(heard.size() == 1);
        bool damaged = true;
        CHECK(got.read(heard[0].data() + 1, heard[0].size() - 1, damaged) && !damaged);
        CHECK(got.kind == sent.kind && got.count() == count);
        CHECK(count == 0 || std::memcmp(got.body(), sent.body(), count) == 0);
        for (std::size_t i = 4; i + 1 < length; ++i) {  // any bit that turns is noticed…
            message[i] ^= uint8_t(1 << random() % 7);
            bool ours = false;
            if (!got.read(message + 1, length - 2, ours)) CHECK(ours);
            else CHECK(got.kind == sent.kind && got.count() == count &&  // … or was padding
                       std::memcmp(got.body(), sent.body(), Sysex::ROOM) == 0);
            sent.write(message);
        }
    }
}

TEST(others_messages_are_not_ours) {
    Sysex got;
    bool damaged = true;
    const uint8_t other[] = {0x43, 'a', 's', 1, 0, 0};
    CHECK(!got.read(other, sizeof other, damaged) && !damaged);
    CHECK(!got.read(other, 0, damaged) && !damaged);
}

TEST(usb_packets_say_where_a_message_ends) {
    for (std::size_t count = 2; count <= MidiParser::LONGEST; ++count) {
        Bytes message(count, 0x11), packets((count + 2) / 3 * 4), back;
        message.front() = 0xF0;
        message.back() = 0xF7;
        CHECK(to_usb_packets(message.data(), count, packets.data()) == packets.size());
        for (std::size_t i = 0; i < packets.size(); i += 4) {
            const bool last = i + 4 == packets.size();
            CHECK(packets[i] == (last ? 0x05 + (count - 1) % 3 : 0x04));
            const std::size_t bytes = packets[i] == 4 ? 3 : packets[i] - 4u;
            back.insert(back.end(), &packets[i + 1], &packets[i + 1] + bytes);
        }
        CHECK(back == message);
    }
}

TEST(a_ring_keeps_the_order_and_takes_all_or_nothing) {
    Ring<16> ring;
    uint8_t next = 0, wanted = 0, got[16];
    for (int i = 0; i < 1000; ++i) {
        uint8_t bytes[5];
        for (uint8_t& byte : bytes) byte = next++;
        ring.put(bytes, sizeof bytes);
        const std::size_t count = ring.take(got, std::size_t(1 + i % 9));
        for (std::size_t j = 0; j < count; ++j) CHECK(got[j] == wanted++);
        if (i % 3 == 2)
            while (ring.take(got, 1)) CHECK(got[0] == wanted++);
        CHECK(i % 3 != 2 || wanted == next);
    }
    while (ring.take(got, 1)) {}
    ring.put(got, 16);
    ring.put(got, 1);
    CHECK(ring.take(got, 16) == 16 && ring.take(got, 16) == 0);
}

// A computer and a pedal, and a wire between them that may lose, repeat or damage.
struct Link {
    SimFlash flash{60 * Flash::SECTOR};
    Store store{flash, 2};
    std::vector<uint8_t> staging = std::vector<uint8_t>(LARGEST_FILE);
    uint8_t judged = 0;
    Receiver receiver{store, staging.data(),
                      [](const void* verdict, Kind, const uint8_t*, uint32_t) {
                          return *static_cast<const uint8_t*>(verdict);
                      },
                      &judged};
    std::mt19937 random{5};
    unsigned faults = 0;  // of a hundred messages
    uint32_t now = 0;

    Link() { store.mount(); }

    // Every answer to one request that arrives.
    std::vector<Sysex> ask(const Sysex& request) {
        std::vector<Sysex> heard;
        uint8_t message[MidiParser::LONGEST];
        const std::size_t length = request.write(message);
        const unsigned times = fault() ? 0 : fault() ? 2 : 1;
        for (unsigned i = 0; i < times; ++i) {
            if (fault()) message[5 + random() % (length - 6)] ^= 1;
            Sysex answer;
            if (receiver.take(message + 1, length - 2, now++, answer) && !fault())
                heard.push_back(answer);
        }
        Sysex answer;
        while (receiver.tick(answer))
            if (!fault()) heard.push_back(answer);
        return heard;
    }

    bool fault() { return random() % 100 < faults; }

    // As the sender does; the last answer, or none if patience ends after so many requests.
    Sysex send(const Bytes& file, const char* name, uint8_t slot = ANY_SLOT,
               unsigned most = 100000) {
        const uint32_t crc = crc32(file.data(), file.size()), size = uint32_t(file.size());
        const Sysex begin =
            Sysex(uint8_t(Request::begin)).u8(1).u8(slot).u32(size).u32(crc).text(name);
        Sysex next = begin;
        while (most--) {
            for (const Sysex& answer : ask(next)) {
                if (Answer(answer.kind) == Answer::done) return answer;
                if (Answer(answer.kind) == Answer::refused) {
                    if (Refusal(answer.body()[0]) != Refusal::damaged) return answer;
                    continue;
                }
                if (Answer(answer.kind) != Answer::go) continue;
                const uint32_t from = get32(answer.body() + 4);
                CHECK(get32(answer.body()) == crc && from <= size);
                if (from == size) next = Sysex(uint8_t(Request::end)).u32(crc);
                else
                    next = Sysex(uint8_t(Request::block))
                               .u32(crc)
                               .u32(from)
                               .raw(file.data() + from, std::min(BLOCK, size - from));
            }
        }
        return Sysex();
    }

    Bytes stored(uint8_t slot) {
        Bytes bytes(LARGEST_FILE);
        std::size_t size = 0;
        CHECK(store.load(Kind::model, slot, bytes.data(), bytes.size(), size));
        bytes.resize(size);
        return bytes;
    }
};

static Bytes noise(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    Bytes bytes(size);
    for (uint8_t& byte : bytes) byte = uint8_t(random());
    return bytes;
}

TEST(a_file_arrives_over_a_wire_that_is_good) {
    Link link;
    const Bytes file = noise(20001, 1);
    const Sysex answer = link.send(file, "Plexi");
    CHECK(Answer(answer.kind) == Answer::done && answer.body()[5] == 0);
    CHECK(link.stored(0) == file);
    Kind kind;
    uint8_t slot;
    CHECK(link.receiver.arrived(kind, slot) && kind == Kind::model && slot == 0);
    CHECK(!link.receiver.arrived(kind, slot));
    const unsigned operations = link.flash.operations;
    CHECK(Answer(link.send(file, "Plexi").kind) == Answer::done);  // again: nothing to do
    CHECK(link.flash.operations == operations);
}

TEST(a_file_arrives_over_a_wire_that_is_bad) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        Link link;
        link.random.seed(seed);
        link.faults = 10;
        const Bytes file = noise(5000 + seed, seed);
        CHECK(Answer(link.send(file, "Plexi").kind) == Answer::done);
        CHECK(link.stored(0) == file);
    }
}

TEST(names_choose_slots) {
    Link link;
    CHECK(link.send(noise(100, 1), "A").body()[5] == 0);
    CHECK(link.send(noise(100, 2), "B").body()[5] == 1);
    CHECK(link.send(noise(100, 3), "A").body()[5] == 0);
    CHECK(link.stored(0) == noise(100, 3));
    CHECK(link.send(noise(100, 4), "C", 7).body()[5] == 7);
    CHECK(Refusal(link.send(noise(100, 4), "C", 64).body()[0]) == Refusal::place);
    const Sysex entry = link.ask(Sysex(uint8_t(Request::list)).u8(1).u8(2))[0];
    CHECK(entry.body()[1] == 7 && entry.body()[10] == 1 && entry.body()[11] == 'C');
    CHECK(link.ask(Sysex(uint8_t(Request::list)).u8(1).u8(8))[0].body()[1] == ANY_SLOT);
}

TEST(a_pulled_cable_changes_nothing_and_the_rest_is_enough_later) {
    Link link;
    const Bytes old = noise(9000, 1), file = noise(9000, 2);
    CHECK(Answer(link.send(old, "Plexi").kind) == Answer::done);
    const unsigned operations = link.flash.operations;
    const Sysex none = link.send(file, "Plexi", ANY_SLOT, 60);
    CHECK(none.kind == 0);
    CHECK(link.flash.operations == operations && link.stored(0) == old);
    CHECK(link.receiver.busy(link.now) && !link.receiver.busy(link.now + 5000));
    const uint32_t before = link.now;
    CHECK(Answer(link.send(file, "Plexi").kind) == Answer::done);
    CHECK(link.now - before < 9000 / BLOCK - 50);  // it went on where it was
    CHECK(link.stored(0) == file);
}

TEST(another_file_of_the_same_size_begins_at_its_beginning) {
    Link link;
    CHECK(link.send(noise(9000, 1), "Plexi", ANY_SLOT, 60).kind == 0);
    CHECK(Answer(link.send(noise(9000, 2), "Plexi").kind) == Answer::done);
    CHECK(link.stored(0) == noise(9000, 2));
}

TEST(what_is_refused_leaves_the_old_one) {
    Link link;
    const Bytes old = noise(9000, 1), file = noise(9000, 2);
    CHECK(Answer(link.send(old, "Plexi").kind) == Answer::done);
    link.judged = 4;
    const Sysex answer = link.send(file, "Plexi");
    link.judged = 0;
    CHECK(Refusal(answer.body()[0]) == Refusal::contents && answer.body()[1] == 4);
    CHECK(link.receiver.failed() && !link.receiver.failed());
    CHECK(link.stored(0) == old);

    // An end before the last byte, a block of what was never begun, one that is too long.
    const auto refusal = [&](const Sysex& request) {
        return Refusal(link.ask(request)[0].body()[0]);
    };
    const auto begin = [](uint8_t kind, uint32_t size) {
        return Sysex(uint8_t(Request::begin)).u8(kind).u8(3).u32(size).u32(77).text("X");
    };
    CHECK(refusal(Sysex(uint8_t(Request::block)).u32(1).u32(0).u8(1)) == Refusal::not_begun);
    link.ask(begin(1, 2));
    CHECK(refusal(Sysex(uint8_t(Request::end)).u32(77)) == Refusal::incomplete);
    CHECK(refusal(Sysex(uint8_t(Request::block)).u32(77).u32(0).u32(1)) == Refusal::unknown);
    link.ask(Sysex(uint8_t(Request::block)).u32(77).u32(0).u8(1).u8(2));
    CHECK(refusal(Sysex(uint8_t(Request::end)).u32(77)) == Refusal::crc);
    CHECK(refusal(begin(1, 0)) == Refusal::size);
    CHECK(refusal(begin(1, LARGEST_FILE + 1)) == Refusal::size);
    CHECK(refusal(begin(3, 10)) == Refusal::place);
    CHECK(refusal(Sysex(0x3F)) == Refusal::unknown);
    CHECK(Refusal(link.send(noise(56 * 4096, 3), "Y").body()[0]) == Refusal::room);
    CHECK(link.stored(0) == old);
}

TEST(a_failing_flash_is_told) {
    Link link;
    link.flash.cut_at = 3;
    const Sysex answer = link.send(noise(9000, 1), "Plexi");
    CHECK(Refusal(answer.body()[0]) == Refusal::flash && link.receiver.failed());
}

TEST(a_model_can_be_removed) {
    Link link;
    CHECK(Answer(link.send(noise(9000, 1), "Plexi").kind) == Answer::done);
    const uint32_t free = link.store.free_bytes();
    const Sysex remove = Sysex(uint8_t(Request::remove)).u8(1).u8(0);
    for (int i = 0; i < 2; ++i) CHECK(Answer(link.ask(remove)[0].kind) == Answer::done);
    CHECK(link.store.free_bytes() == free + 3 * Flash::SECTOR);
    Kind kind;
    uint8_t slot;
    CHECK(link.receiver.removed(kind, slot) && kind == Kind::model && slot == 0);
}

TEST(noise_on_the_wire_does_nothing) {
    Link link;
    CHECK(Answer(link.send(noise(3000, 1), "Plexi").kind) == Answer::done);
    const unsigned operations = link.flash.operations;
    std::mt19937 random(9);
    MidiParser parser;
    MidiMessage message;
    Sysex answer;
    for (int i = 0; i < 300000; ++i) {
        const unsigned r = unsigned(random());
        const uint8_t byte = r % 40 == 0 ? 0xF0 : r % 40 == 1 ? 0xF7 : uint8_t(r >> 8);
        if (parser.take(byte, message) && message.status == 0xF0)
            link.receiver.take(message.data, message.count, 0, answer);
    }
    // Well-formed messages with any contents whatever, removals apart.
    for (int i = 0; i < 30000; ++i) {
        Sysex asked(uint8_t(random() % 8));
        if (asked.kind == uint8_t(Request::remove)) continue;
        for (std::size_t n = random() % 96; n; --n) asked.u8(uint8_t(random() >> (random() % 8)));
        link.ask(asked);
    }
    CHECK(link.flash.operations == operations && link.stored(0) == noise(3000, 1));
}

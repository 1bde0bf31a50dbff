// The log and the store, with the power cut in the middle of every write and every erasure.

#include <map>
#include <string>

#include "../../pedal/store.h"
#include "check.h"
#include "sim_flash.h"

using namespace ampsweep::pedal;

constexpr uint32_t SECTORS = 40, LOG_SECTORS = 2;

typedef std::map<std::pair<int, int>, std::string> Contents;

// Everything that the store says it has, read back and checked.
static Contents contents(Store& store) {
    Contents all;
    for (const Kind kind : {Kind::model, Kind::cabinet, Kind::preset, Kind::settings})
        for (unsigned slot = 0; (slot = store.next(kind, slot)) < slots_of(kind); ++slot) {
            std::string text;
            if (kind == Kind::model || kind == Kind::cabinet) {
                File file;
                CHECK(store.find(kind, uint8_t(slot), file));
                std::vector<uint8_t> bytes(file.size);
                std::size_t size = 0;
                CHECK(store.load(kind, uint8_t(slot), bytes.data(), bytes.size(), size));
                text = std::string(file.name) + ":" + std::string(bytes.begin(), bytes.end());
            } else {
                uint8_t value[Log::LARGEST];
                const std::size_t length = store.read(kind, uint8_t(slot), value);
                text = std::string(value, value + length);
            }
            all[{int(kind), int(slot)}] = text;
        }
    return all;
}

static std::string noise(std::size_t size, unsigned seed) {
    std::minstd_rand random(seed + 1);
    std::string bytes(size, 0);
    for (char& c : bytes) c = char(random() >> 8);
    return bytes;
}

// One change: a file, a value, or a removal.
struct Change {
    Kind kind;
    unsigned slot;
    std::string value;  // empty: remove

    bool file() const { return kind == Kind::model || kind == Kind::cabinet; }

    bool apply(Store& store) const {
        if (value.empty()) return store.remove(kind, uint8_t(slot));
        if (!file()) return store.write(kind, uint8_t(slot), value.data(), value.size());
        const auto* bytes = reinterpret_cast<const uint8_t*>(value.data());
        if (!store.start(kind, uint8_t(slot), "Demo", bytes, uint32_t(value.size()))) return false;
        Store::Step step;
        while ((step = store.step()) == Store::Step::more) {}
        return step == Store::Step::done;
    }

    void apply(Contents& all) const {
        if (value.empty()) all.erase({int(kind), int(slot)});
        else all[{int(kind), int(slot)}] = (file() ? "Demo:" : "") + value;
    }
};

static Change random_change(std::minstd_rand& random) {
    const auto up_to = [&](unsigned n) { return unsigned(random() >> 4) % n; };
    const Kind kinds[] = {Kind::preset, Kind::preset, Kind::model, Kind::cabinet, Kind::settings};
    Change change{kinds[up_to(5)], 0, ""};
    change.slot = change.kind == Kind::settings ? 0 : up_to(3);
    if (up_to(6) == 0) return change;
    change.value = noise(change.file() ? 1 + up_to(14000) : 1 + up_to(200), unsigned(random()));
    return change;
}

TEST(what_is_written_is_there_after_a_restart) {
    SimFlash flash(SECTORS * Flash::SECTOR, 0xA5);  // as a board may come
    std::minstd_rand random(3);
    Contents wanted;
    for (int i = 0; i < 120; ++i) {
        Store store(flash, LOG_SECTORS);
        store.mount();
        CHECK(contents(store) == wanted);
        const Change change = random_change(random);
        if (change.apply(store)) change.apply(wanted);
        else CHECK(change.file() && !change.value.empty());  // no room, which is said
        CHECK(contents(store) == wanted);
    }
    CHECK(wanted.size() >= 5);
}

// Before each of a row of changes, the power is cut once in every one of its operations. What is
// there after that must be what was there before it, or after it, and nothing in between.
TEST(a_power_cut_anywhere_changes_all_or_nothing) {
    SimFlash flash(SECTORS * Flash::SECTOR);
    std::minstd_rand random(4);
    Contents wanted;
    unsigned cuts = 0, befores = 0, afters = 0;
    for (int i = 0; i < 50; ++i) {
        const Change change = random_change(random);
        Contents after = wanted;
        change.apply(after);
        const bool tidies = i % 2;  // half the time, beforehand, as the pedal does it
        unsigned total = 0;
        {
            SimFlash copy = flash;
            copy.power_on();
            Store store(copy, LOG_SECTORS);
            store.mount();
            if (tidies) while (store.tidy()) {}
            if (!change.apply(store)) after = wanted;
            total = copy.operations;
        }
        for (unsigned cut = 0; cut < total; ++cut) {
            SimFlash copy = flash;
            copy.power_on();
            copy.random.seed(cut + 1000 * unsigned(i));
            Store store(copy, LOG_SECTORS);
            store.mount();
            copy.cut_at = cut;
            if (tidies) while (store.tidy()) {}
            change.apply(store);
            CHECK(copy.dead);

            copy.power_on();
            Store again(copy, LOG_SECTORS);
            again.mount();
            const Contents there = contents(again);
            CHECK(there == wanted || there == after);
            befores += there == wanted;
            afters += there == after;
            ++cuts;

            // A second cut, while it writes for the first time after the first.
            const Change small{Kind::preset, 9, "after"};
            copy.cut_at = cut % 5;
            small.apply(again);
            copy.power_on();
            Store third(copy, LOG_SECTORS);
            third.mount();
            Contents either = there;
            small.apply(either);
            const Contents now = contents(third);
            CHECK(now == there || now == either);
            CHECK(small.apply(third));
            CHECK(contents(third) == either);
        }
        flash.power_on();
        Store store(flash, LOG_SECTORS);
        store.mount();
        if (tidies) while (store.tidy()) {}
        if (change.apply(store)) change.apply(wanted);
        CHECK(contents(store) == wanted);
    }
    std::fprintf(stderr, "  %u cuts: %u before, %u after\n", cuts, befores, afters);
    CHECK(cuts > 400 && befores > 0 && afters > 0);
}

TEST(files_wear_all_sectors_alike_even_if_the_power_goes_each_time) {
    SimFlash flash(SECTORS * Flash::SECTOR);
    for (unsigned i = 0; i < 600; ++i) {
        Store store(flash, LOG_SECTORS);
        store.mount();
        CHECK((Change{Kind::model, i % 2, noise(12000, i)}).apply(store));
    }
    const auto files = flash.wear.begin() + 2 * LOG_SECTORS;
    const auto [least, most] = std::minmax_element(files, flash.wear.end());
    std::fprintf(stderr, "  erased %u to %u times\n", *least, *most);
    CHECK(*least > 0 && *most <= *least + *least / 4 + 2);
}

TEST(turning_in_presets_hardly_erases) {
    SimFlash flash(SECTORS * Flash::SECTOR);
    Store store(flash, LOG_SECTORS);
    store.mount();
    const unsigned before = flash.operations;
    for (unsigned i = 0; i < 1000; ++i)
        CHECK((Change{Kind::preset, i % 8, noise(150, i)}).apply(store));
    unsigned erased = 0;
    for (const unsigned wear : flash.wear) erased += wear;
    CHECK(erased < 1000 / 10);
    const unsigned now = flash.operations;
    CHECK(now > before);
    CHECK((Change{Kind::preset, 7, noise(150, 999)}).apply(store));  // the same again
    CHECK(flash.operations == now);
}

TEST(a_record_from_before_the_area_was_erased_does_not_count) {
    SimFlash flash(SECTORS * Flash::SECTOR);
    Store store(flash, LOG_SECTORS);
    store.mount();
    CHECK((Change{Kind::preset, 0, "old!"}).apply(store));
    const std::vector<uint8_t> before = flash.bytes;
    const uint32_t area = LOG_SECTORS * Flash::SECTOR, header = 16, record = 12;
    unsigned i = 0;
    while (flash.bytes[area] == 0xFF) CHECK((Change{Kind::preset, 1, noise(99, i++)}).apply(store));
    CHECK((Change{Kind::preset, 0, "new!"}).apply(store));
    uint32_t end = 2 * area - 4;  // the mark
    while (flash.bytes[end - 1] == 0xFF) --end;
    end = (end + 3) / 4 * 4;
    for (uint32_t j = 0; j < record; ++j) flash.bytes[end + j] = before[header + j];
    Store again(flash, LOG_SECTORS);
    again.mount();
    const Contents there = contents(again);
    CHECK(there.at({3, 0}) == "new!");
}

TEST(what_was_tidied_needs_no_erasing) {
    SimFlash flash(SECTORS * Flash::SECTOR);
    {
        Store store(flash, LOG_SECTORS);
        store.mount();
        while (store.tidy()) {}
    }
    const std::vector<unsigned> wear = flash.wear;
    Store store(flash, LOG_SECTORS);
    store.mount();
    CHECK(!store.tidy());
    CHECK((Change{Kind::preset, 0, "first"}).apply(store));
    CHECK(flash.wear == wear);
    CHECK(store.tidy());  // the other area, which nothing has marked yet
    flash.bytes[Flash::SECTOR * LOG_SECTORS + 100] = 0;
    Store again(flash, LOG_SECTORS);
    again.mount();
    CHECK(again.tidy());
}

TEST(free_sectors_in_many_places_still_hold_a_file) {
    SimFlash flash(SECTORS * Flash::SECTOR);
    Store store(flash, LOG_SECTORS);
    store.mount();
    const uint32_t room = store.free_bytes() / Flash::SECTOR;
    CHECK(room == SECTORS - 2 * LOG_SECTORS);
    for (unsigned i = 0; i < room; ++i)
        CHECK((Change{Kind::model, i, noise(4096, i)}).apply(store));
    CHECK(store.free_bytes() == 0);
    CHECK(!(Change{Kind::model, 60, "x"}).apply(store));
    for (unsigned i = 0; i < 16; i += 2) CHECK(store.remove(Kind::model, uint8_t(i)));
    CHECK((Change{Kind::cabinet, 0, noise(8 * 4096, 99)}).apply(store));
    CHECK(store.free_bytes() == 0);
    Store again(flash, LOG_SECTORS);
    again.mount();
    CHECK(again.free_bytes() == 0);
    CHECK(contents(again) == contents(store));
}

TEST(a_failing_sector_is_told_and_changes_nothing) {
    SimFlash flash(SECTORS * Flash::SECTOR);
    Store store(flash, LOG_SECTORS);
    store.mount();
    CHECK((Change{Kind::model, 0, "first"}).apply(store));
    const std::string other = noise(9000, 1);
    const auto* bytes = reinterpret_cast<const uint8_t*>(other.data());
    CHECK(store.start(Kind::model, 0, "Demo", bytes, 9000));
    CHECK(store.step() == Store::Step::more);
    flash.dead = true;
    CHECK(store.step() == Store::Step::failed);
    CHECK(store.step() == Store::Step::failed);
    flash.power_on();
    Contents wanted;
    wanted[{1, 0}] = "Demo:first";
    CHECK(contents(store) == wanted);
}

TEST(damage_in_a_file_is_found) {
    SimFlash flash(SECTORS * Flash::SECTOR);
    Store store(flash, LOG_SECTORS);
    store.mount();
    CHECK((Change{Kind::model, 0, noise(9000, 1)}).apply(store));
    File file;
    CHECK(store.find(Kind::model, 0, file));
    flash.bytes[file.extent[0].first * Flash::SECTOR + 5000] ^= 0x10;
    uint8_t bytes[9000];
    std::size_t size = 0;
    CHECK(!store.load(Kind::model, 0, bytes, sizeof bytes, size));
    CHECK(!store.load(Kind::model, 0, bytes, 8999, size));  // nor one that has no room
}

TEST(any_contents_of_flash_can_be_mounted) {
    for (unsigned seed = 0; seed < 150; ++seed) {
        SimFlash flash(12 * Flash::SECTOR);
        Store store(flash, LOG_SECTORS);
        store.mount();
        CHECK((Change{Kind::model, 0, "model"}).apply(store));
        CHECK((Change{Kind::preset, 0, "preset"}).apply(store));
        std::minstd_rand random(seed + 1);
        for (unsigned i = 0; i < 1 + seed % 40; ++i)
            flash.bytes[(random() >> 3) % (2 * Flash::SECTOR)] ^= uint8_t(1 << (random() >> 5) % 8);
        Store again(flash, LOG_SECTORS);
        again.mount();
        for (unsigned slot = 0; slot < MODELS; ++slot) {
            uint8_t bytes[64];
            std::size_t size = 0;
            again.load(Kind::model, uint8_t(slot), bytes, sizeof bytes, size);
        }
        CHECK((Change{Kind::preset, 1, "new"}).apply(again));
        CHECK(contents(again).count({3, 1}) == 1);
    }
}

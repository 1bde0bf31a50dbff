// What the pedal keeps in flash: models and cabinets as files in sectors of their own, presets and
// settings as values of the log, which also says where the files are.
//
// A file is written where nothing is, checked, and only then named in the log: until that moment
// the one it replaces is there, and after it the new one. Sectors are taken in turn all around the
// flash, so that they wear alike.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "log.h"
#include "words.h"

namespace ampsweep::pedal {

enum class Kind : uint8_t { model = 1, cabinet = 2, preset = 3, settings = 4 };

constexpr unsigned MODELS = 64, CABINETS = 16, PRESETS = 64;

inline unsigned slots_of(Kind kind) {
    switch (kind) {
        case Kind::model: return MODELS;
        case Kind::cabinet: return CABINETS;
        case Kind::preset: return PRESETS;
        case Kind::settings: return 1;
    }
    return 0;
}

struct File {
    static constexpr std::size_t NAME = 24;    // bytes, the zero at the end among them
    static constexpr unsigned EXTENTS = 8;

    struct Extent {
        uint16_t first, count;  // sectors
    };

    char name[NAME] = {};
    uint32_t size = 0, crc = 0;  // bytes; CRC-32 of them
    uint8_t extents = 0;
    Extent extent[EXTENTS] = {};
};

class Store {
public:
    enum class Step : uint8_t { more, done, failed };

    static constexpr uint32_t LARGEST_FLASH = 16 * 1024 * 1024;

    explicit Store(Flash& flash, uint32_t log_sectors = 8)
        : flash_(flash), log_(flash, log_sectors), first_(2 * log_sectors) {}

    void mount() {
        log_.mount();
        sectors_ = std::min(flash_.size(), LARGEST_FLASH) / Flash::SECTOR;
        std::memset(used_, 0, sizeof used_);
        next_ = first_;
        writing_ = false;
        File file;
        for (unsigned i = 0; i < log_.count(); ++i) {
            const Log::Entry& entry = log_.entry(i);
            if (!is_file(entry.type) || !find(Kind(entry.type), entry.slot, file)) continue;
            mark(file, true);
            const File::Extent& last = file.extent[file.extents - 1];
            next_ = uint32_t(last.first + last.count);  // the newest is the last in the log
        }
    }

    // Erases a sector that will be needed, if there is one: 50 to 300 ms. False: nothing to do.
    bool tidy() { return log_.tidy(); }

    // Values.
    std::size_t read(Kind kind, uint8_t slot, uint8_t* value) const {
        return log_.read(uint8_t(kind), slot, value);
    }
    bool write(Kind kind, uint8_t slot, const void* value, std::size_t length) {
        return slot < slots_of(kind) && log_.write(uint8_t(kind), slot, value, length);
    }
    bool has(Kind kind, uint8_t slot) const { return log_.find(uint8_t(kind), slot); }

    // The first slot in use from `slot` on, upwards; slots_of(kind) if there is none.
    unsigned next(Kind kind, unsigned slot) const {
        while (slot < slots_of(kind) && !has(kind, uint8_t(slot))) ++slot;
        return slot;
    }

    // Files. False if there is none, or what the log says of it cannot be.
    bool find(Kind kind, uint8_t slot, File& file) const {
        uint8_t value[Log::LARGEST];
        return decode(value, log_.read(uint8_t(kind), slot, value), file);
    }

    // Copies a file's bytes; false if there is none, it is larger than `room`, or it is damaged.
    bool load(Kind kind, uint8_t slot, uint8_t* bytes, std::size_t room, std::size_t& size) const {
        File file;
        if (!find(kind, slot, file) || file.size > room) return false;
        read_sectors(file, bytes);
        size = file.size;
        return crc32(bytes, file.size) == file.crc;
    }

    bool remove(Kind kind, uint8_t slot) {
        File file;
        const bool there = find(kind, slot, file);
        if (!log_.write(uint8_t(kind), slot, nullptr, 0)) return false;
        if (there) mark(file, false);
        return true;
    }

    uint32_t free_bytes() const {
        uint32_t free = 0;
        for (uint32_t i = first_; i < sectors_; ++i) free += !used(i);
        return free * Flash::SECTOR;
    }

    // Begins to write a file; false if there is no room. `bytes` must stay until it is written.
    bool start(Kind kind, uint8_t slot, const char* name, const uint8_t* bytes, uint32_t size) {
        writing_ = false;
        if (size == 0 || slot >= slots_of(kind)) return false;
        file_ = File();
        copy_text(file_.name, File::NAME, name);
        file_.size = size;
        file_.crc = crc32(bytes, size);
        if (!allocate((size + Flash::SECTOR - 1) / Flash::SECTOR)) return false;
        kind_ = kind;
        slot_ = slot;
        bytes_ = bytes;
        written_ = 0;
        writing_ = true;
        return true;
    }

    // Erases and writes one more sector, which takes 50 to 300 ms; the last step, `done`, is when
    // the file is in the log. After `failed`, everything is as it was.
    Step step() {
        if (!writing_) return Step::failed;
        if (written_ < file_.size) {
            const uint32_t at = sector_of(file_, written_ / Flash::SECTOR) * Flash::SECTOR;
            const uint32_t part = std::min(Flash::SECTOR, file_.size - written_);
            writing_ = flash_.erase(at) && write_checked(flash_, at, bytes_ + written_, part);
            written_ += part;
            return writing_ ? Step::more : Step::failed;
        }
        writing_ = false;
        uint8_t value[Log::LARGEST];
        File old;
        const bool replaces = find(kind_, slot_, old);
        if (!log_.write(uint8_t(kind_), slot_, value, encode(file_, value))) return Step::failed;
        if (replaces) mark(old, false);
        mark(file_, true);
        return Step::done;
    }

    bool writing() const { return writing_; }
    uint32_t written() const { return written_; }

private:
    static bool is_file(uint8_t type) {
        return Kind(type) == Kind::model || Kind(type) == Kind::cabinet;
    }

    static std::size_t encode(const File& file, uint8_t* value) {
        std::memcpy(value, file.name, File::NAME);
        put32(value + File::NAME, file.size);
        put32(value + File::NAME + 4, file.crc);
        uint8_t* at = value + File::NAME + 8;
        for (unsigned i = 0; i < file.extents; ++i, at += 4)
            put32(at, uint32_t(file.extent[i].first) | uint32_t(file.extent[i].count) << 16);
        return std::size_t(at - value);
    }

    // A record is only ever our own, but a later version's may be larger or mean something else.
    bool decode(const uint8_t* value, std::size_t length, File& file) const {
        const std::size_t fixed = File::NAME + 8;
        if (length <= fixed || (length - fixed) % 4 || (length - fixed) / 4 > File::EXTENTS)
            return false;
        file = File();
        std::memcpy(file.name, value, File::NAME - 1);
        file.size = get32(value + File::NAME);
        file.crc = get32(value + File::NAME + 4);
        uint32_t sectors = 0;
        for (const uint8_t* at = value + fixed; at < value + length; at += 4) {
            const uint32_t word = get32(at);
            const File::Extent extent{uint16_t(word), uint16_t(word >> 16)};
            if (extent.first < first_ || extent.first + extent.count > sectors_) return false;
            file.extent[file.extents++] = extent;
            sectors += extent.count;
        }
        return file.size > 0 && sectors == (file.size + Flash::SECTOR - 1) / Flash::SECTOR;
    }

    static uint32_t sector_of(const File& file, uint32_t number) {
        for (unsigned i = 0; i < file.extents; ++i) {
            if (number < file.extent[i].count) return file.extent[i].first + number;
            number -= file.extent[i].count;
        }
        return 0;
    }

    void read_sectors(const File& file, uint8_t* bytes) const {
        for (uint32_t done = 0; done < file.size; done += Flash::SECTOR)
            flash_.read(sector_of(file, done / Flash::SECTOR) * Flash::SECTOR, bytes + done,
                        std::min(Flash::SECTOR, file.size - done));
    }

    bool used(uint32_t sector) const { return used_[sector / 8] >> (sector % 8) & 1; }

    void mark(const File& file, bool used) {
        for (unsigned i = 0; i < file.extents; ++i)
            for (uint32_t s = file.extent[i].first, n = 0; n < file.extent[i].count; ++n, ++s)
                used_[s / 8] = uint8_t(used ? used_[s / 8] | 1u << s % 8
                                            : used_[s / 8] & ~(1u << s % 8));
    }

    // The free run that begins at or after `sector`, at most `most` long; none: a count of 0.
    File::Extent run_from(uint32_t sector, uint32_t most) const {
        while (sector < sectors_ && used(sector)) ++sector;
        uint32_t end = sector;
        while (end < sectors_ && end - sector < most && !used(end)) ++end;
        return {uint16_t(sector), uint16_t(end - sector)};
    }

    bool allocate(uint32_t sectors) { return in_turn(sectors) || by_size(sectors); }

    // From where the newest file ends, once around.
    bool in_turn(uint32_t sectors) {
        file_.extents = 0;
        uint32_t at = next_;
        for (bool around = false; sectors && file_.extents < File::EXTENTS;) {
            File::Extent run = run_from(at, sectors);
            if (around && run.first + run.count > next_)
                run.count = uint16_t(run.first < next_ ? next_ - run.first : 0);
            if (run.count == 0) {
                if (around) return false;
                around = true;
                at = first_;
                continue;
            }
            file_.extent[file_.extents++] = run;
            sectors -= run.count;
            at = uint32_t(run.first + run.count);
        }
        if (!sectors) next_ = at;
        return !sectors;
    }

    // The largest runs first: what fits into eight of them fits so.
    bool by_size(uint32_t sectors) {
        file_.extents = 0;
        while (sectors && file_.extents < File::EXTENTS) {
            File::Extent largest{0, 0};
            for (uint32_t at = first_; at < sectors_;) {
                const File::Extent run = run_from(at, sectors);
                at = uint32_t(run.first + std::max<uint16_t>(run.count, 1));
                if (run.count > largest.count && !taken(run)) largest = run;
            }
            if (!largest.count) return false;
            file_.extent[file_.extents++] = largest;
            sectors -= largest.count;
        }
        return !sectors;
    }

    bool taken(const File::Extent& run) const {
        for (unsigned i = 0; i < file_.extents; ++i)
            if (file_.extent[i].first == run.first) return true;
        return false;
    }

    Flash& flash_;
    Log log_;
    uint32_t first_, sectors_ = 0, next_ = 0;
    uint8_t used_[LARGEST_FLASH / Flash::SECTOR / 8] = {};

    File file_;  // being written
    Kind kind_ = Kind::model;
    uint8_t slot_ = 0;
    bool writing_ = false;
    const uint8_t* bytes_ = nullptr;
    uint32_t written_ = 0;
};

}  // namespace ampsweep::pedal

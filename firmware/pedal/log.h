// Small values under keys, in NOR flash, that a power cut at any moment leaves as they were before
// a change or as they are after it.
//
// Two areas take turns. An area is a header and then records, each appended in one go; the last
// record of a key counts. When an area is full, or what follows its records is not as erased (a cut
// left half a record there), what still counts is copied to the other area, the change with it;
// that area's header, written last, has the higher sequence number, and from then on it is the one
// that counts. Erasing is what wears flash out; it happens once for hundreds of changes. It also
// takes long, so `tidy` does it beforehand, a sector at a time, and marks what is wholly erased: an
// erasure that was cut off may look complete and not last.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../engine/crc.h"
#include "hardware.h"
#include "sysex.h"

namespace ampsweep::pedal {

// Written in pages, then read back; false if it is not there now.
inline bool write_checked(Flash& flash, uint32_t at, const uint8_t* bytes, std::size_t count) {
    for (std::size_t done = 0; done < count;) {
        const uint32_t here = at + uint32_t(done);
        const std::size_t part =
            std::min(count - done, std::size_t(Flash::PAGE - here % Flash::PAGE));
        uint8_t back[Flash::PAGE];
        if (!flash.write(here, bytes + done, part)) return false;
        flash.read(here, back, part);
        if (std::memcmp(back, bytes + done, part) != 0) return false;
        done += part;
    }
    return true;
}

class Log {
public:
    static constexpr std::size_t LARGEST = 248;  // bytes of a value
    static constexpr unsigned KEYS = 192;

    // Where a value is; `type` and `slot` together are its key.
    struct Entry {
        uint8_t type, slot;  // type: 1 to 127
        uint16_t length;
        uint32_t at;  // of the value, in the flash
    };

    // Uses the first 2 x area_sectors sectors of `flash`.
    Log(Flash& flash, uint32_t area_sectors) : flash_(flash), area_(area_sectors * Flash::SECTOR) {}

    // Reads what there is. Flash that holds no log becomes an empty one at the first change.
    void mount() {
        count_ = 0;
        sequence_ = 0;
        dirty_ = true;
        end_ = limit();
        for (unsigned area = 0; area < 2; ++area) {
            const uint32_t sequence = sequence_of(area);
            if (sequence > sequence_) {
                sequence_ = sequence;
                active_ = area;
            }
        }
        if (sequence_) scan();
        tidied_ = is_tidy() ? area_ : 0;
    }

    // Erases one more sector of the area that waits for its turn; false: there is none to erase.
    bool tidy() {
        if (tidied_ == area_) return false;
        const uint32_t base = spare() * area_;
        if (!flash_.erase(base + tidied_)) return false;
        tidied_ += Flash::SECTOR;
        if (tidied_ == area_ && !mark(base)) tidied_ = 0;
        return true;
    }

    unsigned count() const { return count_; }
    const Entry& entry(unsigned i) const { return entries_[i]; }

    const Entry* find(uint8_t type, uint8_t slot) const {
        for (unsigned i = 0; i < count_; ++i)
            if (entries_[i].type == type && entries_[i].slot == slot) return &entries_[i];
        return nullptr;
    }

    // `value` has room for LARGEST bytes; returns how many there are, 0 if there is no such key.
    std::size_t read(uint8_t type, uint8_t slot, uint8_t* value) const {
        const Entry* entry = find(type, slot);
        if (!entry) return 0;
        flash_.read(entry->at, value, entry->length);
        return entry->length;
    }

    // Returns whether it is there now; if not, what was there before still is. A length of 0
    // removes the key. What is there already is not written again.
    bool write(uint8_t type, uint8_t slot, const void* value, std::size_t length) {
        if (length > LARGEST) return false;
        const Entry* old = find(type, slot);
        if (!old && (length == 0 || count_ == KEYS)) return length == 0;
        if (old && same(*old, value, length)) return true;
        Change change{type, slot, uint16_t(length), static_cast<const uint8_t*>(value)};
        if (!dirty_ && end_ + size_of(length) <= limit()) {
            uint8_t record[HEAD + LARGEST + 4];
            const std::size_t size = make(record, change, sequence_);
            if (write_checked(flash_, active_ * area_ + end_, record, size)) {
                note(change, active_ * area_ + end_ + HEAD);
                end_ += uint32_t(size);
                return true;
            }
            dirty_ = true;
        }
        return compact(change);
    }

private:
    static constexpr std::size_t HEAD = 8;        // type, slot, length; CRC
    static constexpr uint32_t FIRST = 16;         // the area's own header
    static constexpr uint32_t MAGIC = 0x474C5341;   // "ASLG"
    static constexpr uint32_t ERASED = 0x6B6C6E62;  // the mark at an area's end
    static constexpr uint32_t VERSION = 1;

    struct Change {
        uint8_t type, slot;
        uint16_t length;
        const uint8_t* value;
    };

    unsigned spare() const { return sequence_ ? 1 - active_ : 0; }
    uint32_t limit() const { return area_ - uint32_t(sizeof ERASED); }

    bool is_tidy() const {
        const uint32_t base = spare() * area_;
        uint8_t mark[sizeof ERASED];
        flash_.read(base + limit(), mark, sizeof mark);
        return get32(mark) == ERASED && erased_from(base, base + limit());
    }

    bool mark(uint32_t base) {
        uint8_t mark[sizeof ERASED];
        put32(mark, ERASED);
        return erased_from(base, base + area_) &&
               write_checked(flash_, base + limit(), mark, sizeof mark);
    }

    static std::size_t size_of(std::size_t length) { return HEAD + (length + 3) / 4 * 4; }

    bool same(const Entry& old, const void* value, std::size_t length) const {
        uint8_t now[LARGEST];
        if (old.length != length || length == 0) return false;
        flash_.read(old.at, now, length);
        return std::memcmp(now, value, length) == 0;
    }

    // 0: this area does not count.
    uint32_t sequence_of(unsigned area) const {
        uint8_t header[FIRST];
        flash_.read(area * area_, header, FIRST);
        const bool good = get32(header) == MAGIC && get32(header + 4) == VERSION &&
                          get32(header + 12) == crc32(header, 12);
        return good ? get32(header + 8) : 0;
    }

    // The area's sequence is part of the CRC: nothing that an erasure may have left counts.
    static uint32_t check(const uint8_t* head, const uint8_t* value, std::size_t length,
                          uint32_t sequence) {
        uint8_t of[4];
        put32(of, sequence);
        return crc32(value, length, crc32(head, 4, crc32(of, 4)));
    }

    static std::size_t make(uint8_t* record, const Change& change, uint32_t sequence) {
        const std::size_t size = size_of(change.length);
        std::memset(record, 0xFF, size);
        record[0] = change.type;
        record[1] = change.slot;
        record[2] = uint8_t(change.length);
        record[3] = uint8_t(change.length >> 8);
        if (change.length) std::memcpy(record + HEAD, change.value, change.length);
        put32(record + 4, check(record, record + HEAD, change.length, sequence));
        return size;
    }

    void scan() {
        const uint32_t base = active_ * area_;
        uint8_t record[HEAD + LARGEST];
        end_ = FIRST;
        while (end_ + HEAD <= limit()) {
            flash_.read(base + end_, record, HEAD);
            const std::size_t length = std::size_t(record[2] | record[3] << 8);
            if (record[0] == 0xFF || length > LARGEST || end_ + size_of(length) > limit()) break;
            flash_.read(base + end_ + uint32_t(HEAD), record + HEAD, length);
            if (get32(record + 4) != check(record, record + HEAD, length, sequence_)) break;
            note({record[0], record[1], uint16_t(length), nullptr}, base + end_ + uint32_t(HEAD));
            end_ += uint32_t(size_of(length));
        }
        dirty_ = !erased_from(base + end_, base + limit());
    }

    bool erased_from(uint32_t at, uint32_t end) const {
        uint8_t part[64];
        for (; at < end; at += uint32_t(sizeof part)) {
            const std::size_t count = std::min(sizeof part, std::size_t(end - at));
            flash_.read(at, part, count);
            for (std::size_t i = 0; i < count; ++i)
                if (part[i] != 0xFF) return false;
        }
        return true;
    }

    // In the order of writing: the newest entry is the last.
    void note(const Change& change, uint32_t at) {
        Entry* end = entries_ + count_;
        Entry* rest = std::remove_if(entries_, end, [&](const Entry& entry) {
            return entry.type == change.type && entry.slot == change.slot;
        });
        count_ = unsigned(rest - entries_);
        if (change.length && count_ < KEYS)
            entries_[count_++] = {change.type, change.slot, change.length, at};
    }

    bool compact(const Change& change) {
        const uint32_t base = spare() * area_, sequence = sequence_ + 1;
        while (tidied_ < area_)
            if (!tidy() || tidied_ == 0) return false;
        tidied_ = 0;  // whatever becomes of what follows

        uint32_t end = FIRST;
        uint8_t record[HEAD + LARGEST + 4], value[LARGEST];
        const auto append = [&](const Change& one) {
            const std::size_t size = make(record, one, sequence);
            if (end + size > limit()) return false;
            if (!write_checked(flash_, base + end, record, size)) return false;
            end += uint32_t(size);
            return true;
        };
        for (unsigned i = 0; i < count_; ++i) {
            const Entry& entry = entries_[i];
            if (entry.type == change.type && entry.slot == change.slot) continue;
            flash_.read(entry.at, value, entry.length);
            if (!append({entry.type, entry.slot, entry.length, value})) return false;
        }
        if (change.length && !append(change)) return false;

        uint8_t header[FIRST];
        put32(header, MAGIC);
        put32(header + 4, VERSION);
        put32(header + 8, sequence);
        put32(header + 12, crc32(header, 12));
        if (!write_checked(flash_, base, header, FIRST)) return false;
        mount();
        return true;
    }

    Flash& flash_;
    uint32_t area_;  // bytes of one
    uint32_t end_ = 0, sequence_ = 0;
    unsigned active_ = 0, count_ = 0;
    bool dirty_ = true;
    uint32_t tidied_ = 0;  // bytes of the spare area that are erased; all: marked as well
    Entry entries_[KEYS] = {};
};

}  // namespace ampsweep::pedal

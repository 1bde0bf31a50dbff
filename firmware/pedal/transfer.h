// Models and cabinets that come by MIDI, and what else a computer may ask of the pedal.
//
// The computer asks and the pedal answers, one message each; whoever gets no answer asks again, so
// every request may come twice. A file is begun with its size and CRC, sent in blocks that say
// where they belong, and ended. Until then it is nothing but bytes in RAM: a cable that is pulled
// leaves the flash and the sound as they were, and when the same file is begun again, the answer
// says how much of it is here already. At its end it is checked whole, then written to the store,
// and only then is it there.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "store.h"
#include "sysex.h"

namespace ampsweep::pedal {

// What is asked; bodies in the order of their fields, numbers little-endian.
enum class Request : uint8_t {
    hello = 0x01,       // nothing
    list = 0x02,        // kind u8, slot u8: the first file at or after it
    begin = 0x03,       // kind u8, slot u8 (255: any), size u32, CRC u32, name text
    block = 0x04,       // CRC u32 of the whole file, offset u32, bytes
    end = 0x05,         // CRC u32
    remove = 0x06,      // kind u8, slot u8
    bootloader = 0x07,  // nothing
};

enum class Answer : uint8_t {
    about = 0x41,    // protocol u8, model that plays u8 (255: none), free u32, largest u32,
                     // firmware text
    entry = 0x42,    // kind u8, slot u8 (255: no more), size u32, CRC u32, name text
    go = 0x43,       // CRC u32, offset u32 of the byte that is wanted next, slot u8
    writing = 0x44,  // CRC u32, bytes written u32, size u32
    done = 0x45,     // CRC u32, kind u8, slot u8
    refused = 0x46,  // Refusal u8, detail u8
};

enum class Refusal : uint8_t {
    unknown = 1,     // no such request, or not the fields it should have
    place = 2,       // no such kind or slot, or no slot is free
    size = 3,        // larger than the pedal can hold
    room = 4,        // the flash is too full
    not_begun = 5,   // a block or an end of a file that was not begun, or whose place was taken
    incomplete = 6,  // an end before the last byte
    crc = 7,         // all is here, but it is not what was begun
    contents = 8,    // not a file that can be played; the detail says why
    flash = 9,       // the flash did not take it
    busy = 10,       // another file is being written
    damaged = 11,    // the message did not arrive whole
};

constexpr uint8_t PROTOCOL = 1;
constexpr uint8_t ANY_SLOT = 255;
constexpr uint32_t BLOCK = 84;           // bytes of a file in one message
constexpr uint32_t LARGEST_FILE = 512 * 1024;

class Receiver {
public:
    // Why a file cannot be played; 0 if it can. `context` is whatever the receiver was given.
    typedef uint8_t (*Judge)(const void* context, Kind kind, const uint8_t* bytes, uint32_t size);

    // `staging` has room for LARGEST_FILE bytes, and lies at a multiple of 4.
    Receiver(Store& store, uint8_t* staging, Judge judge, const void* context)
        : store_(store), staging_(staging), judge_(judge), context_(context) {}

    // What the pedal says of itself.
    const char* firmware = "";
    uint8_t playing = ANY_SLOT;

    // Takes the data of a SysEx; true if `answer` is to be sent.
    bool take(const uint8_t* data, std::size_t count, uint32_t now_ms, Sysex& answer) {
        Sysex asked;
        bool damaged = false;
        if (!asked.read(data, count, damaged)) {
            if (damaged) answer = state_ == State::receiving ? go() : refuse(Refusal::damaged);
            return damaged;
        }
        if (asked.kind >= 0x40) return false;  // an answer, ours or another pedal's
        heard_ = now_ms;
        answer = answer_to(asked);
        return true;
    }

    // To be called often; true if `answer` is to be sent. Writes one sector, if any is to be
    // written.
    bool tick(Sysex& answer) {
        if (state_ != State::writing) return false;
        switch (store_.step()) {
            case Store::Step::more:
                answer = Sysex(uint8_t(Answer::writing));
                answer.u32(crc_).u32(store_.written()).u32(size_);
                return true;
            case Store::Step::done:
                state_ = State::idle;
                arrived_ = true;
                answer = done(kind_, slot_, crc_);
                return true;
            case Store::Step::failed: break;
        }
        state_ = State::idle;
        failed_ = true;
        answer = refuse(Refusal::flash);
        return true;
    }

    bool busy(uint32_t now_ms) const {
        return state_ == State::writing ||
               (state_ == State::receiving && now_ms - heard_ < PATIENCE);
    }

    // Of what is on its way: 0 to 1, the first half while it comes in.
    float progress() const {
        if (!size_) return 0.0f;
        const float all = float(size_);
        return 0.5f * float(next_) / all +
               (state_ == State::writing ? 0.5f * float(store_.written()) / all : 0.0f);
    }

    const char* name() const { return name_; }

    // Whether a file is now in the store that was not there before; said once.
    bool arrived(Kind& kind, uint8_t& slot) {
        kind = kind_;
        slot = slot_;
        return said(arrived_);
    }
    // Whether one is gone.
    bool removed(Kind& kind, uint8_t& slot) {
        kind = removed_kind_;
        slot = removed_slot_;
        return said(removed_);
    }
    // Whether something was refused that a person would want to know of.
    bool failed() { return said(failed_); }
    bool wants_bootloader() { return said(bootloader_); }

private:
    enum class State : uint8_t {
        idle,       // nothing is on its way
        receiving,  // bytes come in, or have stopped coming: whoever begins the same file goes on
        writing,    // all is here and good; the store is writing it
    };

    static constexpr uint32_t PATIENCE = 3000;  // ms of silence until it no longer seems on its way

    static bool said(bool& flag) {
        const bool was = flag;
        flag = false;
        return was;
    }

    Sysex go() const { return Sysex(uint8_t(Answer::go)).u32(crc_).u32(next_).u8(slot_); }

    static Sysex done(Kind kind, uint8_t slot, uint32_t crc) {
        return Sysex(uint8_t(Answer::done)).u32(crc).u8(uint8_t(kind)).u8(slot);
    }

    static Sysex refuse(Refusal why, uint8_t detail = 0) {
        return Sysex(uint8_t(Answer::refused)).u8(uint8_t(why)).u8(detail);
    }

    static bool is_file(uint8_t kind) {
        return Kind(kind) == Kind::model || Kind(kind) == Kind::cabinet;
    }

    Sysex answer_to(const Sysex& asked) {
        const uint8_t* body = asked.body();
        const std::size_t count = asked.count();
        switch (Request(asked.kind)) {
            case Request::hello: return about();
            case Request::list:
                if (count == 2 && is_file(body[0])) return entry(Kind(body[0]), body[1]);
                break;
            case Request::begin:
                if (count > 11 && count == 11u + body[10]) return begin(body);
                break;
            case Request::block:
                if (count > 8) return block(body, uint32_t(count - 8));
                break;
            case Request::end:
                if (count == 4) return end(get32(body));
                break;
            case Request::remove:
                if (count == 2 && is_file(body[0])) return remove(Kind(body[0]), body[1]);
                break;
            case Request::bootloader:
                bootloader_ = true;
                return about();
        }
        return refuse(Refusal::unknown);
    }

    Sysex about() const {
        return Sysex(uint8_t(Answer::about))
            .u8(PROTOCOL)
            .u8(playing)
            .u32(store_.free_bytes())
            .u32(LARGEST_FILE)
            .text(firmware);
    }

    Sysex entry(Kind kind, unsigned slot) const {
        Sysex answer{uint8_t(Answer::entry)};
        File file;
        while ((slot = store_.next(kind, slot)) < slots_of(kind)) {
            if (store_.find(kind, uint8_t(slot), file))
                return answer.u8(uint8_t(kind)).u8(uint8_t(slot)).u32(file.size).u32(file.crc).text(
                    file.name);
            ++slot;
        }
        return answer.u8(uint8_t(kind)).u8(ANY_SLOT).u32(0).u32(0).text("");
    }

    Sysex begin(const uint8_t* body) {
        if (state_ == State::writing) return refuse(Refusal::busy);
        if (!is_file(body[0])) return refuse(Refusal::place);
        const Kind kind = Kind(body[0]);
        const uint32_t size = get32(body + 2), crc = get32(body + 6);
        char name[File::NAME] = {};
        std::memcpy(name, body + 11, std::min(std::size_t(body[10]), File::NAME - 1));
        const unsigned slot = body[1] == ANY_SLOT ? slot_for(kind, name) : body[1];
        if (slot >= slots_of(kind)) return refuse(Refusal::place);
        if (size == 0 || size > LARGEST_FILE) return refuse(Refusal::size);

        File file;
        const bool there = store_.find(kind, uint8_t(slot), file) && file.size == size &&
                           file.crc == crc && std::strcmp(file.name, name) == 0;
        if (there) return done(kind, uint8_t(slot), crc);
        const bool same = state_ == State::receiving && kind == kind_ && slot == slot_ &&
                          size == size_ && crc == crc_;
        if (!same) next_ = 0;
        kind_ = kind;
        slot_ = uint8_t(slot);
        size_ = size;
        crc_ = crc;
        std::memcpy(name_, name, sizeof name_);
        state_ = State::receiving;
        return go();
    }

    // Where one of that name is, or the first that is free.
    unsigned slot_for(Kind kind, const char* name) const {
        for (unsigned i = store_.next(kind, 0); i < slots_of(kind); i = store_.next(kind, i + 1)) {
            File file;
            if (store_.find(kind, uint8_t(i), file) && std::strcmp(file.name, name) == 0) return i;
        }
        unsigned free = 0;
        while (free < slots_of(kind) && store_.has(kind, uint8_t(free))) ++free;
        return free;
    }

    Sysex block(const uint8_t* body, uint32_t count) {
        if (state_ != State::receiving || get32(body) != crc_) return refuse(Refusal::not_begun);
        // What came twice is not taken twice, and after what was lost the answer asks for it.
        if (get32(body + 4) != next_) return go();
        if (count > size_ - next_) return refuse(Refusal::unknown);
        std::memcpy(staging_ + next_, body + 8, count);
        next_ += count;
        return go();
    }

    Sysex end(uint32_t crc) {
        File file;
        if (state_ == State::idle && crc == crc_ && store_.find(kind_, slot_, file) &&
            file.crc == crc)
            return done(kind_, slot_, crc);  // the answer was lost
        if (crc != crc_ || state_ == State::idle) return refuse(Refusal::not_begun);
        if (state_ == State::writing)
            return Sysex(uint8_t(Answer::writing)).u32(crc_).u32(store_.written()).u32(size_);
        if (next_ != size_) return refuse(Refusal::incomplete);
        state_ = State::idle;
        failed_ = true;
        if (crc32(staging_, size_) != crc_) return refuse(Refusal::crc);
        if (const uint8_t why = judge_(context_, kind_, staging_, size_))
            return refuse(Refusal::contents, why);
        if (!store_.start(kind_, slot_, name_, staging_, size_)) return refuse(Refusal::room);
        failed_ = false;
        state_ = State::writing;
        return Sysex(uint8_t(Answer::writing)).u32(crc_).u32(0).u32(size_);
    }

    Sysex remove(Kind kind, unsigned slot) {
        if (state_ == State::writing) return refuse(Refusal::busy);
        if (slot >= slots_of(kind)) return refuse(Refusal::place);
        const bool was = store_.has(kind, uint8_t(slot));
        if (!store_.remove(kind, uint8_t(slot))) return refuse(Refusal::flash);
        if (was) {
            removed_ = true;
            removed_kind_ = kind;
            removed_slot_ = uint8_t(slot);
        }
        return done(kind, uint8_t(slot), 0);
    }

    Store& store_;
    uint8_t* staging_;
    Judge judge_;
    const void* context_;

    State state_ = State::idle;
    Kind kind_ = Kind::model, removed_kind_ = Kind::model;
    uint8_t slot_ = 0, removed_slot_ = 0;
    uint32_t size_ = 0, crc_ = 0, next_ = 0;
    char name_[File::NAME] = {};
    uint32_t heard_ = 0;
    bool arrived_ = false, removed_ = false, failed_ = false, bootloader_ = false;
};

}  // namespace ampsweep::pedal

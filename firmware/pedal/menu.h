// The lists that the encoder goes through: turn to move, push to choose, hold for the next list.

#pragma once

#include <cstdint>
#include <cstring>

#include "rack.h"
#include "screen.h"
#include "store.h"

namespace ampsweep::pedal {

class Menu {
public:
    static constexpr uint32_t PATIENCE = 6000;  // ms without a hand on it until it closes

    // What a row stands for.
    struct Row {
        Kind kind;
        uint8_t slot;      // NONE among cabinets: none; among presets: the first free one
        bool save = false;  // a preset: to be written, not read
    };

    explicit Menu(const Store& store) : store_(store) {}

    bool is_open() const { return open_; }
    void close() { open_ = false; }

    // `current`: the slot that counts now, where the list begins.
    void open(Kind kind, uint8_t current, uint32_t now_ms) {
        kind_ = kind;
        current_ = current;
        open_ = true;
        touched_ = now_ms;
        gather();
        selected_ = 0;
        for (unsigned i = 0; i < count_; ++i)
            if (!rows_[i].save && rows_[i].slot == current) selected_ = i;
    }

    static Kind after(Kind kind) {
        return kind == Kind::model     ? Kind::cabinet
               : kind == Kind::cabinet ? Kind::preset
                                       : Kind::model;
    }
    Kind kind() const { return kind_; }

    void turn(int clicks, uint32_t now_ms) {
        touched_ = now_ms;
        if (clicks > 0 && selected_ + 1 < count_) ++selected_;
        if (clicks < 0 && selected_ > 0) --selected_;
    }

    // What is chosen now; false: the list is empty.
    bool choose(Row& row) const {
        if (selected_ >= count_) return false;
        row = rows_[selected_];
        return true;
    }

    void tick(uint32_t now_ms) {
        if (open_ && now_ms - touched_ > PATIENCE) open_ = false;
    }

    void show(Frame& frame) const {
        ListView view;
        view.title = kind_ == Kind::model     ? "Models"
                     : kind_ == Kind::cabinet ? "Cabinets"
                                              : "Presets";
        const unsigned top = selected_ < ListView::ROWS ? 0 : selected_ - ListView::ROWS + 1;
        for (unsigned i = top; i < count_ && view.count < ListView::ROWS; ++i) {
            const Row& row = rows_[i];
            if (i == selected_) view.selected = int(view.count);
            if (!row.save && row.slot == current_) view.current = int(view.count);
            label(row, view.rows[view.count++], sizeof *view.rows);
        }
        view.above = top > 0;
        view.below = top + view.count < count_;
        screen::list(frame, view);
    }

private:
    void gather() {
        count_ = 0;
        if (kind_ == Kind::cabinet) rows_[count_++] = {kind_, NONE};
        for (unsigned i = store_.next(kind_, 0); i < slots_of(kind_); i = store_.next(kind_, i + 1))
            rows_[count_++] = {kind_, uint8_t(i)};
        if (kind_ != Kind::preset) return;
        unsigned free = 0;
        while (free < PRESETS && store_.has(Kind::preset, uint8_t(free))) ++free;
        if (free < PRESETS) rows_[count_++] = {kind_, uint8_t(free), true};
    }

    // One to three letters of number, then the name.
    void label(const Row& row, char* text, std::size_t room) const {
        Words<40> words;
        File file;
        if (row.slot == NONE) words.add("none");
        else if (row.save) words.add("save as ").number(row.slot + 1);
        else {
            words.number(row.slot + 1).add(' ');
            uint8_t value[Log::LARGEST];
            Preset preset;
            const bool is_preset = row.kind == Kind::preset;
            if (is_preset && preset.decode(value, store_.read(Kind::preset, row.slot, value)))
                store_.find(Kind::model, preset.model, file);
            if (!is_preset) store_.find(row.kind, row.slot, file);
            char ascii[File::NAME];
            to_ascii(file.name, ascii, sizeof ascii);
            words.add(ascii);
        }
        copy_text(text, room, words.c_str());
    }

    const Store& store_;
    Kind kind_ = Kind::model;
    uint8_t current_ = NONE;
    bool open_ = false;
    uint32_t touched_ = 0;
    unsigned selected_ = 0, count_ = 0;
    Row rows_[MODELS + 1] = {};
};

}  // namespace ampsweep::pedal

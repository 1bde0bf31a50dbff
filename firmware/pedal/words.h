// Numbers as text, without the C library's printing, which allocates.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ampsweep::pedal {

// A short line being written; what does not fit is cut off.
template <std::size_t ROOM = 24>
class Words {
public:
    Words() = default;
    explicit Words(const char* words) { add(words); }

    Words& add(const char* words) {
        for (; *words && length_ + 1 < ROOM; ++words) text_[length_++] = *words;
        return *this;
    }

    Words& add(char c) {
        const char one[] = {c, 0};
        return add(one);
    }

    Words& number(int value) {
        char digits[12];
        unsigned count = 0, rest = value < 0 ? 0u - unsigned(value) : unsigned(value);
        do digits[count++] = char('0' + rest % 10);
        while (rest /= 10);
        if (value < 0) add('-');
        while (count) add(digits[--count]);
        return *this;
    }

    // With so many decimals, 0 to 2, rounded. Values are panel positions and levels: what is beyond
    // a million is shown as such.
    Words& number(float value, unsigned decimals) {
        const int scale = decimals == 0 ? 1 : decimals == 1 ? 10 : 100;
        if (!(value > -1e6f)) value = -1e6f;
        if (value > 1e6f) value = 1e6f;
        const float scaled = value * float(scale);
        const int rounded = int(scaled < 0 ? scaled - 0.5f : scaled + 0.5f);
        const int whole = rounded < 0 ? -rounded : rounded;
        if (rounded < 0) add('-');
        number(whole / scale);
        if (decimals == 0) return *this;
        add('.');
        if (decimals == 2 && whole % scale < 10) add('0');
        return number(whole % scale);
    }

    const char* c_str() const { return text_; }

private:
    char text_[ROOM] = {};
    std::size_t length_ = 0;
};

// As much of a text as fits, and a zero.
inline void copy_text(char* to, std::size_t room, const char* from) {
    std::size_t length = 0;
    for (; from[length] && length + 1 < room; ++length) to[length] = from[length];
    to[length] = 0;
}

// Printable ASCII of UTF-8 text: one question mark a character that is not.
inline void to_ascii(const char* utf8, char* ascii, std::size_t room) {
    std::size_t length = 0;
    for (; *utf8 && length + 1 < room; ++utf8) {
        const auto byte = static_cast<unsigned char>(*utf8);
        if ((byte & 0xC0) == 0x80) continue;  // the rest of a character
        ascii[length++] = byte >= ' ' && byte <= '~' ? char(byte) : '?';
    }
    ascii[length] = 0;
}

}  // namespace ampsweep::pedal

// Texts: whether they are UTF-8, blank, or the same name.

#pragma once

#include <cstdint>

namespace ampsweep {

// Strictly: no overlong forms, no surrogates, nothing above U+10FFFF, no zero.
inline bool is_utf8(const std::uint8_t* text, std::uint32_t length) {
    for (std::uint32_t i = 0; i < length;) {
        const std::uint32_t lead = text[i++];
        if (lead == 0) return false;
        if (lead < 0x80) continue;
        const std::uint32_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
        if (lead < 0xc2 || lead > 0xf4 || more > length - i) return false;
        std::uint32_t code = lead & (0x3fu >> more);
        for (std::uint32_t k = 0; k < more; ++k) {
            if ((text[i] & 0xc0) != 0x80) return false;
            code = code << 6 | (text[i++] & 0x3fu);
        }
        const std::uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
        if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
    }
    return true;
}

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c + ('a' - 'A')) : c; }

// Whether two names differ in nothing but the case of their ASCII letters. What case other letters
// have, only the writer knows.
inline bool same_name(const char* a, const char* b) {
    while (*a && lower(*a) == lower(*b)) ++a, ++b;
    return *a == *b;
}

inline bool is_blank(const char* text) {
    for (; *text; ++text)
        if (*text != ' ' && (*text < '\t' || *text > '\r')) return false;
    return true;
}

}  // namespace ampsweep

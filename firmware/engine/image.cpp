// Checking a pedal image: nothing in it is trusted before it is checked. The order of the checks is
// that of training/exports/pedal/read.py, so that both report the same first fault.

#include "crc.h"
#include "engine.h"
#include "layout.h"
#include "utf8.h"

namespace ampsweep {

namespace {

using namespace layout;

bool finite(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, 4);
    return (bits & 0x7f800000) != 0x7f800000;
}

bool whole(float value) { return float(std::int32_t(value)) == value; }  // |value| < 2^31

struct Span {
    std::uint32_t start, end;
};

class Reader {
public:
    Reader(const void* bytes, std::size_t size, Image& image)
        : bytes_(static_cast<const std::uint8_t*>(bytes)), size_(size), image_(image) {}

    Status read() {
        if (header() && table() && model() && knobs() && control() && audio()) {
            image_.bytes = bytes_;
            image_.knobs_at = sections_[KNOB_TABLE].start;
            image_.control_at = sections_[CONTROL].start;
            image_.audio_at = sections_[AUDIO].start;
        }
        return status_;
    }

private:
    bool require(bool good, Status otherwise) {
        if (!good) status_ = otherwise;
        return good;
    }

    bool within(std::uint32_t value, Limits limits) {
        return require(value >= limits.least && value <= limits.most, Status::bad_dimension);
    }

    bool kind(bool known) { return require(known, Status::bad_kind); }

    std::uint32_t word(std::uint32_t offset) const { return u32(bytes_, offset); }

    // Whether these are the bytes that were written.

    bool header() {
        static const char magic[4] = {'A', 'S', 'P', 'D'};
        return require(size_ >= 4 && std::memcmp(bytes_, magic, 4) == 0, Status::bad_magic) &&
               require(size_ >= HEADER, Status::bad_size) &&
               require(word(4) == VERSION, Status::bad_version) &&
               require(size_ <= LARGEST_IMAGE, Status::bad_size) &&
               require(word(8) == size_ && size_ >= HEADER + COUNT, Status::bad_size) &&
               require(crc32(bytes_ + HEADER, size_ - HEADER) == word(12), Status::bad_crc);
    }

    bool table() {
        const std::uint32_t count = word(HEADER), start = HEADER + COUNT;
        if (!within(count, SECTIONS)) return false;
        std::uint32_t end = start + count * ENTRY;
        if (!require(end <= size_, Status::bad_section)) return false;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t entry = start + i * ENTRY;
            const std::uint32_t id = word(entry), offset = word(entry + 4), size = word(entry + 8);
            const bool known = id >= TEXT && id <= LAST;
            bool good = offset % 4 == 0 && size % 4 == 0 && offset >= end && offset <= size_ &&
                        size <= size_ - offset && (known || (id & OPTIONAL));
            for (std::uint32_t j = 0; j < i; ++j) good = good && word(start + j * ENTRY) != id;
            if (!require(good, Status::bad_section)) return false;
            end = offset + size;
            if (known) sections_[id] = {offset, end};
        }
        for (std::uint32_t id = TEXT; id <= LAST; ++id)
            if (!require(sections_[id].start != 0, Status::bad_section)) return false;
        return true;
    }

    // The parts that sections are made of.

    // `count` records of `size` bytes, `offset` into a section.
    bool records(Section section, std::uint32_t offset, std::uint32_t count, std::uint32_t size) {
        const Span span = sections_[section];
        return require(offset + count * size <= span.end - span.start, Status::bad_dimension);
    }

    bool numbers(const float* values, std::uint32_t count) {
        bool good = true;
        for (std::uint32_t i = 0; i < count; ++i) good = good && finite(values[i]);
        return require(good, Status::bad_number);
    }

    bool number(std::uint32_t offset) {
        return require(finite(f32(bytes_, offset)), Status::bad_number);
    }

    bool array(Section section, std::uint32_t field, std::uint32_t expected) {
        const Span span = sections_[section];
        const std::uint32_t offset = word(field), count = word(field + 4);
        const bool good = count == expected && offset % 4 == 0 && offset >= span.start &&
                          offset <= span.end && count <= (span.end - offset) / 4;
        return require(good, Status::bad_dimension) &&
               numbers(reinterpret_cast<const float*>(bytes_ + offset), count);
    }

    bool text(std::uint32_t field) {
        const Span span = sections_[TEXT];
        const std::uint32_t offset = word(field), length = word(field + 4);
        bool good = length <= LARGEST_TEXT && offset >= span.start && offset < span.end &&
                    length < span.end - offset;
        good = good && bytes_[offset + length] == 0 && is_utf8(bytes_ + offset, length);
        return require(good, Status::bad_text);
    }

    bool short_name(std::uint32_t offset) {
        const std::uint8_t* name = bytes_ + offset;
        std::uint32_t length = 0;
        while (length <= SHORT_NAME && name[length] >= 32 && name[length] < 127) ++length;
        bool good = length >= 1 && length <= SHORT_NAME;
        for (std::uint32_t i = length; i <= SHORT_NAME; ++i) good = good && name[i] == 0;
        return require(good, Status::bad_text);
    }

    // The sections.

    bool model() {
        const std::uint32_t at = sections_[MODEL].start;
        if (!records(MODEL, 0, 1, MODEL_RECORD) || !within(word(at + 16), SAMPLE_RATE) ||
            !within(word(at + 20), INTERVAL) || !number(at + 28) || !number(at + 32) ||
            !text(at) || !text(at + 8))
            return false;
        image_.name = layout::text(bytes_, at);
        image_.device = layout::text(bytes_, at + 8);
        image_.sample_rate = word(at + 16);
        image_.interval = word(at + 20);
        image_.has_input_level = word(at + 24) & HAS_INPUT_LEVEL;
        image_.has_output_level = word(at + 24) & HAS_OUTPUT_LEVEL;
        image_.input_level = f32(bytes_, at + 28);
        image_.output_level = f32(bytes_, at + 32);
        return true;
    }

    bool knobs() {
        const std::uint32_t at = sections_[KNOB_TABLE].start;
        if (!records(KNOB_TABLE, 0, 1, KNOB_COUNTS)) return false;
        const std::uint32_t count = word(at), detents = word(at + 4);
        if (!within(count, layout::KNOBS) || !within(detents, DETENTS)) return false;
        const std::uint32_t first = KNOB_COUNTS + count * KNOB;
        if (!records(KNOB_TABLE, KNOB_COUNTS, count, KNOB) ||
            !records(KNOB_TABLE, first, detents, DETENT))
            return false;
        for (std::uint32_t i = 0; i < detents; ++i) {
            const std::uint32_t detent = at + first + i * DETENT;
            if (!text(detent) || !short_name(detent + 8)) return false;
        }
        std::uint32_t pots = 0;
        for (std::uint32_t i = 0; i < count; ++i)
            if (!knob(at + KNOB_COUNTS + i * KNOB, detents, pots)) return false;
        for (std::uint32_t i = 0; i < count; ++i)
            for (std::uint32_t j = 0; j < i; ++j) {
                const char* name = layout::text(bytes_, at + KNOB_COUNTS + i * KNOB);
                const char* other = layout::text(bytes_, at + KNOB_COUNTS + j * KNOB);
                if (!require(!same_name(name, other), Status::bad_knob)) return false;
            }
        image_.knobs = count;
        return true;
    }

    // `pots`: those that are taken, a bit each.
    bool knob(std::uint32_t at, std::uint32_t total, std::uint32_t& pots) {
        const std::uint32_t pot = word(at + 40), first = word(at + 44), detents = word(at + 48);
        if (!require(first <= total && detents <= total - first, Status::bad_dimension) ||
            !require(pot <= POTS && (pot == 0 || !(pots >> pot & 1)), Status::bad_knob) ||
            !text(at) || !text(at + 8) || !number(at + 28) || !number(at + 32) || !number(at + 36))
            return false;
        pots |= 1u << pot;
        const float low = f32(bytes_, at + 28), high = f32(bytes_, at + 32);
        const float initial = f32(bytes_, at + 36);
        bool good = !is_blank(layout::text(bytes_, at)) && low < high && low <= initial &&
                    initial <= high;
        if (good && detents)
            good = low == 0.0f && high == float(detents - 1) && whole(initial);
        inputs_ += detents ? detents : 1;
        return require(good, Status::bad_knob) && short_name(at + 16);
    }

    bool control() {
        const std::uint32_t at = sections_[CONTROL].start;
        if (!records(CONTROL, 0, 1, CONTROL_RECORD) || !kind(word(at) == DENSE) ||
            !kind(word(at + 4) == FLOAT32))
            return false;
        const std::uint32_t count = word(at + 16);
        if (!within(count, DENSE_LAYERS) || !records(CONTROL, CONTROL_RECORD, count, DENSE_LAYER))
            return false;
        std::uint32_t width = inputs_;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t layer = at + CONTROL_RECORD + i * DENSE_LAYER;
            const std::uint32_t in = word(layer), out = word(layer + 4), bent = word(layer + 8);
            if (!within(in, DENSE_INPUTS) || !within(out, DENSE_OUTPUTS) ||
                !require(in == width, Status::bad_dimension) ||
                !kind(bent == IDENTITY || bent == SOFTSIGN) ||
                !array(CONTROL, layer + 12, out * in + out))
                return false;
            width = out;
        }
        outputs_ = width;
        return require(word(at + 8) == inputs_ && word(at + 12) == width, Status::bad_dimension);
    }

    bool audio() {
        const std::uint32_t at = sections_[AUDIO].start;
        if (!records(AUDIO, 0, 1, COUNT)) return false;
        if (word(at) == GRU || word(at) == LSTM) return recurrent(at, word(at) == LSTM);
        if (word(at) == ARRAYS) return arrays(at);
        return kind(word(at) == WAVENET) && wavenet(0, 1);
    }

    bool recurrent(std::uint32_t at, bool lstm) {
        if (!records(AUDIO, 0, 1, RECURRENT_RECORD) || !kind(word(at + 4) == FLOAT32) ||
            !kind(word(at + 8) == FILM || word(at + 8) == BASIS))
            return false;
        const std::uint32_t n = word(at + 12), bases = word(at + 16);
        if (!within(n, UNITS) || !mixes(word(at + 8), bases)) return false;
        const std::uint32_t maps = lstm ? 1 : 3, rows = 4 * n, fed = lstm ? 4 * n : 3 * n;
        const std::uint32_t weights = lstm ? rows * (n + 1) : 2 * n * (n + 1) + n * n + n;
        return require(outputs_ == bases * maps + 2 * rows + fed + 1, Status::bad_dimension) &&
               array(AUDIO, at + 20, weights * (1 + bases) + rows + n + 2);
    }

    bool mixes(std::uint32_t conditioning, std::uint32_t bases) {
        return conditioning == BASIS ? within(bases, BASES)
                                     : require(bases == 0, Status::bad_dimension);
    }

    bool arrays(std::uint32_t at) {
        return records(AUDIO, 0, 1, ARRAYS_RECORD) && kind(word(at + 4) == FLOAT32) &&
               within(word(at + 8), SEVERAL) && wavenet(ARRAYS_RECORD, word(at + 8));
    }

    // `count` layer arrays, `offset` into the section.
    bool wavenet(std::uint32_t offset, std::uint32_t count) {
        const std::uint32_t start = sections_[AUDIO].start;
        std::uint32_t outputs = 1, history = 0;
        for (std::uint32_t i = 0, own = offset; i < count; ++i) {
            if (!sizes(own, i + 1 == count, outputs, history)) return false;
            own += WAVENET_RECORD + word(start + own + 16) * WAVENET_LAYER;
        }
        if (!require(outputs_ == outputs, Status::bad_dimension)) return false;
        std::uint32_t at = start + offset, before = 1;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t next = at + WAVENET_RECORD + word(at + 16) * WAVENET_LAYER;
            const std::uint32_t c = word(at + 12), taps = word(at + 28);
            const std::uint32_t leave = i + 1 == count ? c * taps + 1 : word(next + 12) * c;
            if (!weights(at) || !array(AUDIO, at + 40, leave) || !array(AUDIO, at + 32, c * before))
                return false;
            before = c;
            at = next;
        }
        return true;
    }

    // Adds what the array takes of the control network's outputs, and what it keeps of the past.
    bool sizes(std::uint32_t offset, bool last, std::uint32_t& outputs, std::uint32_t& history) {
        const std::uint32_t at = sections_[AUDIO].start + offset;
        if (!records(AUDIO, offset, 1, WAVENET_RECORD) || !kind(word(at) == WAVENET) ||
            !kind(word(at + 4) == FLOAT32) ||
            !kind(word(at + 8) == FILM || word(at + 8) == BASIS) ||
            !kind(word(at + 20) == LEAKY_RELU || word(at + 20) == TANH))
            return false;
        const std::uint32_t c = word(at + 12), count = word(at + 16), taps = word(at + 28);
        const std::uint32_t bases = word(at + 48);
        if (!within(c, CHANNELS) || !within(count, LAYERS) || !within(taps, HEAD_KERNEL) ||
            !require(last || taps == 1, Status::bad_dimension) || !mixes(word(at + 8), bases))
            return false;
        const float slope = f32(bytes_, at + 24);
        if (!number(at + 24) || !require(slope >= 0 && slope <= 1, Status::bad_dimension) ||
            !records(AUDIO, offset + WAVENET_RECORD, count, WAVENET_LAYER))
            return false;
        std::uint32_t past = taps - 1;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t layer = at + WAVENET_RECORD + i * WAVENET_LAYER;
            if (!within(word(layer), KERNEL) || !within(word(layer + 4), DILATION)) return false;
            past += (word(layer) - 1) * word(layer + 4);
        }
        outputs += c + (bases + 2 * c) * count;
        history += c * past;
        return require(history <= LARGEST_HISTORY, Status::bad_dimension);
    }

    // Those of an array's layers.
    bool weights(std::uint32_t at) {
        const std::uint32_t c = word(at + 12), bases = word(at + 48);
        for (std::uint32_t i = 0; i < word(at + 16); ++i) {
            const std::uint32_t layer = at + WAVENET_RECORD + i * WAVENET_LAYER;
            const std::uint32_t map = c * c * word(layer) + c;
            if (!array(AUDIO, layer + 8, map + c + c * c + c + bases * map)) return false;
        }
        return true;
    }

    const std::uint8_t* bytes_;
    std::size_t size_;
    Image& image_;
    Status status_ = Status::ok;
    Span sections_[LAST + 1] = {};
    std::uint32_t inputs_ = 0, outputs_ = 0;
};

}  // namespace

Status open(const void* bytes, std::size_t size, Image& image) noexcept {
    if (reinterpret_cast<std::uintptr_t>(bytes) % 4) return Status::bad_alignment;
    Image found{};
    const Status status = Reader(bytes, size, found).read();
    if (status == Status::ok) image = found;
    return status;
}

Knob Image::knob(unsigned index) const noexcept {
    const std::uint32_t at = knobs_at + KNOB_COUNTS + index * layout::KNOB;
    return {layout::text(bytes, at),  layout::text(bytes, at + 8),
            reinterpret_cast<const char*>(bytes + at + 16),
            f32(bytes, at + 28),      f32(bytes, at + 32),
            f32(bytes, at + 36),      u32(bytes, at + 40),
            u32(bytes, at + 48)};
}

Detent Image::detent(unsigned knob, unsigned position) const noexcept {
    const std::uint32_t first = u32(bytes, knobs_at + KNOB_COUNTS + knob * layout::KNOB + 44);
    const std::uint32_t at =
        knobs_at + KNOB_COUNTS + knobs * layout::KNOB + (first + position) * DETENT;
    return {layout::text(bytes, at), reinterpret_cast<const char*>(bytes + at + 8)};
}

const char* text(Status status) noexcept {
    switch (status) {
        case Status::ok: return "The model is good.";
        case Status::bad_magic: return "This is not a pedal image; export one.";
        case Status::bad_version: return "The image has another version; update this player.";
        case Status::bad_size: return "The image is cut short or too long; export it again.";
        case Status::bad_crc: return "The image is damaged; copy it again.";
        case Status::bad_section: return "The image has a section out of place; export it again.";
        case Status::bad_dimension: return "The image has sizes that do not fit; export it again.";
        case Status::bad_number: return "The image holds what is not a number; export it again.";
        case Status::bad_kind: return "The image holds a net unknown here; update this player.";
        case Status::bad_text: return "The image has a bad text; export it again.";
        case Status::bad_knob: return "The image has a bad knob; export it again.";
        case Status::bad_alignment: return "The image lies at an odd address; align it to 4 bytes.";
        case Status::small_arena: return "The model needs more memory; load a smaller one.";
    }
    return "The image is bad; export it again.";
}

}  // namespace ampsweep

// What is heard when the audio callback was late: a short silence, never a scream.

#pragma once

#include <atomic>
#include <cstdint>

#include "fade.h"

namespace ampsweep {

// A converter whose next block is not there in time plays the last one again: a tone as loud as the
// guitar. So after a late block nothing costly is computed for a while. What sounded goes to zero
// in 1 ms, and after a pause the sound returns softly. If the callback is late again and again, the
// model is too large for the processor: the dry guitar is played until `forgive`.
class Overload {
public:
    static constexpr float FALL = 0.001f, PAUSE = 0.1f, RISE = 0.02f;  // seconds
    static constexpr unsigned PATIENCE = 4;   // late blocks…
    static constexpr float FORGOTTEN = 1.0f;  // …with less than so many seconds between them

    explicit Overload(float rate) noexcept
        : tail_(1.0f, FALL * rate, false),
          sound_(RISE * rate, RISE * rate, true),
          pause_(static_cast<unsigned>(PAUSE * rate)),
          forgotten_(static_cast<unsigned>(FORGOTTEN * rate)) {}

    // The block that has just ended was late. For the audio callback, as all but `forgive`.
    void late() noexcept {
        if (rests()) return;
        strikes_ = played_ < forgotten_ ? strikes_ + 1 : 1;
        if (strikes_ >= PATIENCE) gave_up_.store(true, std::memory_order_relaxed);
        state_ = State::pausing;
        left_ = pause_;
        tail_.jump(true);
        tail_.to(false);
        sound_.jump(false);
    }

    // Whether the next block is to be filled by `rest`, and nothing else done.
    bool rests() const noexcept { return state_ != State::playing; }
    bool gave_up() const noexcept { return gave_up_.load(std::memory_order_relaxed); }

    // Another model is going to play: what the last one cost does not matter. For any thread.
    void forgive() noexcept { gave_up_.store(false, std::memory_order_relaxed); }

    void rest(const float* dry, float* out, unsigned frames) noexcept {
        if (state_ == State::pausing) {
            for (unsigned i = 0; i < frames; ++i) out[i] = last_ * tail_.next();
            left_ -= frames < left_ ? frames : left_;
            if (left_ == 0) state_ = gave_up() ? State::dry : State::playing;
        } else {
            sound_.to(gave_up());
            for (unsigned i = 0; i < frames; ++i) out[i] = dry[i] * sound_.next();
            if (sound_.is_off()) {
                state_ = State::playing;
                strikes_ = 0;
            }
        }
        played_ = 0;
    }

    // After a block that was played as it should be.
    void play(float* out, unsigned frames) noexcept {
        sound_.to(true);
        sound_.process(out, frames);
        last_ = out[frames - 1];
        if (played_ < forgotten_) played_ += frames;
    }

private:
    enum class State : std::uint8_t {
        playing,  // as it should
        pausing,  // the last sample fades, then silence
        dry,      // given up; on its way back to playing once forgiven
    };

    State state_ = State::playing;
    Fade tail_, sound_;
    unsigned pause_, forgotten_, left_ = 0, strikes_ = 0, played_ = 0;
    float last_ = 0.0f;  // the sample that was heard last
    std::atomic<bool> gave_up_{false};
};

}  // namespace ampsweep

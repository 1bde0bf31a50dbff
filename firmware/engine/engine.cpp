// Audio in, knobs turning: which block is played with which weights.

#include "engine.h"

#include "control.h"
#include "layout.h"
#include "recurrent.h"
#include "wavenet.h"

namespace ampsweep {

struct Player {
    Control control;
    bool recurrent;
    Wavenet wavenet;
    Recurrent cell;
    int interval;  // samples from one control frame to the next
    int since;     // samples since the last one
    int in_block;  // and since the last whole block
    bool moving;   // between that frame and the next
    float* wanted;   // positions: where the knobs were set
    float* reached;  // and those of the next frame
    float *before, *after;  // conditions at the frame before and at the one to come
};

namespace {

// Where a knob was set, which another thread may do at any time.
float asked(const float& position) {
    float now;
    __atomic_load(&position, &now, __ATOMIC_RELAXED);
    return now;
}

// Does it with whichever net there is.
template <class F>
void with(Player& player, F f) {
    if (player.recurrent)
        f(player.cell);
    else
        f(player.wavenet);
}

// Takes what an image needs.
Player place(const Image& image, Arena& arena) {
    Player player{};
    const std::size_t knobs = image.knobs;
    const std::uint32_t kind = layout::u32(image.bytes, image.audio_at);
    player.recurrent = kind == layout::GRU || kind == layout::LSTM;
    if (player.recurrent)
        player.cell = place_recurrent(image, arena);
    else
        player.wavenet = place_wavenet(image, arena);
    player.control = place_control(image, arena);
    player.interval = int(image.interval);
    player.wanted = arena.other.take<float>(knobs);
    player.reached = arena.other.take<float>(knobs);
    int conditions = (player.control.outputs + 7) / 8 * 8;
    if (player.recurrent && frame_size(player.cell) > conditions)
        conditions = frame_size(player.cell);
    player.before = arena.fast.take<float>(std::size_t(conditions));
    player.after = arena.fast.take<float>(std::size_t(conditions));
    return player;
}

Arena count(const Image& image) {
    Arena arena;
    arena.fast.take<Player>(1);
    place(image, arena);
    return arena;
}

void evaluate(Player& player, float* conditions) {
    for (int k = 0; k < player.control.knobs; ++k) player.reached[k] = asked(player.wanted[k]);
    follow(player.control, player.reached, conditions);
    with(player, [&](auto& net) { to_conditions(net, conditions); });
}

// At a control frame: where the knobs go until the next one.
void begin_interval(Player& player) {
    bool turned = false;
    for (int k = 0; k < player.control.knobs; ++k)
        turned = turned || asked(player.wanted[k]) != player.reached[k];
    if (player.moving) {
        float* before = player.before;
        player.before = player.after;
        player.after = before;
        with(player, [](auto& net) { arrive(net); });
    }
    if (turned) {
        evaluate(player, player.after);
        with(player, [&](auto& net) { approach(net, player.after); });
    } else if (player.moving) {
        with(player, [&](auto& net) { fold(net, player.before); });
    }
    player.moving = turned;
}

}  // namespace

std::size_t arena_size(const Image& image) noexcept {
    const Arena arena = count(image);
    return arena.fast.needed() + arena.other.needed();
}

std::size_t fast_size(const Image& image) noexcept { return count(image).fast.needed(); }

Status Engine::load(const Image& image, void* arena, std::size_t size) noexcept {
    const std::size_t fast = fast_size(image);
    player_ = nullptr;
    if (size < fast) return Status::small_arena;
    return load(image, arena, fast, static_cast<std::uint8_t*>(arena) + fast, size - fast);
}

Status Engine::load(const Image& image, void* fast, std::size_t fast_size, void* other,
                    std::size_t other_size) noexcept {
    const Arena needed = count(image);
    player_ = nullptr;
    if (fast_size < needed.fast.needed() || other_size < needed.other.needed())
        return Status::small_arena;
    Arena arena = {Region(fast, fast_size), Region(other, other_size)};
    player_ = arena.fast.take<Player>(1);
    *player_ = place(image, arena);
    for (unsigned k = 0; k < image.knobs; ++k) player_->wanted[k] = image.knob(k).initial;
    restart();
    return Status::ok;
}

unsigned Engine::knobs() const noexcept { return player_ ? unsigned(player_->control.knobs) : 0; }

void Engine::set(unsigned knob, float position) noexcept {
    if (knob >= knobs() || position != position) return;
    const Panel& panel = player_->control.panel[knob];
    position = position < panel.minimum ? panel.minimum : position;
    position = position > panel.maximum ? panel.maximum : position;
    __atomic_store(&player_->wanted[knob], &position, __ATOMIC_RELAXED);
}

float Engine::get(unsigned knob) const noexcept {
    return knob < knobs() ? asked(player_->wanted[knob]) : 0.0f;
}

void Engine::restart() noexcept {
    if (player_ == nullptr) return;
    Player& player = *player_;
    player.since = player.in_block = 0;
    player.moving = false;
    evaluate(player, player.before);
    with(player, [&](auto& net) {
        fold(net, player.before);
        settle(net);
    });
}

void Engine::process(const float* in, float* out, unsigned frames) noexcept {
    if (player_ == nullptr) {
        for (unsigned i = 0; i < frames; ++i) out[i] = 0.0f;
        return;
    }
    Player& player = *player_;
    while (frames > 0) {
        if (player.since == 0) begin_interval(player);
        int now = BLOCK - player.in_block;
        if (player.interval - player.since < now) now = player.interval - player.since;
        if (frames < unsigned(now)) now = int(frames);
        const float step = 1.0f / float(player.interval);
        const Block block = {in,           out,          now,
                             player.moving, player.before, player.after,
                             float(player.since) * step, step};
        with(player, [&](auto& net) { run(net, block); });
        player.since = (player.since + now) % player.interval;
        player.in_block = (player.in_block + now) % BLOCK;
        in += now;
        out += now;
        frames -= unsigned(now);
    }
}

}  // namespace ampsweep

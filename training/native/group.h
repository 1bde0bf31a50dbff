// The step of a GRU or an LSTM, for eight windows at a time, forward and backward.
//
// A step works on four planes of HIDDEN pre-activations, LSTM: i f g o, GRU: r z q n (q is what
// the candidate hears of the state, n what it hears of the input):
//
//     z = A u + S (W h) + T        W reaches all planes of the LSTM, the first three of the GRU
//     wet = O + K u + H h
//
// A, S, T, H, K and O are given at control frames, one every 48 samples, and linear between them;
// so is W if every window has its own. For backward only the states at control frames are kept:
// a block of 48 samples is computed again, and then lies in cache. Memory thus hardly grows with
// the window, and a gradient is cut between two blocks by forgetting it.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "planes.h"

namespace {

// Eight windows. OWN: each has weights of its own. MOVING: their knobs move.
template <bool OWN, bool MOVING>
class Group {
   public:
    typedef typename std::conditional<OWN, Vec, float>::type Number;

    Group(const Shape& shape, const float* weight)
        : shape_(shape), first_(size_t(shape.width())), change_(size_t(shape.width())) {
        if (!OWN)
            for (int r = 0; r < R; ++r)
                for (int j = 0; j < H; ++j) w_.set(r, j, scalar(weight[r * H + j]));
    }

    // The windows from `window` on; `kept` receives the states at the blocks' beginnings.
    void forward(int window, const float* dry, const float* frames, const float* state, float* kept,
                 float* wet, float* last) {
        Vec h[HP] = {}, c[HP] = {};
        load_state(window, state, h, c);
        for (int b = 0; b < shape_.blocks(); ++b) {
            if (MOVING || b == 0) load_frames(window, frames, b);
            if (kept) {
                float* to = kept + size_t(b) * MEMORY * H * LANES;
                std::memcpy(to, h, H * sizeof(Vec));
                if (LSTM) std::memcpy(to + H * LANES, c, H * sizeof(Vec));
            }
            load_dry(window, dry, b);
            for (int t = 0; t < length(b); ++t) {
                step<false>(t, h, c);
                store(window, wet, b * BLOCK + t, output(t, h));
            }
        }
        save_state(window, last, h, c);
    }

    // The state that silence leaves at the first frame, in place: when no number changes by more
    // than the tolerance within a block, or after so many samples.
    void settle(int window, const float* frames, int samples, float tolerance, float* state) {
        Vec h[HP] = {}, c[HP] = {}, h_before[HP], c_before[HP];
        load_state(window, state, h, c);
        load_frames(window, frames, 0);
        std::fill(u_, u_ + BLOCK, Vec{});
        for (int n = 0; n < samples; n += BLOCK) {
            std::copy(h, h + HP, h_before);
            std::copy(c, c + HP, c_before);
            for (int t = 0; t < BLOCK; ++t) step<false>(0, h, c);
            float most = 0;
            for (int k = 0; k < H; ++k)
                for (int l = 0; l < LANES; ++l)
                    most = std::max({most, std::abs(h[k][l] - h_before[k][l]),
                                     std::abs(c[k][l] - c_before[k][l])});
            if (most <= tolerance) break;
        }
        save_state(window, state, h, c);
    }

    // Adds to grad (the weights of all windows, as vectors to be summed) and writes grad_frames
    // and grad_state, which is that of the end when it comes.
    void backward(int window, const float* dry, const float* frames, const float* kept,
                  const float* grad_wet, Vec* grad, float* grad_frames, float* grad_state) {
        Vec dh[HP] = {}, dc[HP] = {};
        load_state(window, grad_state, dh, dc);
        Vec* total = OWN ? own_.data() : grad;
        totals_.assign(totals_.size(), Vec{});
        if (OWN) own_.assign(own_.size(), Vec{});
        for (int b = shape_.blocks() - 1; b >= shape_.first; --b) {
            if (MOVING || b == shape_.blocks() - 1) load_frames(window, frames, b);
            load_dry(window, dry, b);
            again(kept + size_t(b) * MEMORY * H * LANES, length(b));
            load(window, grad_wet, b, dwet_);
            for (int t = length(b) - 1; t >= 0; --t) step_back(t, dh, dc);
            weights_back(length(b), h_.data(), total);
            conditions_back(length(b));
            if (MOVING) {
                if (OWN) {
                    for (int t = 0; t < length(b); ++t)
                        for (int k = 0; k < H; ++k) h_[size_t(t * HP + k)] *= fraction(t);
                    weights_back(length(b), h_.data(), own_ramped_.data());
                }
                scatter(window, grad_frames, b);
            }
            const int since = b - shape_.first;
            const bool cut = since == 0 ? b > 0 : shape_.stretch && since % shape_.stretch == 0;
            if (cut) {
                std::fill(dh, dh + HP, Vec{});
                std::fill(dc, dc + HP, Vec{});
            }
        }
        if (!MOVING) scatter(window, grad_frames, 0);
        save_state(window, grad_state, dh, dc);
    }

   private:
    static Number scalar(float x) {
        if constexpr (OWN) return all(x);
        else return x;
    }
    static float fraction(int t) { return float(t) / BLOCK; }
    int length(int b) const { return std::min(BLOCK, shape_.samples - b * BLOCK); }
    int lanes(int window) const { return std::min(LANES, shape_.batch - window); }

    void load_state(int window, const float* state, Vec* h, Vec* c) const {
        for (int l = 0; l < lanes(window); ++l)
            for (int k = 0; k < MEMORY * H; ++k)
                (k < H ? h[k] : c[k - H])[l] = state[size_t(window + l) * MEMORY * H + size_t(k)];
    }
    void save_state(int window, float* state, const Vec* h, const Vec* c) const {
        for (int l = 0; l < lanes(window); ++l)
            for (int k = 0; k < MEMORY * H; ++k)
                state[size_t(window + l) * MEMORY * H + size_t(k)] = (k < H ? h[k] : c[k - H])[l];
    }
    void load(int window, const float* audio, int b, Vec* to) const {
        std::fill(to, to + BLOCK, Vec{});
        for (int l = 0; l < lanes(window); ++l) {
            const float* from = audio + size_t(window + l) * size_t(shape_.samples) + b * BLOCK;
            for (int t = 0; t < length(b); ++t) to[t][l] = from[t];
        }
    }
    void load_dry(int window, const float* dry, int b) { load(window, dry, b, u_); }
    void store(int window, float* wet, int n, Vec value) const {
        for (int l = 0; l < lanes(window); ++l)
            wet[size_t(window + l) * size_t(shape_.samples) + size_t(n)] = value[l];
    }

    // Lanes without a window keep zeros, which compute to something finite that nobody reads.
    void load_frames(int window, const float* frames, int b) {
        const size_t width = size_t(shape_.width());
        for (int l = 0; l < lanes(window); ++l) {
            const float* here =
                frames + (size_t(window + l) * size_t(shape_.frames) + size_t(MOVING ? b : 0)) * width;
            for (size_t i = 0; i < width; ++i) {
                first_[i][l] = here[i];
                if (MOVING) change_[i][l] = here[width + i] - here[i];
            }
        }
        if constexpr (OWN)
            for (int r = 0; r < R; ++r)
                for (int j = 0; j < H; ++j) {
                    w_.set(r, j, first_[size_t(CONDITIONS + r * H + j)]);
                    if (MOVING) dw_.set(r, j, change_[size_t(CONDITIONS + r * H + j)]);
                }
    }

    Vec condition(int index, int t) const {
        const Vec first = first_[size_t(index)];
        return MOVING ? first + fraction(t) * change_[size_t(index)] : first;
    }

    void multiply(int t, const Vec* h, Vec* y) {
        w_.ahead.times(h, y);
        if constexpr (OWN && MOVING) {
            Vec more[RP];
            dw_.ahead.times(h, more);
            for (int r = 0; r < R; ++r) y[r] += fraction(t) * more[r];
        }
    }

    // h and c of one sample from those before. KEEP: what backward needs goes to the block's rows.
    // Loops are short and many: what one holds is independent, and the processor overlaps it.
    template <bool KEEP>
    void step(int t, Vec* h, Vec* c) {
        Vec y_here[RP], g_here[4 * H];
        Vec* y = KEEP ? y_.data() + t * RP : y_here;
        Vec* g = KEEP ? gates_.data() + t * 4 * H : g_here;
        multiply(t, h, y);
        const Vec u = u_[t];
        const auto z = [&](int r) {
            const Vec driven = condition(A + r, t) * u + condition(T + r, t);
            return r < R ? driven + condition(S + r, t) * y[r] : driven;
        };
        for (int r = 0; r < 2 * H; ++r) g[r] = sigmoid(z(r));
        if constexpr (LSTM) {
            for (int r = 2 * H; r < 3 * H; ++r) g[r] = tanh_of(z(r));
            for (int r = 3 * H; r < 4 * H; ++r) g[r] = sigmoid(z(r));
            for (int k = 0; k < H; ++k) {
                c[k] = g[H + k] * c[k] + g[k] * g[2 * H + k];
                const Vec tc = tanh_of(c[k]);
                h[k] = g[3 * H + k] * tc;
                if (KEEP) tc_[size_t(t * H + k)] = tc;
            }
        } else {
            for (int k = 0; k < H; ++k) {
                g[2 * H + k] = z(2 * H + k);
                g[3 * H + k] = tanh_of(z(3 * H + k) + g[k] * g[2 * H + k]);
                h[k] = g[3 * H + k] + g[H + k] * (h[k] - g[3 * H + k]);
            }
        }
        if constexpr (KEEP) {
            std::copy(h, h + H, h_.begin() + (t + 1) * HP);
            if (LSTM) std::copy(c, c + H, c_.begin() + (t + 1) * H);
        }
    }

    Vec output(int t, const Vec* h) const {
        Vec wet = condition(OFFSET, t) + condition(SKIP, t) * u_[t];
        for (int k = 0; k < H; ++k) wet += condition(HEAD + k, t) * h[k];
        return wet;
    }

    // A block's forward once more, from the state at its beginning.
    void again(const float* kept, int n) {
        Vec h[HP] = {}, c[HP] = {};
        std::memcpy(h, kept, H * sizeof(Vec));
        if (LSTM) std::memcpy(c, kept + H * LANES, H * sizeof(Vec));
        std::copy(h, h + H, h_.begin());
        if (LSTM) std::copy(c, c + H, c_.begin());
        for (int t = 0; t < n; ++t) step<true>(t, h, c);
    }

    // In: dh and dc after sample t; out: those before it. The gates become gradients of z.
    void step_back(int t, Vec* dh, Vec* dc) {
        Vec* g = gates_.data() + t * 4 * H;
        Vec* fed = fed_.data() + t * RP;
        Vec direct[H];
        for (int k = 0; k < H; ++k) {
            const Vec d = dh[k] + dwet_[t] * condition(HEAD + k, t);
            const Vec first = g[k], second = g[H + k], third = g[2 * H + k], fourth = g[3 * H + k];
            if constexpr (LSTM) {
                const Vec tc = tc_[size_t(t * H + k)];
                const Vec e = dc[k] + d * fourth * (1.0f - tc * tc);
                g[k] = e * third * first * (1.0f - first);
                g[H + k] = e * c_[size_t(t * H + k)] * second * (1.0f - second);
                g[2 * H + k] = e * first * (1.0f - third * third);
                g[3 * H + k] = d * tc * fourth * (1.0f - fourth);
                dc[k] = e * second;
                direct[k] = Vec{};
            } else {
                const Vec before = h_[size_t(t * HP + k)];
                const Vec e = d * (1.0f - second) * (1.0f - fourth * fourth);
                g[k] = e * third * first * (1.0f - first);
                g[H + k] = d * (before - fourth) * second * (1.0f - second);
                g[2 * H + k] = e * first;
                g[3 * H + k] = e;
                direct[k] = d * second;
            }
        }
        for (int r = 0; r < R; ++r) fed[r] = g[r] * condition(S + r, t);
        w_.back.times(fed, dh);
        if constexpr (OWN && MOVING) {
            Vec more[HP];
            dw_.back.times(fed, more);
            for (int k = 0; k < H; ++k) dh[k] += fraction(t) * more[k];
        }
        for (int k = 0; k < H; ++k) dh[k] += direct[k];
    }

    // total[r][k] += over the block, gradient of row r times the state before it.
    void weights_back(int n, const Vec* h, Vec* total) const {
        constexpr int ROW = 4, COLUMN = 2;
        for (int r = 0; r < R; r += ROW)
            for (int k = 0; k < H; k += COLUMN) {
                Vec sums[ROW][COLUMN] = {};
                for (int t = 0; t < n; ++t)
                    for (int i = 0; i < ROW; ++i)
                        for (int j = 0; j < COLUMN; ++j)
                            sums[i][j] += fed_[size_t(t * RP + r + i)] * h[t * HP + k + j];
                for (int i = 0; i < ROW; ++i)
                    for (int j = 0; j < COLUMN; ++j) total[(r + i) * HP + k + j] += sums[i][j];
            }
    }

    void conditions_back(int n) {
        for (int r = 0; r < 4 * H; ++r) {
            Vec a{}, s{}, o{}, a1{}, s1{}, o1{};
            for (int t = 0; t < n; ++t) {
                const Vec g = gates_[size_t(t * 4 * H + r)];
                const Vec gu = g * u_[t], gy = r < R ? g * y_[size_t(t * RP + r)] : Vec{};
                a += gu;
                s += gy;
                o += g;
                if (MOVING) {
                    a1 += fraction(t) * gu;
                    s1 += fraction(t) * gy;
                    o1 += fraction(t) * g;
                }
            }
            count(A + r, a, a1);
            count(S + r, s, s1);
            count(T + r, o, o1);
        }
        for (int k = -2; k < H; ++k) {  // offset, skip, head
            Vec whole{}, ramped{};
            for (int t = 0; t < n; ++t) {
                const Vec with = k >= 0 ? h_[size_t((t + 1) * HP + k)] : k == -1 ? u_[t] : all(1);
                whole += dwet_[t] * with;
                if (MOVING) ramped += fraction(t) * dwet_[t] * with;
            }
            count(k >= 0 ? HEAD + k : k == -1 ? SKIP : OFFSET, whole, ramped);
        }
    }
    void count(int index, Vec whole, Vec ramped) {
        totals_[size_t(index)] += whole;
        if (MOVING) ramped_[size_t(index)] += ramped;
    }

    // Gradients of the frames: of the only one, or of the two around block b.
    void scatter(int window, float* grad_frames, int b) {
        for (int l = 0; l < lanes(window); ++l) {
            float* here = grad_frames + (size_t(window + l) * size_t(shape_.frames) + size_t(b)) *
                                            size_t(shape_.width());
            float* next = here + shape_.width();
            const auto add = [&](int i, float whole, float ramped) {
                here[i] += MOVING ? whole - ramped : whole;
                if (MOVING) next[i] += ramped;
            };
            for (int i = 0; i < CONDITIONS; ++i)
                add(i, totals_[size_t(i)][l], ramped_[size_t(i)][l]);
            if (OWN)
                for (int r = 0; r < R; ++r)
                    for (int k = 0; k < H; ++k) {
                        const size_t from = size_t(r * HP + k);
                        add(CONDITIONS + r * H + k, own_[from][l], own_ramped_[from][l]);
                    }
        }
        std::fill(totals_.begin(), totals_.end(), Vec{});
        std::fill(ramped_.begin(), ramped_.end(), Vec{});
        std::fill(own_.begin(), own_.end(), Vec{});
        std::fill(own_ramped_.begin(), own_ramped_.end(), Vec{});
    }

    typedef std::vector<Vec> Rows;
    const Shape& shape_;
    Rows first_, change_;
    Weights<Number> w_, dw_;
    Vec u_[BLOCK] = {}, dwet_[BLOCK] = {};
    Rows y_ = Rows(BLOCK * RP), gates_ = Rows(BLOCK * 4 * H), fed_ = Rows(BLOCK * RP);
    Rows tc_ = Rows(BLOCK * H), h_ = Rows((BLOCK + 1) * HP), c_ = Rows((BLOCK + 1) * H);
    Rows totals_ = Rows(CONDITIONS), ramped_ = Rows(CONDITIONS);
    Rows own_ = Rows(OWN ? RP * HP : 0), own_ramped_ = Rows(OWN ? RP * HP : 0);
};

}  // namespace

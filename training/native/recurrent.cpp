// Conditioned GRU and LSTM, forward and backward, for training on CPUs.
//
// It computes what training/models/cell.py computes in torch, which stays the reference. A
// recurrent net is one long chain of small steps; a framework pays for every step many times over
// in calls. Here a step of eight windows is one straight run of vector code: a vector holds one
// number of eight windows. HIDDEN and GRU are set by the compiler's command line. group.h is what a
// step does.

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "group.h"

namespace {

Shape describe(const int32_t* s) { return {s[0], s[1], s[2], s[3], s[4], s[5], s[6]}; }

// Calls work(group, its number, thread) for every eight windows, with a Group of the right kind.
template <bool OWN, bool MOVING, class Work>
void spread_over(const Shape& shape, const float* weight, Work work) {
    const int threads = std::max(1, std::min(shape.threads, shape.groups()));
    const auto share = [&](int thread) {
        Group<OWN, MOVING> group(shape, weight);
        for (int g = thread; g < shape.groups(); g += threads) work(group, g, thread);
    };
    std::vector<std::thread> pool;
    for (int t = 1; t < threads; ++t) pool.emplace_back(share, t);
    share(0);
    for (std::thread& thread : pool) thread.join();
}
template <class Work>
void spread(const Shape& shape, const float* weight, Work work) {
    const bool moving = shape.frames > 1;
    if (shape.own) moving ? spread_over<true, true>(shape, weight, work)
                          : spread_over<true, false>(shape, weight, work);
    else moving ? spread_over<false, true>(shape, weight, work)
                : spread_over<false, false>(shape, weight, work);
}

}  // namespace

extern "C" {

// shape: windows, samples, frames, blocks without a gradient, blocks from one cut of the gradient
// to the next (0: none), threads, whether every window has weights of its own.

// Floats that forward keeps for backward.
int64_t workspace(const int32_t* shape) {
    const Shape s = describe(shape);
    return int64_t(s.kept()) * s.groups();
}

// weight (rows, H), dry (windows, samples), frames (windows, frames, width), state (windows,
// memory) -> wet (windows, samples), last (windows, memory). kept may be null.
void forward(const int32_t* shape, const float* weight, const float* dry, const float* frames,
             const float* state, float* kept, float* wet, float* last) {
    const Shape s = describe(shape);
    spread(s, weight, [&](auto& group, int g, int) {
        group.forward(g * LANES, dry, frames, state, kept ? kept + size_t(g) * s.kept() : nullptr,
                      wet, last);
    });
}

// The state that silence leaves, in place of the one from which it begins.
void settle(const int32_t* shape, const float* weight, const float* frames, int32_t samples,
            float tolerance, float* state) {
    spread(describe(shape), weight, [&](auto& group, int g, int) {
        group.settle(g * LANES, frames, samples, tolerance, state);
    });
}

// After forward. grad_weight and grad_frames are written; grad_state is that of the last state
// when it comes, and of the first when it leaves.
void backward(const int32_t* shape, const float* weight, const float* dry, const float* frames,
              const float* kept, const float* grad_wet, float* grad_weight, float* grad_frames,
              float* grad_state) {
    const Shape s = describe(shape);
    std::memset(grad_frames, 0,
                size_t(s.batch) * size_t(s.frames) * size_t(s.width()) * sizeof(float));
    const size_t most = size_t(std::max(1, s.threads));
    std::vector<std::vector<Vec>> grads(most, std::vector<Vec>(s.own ? 0 : RP * HP));
    spread(s, weight, [&](auto& group, int g, int thread) {
        group.backward(g * LANES, dry, frames, kept + size_t(g) * s.kept(), grad_wet,
                       grads[size_t(thread)].data(), grad_frames, grad_state);
    });
    if (s.own) return;
    std::memset(grad_weight, 0, R * H * sizeof(float));
    for (const std::vector<Vec>& grad : grads)
        for (int r = 0; r < R; ++r)
            for (int k = 0; k < H; ++k)
                for (int l = 0; l < LANES; ++l)
                    grad_weight[r * H + k] += grad[size_t(r * HP + k)][l];
}
}

// The conditioned WaveNet's audio path, forward and backward, for training on CPUs.
//
// It computes what training/models/wavenet.py computes in torch, which stays the reference. A
// framework's convolution is made for hundreds of channels; here there are eight, and what counts is
// that samples stay in registers and cache from the convolution through conditions, activation and
// residual: a chunk of a window passes through all layers before the next chunk does.
//
// Each layer's output begins where its taps are all inside the window, rounded down to a block; what
// is computed before the true start comes from zeros, reaches no output, and receives no gradient.

#include <atomic>
#include <thread>

#include "backward.h"

namespace {

// Calls work(window, thread) for every window; a thread takes the next one when it has time.
template <class Work>
void share(int windows, int threads, Work work) {
    std::atomic<int> next{0};
    const auto run = [&](int thread) {
        for (int b = next++; b < windows; b = next++) work(b, thread);
    };
    std::vector<std::thread> pool;
    for (int t = 1; t < std::min(threads, windows); ++t) pool.emplace_back(run, t);
    run(0);
    for (std::thread& thread : pool) thread.join();
}

struct Batch {
    const Net& net;
    const float *weights, *generated, *conditions, *dry;
    float* memory;
    size_t of_frames() const { return size_t(net.frames) * net.of_frame; }
    size_t of_conditions() const { return size_t(net.frames) * net.conditions; }
    size_t of_output() const { return size_t(net.samples - net.output_start()); }
    Data window(int b) const {
        const size_t i = size_t(b);
        return {weights, generated + i * of_frames(), conditions + i * of_conditions(),
                dry + i * size_t(net.samples), memory + i * net.memory};
    }
};

}  // namespace

extern "C" {

// Floats of memory for one window, if it is kept for backward or not.
int64_t workspace(const int32_t* shape, const float* slopes, int32_t kept) {
    return int64_t(describe(shape, slopes, kept != 0).memory);
}

// dry (batch, samples), generated (batch, frames, of_frame), conditions (batch, frames, conditions)
// -> wet (batch, samples - receptive field + 1). memory: of `batch` windows if kept, else of
// `threads`.
void forward(const int32_t* shape, const float* slopes, int32_t kept, int32_t batch,
             int32_t threads, const float* weights, const float* generated,
             const float* conditions, const float* dry, float* memory, float* wet) {
    const Net net = describe(shape, slopes, kept != 0);
    const Batch all{net, weights, generated, conditions, dry, memory};
    share(batch, threads, [&](int b, int thread) {
        Data data = all.window(b);
        if (!kept) data.memory = memory + size_t(thread) * net.memory;
        Forward run(net, data);
        run(wet + size_t(b) * all.of_output());
    });
}

// After forward, on the same memory, which it uses up. Gradients are written, not added: those of
// the weights window by window, so that their sum does not depend on threads.
void backward(const int32_t* shape, const float* slopes, int32_t batch, int32_t threads,
              const float* weights, const float* generated, const float* conditions,
              const float* dry, float* memory, const float* grad_wet, float* grad_weights,
              float* grad_generated, float* grad_conditions) {
    const Net net = describe(shape, slopes, true);
    const Batch all{net, weights, generated, conditions, dry, memory};
    std::vector<Scratch> scratch(size_t(std::min(threads, batch)), Scratch(net));
    share(batch, threads, [&](int b, int thread) {
        const size_t i = size_t(b);
        const Gradients grads{grad_weights + i * net.weights,
                              grad_generated + i * all.of_frames(),
                              grad_conditions + i * all.of_conditions()};
        std::fill_n(grads.weights, net.weights, 0.0f);
        std::fill_n(grads.generated, all.of_frames(), 0.0f);
        std::fill_n(grads.conditions, all.of_conditions(), 0.0f);
        const Data data = all.window(b);
        Backward run(net, data, grads, scratch[size_t(thread)]);
        run(grad_wet + i * all.of_output());
    });
}
}

// The conditioned WaveNet's audio path, forward and backward, for training on CPUs.
//
// It computes what training/models/wavenet.py computes in torch, which stays the reference. A
// framework's convolution is made for hundreds of channels; here there are eight, and what counts is
// that a time block stays in registers and cache from the convolution through FiLM, activation and
// residual. CHANNELS is set by the compiler's command line: loops over channels then unroll.
//
// Time runs in blocks of 48 samples, the control interval. Each layer's output begins where its
// taps are all inside the window, rounded down to a block; what is computed before the true start
// comes from zeros, reaches no output, and receives no gradient.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

namespace {

constexpr int C = CHANNELS;
constexpr int BLOCK = 48;
constexpr int LANES = 8;
constexpr int TIME = 3;  // vectors of time in a register tile
constexpr int ROWS = C % 4 == 0 ? 4 : C % 3 == 0 ? 3 : C % 2 == 0 ? 2 : 1;  // channels in a tile
constexpr int FRONT = BLOCK;  // zeros before a row: a rounded-down start may read them

typedef float Vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

inline Vec& at(float* p) { return *reinterpret_cast<Vec*>(p); }
inline Vec at(const float* p) { return *reinterpret_cast<const Vec*>(p); }
inline float sum(Vec v) {
    float total = 0;
    for (int i = 0; i < LANES; ++i) total += v[i];
    return total;
}

struct Ramp {
    float up[BLOCK];
    Ramp() {
        for (int i = 0; i < BLOCK; ++i) up[i] = float(i) / BLOCK;
    }
};
const Ramp ramp;

struct Layer {
    int kernel, dilation;
    int start;                                        // first sample of its output, a whole block
    size_t conv, bias, mixin, residual, residual_bias;  // offsets in the parameters
    size_t scale, shift;                              // offsets in a frame of conditions
};

struct Net {
    int samples, frames, conditions, head_kernel, receptive_field, tail;
    float slope;
    size_t head, head_bias, parameters;
    std::vector<Layer> layers;
    size_t row() const { return size_t(FRONT) + size_t(samples) + size_t(tail); }
    size_t plane() const { return row() * C; }
    int head_start() const { return layers.back().start; }
    int output_start() const { return receptive_field - 1; }
};

// One control value at a block's beginning and its slope across the block.
struct Condition {
    float first, change;
};
inline Condition condition(const Net& net, const float* frames, int block, size_t index) {
    if (net.frames == 1) return {frames[index], 0.0f};
    const float* here = frames + size_t(block) * size_t(net.conditions) + index;
    return {here[0], here[net.conditions] - here[0]};
}
inline void add_condition(const Net& net, float* frames, int block, size_t index, float whole,
                          float ramped) {
    if (net.frames == 1) {
        frames[index] += whole;
        return;
    }
    float* here = frames + size_t(block) * size_t(net.conditions) + index;
    here[0] += whole - ramped;
    here[net.conditions] += ramped;
}

// out[r][t] += sum over (c, k) of w[(c * kernel + k) * ROWS + r] * in[c][t + offset(k)].
template <class Offset>
inline void tile(const float* w, const float* in, size_t row, int kernel, Offset offset, int t,
                 Vec (&acc)[ROWS][TIME]) {
    for (int c = 0; c < C; ++c) {
        const float* x = in + size_t(c) * row;
        for (int k = 0; k < kernel; ++k, w += ROWS) {
            const float* p = x + t + offset(k);
            Vec v[TIME];
            for (int i = 0; i < TIME; ++i) v[i] = at(p + i * LANES);
            for (int r = 0; r < ROWS; ++r)
                for (int i = 0; i < TIME; ++i) acc[r][i] += w[r] * v[i];
        }
    }
}

// Weights of [out][in][kernel] as tiles read them; transposed swaps out and in.
std::vector<float> pack(const float* w, int kernel, bool transposed) {
    std::vector<float> packed(size_t(C) * C * size_t(kernel));
    size_t i = 0;
    for (int o = 0; o < C; o += ROWS)
        for (int c = 0; c < C; ++c)
            for (int k = 0; k < kernel; ++k)
                for (int r = 0; r < ROWS; ++r) {
                    const int from = transposed ? c : o + r, to = transposed ? o + r : c;
                    packed[i++] = w[(from * C + to) * kernel + k];
                }
    return packed;
}

struct Packed {
    std::vector<float> conv, residual, conv_back, residual_back;
};

class Window {
   public:
    // planes: layers + 1 inputs x, then layers pre-activations z, then the head sum.
    Window(const Net& net, const std::vector<Packed>& packed, const float* parameters,
           const float* dry, const float* frames, float* planes)
        : net_(net), packed_(packed), p_(parameters), u_(dry), cond_(frames), planes_(planes) {}

    void forward(float* wet) {
        const size_t row = net_.row();
        rechannel();
        clear(head(), net_.head_start());
        for (size_t i = 0; i < net_.layers.size(); ++i) forward_layer(i);
        const float* w = p_ + net_.head;
        const int first = net_.output_start();
        for (int n = first; n < net_.samples; ++n) wet[n - first] = 0;
        for (int c = 0; c < C; ++c)
            for (int k = 0; k < net_.head_kernel; ++k) {
                const float* h = head() + size_t(c) * row + FRONT - (net_.head_kernel - 1 - k);
                const float v = w[c * net_.head_kernel + k];
                for (int n = first; n < net_.samples; ++n) wet[n - first] += v * h[n];
            }
        for (int n = first; n < net_.samples; ++n)
            wet[n - first] = wet[n - first] * head_scale(n) + p_[net_.head_bias];
    }

    // grad: this thread's parameters; grad_frames: this window's conditions; scratch: 3 planes.
    void backward(const float* grad_wet, float* grad, float* grad_frames, float* scratch) {
        float* gx = scratch;
        float* gz = scratch + net_.plane();
        float* ghead = scratch + 2 * net_.plane();
        std::memset(scratch, 0, 3 * net_.plane() * sizeof(float));
        backward_head(grad_wet, grad, grad_frames, ghead);
        for (size_t i = net_.layers.size(); i-- > 0;)
            backward_layer(i, grad, grad_frames, gx, gz, ghead);
        for (int n = 0; n < net_.samples; n += BLOCK) {
            const int block = n / BLOCK;
            for (int c = 0; c < C; ++c) {
                const Condition s = condition(net_, cond_, block, size_t(c));
                const float* g = gx + size_t(c) * net_.row() + FRONT + n;
                float weight = 0, whole = 0, ramped = 0;
                for (int t = 0; t < BLOCK; ++t) {
                    const float gu = g[t] * u_[n + t];
                    weight += gu * (s.first + s.change * ramp.up[t]);
                    whole += gu;
                    ramped += gu * ramp.up[t];
                }
                grad[c] += weight;
                add_condition(net_, grad_frames, block, size_t(c), whole * p_[c], ramped * p_[c]);
            }
        }
    }

   private:
    float* x(size_t i) { return planes_ + i * net_.plane(); }
    float* z(size_t i) { return planes_ + (net_.layers.size() + 1 + i) * net_.plane(); }
    float* head() { return planes_ + (2 * net_.layers.size() + 1) * net_.plane(); }

    // Zeros before `start`, where rounded-down starts may read.
    void clear(float* plane, int start) {
        for (int c = 0; c < C; ++c)
            std::memset(plane + size_t(c) * net_.row(), 0, size_t(FRONT + start) * sizeof(float));
    }

    float head_scale(int n) const {
        const Condition s = condition(net_, cond_, n / BLOCK, size_t(net_.conditions) - 1);
        return s.first + s.change * ramp.up[n % BLOCK];
    }

    void rechannel() {
        clear(x(0), 0);
        for (int n = 0; n < net_.samples; n += BLOCK)
            for (int c = 0; c < C; ++c) {
                const Condition s = condition(net_, cond_, n / BLOCK, size_t(c));
                float* out = x(0) + size_t(c) * net_.row() + FRONT + n;
                for (int t = 0; t < BLOCK; ++t)
                    out[t] = p_[c] * (s.first + s.change * ramp.up[t]) * u_[n + t];
            }
    }

    void forward_layer(size_t i) {
        const Layer& l = net_.layers[i];
        const size_t row = net_.row();
        const bool last = i + 1 == net_.layers.size();
        if (!last) clear(x(i + 1), l.start);
        const float* in = x(i) + FRONT;
        const auto taps = [&](int k) { return -(l.kernel - 1 - k) * l.dilation; };
        float a[C * BLOCK];
        for (int n = l.start; n < net_.samples; n += BLOCK) {
            const int block = n / BLOCK;
            for (int o = 0; o < C; o += ROWS)
                for (int t = 0; t < BLOCK; t += TIME * LANES) {
                    Vec acc[ROWS][TIME];
                    for (int r = 0; r < ROWS; ++r)
                        for (int j = 0; j < TIME; ++j)
                            acc[r][j] = p_[l.bias + size_t(o + r)] +
                                        p_[l.mixin + size_t(o + r)] * at(u_ + n + t + j * LANES);
                    tile(packed_[i].conv.data() + o * C * l.kernel, in, row, l.kernel, taps, n + t,
                         acc);
                    for (int r = 0; r < ROWS; ++r) {
                        const size_t c = size_t(o + r);
                        const Condition s = condition(net_, cond_, block, l.scale + c);
                        const Condition h = condition(net_, cond_, block, l.shift + c);
                        for (int j = 0; j < TIME; ++j) {
                            const int at_t = t + j * LANES;
                            const Vec up = at(ramp.up + at_t);
                            at(z(i) + c * row + FRONT + n + at_t) = acc[r][j];
                            const Vec f = acc[r][j] * (s.first + s.change * up) +
                                          (h.first + h.change * up);
                            at(a + c * BLOCK + at_t) = f > 0 ? f : net_.slope * f;
                        }
                    }
                }
            if (n >= net_.head_start()) {
                for (int c = 0; c < C; ++c) {
                    float* h = head() + size_t(c) * row + FRONT + n;
                    for (int t = 0; t < BLOCK; ++t)
                        h[t] = (i == 0 ? 0.0f : h[t]) + a[c * BLOCK + t];
                }
            }
            if (last) continue;
            for (int o = 0; o < C; o += ROWS)
                for (int t = 0; t < BLOCK; t += TIME * LANES) {
                    Vec acc[ROWS][TIME];
                    for (int r = 0; r < ROWS; ++r)
                        for (int j = 0; j < TIME; ++j)
                            acc[r][j] = p_[l.residual_bias + size_t(o + r)] +
                                        at(in + size_t(o + r) * row + n + t + j * LANES);
                    tile(packed_[i].residual.data() + o * C, a, BLOCK, 1, [](int) { return 0; }, t,
                         acc);
                    for (int r = 0; r < ROWS; ++r)
                        for (int j = 0; j < TIME; ++j)
                            at(x(i + 1) + size_t(o + r) * row + FRONT + n + t + j * LANES) =
                                acc[r][j];
                }
        }
    }

    void backward_head(const float* grad_wet, float* grad, float* grad_frames, float* ghead) {
        const size_t row = net_.row();
        const int first = net_.output_start();
        const float* w = p_ + net_.head;
        std::vector<float> g(size_t(net_.samples), 0.0f);  // gradient before the head's scale
        for (int n = first; n < net_.samples; ++n) {
            const float gy = grad_wet[n - first];
            float mixed = 0;
            for (int c = 0; c < C; ++c)
                for (int k = 0; k < net_.head_kernel; ++k)
                    mixed += w[c * net_.head_kernel + k] *
                             head()[size_t(c) * row + FRONT + size_t(n - net_.head_kernel + 1 + k)];
            grad[net_.head_bias] += gy;
            g[size_t(n)] = gy * head_scale(n);
            add_condition(net_, grad_frames, n / BLOCK, size_t(net_.conditions) - 1, gy * mixed,
                          gy * mixed * ramp.up[n % BLOCK]);
        }
        for (int c = 0; c < C; ++c)
            for (int k = 0; k < net_.head_kernel; ++k) {
                const int back = net_.head_kernel - 1 - k;
                const float* h = head() + size_t(c) * row + FRONT - back;
                float* gh = ghead + size_t(c) * row + FRONT - back;
                const float v = w[c * net_.head_kernel + k];
                float total = 0;
                for (int n = first; n < net_.samples; ++n) {
                    total += g[size_t(n)] * h[n];
                    gh[n] += v * g[size_t(n)];
                }
                grad[net_.head + size_t(c * net_.head_kernel + k)] += total;
            }
    }

    // In: gx, the gradient of x(i + 1). Out: gx, that of x(i).
    void backward_layer(size_t i, float* grad, float* grad_frames, float* gx, float* gz,
                        const float* ghead) {
        const Layer& l = net_.layers[i];
        const bool last = i + 1 == net_.layers.size();
        const int input_start = i == 0 ? 0 : net_.layers[i - 1].start;
        for (int n = l.start; n < net_.samples; n += BLOCK)
            activation_back(l, i, last, n, grad, grad_frames, gx, gz, ghead);
        weights_back(l, x(i), gz, grad);
        const size_t row = net_.row();
        const auto taps = [&](int k) { return (l.kernel - 1 - k) * l.dilation; };
        for (int n = input_start; n < net_.samples; n += TIME * LANES)
            for (int o = 0; o < C; o += ROWS) {
                Vec acc[ROWS][TIME];
                for (int r = 0; r < ROWS; ++r)
                    for (int j = 0; j < TIME; ++j)
                        acc[r][j] = at(gx + size_t(o + r) * row + FRONT + n + j * LANES);
                tile(packed_[i].conv_back.data() + o * C * l.kernel, gz + FRONT, row, l.kernel, taps,
                     n, acc);
                for (int r = 0; r < ROWS; ++r)
                    for (int j = 0; j < TIME; ++j)
                        at(gx + size_t(o + r) * row + FRONT + n + j * LANES) = acc[r][j];
            }
    }

    void activation_back(const Layer& l, size_t i, bool last, int n, float* grad,
                         float* grad_frames, const float* gx, float* gz, const float* ghead) {
        const size_t row = net_.row();
        const int block = n / BLOCK;
        float ga[C * BLOCK], a[C * BLOCK];
        for (int o = 0; o < C; o += ROWS)
            for (int t = 0; t < BLOCK; t += TIME * LANES) {
                Vec acc[ROWS][TIME];
                for (int r = 0; r < ROWS; ++r)
                    for (int j = 0; j < TIME; ++j)
                        acc[r][j] = at(ghead + size_t(o + r) * row + FRONT + n + t + j * LANES);
                if (!last)
                    tile(packed_[i].residual_back.data() + o * C, gx + FRONT, row, 1,
                         [](int) { return 0; }, n + t, acc);
                for (int r = 0; r < ROWS; ++r)
                    for (int j = 0; j < TIME; ++j) at(ga + (o + r) * BLOCK + t + j * LANES) = acc[r][j];
            }
        for (int c = 0; c < C; ++c) {
            const Condition s = condition(net_, cond_, block, l.scale + size_t(c));
            const Condition h = condition(net_, cond_, block, l.shift + size_t(c));
            const float* pre = z(i) + size_t(c) * row + FRONT + n;
            float* out = gz + size_t(c) * row + FRONT + n;
            Vec whole_s{}, ramped_s{}, whole_t{}, ramped_t{}, bias{}, mixin{};
            for (int t = 0; t < BLOCK; t += LANES) {
                const Vec up = at(ramp.up + t), value = at(pre + t);
                const Vec scale = s.first + s.change * up;
                const Vec f = value * scale + (h.first + h.change * up);
                const Vec g = at(ga + c * BLOCK + t);
                const Vec gf = f > 0 ? g : net_.slope * g;
                at(a + c * BLOCK + t) = f > 0 ? f : net_.slope * f;
                whole_s += gf * value;
                ramped_s += gf * value * up;
                whole_t += gf;
                ramped_t += gf * up;
                const Vec v = gf * scale;
                bias += v;
                mixin += v * at(u_ + n + t);
                at(out + t) = v;
            }
            add_condition(net_, grad_frames, block, l.scale + size_t(c), sum(whole_s), sum(ramped_s));
            add_condition(net_, grad_frames, block, l.shift + size_t(c), sum(whole_t), sum(ramped_t));
            grad[l.bias + size_t(c)] += sum(bias);
            grad[l.mixin + size_t(c)] += sum(mixin);
        }
        if (last) return;
        for (int o = 0; o < C; ++o) {
            const float* g = gx + size_t(o) * row + FRONT + n;
            Vec total{}, products[C] = {};
            for (int t = 0; t < BLOCK; t += LANES) {
                const Vec v = at(g + t);
                total += v;
                for (int c = 0; c < C; ++c) products[c] += v * at(a + c * BLOCK + t);
            }
            grad[l.residual_bias + size_t(o)] += sum(total);
            for (int c = 0; c < C; ++c) grad[l.residual + size_t(o * C + c)] += sum(products[c]);
        }
    }

    // Gradient of the dilated convolution's weights.
    void weights_back(const Layer& l, const float* in, const float* gz, float* grad) {
        constexpr int SPAN = 10 * BLOCK;  // of gz and x, what stays in the first-level cache
        const size_t row = net_.row();
        for (int n = l.start; n < net_.samples; n += SPAN) {
            const int end = std::min(n + SPAN, net_.samples);
            for (int k = 0; k < l.kernel; ++k) {
                const float* shifted = in + FRONT - (l.kernel - 1 - k) * l.dilation;
                for (int o = 0; o < C; o += ROWS)
                    for (int c = 0; c < C; c += 2) weight_tile<(C % 2 == 0 ? 2 : 1)>(
                        l, shifted, gz + FRONT, row, n, end, o, c, k, grad);
            }
        }
        if constexpr (C % 2 == 1) {
            // Odd widths: the loop above took every other column, this takes the rest.
            for (int n = l.start; n < net_.samples; n += SPAN)
                for (int k = 0; k < l.kernel; ++k)
                    for (int o = 0; o < C; o += ROWS)
                        for (int c = 1; c < C; c += 2)
                            weight_tile<1>(l, in + FRONT - (l.kernel - 1 - k) * l.dilation,
                                           gz + FRONT, row, n, std::min(n + SPAN, net_.samples), o,
                                           c, k, grad);
        }
    }

    template <int COLUMNS>
    void weight_tile(const Layer& l, const float* in, const float* gz, size_t row, int n, int end,
                     int o, int c, int k, float* grad) {
        Vec acc[ROWS][COLUMNS] = {};
        for (int t = n; t < end; t += LANES) {
            Vec v[COLUMNS];
            for (int j = 0; j < COLUMNS; ++j) v[j] = at(in + size_t(c + j) * row + t);
            for (int r = 0; r < ROWS; ++r) {
                const Vec g = at(gz + size_t(o + r) * row + t);
                for (int j = 0; j < COLUMNS; ++j) acc[r][j] += g * v[j];
            }
        }
        for (int r = 0; r < ROWS; ++r)
            for (int j = 0; j < COLUMNS; ++j)
                grad[l.conv + size_t(((o + r) * C + c + j) * l.kernel + k)] += sum(acc[r][j]);
    }

    const Net& net_;
    const std::vector<Packed>& packed_;
    const float* p_;
    const float* u_;
    const float* cond_;
    float* planes_;
};

Net describe(const int32_t* shape, float slope) {
    // shape: samples, frames, head kernel, layers, then kernel and dilation of each.
    Net net{};
    net.samples = shape[0];
    net.frames = shape[1];
    net.head_kernel = shape[2];
    net.slope = slope;
    const int layers = shape[3];
    net.conditions = C + 2 * C * layers + 1;
    size_t next = C;
    int start = 0;
    for (int i = 0; i < layers; ++i) {
        Layer l{};
        l.kernel = shape[4 + 2 * i];
        l.dilation = shape[5 + 2 * i];
        start += (l.kernel - 1) * l.dilation;
        net.tail = std::max(net.tail, (l.kernel - 1) * l.dilation + BLOCK);
        l.start = start / BLOCK * BLOCK;
        l.conv = next;
        l.bias = l.conv + size_t(C * C * l.kernel);
        l.mixin = l.bias + C;
        l.residual = l.mixin + C;
        l.residual_bias = l.residual + C * C;
        next = l.residual_bias + C;
        l.scale = size_t(C + 2 * C * i);
        l.shift = l.scale + C;
        net.layers.push_back(l);
    }
    net.receptive_field = start + net.head_kernel;
    net.head = next;
    net.head_bias = next + size_t(C * net.head_kernel);
    net.parameters = net.head_bias + 1;
    return net;
}

size_t planes(const Net& net) { return (2 * net.layers.size() + 2) * net.plane(); }

std::vector<Packed> pack_all(const Net& net, const float* parameters) {
    std::vector<Packed> packed;
    for (const Layer& l : net.layers)
        packed.push_back({pack(parameters + l.conv, l.kernel, false),
                          pack(parameters + l.residual, 1, false),
                          pack(parameters + l.conv, l.kernel, true),
                          pack(parameters + l.residual, 1, true)});
    return packed;
}

template <class Work>
void spread(int batch, int threads, Work work) {
    std::vector<std::thread> pool;
    for (int t = 1; t < threads; ++t)
        pool.emplace_back([=] {
            for (int b = t; b < batch; b += threads) work(b, t);
        });
    for (int b = 0; b < batch; b += threads) work(b, 0);
    for (std::thread& thread : pool) thread.join();
}

}  // namespace

extern "C" {

// Floats of memory that forward keeps for backward.
int64_t workspace(const int32_t* shape, int32_t batch) {
    return int64_t(planes(describe(shape, 0))) * batch;
}

// dry (batch, samples), frames (batch, frames, conditions) -> wet (batch, samples - rf + 1).
void forward(const int32_t* shape, float slope, int32_t batch, int32_t threads,
             const float* parameters, const float* dry, const float* frames, float* memory,
             float* wet) {
    const Net net = describe(shape, slope);
    const std::vector<Packed> packed = pack_all(net, parameters);
    spread(batch, threads, [&](int b, int) {
        Window window(net, packed, parameters, dry + size_t(b) * size_t(net.samples),
                      frames + size_t(b) * size_t(net.frames * net.conditions),
                      memory + size_t(b) * planes(net));
        window.forward(wet + size_t(b) * size_t(net.samples - net.output_start()));
    });
}

// After forward, on the same memory. Gradients of parameters and frames are written, not added.
void backward(const int32_t* shape, float slope, int32_t batch, int32_t threads,
              const float* parameters, const float* dry, const float* frames, float* memory,
              const float* grad_wet, float* grad_parameters, float* grad_frames) {
    const Net net = describe(shape, slope);
    const std::vector<Packed> packed = pack_all(net, parameters);
    const size_t frame_count = size_t(net.frames * net.conditions);
    std::memset(grad_frames, 0, size_t(batch) * frame_count * sizeof(float));
    std::vector<std::vector<float>> grads(size_t(threads), std::vector<float>(net.parameters));
    std::vector<std::vector<float>> scratch(size_t(threads), std::vector<float>(3 * net.plane()));
    spread(batch, threads, [&](int b, int t) {
        Window window(net, packed, parameters, dry + size_t(b) * size_t(net.samples),
                      frames + size_t(b) * frame_count, memory + size_t(b) * planes(net));
        window.backward(grad_wet + size_t(b) * size_t(net.samples - net.output_start()),
                        grads[size_t(t)].data(), grad_frames + size_t(b) * frame_count,
                        scratch[size_t(t)].data());
    });
    std::memset(grad_parameters, 0, net.parameters * sizeof(float));
    for (const std::vector<float>& grad : grads)
        for (size_t i = 0; i < net.parameters; ++i) grad_parameters[i] += grad[i];
}
}

// A window's gradients, chunk by chunk from its end: what forward kept is read once.

#pragma once

#include "window.h"

// Where one window's gradients are added.
struct Gradients {
    float* weights;
    float* generated;   // (frames, of_frame)
    float* conditions;  // (frames, conditions)
};

// A thread's working memory: planes as long as a window, others as long as a chunk.
struct Scratch {
    explicit Scratch(const Net& net) : planes(net.scratch), ones(size_t(net.chunk), 1.0f) {
        for (std::vector<float>* v : {&gx, &next, &sum, &g, &bent, &up, &down})
            v->resize(size_t(net.widest) * size_t(net.chunk));
    }
    std::vector<float> planes, ones;
    std::vector<float> gx, next;        // gradients of what layers pass on
    std::vector<float> sum;             // that of the head's sum
    std::vector<float> g, bent;         // of an activation, and the activation itself
    std::vector<float> up, down;        // of a convolution whose weights move
    std::vector<const float*> columns;  // what the rows of a gradient are multiplied with
};

class Backward : Window {
   public:
    Backward(const Net& net, const Data& data, const Gradients& grads, Scratch& scratch)
        : Window(net, data), g_(grads), s_(scratch), row_(size_t(net.chunk)) {}

    void operator()(const float* grad_wet) {
        std::fill(s_.planes.begin(), s_.planes.end(), 0.0f);
        for (const Array& a : net_.arrays)
            for (const Layer& l : a.layers) clear(a, l);
        level(grad_wet);
        for (from_ = (net_.samples - 1) / net_.chunk * net_.chunk; from_ >= 0;
             from_ -= net_.chunk) {
            end_ = std::min(from_ + net_.chunk, net_.samples);
            std::fill(s_.gx.begin(), s_.gx.end(), 0.0f);
            for (size_t i = net_.arrays.size(); i-- > 0;) array(net_.arrays[i]);
        }
    }

   private:
    float* scratch_plane(size_t offset, int channel = 0) const {
        return s_.planes.data() + offset + size_t(channel) * net_.row + FRONT;
    }
    // A row of a chunk's plane, at sample `n` of the window.
    float* part(std::vector<float>& rows, int channel, int n) const {
        return rows.data() + size_t(channel) * row_ + size_t(n - from_);
    }

    // Zeros where a layer's gradient is read but is not: before its output begins, and after the
    // window's end.
    void clear(const Array& a, const Layer& l) {
        for (int c = 0; c < a.channels; ++c) {
            float* row = plane(l.z, c);
            std::memset(row + l.before, 0, size_t(l.start - l.before) * sizeof(float));
            std::memset(row + net_.samples, 0, size_t(l.reach()) * sizeof(float));
        }
    }

    // A sum over a block, to the frames before and after it.
    void add_condition(int n, size_t index, float whole, float ramped) {
        if (net_.frames == 1) {
            g_.conditions[index] += whole;
            return;
        }
        float* here = g_.conditions + size_t(n / BLOCK) * net_.conditions + index;
        here[0] += whole - ramped;
        here[net_.conditions] += ramped;
    }

    // The output's level and offset; leaves the gradient of what they are applied to.
    void level(const float* grad_wet) {
        const Array& a = net_.arrays.back();
        const int first = net_.output_start();
        float* g = scratch_plane(a.g_out);
        std::memcpy(g + first, grad_wet, size_t(net_.samples - first) * sizeof(float));
        Vec offset{};
        for (int n = a.out_begin; n < net_.samples; n += BLOCK) {
            const Frame f = conditions(n);
            Vec whole{}, ramped{};
            for (int t = 0; t < BLOCK; t += LANES) {
                const Vec up = at(ramp.up + t), here = at(g + n + t);
                const Vec product = here * at(plane(a.out) + n + t);
                whole += product;
                ramped += product * up;
                offset += here;
                at(g + n + t) = here * f(net_.conditions - 1, up);
            }
            add_condition(n, net_.conditions - 1, sum(whole), sum(ramped));
        }
        g_.weights[a.head_bias] += sum(offset);
    }

    // Takes gx, the gradient of what the array passes on; leaves that of what it was given.
    void array(const Array& a) {
        head(a);
        for (size_t i = a.layers.size(); i-- > 0;) {
            const Layer& l = a.layers[i];
            layer(a, l, i + 1 < a.layers.size() || !a.last);
            if (net_.moving()) {
                for (int c = 0; c < a.channels; ++c)
                    for (int t = std::max(from_, l.before); t < end_; t += LANES)
                        at(part(s_.gx, c, t)) += at(scratch_plane(l.gx, c) + t);
                continue;
            }
            for (int t = std::max(from_, l.before); t < end_; t += BLOCK)
                apply({plane(l.z) + t, l.future, still() + l.conv, size_t(l.kernel), nullptr,
                       part(s_.gx, 0, t), row_, part(s_.gx, 0, t), row_},
                      a.channels, BLOCK);
        }
        rechannel(a);
    }

    // The head's weights; the gradient of its sum, which goes on to the array before.
    void head(const Array& a) {
        const int taps = a.head_kernel;
        if (const int n = std::max(from_, a.out_begin); n < end_) {
            set_columns(plane(a.sum) + n, net_.row, a.channels, taps, 1 - taps, 1);
            weights(scratch_plane(a.g_out) + n, net_.row, a.heads, n, g_.weights + a.head,
                    a.head_terms.size(), 1);
        }
        std::fill(s_.sum.begin(), s_.sum.end(), 0.0f);
        for (int n = std::max(from_, a.head_begin); n < end_; n += BLOCK)
            apply({scratch_plane(a.g_out) + n, a.head_back, data_.weights + a.head, size_t(taps),
                   nullptr, nullptr, 0, part(s_.sum, 0, n), row_},
                  a.channels, BLOCK);
        if (a.first) return;
        for (int c = 0; c < a.channels; ++c)
            std::memcpy(scratch_plane((&a - 1)->g_out, c) + from_, part(s_.sum, c, from_),
                        size_t(end_ - from_) * sizeof(float));
    }

    void set_columns(const float* in, size_t row, int channels, int taps = 1, int from = 0,
                     int step = 0) {
        s_.columns.clear();
        for (int c = 0; c < channels; ++c)
            for (int k = 0; k < taps; ++k)
                s_.columns.push_back(in + size_t(c) * row + from + k * step);
    }

    // out[r][s] += sum over the chunk, from sample n, of g[r] columns[s].
    void weights(const float* g, size_t row, int rows, int n, float* out, size_t row_step,
                 size_t column_step) {
        const float* const* in = s_.columns.data();
        tiles_of<3>(int(s_.columns.size()), [&](auto wide, int s) {
            tiles_of<4>(rows, [&](auto high, int r) {
                Vec acc[decltype(high)::value][decltype(wide)::value] = {};
                outer(g + size_t(r) * row, row, in + s, 0, end_ - n, acc);
                flush(acc, out + size_t(r) * row_step + size_t(s) * column_step, row_step,
                      column_step);
            });
        });
    }

    // The same for weights at frames, at `offset` in each. Of every block, the frame after it is
    // due what `up` holds and the frame before it what `down` holds.
    void weights_at_frames(int rows, int n, size_t offset, size_t row_step) {
        const float* const* in = s_.columns.data();
        const int length = end_ - n;
        float* first = g_.generated + size_t(n / BLOCK) * net_.of_frame + offset;
        tiles_of<3>(int(s_.columns.size()), [&](auto wide, int s) {
            tiles_of<4>(rows, [&](auto high, int r) {
                float* out = first + size_t(r) * row_step + size_t(s);
                const float* up = part(s_.up, r, n);
                const float* down = part(s_.down, r, n);
                for (int t = 0; t <= length; t += BLOCK, out += net_.of_frame) {
                    Vec acc[decltype(high)::value][decltype(wide)::value] = {};
                    if (t > 0) outer(up, row_, in + s, t - BLOCK, t, acc);
                    if (t < length) outer(down, row_, in + s, t, t + BLOCK, acc);
                    flush(acc, out, row_step, 1);
                }
            });
        });
    }

    // Takes gx, the gradient of what the layer passes on, if it passes on; leaves that before the
    // convolution.
    void layer(const Array& a, const Layer& l, bool passes_on) {
        const int n = std::max(from_, l.start);
        if (n >= end_) return;
        const int c = a.channels;
        for (int t = n; t < end_; t += BLOCK) {
            const float* g = part(s_.sum, 0, t);
            if (passes_on) {
                apply({part(s_.gx, 0, t), a.residual_back, data_.weights + l.residual, 1, nullptr,
                       g, row_, part(s_.g, 0, t), row_},
                      c, BLOCK);
                g = part(s_.g, 0, t);
            }
            for (int i = 0; i < c; ++i) bend(a, l, i, t, g + size_t(i) * row_);
        }
        if (passes_on) {
            set_columns(part(s_.bent, 0, n), row_, c);
            weights(part(s_.gx, 0, n), row_, c, n, g_.weights + l.residual, size_t(c), 1);
            s_.columns.assign({s_.ones.data()});
            weights(part(s_.gx, 0, n), row_, c, n, g_.weights + l.residual_bias, 1, 1);
        }
        const auto add = [&](size_t offset, size_t row_step) {
            if (net_.moving())
                weights_at_frames(c, n, offset, row_step);
            else
                weights(plane(l.z) + n, net_.row, c, n,
                        (net_.generated ? g_.generated : g_.weights) + offset, row_step, 1);
        };
        set_columns(plane(l.x) + n, net_.row, c, l.kernel, -l.reach(), l.dilation);
        s_.columns.push_back(plane(net_.dry) + n);
        add(l.conv, l.row);
        s_.columns.assign({s_.ones.data()});
        add(l.bias, 1);
        if (net_.moving()) scatter(a, l, n);
    }

    // One block of one channel, back through activation and conditions.
    void bend(const Array& a, const Layer& l, int channel, int n, const float* g) {
        float* bent = part(s_.bent, channel, n);
        float* kept = plane(l.z, channel) + n;
        const auto slope = [&](Vec b, Vec here) {
            return a.tanh ? here - here * b * b : b > 0 ? here : a.slope * here;
        };
        if (net_.generated) {
            float *up = part(s_.up, channel, n), *down = part(s_.down, channel, n);
            for (int t = 0; t < BLOCK; t += LANES) {
                const Vec b = at(bent + t) = at(kept + t);
                const Vec whole = at(kept + t) = slope(b, at(g + t));
                const Vec rising = at(up + t) = whole * at(ramp.up + t);
                at(down + t) = whole - rising;
            }
            return;
        }
        const Frame f = conditions(n);
        const size_t scale = l.scale + size_t(channel), shift = l.shift + size_t(channel);
        Vec of_scale{}, of_scale_up{}, of_shift{}, of_shift_up{};
        for (int t = 0; t < BLOCK; t += LANES) {
            const Vec up = at(ramp.up + t), z = at(kept + t), factor = f(scale, up);
            const Vec b = at(bent + t) = activate(a, z * factor + f(shift, up));
            const Vec whole = slope(b, at(g + t));
            at(kept + t) = whole * factor;
            of_scale += whole * z;
            of_scale_up += whole * z * up;
            of_shift += whole;
            of_shift_up += whole * up;
        }
        const Four total = sum_four(of_scale, of_scale_up, of_shift, of_shift_up);
        add_condition(n, scale, total[0], total[1]);
        add_condition(n, shift, total[2], total[3]);
    }

    // Where weights move, each block of the output spreads over its past with its own.
    void scatter(const Array& a, const Layer& l, int from) {
        Terms terms;
        add_terms(terms, a.channels, row_, l.row);
        for (int n = from; n < end_; n += BLOCK) {
            const Frame f = generated(n);
            for (int k = 0; k < l.kernel; ++k) {
                float* out = scratch_plane(l.gx) + n - l.reach() + k * l.dilation;
                for (const bool rising : {false, true})
                    apply({part(rising ? s_.up : s_.down, 0, n), terms,
                           (rising ? f.after : f.before) + l.conv + k, size_t(l.kernel), nullptr,
                           out, net_.row, out, net_.row},
                          a.channels, BLOCK);
            }
        }
    }

    // The entry: gx, of the first layer's input, becomes that of what the array was given.
    void rechannel(const Array& a) {
        const int from = std::max(from_, a.begin);
        const float* in = plane(a.first ? net_.dry : (&a - 1)->x_out);
        const float* w = data_.weights + a.rechannel;
        const size_t width = size_t(a.inputs);
        std::fill(s_.next.begin(), s_.next.end(), 0.0f);
        for (int n = from; n < end_; n += BLOCK) {
            apply({in + n, a.entry_terms, w, width, nullptr, nullptr, 0, part(s_.bent, 0, n), row_},
                  a.channels, BLOCK);
            for (int c = 0; c < a.channels; ++c) {
                const Frame f = conditions(n);
                const size_t entry = a.entry + size_t(c);
                Vec whole{}, ramped{};
                for (int t = 0; t < BLOCK; t += LANES) {
                    const Vec up = at(ramp.up + t);
                    Vec& g = at(part(s_.gx, c, n) + t);
                    const Vec product = g * at(part(s_.bent, c, n) + t);
                    whole += product;
                    ramped += product * up;
                    g *= f(entry, up);
                }
                add_condition(n, entry, sum(whole), sum(ramped));
            }
            if (!a.first)
                apply({part(s_.gx, 0, n), a.entry_back, w, 1, nullptr, nullptr, 0,
                       part(s_.next, 0, n), row_},
                      a.inputs, BLOCK);
        }
        if (from < end_) {
            set_columns(in + from, net_.row, a.inputs);
            weights(part(s_.gx, 0, from), row_, a.channels, from, g_.weights + a.rechannel, width,
                    1);
        }
        std::swap(s_.gx, s_.next);
    }

    const Gradients& g_;
    Scratch& s_;
    const size_t row_;  // floats from one channel to the next in a chunk
    int from_ = 0, end_ = 0;
};

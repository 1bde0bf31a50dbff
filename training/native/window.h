// A window: what forward and backward share, and forward.

#pragma once

#include <cstring>

#include "shape.h"

// What one window is computed from and to.
struct Data {
    const float* weights;
    const float* generated;   // (frames, of_frame)
    const float* conditions;  // (frames, conditions)
    const float* dry;
    float* memory;
};

class Window {
   public:
    Window(const Net& net, const Data& data) : net_(net), data_(data) {}

   protected:
    // A row of a plane, at sample 0.
    float* plane(size_t offset, int channel = 0) const {
        return data_.memory + offset + size_t(channel) * net_.row + FRONT;
    }
    Frame frame(const float* frames, size_t size, int n) const {
        if (net_.frames == 1) return {frames, nullptr};
        const float* here = frames + size_t(n / BLOCK) * size;
        return {here, here + size};
    }
    Frame conditions(int n) const { return frame(data_.conditions, net_.conditions, n); }
    Frame generated(int n) const { return frame(data_.generated, net_.of_frame, n); }
    // What holds the weights of convolutions that stand still.
    const float* still() const { return net_.generated ? data_.generated : data_.weights; }

    static Vec activate(const Array& a, Vec f) {
        return a.tanh ? ampsweep::tanh_of(f) : f > 0 ? f : a.slope * f;
    }

    const Net& net_;
    const Data& data_;
};

class Forward : Window {
   public:
    Forward(const Net& net, const Data& data)
        : Window(net, data), bent_(size_t(net.widest) * BLOCK) {}

    void operator()(float* wet) {
        std::memcpy(plane(net_.dry), data_.dry, size_t(net_.samples) * sizeof(float));
        for (const Array& a : net_.arrays) {
            for (const Layer& l : a.layers) clear(a, l.x, l.before);
            clear(a, a.sum, a.head_begin);
        }
        for (int n = 0; n < net_.samples; n += net_.chunk) {
            const int end = std::min(n + net_.chunk, net_.samples);
            for (const Array& a : net_.arrays) {
                for (int t = std::max(n, a.begin); t < end; t += BLOCK) rechannel(a, t);
                for (size_t i = 0; i < a.layers.size(); ++i)
                    for (int t = std::max(n, a.layers[i].start); t < end; t += BLOCK)
                        layer(a, i, t);
                for (int t = std::max(n, a.out_begin); t < end; t += BLOCK)
                    apply({plane(a.sum) + t, a.head_terms, data_.weights + a.head,
                           a.head_terms.size(), nullptr, nullptr, 0, plane(a.out) + t, net_.row},
                          a.heads, BLOCK);
            }
        }
        level(wet);
    }

   private:
    // Zeros in the block before `start`, which a rounded-down start may read.
    void clear(const Array& a, size_t offset, int start) {
        for (int c = 0; c < a.channels; ++c)
            std::memset(plane(offset, c) + start - BLOCK, 0, BLOCK * sizeof(float));
    }

    // The functions below compute one block, from sample n.

    void rechannel(const Array& a, int n) {
        const Frame f = conditions(n);
        float* out = plane(a.layers[0].x) + n;
        apply({plane(a.first ? net_.dry : (&a - 1)->x_out) + n, a.entry_terms,
               data_.weights + a.rechannel, size_t(a.inputs), nullptr, nullptr, 0, out, net_.row},
              a.channels, BLOCK);
        for (int c = 0; c < a.channels; ++c)
            for (int t = 0; t < BLOCK; t += LANES)
                at(out + size_t(c) * net_.row + t) *= f(a.entry + size_t(c), at(ramp.up + t));
    }

    void layer(const Array& a, size_t i, int n) {
        const Layer& l = a.layers[i];
        // Into what is kept, or where there is room for it.
        float* z = net_.kept ? plane(l.z) + n : bent_.data();
        const size_t row = net_.kept ? net_.row : BLOCK;
        if (net_.moving()) {
            const Frame f = generated(n);
            apply_moving({plane(l.x) + n, l.past, f.before + l.conv, l.row, f.before + l.bias,
                          nullptr, 0, z, row},
                         f.after + l.conv, f.after + l.bias, a.channels);
        } else {
            apply({plane(l.x) + n, l.past, still() + l.conv, l.row, still() + l.bias, nullptr, 0,
                   z, row},
                  a.channels, BLOCK);
        }
        for (int c = 0; c < a.channels; ++c) bend(a, l, c, n, z + size_t(c) * row);
        if (n >= a.head_begin) sum(a, i, n);
        const bool last = i + 1 == a.layers.size();
        if (last && a.last) return;
        apply({bent_.data(), a.residual, data_.weights + l.residual, size_t(a.channels),
               data_.weights + l.residual_bias, plane(l.x) + n, net_.row,
               plane(last ? a.x_out : a.layers[i + 1].x) + n, net_.row},
              a.channels, BLOCK);
    }

    // From the convolution's output to the activation's, of one channel.
    void bend(const Array& a, const Layer& l, int channel, int n, float* z) {
        float* bent = bent_.data() + channel * BLOCK;
        if (net_.generated) {
            for (int t = 0; t < BLOCK; t += LANES)
                at(z + t) = at(bent + t) = activate(a, at(z + t));
            return;
        }
        const Frame f = conditions(n);
        const size_t scale = l.scale + size_t(channel), shift = l.shift + size_t(channel);
        for (int t = 0; t < BLOCK; t += LANES) {
            const Vec up = at(ramp.up + t);
            at(bent + t) = activate(a, at(z + t) * f(scale, up) + f(shift, up));
        }
    }

    // Into the head's sum, which begins with what the head of the array before made.
    void sum(const Array& a, size_t i, int n) {
        for (int c = 0; c < a.channels; ++c) {
            float* total = plane(a.sum, c) + n;
            const float* bent = bent_.data() + c * BLOCK;
            const float* before = i > 0     ? total
                                  : a.first ? nullptr
                                            : plane((&a - 1)->out, c) + n;
            for (int t = 0; t < BLOCK; t += LANES)
                at(total + t) = before ? at(before + t) + at(bent + t) : at(bent + t);
        }
    }

    void level(float* wet) {
        const Array& a = net_.arrays.back();
        const int first = net_.output_start();
        float* out = plane(a.out);
        for (int n = a.out_begin; n < net_.samples; n += BLOCK) {
            const Frame f = conditions(n);
            for (int t = 0; t < BLOCK; t += LANES) {
                const Vec whole = at(out + n + t) * f(net_.conditions - 1, at(ramp.up + t)) +
                                  data_.weights[a.head_bias];
                for (int i = 0; i < LANES; ++i)
                    if (n + t + i >= first) wet[n + t + i - first] = whole[i];
            }
        }
    }

    std::vector<float> bent_;  // of one block
};

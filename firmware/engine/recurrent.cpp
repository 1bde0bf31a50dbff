#include "recurrent.h"

#include "bend.h"
#include "m7.h"

namespace ampsweep {

namespace {

constexpr int SETTLE = 96000;            // samples of silence after which a state is settled
constexpr float UNCHANGED = 1e-7f;       // change of a state, in 48 samples, that is none

// Eights of rows that hear the state, or none.
void drive_rows(const float*& w, float u, const float* state, int pairs, int eights, float* z) {
#if defined(AMPSWEEP_M7)
    m7::multiply(w, u, state, pairs, eights, z);
#else
    for (; eights > 0; --eights, z += EIGHT) {
        Rows<4> low = Rows<4>::load(w), high = Rows<4>::load(w + 4);
        low.add(Rows<4>::load(w + 8), u);
        high.add(Rows<4>::load(w + 12), u);
        w += 2 * EIGHT;
        for (int i = 0; i < 2 * pairs; ++i, w += EIGHT) {
            low.add(Rows<4>::load(w), state[i]);
            high.add(Rows<4>::load(w + 4), state[i]);
        }
        low.store(z);
        high.store(z + 4);
    }
#endif
}

// z = A u + W h + T of all rows.
void drive(const Recurrent& net, const float* w, float u, float* z) {
    const int hearing = padded(net.heard), others = padded(net.rows) - hearing;
    drive_rows(w, u, net.state, net.pairs, hearing / EIGHT, z);
    if (others > 0) drive_rows(w, u, net.state, 0, others / EIGHT, z + hearing);
}

// The cell's step, and what the head makes of its state.
float step_gru(const Recurrent& net, const float* head) {
    const int n = net.units;
    const float* z = net.z;
    float y = 0.0f;
    for (int i = 0; i < n; ++i) {
        // n + σ(r) q, of which z has halves: of the gate for its sigmoid, of q to save one here.
        const float q = z[2 * n + i];
        const float candidate = tanh_of(z[3 * n + i] + q + tanh_of(z[i]) * q);
        const float h = candidate + sigmoid_of_twice(z[n + i]) * (net.state[i] - candidate);
        net.state[i] = h;
        y += head[i] * h;
    }
    return y;
}

float step_lstm(const Recurrent& net, const float* head) {
    const int n = net.units;
    const float* z = net.z;
    float y = 0.0f;
    for (int i = 0; i < n; ++i) {
        const float kept = sigmoid_of_twice(z[n + i]) * net.cell[i];
        const float c = kept + sigmoid_of_twice(z[i]) * tanh_of(z[2 * n + i]);
        const float h = sigmoid_of_twice(z[3 * n + i]) * tanh_of(c);
        net.cell[i] = c;
        net.state[i] = h;
        y += head[i] * h;
    }
    return y;
}

float step(const Recurrent& net, const float* head) {
    return net.lstm ? step_lstm(net, head) : step_gru(net, head);
}

void run_still(Recurrent& net, const Block& block) {
    const float* head = block.before + 3 * net.rows;
    const float skip = head[net.units], offset = head[net.units + 1];
    for (int t = 0; t < block.frames; ++t) {
        const float u = block.in[t];
        drive(net, net.folded[0], u, net.z);
        block.out[t] = step(net, head) + skip * u + offset;
    }
}

void run_moving(Recurrent& net, const Block& block) {
    const int rows = net.rows, size = 3 * rows + net.units + 2;
    float *now = net.ramp, *more = net.ramp + size;
    for (int i = 0; i < size; ++i) {
        const float way = block.after[i] - block.before[i];
        now[i] = block.before[i] + way * block.from;
        more[i] = way * block.step;
    }
    const float *a = now, *s = now + rows, *shift = now + 2 * rows, *head = now + 3 * rows;
    for (int t = 0; t < block.frames; ++t) {
        const float u = block.in[t];
        if (net.bases) {
            const float part = block.from + block.step * float(t);
            drive(net, net.folded[0], u, net.z);
            drive(net, net.folded[1], u, net.other);
            for (int i = 0; i < rows; ++i) net.z[i] += part * (net.other[i] - net.z[i]);
        } else {
            drive(net, net.base, 0.0f, net.z);
            for (int i = 0; i < rows; ++i) net.z[i] = a[i] * u + s[i] * net.z[i] + shift[i];
        }
        block.out[t] = step(net, head) + head[net.units] * u + head[net.units + 1];
        for (int i = 0; i < size; ++i) now[i] += more[i];
    }
}

}  // namespace

void run(Recurrent& net, const Block& block) {
    if (block.moving)
        run_moving(net, block);
    else
        run_still(net, block);
}

void settle(Recurrent& net, const float* conditions) {
    for (int i = 0; i < 2 * net.pairs; ++i) net.state[i] = net.cell[i] = 0.0f;
    const float* head = conditions + 3 * net.rows;
    for (int t = 0; t < SETTLE; t += BLOCK) {
        float* before = net.other;  // h and c: no wider than the pre-activations
        for (int i = 0; i < net.units; ++i) {
            before[i] = net.state[i];
            before[net.units + i] = net.cell[i];
        }
        for (int i = 0; i < BLOCK; ++i) {
            drive(net, net.folded[0], 0.0f, net.z);
            step(net, head);
        }
        bool still = true;
        for (int i = 0; i < net.units; ++i) {
            const float h = net.state[i] - before[i], c = net.cell[i] - before[net.units + i];
            still = still && most(h, -h) <= UNCHANGED && most(c, -c) <= UNCHANGED;
        }
        if (still) return;
    }
}

}  // namespace ampsweep

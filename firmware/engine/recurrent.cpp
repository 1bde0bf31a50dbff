#include "recurrent.h"

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

// Eights of rows while knobs move.
void drive_rows_moving(const float*& w, float u, float time, const float* state, int pairs,
                       int eights, const float*& ramp, float* z) {
#if defined(AMPSWEEP_M7)
    m7::multiply_moving(w, u, time, state, pairs, eights, ramp, z);
#else
    for (int four = 0; four < 2 * eights; ++four, z += 4) {
        const int half = four % 2 * 4;
        const float* weights = w + half;
        Rows<4> heard = Rows<4>::load(weights);
        for (int i = 0; i < 2 * pairs; ++i)
            heard.add(Rows<4>::load(weights + (2 + i) * EIGHT), state[i]);
        const auto part = [&](int index) { return Rows<4>::load(ramp + index * EIGHT + half); };
        Rows<4> more = heard, sum = heard;
        more.scale(part(0), part(1));
        more.add(part(2), u);
        sum.scale(part(5), part(3));
        sum.add(part(4), u);
        sum.add(more, time);
        sum.store(z);
        if (half == 0) continue;
        w += (2 + 2 * pairs) * EIGHT;
        ramp += 6 * EIGHT;
    }
#endif
}

void drive_moving(const Recurrent& net, float u, float time) {
    const int hearing = padded(net.heard), others = padded(net.rows) - hearing;
    const float *w = net.base, *ramp = net.ramp;
    drive_rows_moving(w, u, time, net.state, net.pairs, hearing / EIGHT, ramp, net.z);
    if (others > 0)
        drive_rows_moving(w, u, time, net.state, 0, others / EIGHT, ramp, net.z + hearing);
}

// The cell's step, and what the head makes of its state.
float step_gru(const Recurrent& net) {
    const int n = net.units;
    const float* z = net.z;
    float y = 0.0f;
    for (int i = 0; i < n; ++i) {
        // n + σ(r) q, of which z has halves: of the gate for its sigmoid, of q to save one here.
        const float q = z[2 * n + i];
        const float candidate = tanh_of(z[3 * n + i] + q + tanh_of(z[i]) * q);
        const float h = candidate + sigmoid_of_twice(z[n + i]) * (net.state[i] - candidate);
        net.state[i] = h;
        y += net.head[i] * h;
    }
    return y;
}

float step_lstm(const Recurrent& net) {
    const int n = net.units;
    const float* z = net.z;
    float y = 0.0f;
    for (int i = 0; i < n; ++i) {
        const float kept = sigmoid_of_twice(z[n + i]) * net.cell[i];
        const float c = kept + sigmoid_of_twice(z[i]) * tanh_of(z[2 * n + i]);
        const float h = sigmoid_of_twice(z[3 * n + i]) * tanh_of(c);
        net.cell[i] = c;
        net.state[i] = h;
        y += net.head[i] * h;
    }
    return y;
}

// A sample of output, before its level; the pre-activations are there.
float step(const Recurrent& net, float u) {
    return (net.lstm ? step_lstm(net) : step_gru(net)) + net.skip * u + net.head_bias;
}

void run_still(Recurrent& net, const Block& block) {
    const float level = block.before[3 * net.rows];
    for (int t = 0; t < block.frames; ++t) {
        drive(net, net.folded[0], block.in[t], net.z);
        block.out[t] = level * step(net, block.in[t]);
    }
}

void set_ramp(const Recurrent& net, const Block& block) {
    constexpr int VALUE[] = {4, 5, 3}, STEP[] = {2, 0, 1};  // of A, S and T; see recurrent.h
    for (int part = 0; part < 3; ++part)
        for (int r = 0; r < net.rows; ++r) {
            const float before = block.before[part * net.rows + r];
            const float step = (block.after[part * net.rows + r] - before) * block.step;
            float* to = net.ramp + r / EIGHT * 6 * EIGHT + r % EIGHT;
            to[VALUE[part] * EIGHT] = before + step * (block.from / block.step);
            to[STEP[part] * EIGHT] = step;
        }
}

void run_moving(Recurrent& net, const Block& block) {
    const float from = block.before[3 * net.rows], way = block.after[3 * net.rows] - from;
    if (net.bases == 0) set_ramp(net, block);
    for (int t = 0; t < block.frames; ++t) {
        const float u = block.in[t], part = block.from + block.step * float(t);
        if (net.bases) {
            drive(net, net.folded[0], u, net.z);
            drive(net, net.folded[1], u, net.other);
            for (int i = 0; i < net.rows; ++i) net.z[i] += part * (net.other[i] - net.z[i]);
        } else {
            drive_moving(net, u, float(t));
        }
        block.out[t] = (from + way * part) * step(net, u);
    }
}

}  // namespace

void run(Recurrent& net, const Block& block) {
    if (block.moving)
        run_moving(net, block);
    else
        run_still(net, block);
}

void settle(Recurrent& net) {
    for (int i = 0; i < 2 * net.pairs; ++i) net.state[i] = net.cell[i] = 0.0f;
    for (int t = 0; t < SETTLE; t += BLOCK) {
        float* before = net.other;  // h and c: no wider than the pre-activations
        for (int i = 0; i < net.units; ++i) {
            before[i] = net.state[i];
            before[net.units + i] = net.cell[i];
        }
        for (int i = 0; i < BLOCK; ++i) {
            drive(net, net.folded[0], 0.0f, net.z);
            step(net, 0.0f);
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

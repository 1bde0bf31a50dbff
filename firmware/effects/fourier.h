// The Fourier transform of two blocks of 48 real samples, at 48 odd frequencies.
//
// At u = exp(-i pi (4 m + 1) / 96), for m = 0…47, a polynomial of 96 real coefficients takes values
// that are those of 48 complex ones, since there u^48 is -i: x(n) - i x(n + 48), turned by
// exp(-i pi n / 96), goes through a plain transform of 48. Products of such spectra are
// convolutions in which what leaves at the end returns at the beginning, negated. Overlap-save
// throws that part away, and so has a transform of real samples without the two real bins and the
// pass that sorts a complex transform into a real one. (J. L. Vernet, Real signals fast Fourier
// transform: storage capacity and step number reduction by means of an odd discrete Fourier
// transform, Proc. IEEE 59, 1971; R. Crandall and B. Fagin, Discrete weighted transforms and
// large-integer arithmetic, Mathematics of Computation 62, 1994.)
//
// 48 = 3 x 4 x 4. Forward halves frequencies and backward halves time, so that the order in which
// frequencies come out of the one is that in which they go into the other, and none are sorted.

#pragma once

namespace ampsweep::fourier {

constexpr unsigned SIZE = 48;  // complex values, and real samples of a block
constexpr unsigned TILE = 4;   // frequencies that lie together: four real parts, four imaginary
constexpr unsigned TILES = SIZE / TILE;

struct Turn {
    float cosine, sine;
};

// Doubles are for the compiler alone: every table is a constant.
constexpr double sine(double x) {
    double term = x, sum = x;
    for (int n = 2; n < 60; n += 2) sum += term *= -x * x / (n * (n + 1));
    return sum;
}

// exp(i 2 pi k / whole)
constexpr Turn turn(unsigned k, unsigned whole) {
    constexpr double pi = 3.14159265358979323846;
    const double angle = 2 * pi * k / whole;
    return {static_cast<float>(sine(angle + pi / 2)), static_cast<float>(sine(angle))};
}

struct Turns {
    Turn half[SIZE];         // exp(i pi n / 96), between the blocks and the complex transform
    Turn thirds[SIZE];       // 16 + n: exp(i 2 pi n / 48), 32 + n: of 2 n
    Turn fourths[SIZE / 3];  // 4 k + n: exp(i 2 pi k n / 16)
};

constexpr Turns make_turns() {
    Turns t{};
    for (unsigned n = 0; n < SIZE; ++n) t.half[n] = turn(n, 4 * SIZE);
    for (unsigned n = 0; n < SIZE; ++n) t.thirds[n] = turn(n / 16 * (n % 16), SIZE);
    for (unsigned n = 0; n < SIZE / 3; ++n) t.fourths[n] = turn(n / 4 * (n % 4), SIZE / 3);
    return t;
}

inline constexpr Turns turns = make_turns();

struct Complex {
    float re, im;
};

inline Complex operator+(Complex a, Complex b) noexcept { return {a.re + b.re, a.im + b.im}; }
inline Complex operator-(Complex a, Complex b) noexcept { return {a.re - b.re, a.im - b.im}; }
inline Complex operator*(Complex a, Turn t) noexcept {
    return {a.re * t.cosine - a.im * t.sine, a.re * t.sine + a.im * t.cosine};
}
inline Complex back(Complex a, Turn t) noexcept {  // a times the conjugate of t
    return {a.re * t.cosine + a.im * t.sine, a.im * t.cosine - a.re * t.sine};
}

// Transforms of three and four values in place. ROUND is -1 forward and 1 backward.
template <int ROUND>
inline void three(Complex& a, Complex& b, Complex& c) noexcept {
    constexpr float root = ROUND * 0.866025404f;
    const Complex sum = b + c, rest{a.re - 0.5f * sum.re, a.im - 0.5f * sum.im};
    const Complex side{root * (c.im - b.im), root * (b.re - c.re)};
    a = a + sum;
    b = rest + side;
    c = rest - side;
}

template <int ROUND>
inline void four(Complex& a, Complex& b, Complex& c, Complex& d) noexcept {
    const Complex even = a + c, odd = b + d, skew = a - c, turned = b - d;
    const Complex side{-ROUND * turned.im, ROUND * turned.re};
    a = even + odd;
    b = skew + side;
    c = even - odd;
    d = skew - side;
}

// Functions of their own, here and in the cabinet and the tuner: within larger ones, compilers run
// out of registers, and what a part costs would depend on what stands around it.

// The spectrum of `before`, then `now`, of 48 samples each. Its tile t goes to spectrum + t stride.
[[gnu::noinline]] inline void forward(const float* before, const float* now, float* spectrum,
                                      unsigned stride) noexcept {
    Complex z[SIZE];
    const auto load = [&](unsigned n) {
        return back({before[n], -now[n]}, turns.half[n]);
    };
    for (unsigned n = 0; n < 16; ++n) {
        Complex a = load(n), b = load(n + 16), c = load(n + 32);
        three<-1>(a, b, c);
        z[n] = a;
        z[n + 16] = back(b, turns.thirds[n + 16]);
        z[n + 32] = back(c, turns.thirds[n + 32]);
    }
    for (unsigned third = 0; third < SIZE; third += 16) {
        for (unsigned n = 0; n < 4; ++n) {
            Complex* p = z + third + n;
            four<-1>(p[0], p[4], p[8], p[12]);
            for (unsigned k = 1; k < 4; ++k) p[4 * k] = back(p[4 * k], turns.fourths[4 * k + n]);
        }
    }
    for (unsigned t = 0; t < TILES; ++t, spectrum += stride) {
        Complex p[TILE];
        for (unsigned k = 0; k < TILE; ++k) p[k] = z[TILE * t + k];
        four<-1>(p[0], p[1], p[2], p[3]);
        for (unsigned k = 0; k < TILE; ++k) {
            spectrum[k] = p[k].re;
            spectrum[k + TILE] = p[k].im;
        }
    }
}

// Undoes `forward` of tiles one after another, but for a factor of 48, and gives the later block.
[[gnu::noinline]] inline void backward(const float* spectrum, float* now) noexcept {
    Complex z[SIZE];
    for (unsigned t = 0; t < TILES; ++t, spectrum += 2 * TILE) {
        Complex* p = z + TILE * t;
        for (unsigned k = 0; k < TILE; ++k) p[k] = {spectrum[k], spectrum[k + TILE]};
        four<1>(p[0], p[1], p[2], p[3]);
    }
    for (unsigned third = 0; third < SIZE; third += 16) {
        for (unsigned n = 0; n < 4; ++n) {
            Complex* p = z + third + n;
            for (unsigned k = 1; k < 4; ++k) p[4 * k] = p[4 * k] * turns.fourths[4 * k + n];
            four<1>(p[0], p[4], p[8], p[12]);
        }
    }
    const auto store = [&](unsigned n, Complex v) {
        now[n] = -(v.re * turns.half[n].sine + v.im * turns.half[n].cosine);
    };
    for (unsigned n = 0; n < 16; ++n) {
        Complex a = z[n], b = z[n + 16] * turns.thirds[n + 16];
        Complex c = z[n + 32] * turns.thirds[n + 32];
        three<1>(a, b, c);
        store(n, a);
        store(n + 16, b);
        store(n + 32, c);
    }
}

}  // namespace ampsweep::fourier

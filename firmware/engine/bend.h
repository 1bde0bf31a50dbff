// tanh and the logistic sigmoid, without a library: what the engine plays and what training's
// compiled kernels learn with. Of a number, or of a vector of compilers' vector extensions.

#pragma once

namespace ampsweep {

#if defined(__ARM_FP) && defined(__ARM_ARCH_7EM__)
inline float least(float a, float b) { return __builtin_fminf(a, b); }  // one instruction
inline float most(float a, float b) { return __builtin_fmaxf(a, b); }
#endif
template <class Number>
inline Number least(Number a, Number b) {
    return a > b ? b : a;  // a, if that is NaN
}
template <class Number>
inline Number most(Number a, Number b) {
    return a < b ? b : a;
}

// Off by 5e-7 of itself at most, and never beyond 1: x P(x²) / Q(x²), whose coefficients minimise
// the largest error up to 8, where tanh is 1 to 2e-7. P begins with 1 for its highest power and
// powers are shared: fewer steps than Horner's form.
template <class Number>
inline Number tanh_of(Number x) {
    const Number end = Number{} + 8.0f;
    x = most(least(x, end), -end);
    const Number s = x * x, s2 = s * s, s3 = s2 * s, s4 = s2 * s2;
    Number q = 2.15119297e-02f * s4, p = s3;
    q += 2.08889822e+01f * s3;
    p += 2.58329915e+02f * s2;
    q += 2.08505716e+03f * s2;
    p += 1.13173171e+04f * s;
    q += 4.05044743e+04f * s;
    p += 8.75617470e+04f;
    q += 8.75617470e+04f;
    return x * p / q;
}

// The sigmoid of 2 x: by tanh's coefficients, which then stay in registers.
template <class Number>
inline Number sigmoid_of_twice(Number x) {
    return 0.5f + 0.5f * tanh_of(x);
}

}  // namespace ampsweep

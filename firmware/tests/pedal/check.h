// The smallest test runner that says where and what: TEST(name) { CHECK(…); }, and one main.

#pragma once

#include <cstdio>
#include <cstdlib>
#include <vector>

struct Test {
    const char* name;
    void (*run)();
};

inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

struct Register {
    Register(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

#define TEST(name)                                      \
    static void test_##name();                          \
    static const Register register_##name(#name, test_##name); \
    static void test_##name()

#define CHECK(what)                                                          \
    do {                                                                     \
        if (!(what)) {                                                       \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            std::exit(1);                                                    \
        }                                                                    \
    } while (0)

// Two numbers, and what they are if they differ by more than `by`.
#define CHECK_NEAR(one, other, by)                                                        \
    do {                                                                                  \
        const double a_ = double(one), b_ = double(other);                                \
        if (!(a_ - b_ <= (by) && b_ - a_ <= (by))) {                                      \
            std::fprintf(stderr, "%s:%d: %s is %.9g, not %.9g\n", __FILE__, __LINE__, #one, \
                         a_, b_);                                                         \
            std::exit(1);                                                                 \
        }                                                                                 \
    } while (0)

int main() {
    for (const Test& test : tests()) {
        std::fprintf(stderr, "%s\n", test.name);
        test.run();
    }
    std::printf("%zu tests\n", tests().size());
    return tests().empty();
}

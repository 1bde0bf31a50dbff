#!/usr/bin/env bash
# Installs the Debian packages that the tests need, and says what for. Does nothing, and needs
# neither network nor root, where all of them are there already.
set -euo pipefail

missing=()
need() { # need PACKAGE WHY, if the command after them fails
    local package=$1 why=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        echo "system package $package: $why"
        missing+=("$package")
    fi
}

has_venv() { python3 -c 'import ensurepip, venv'; }
has_library() { python3 -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library(sys.argv[1]))' "$1"; }
has_lv2() { test -e "/usr/lib/lv2/$1" || test -e "/usr/local/lib/lv2/$1"; }
has_arm_cxx() { echo '#include <array>' | arm-none-eabi-g++ -mcpu=cortex-m7 -x c++ -fsyntax-only -; }
has_fuzzer() { echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
    clang++ -x c++ -fsanitize=fuzzer,address -o /dev/null -; }
has_node() { node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; }

need python3 "ampsweep is written in Python" command -v python3
need python3-venv "the virtual environment in .venv" has_venv
need git "ampsweep init makes a repository, and DVC works in one" command -v git
need ffmpeg "Hugging Face's datasets decodes audio through its libraries" command -v ffmpeg
need nodejs "plays snapshots with NeuralAmpModelerCore, which is WebAssembly here" has_node
need liblilv-0-0 "hosts LV2 plugins" has_library lilv-0
need lilv-utils "lists LV2 plugins, which tests hold our list against" command -v lv2ls
need guitarix-lv2 "amps and preamps as LV2 plugins, which the tests capture" has_lv2 gx_studiopre.lv2
need zam-plugins "ZamTube, as LV2 and as VST3, which must sound the same" has_lv2 ZamTube.lv2
need libportaudio2 "sounddevice plays and records through it" has_library portaudio
need jackd2 "a real audio server without hardware, for the audio-interface path" command -v jackd
need jalv "plays the part of the amp behind the sound card" command -v jalv
need ngspice "simulates circuits" command -v ngspice
need g++ "compiles training's inner loop and the pedal's engine" command -v g++
need gcc-arm-none-eabi "compiles the pedal's firmware for its processor" command -v arm-none-eabi-gcc
need libnewlib-arm-none-eabi "the C library of that processor" has_arm_cxx
need libstdc++-arm-none-eabi-newlib "the C++ headers of that processor" has_arm_cxx
need qemu-system-arm "runs the pedal's code, and counts its instructions" command -v qemu-system-arm
need clang "a second compiler, fuzzing, and WebAssembly" command -v clang++
need lld "links WebAssembly" command -v wasm-ld
need llvm "llvm-mca: how long the engine's loops take on the pedal" command -v llvm-mca
need libclang-rt-14-dev "clang's sanitizers and libFuzzer" has_fuzzer
need lv2-dev "compiles exported LV2 plugins" test -e /usr/include/lv2/core/lv2.h
need sordi "lv2_validate, which judges an exported plugin's description, needs it" command -v sord_validate
need chromium "plays models in a web page" command -v chromium
need npm "installs NeuralAmpModelerCore for the tests" command -v npm

if [ ${#missing[@]} -eq 0 ]; then
    echo "system packages: all there"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "This is not Debian: install ${missing[*]} by your system's own means." >&2
    exit 2
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Run this as root, or install sudo: ${missing[*]} must be installed." >&2
        exit 2
    fi
    root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -qq
"${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"

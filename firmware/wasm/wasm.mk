# The engine as WebAssembly: `make -f wasm.mk` in this folder builds $(BUILD)/engine.wasm with clang
# and lld alone; `make -f wasm.mk ship` puts it where the page has it.

include ../flags.mk

BUILD ?= ../../build/wasm
CLANG ?= clang++
PAGE := ../../ampsweep/web/engine.wasm

# Every browser that has SIMD has bulk memory too.
FLAGS := --target=wasm32 -std=c++17 -O3 -ffreestanding $(BARE) \
    -msimd128 -mbulk-memory -ffp-contract=fast -fvisibility=hidden \
    -nostdinc++ -isystem include $(WARNINGS)
EXPORTS := malloc amp_open amp_status_text amp_sample_rate amp_interval amp_knob_count amp_set \
    amp_get amp_restart amp_process
LINK := -nostdlib -Xlinker --no-entry -Xlinker --strip-all $(EXPORTS:%=-Xlinker --export=%)
SOURCES := engine.cpp $(wildcard ../host/*.cpp ../host/*.h ../engine/*.cpp ../engine/*.h include/*)

.PHONY: wasm ship
.DEFAULT_GOAL := wasm
.DELETE_ON_ERROR:

wasm: $(BUILD)/engine.wasm

$(BUILD)/engine.wasm: $(SOURCES) wasm.mk
	mkdir -p $(BUILD)
	$(CLANG) $(FLAGS) $(LINK) engine.cpp -o $@

ship: $(BUILD)/engine.wasm
	cp $< $(PAGE)

# What is around the net: `make -f effects.mk` in this folder builds its test programs, `budget`
# counts the instructions of every part on the emulated Cortex-M7.

include flags.mk

EFFECTS_BUILD ?= ../build/effects
EFFECTS_WARN := -std=c++17 $(WARNINGS) -Wshadow
EFFECTS_HOST := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
EFFECTS_BOARD := tests/engine/m7.cpp $(EMULATED)
EFFECTS_ENGINE := $(wildcard engine/*.cpp engine/*.h)
EFFECTS_ENGINE_M7 := ../build/firmware/engine.o
EFFECTS_INPUTS := $(wildcard effects/*.h engine/*.h tests/effects/*.h)
EFFECTS_M7_INPUTS := $(EFFECTS_INPUTS) $(wildcard tests/engine/m7.*)
EFFECTS_QEMU := qemu-system-arm -M mps2-an500 -nographic -monitor none -serial none \
    -icount shift=0 -semihosting-config enable=on,target=native

.PHONY: effects effects-m7 budget
effects: $(addprefix $(EFFECTS_BUILD)/,parts parts-clang whole)
effects-m7: $(addprefix $(EFFECTS_BUILD)/,parts.elf budget.elf whole.elf effects.o)

budget: $(EFFECTS_BUILD)/budget.elf
	@$(EFFECTS_QEMU) -kernel $<

$(EFFECTS_BUILD):
	mkdir -p $@

$(EFFECTS_BUILD)/parts: tests/effects/parts.cpp $(EFFECTS_INPUTS) | $(EFFECTS_BUILD)
	g++ $(EFFECTS_WARN) $(EFFECTS_HOST) -Ieffects $< -o $@

$(EFFECTS_BUILD)/parts-clang: tests/effects/parts.cpp $(EFFECTS_INPUTS) | $(EFFECTS_BUILD)
	clang++ $(EFFECTS_WARN) -O2 -Ieffects $< -o $@

# Its own tests run the engine under sanitizers, which take ten times as long to compile it.
$(EFFECTS_BUILD)/engine-host.o: host/all.cpp $(EFFECTS_ENGINE) | $(EFFECTS_BUILD)
	g++ -std=c++17 -O1 -c $< -o $@

$(EFFECTS_BUILD)/whole: tests/effects/whole.cpp $(EFFECTS_BUILD)/engine-host.o $(EFFECTS_INPUTS)
	g++ $(EFFECTS_WARN) $(EFFECTS_HOST) -Ieffects $(filter %.cpp %.o,$^) -o $@

$(EFFECTS_ENGINE_M7): $(EFFECTS_ENGINE) Makefile
	$(MAKE) -f Makefile $@

$(EFFECTS_BUILD)/whole.elf: tests/effects/whole.cpp $(EFFECTS_ENGINE_M7) $(EFFECTS_M7_INPUTS)
	$(M7CXX) $(EFFECTS_WARN) $(CORTEX_M7) -Ieffects $(filter tests/effects/%.cpp %.o,$^) \
	    $(EFFECTS_BOARD) -o $@

$(EFFECTS_BUILD)/%.elf: tests/effects/%.cpp $(EFFECTS_M7_INPUTS) | $(EFFECTS_BUILD)
	$(M7CXX) $(EFFECTS_WARN) $(CORTEX_M7) -Ieffects $< $(EFFECTS_BOARD) -o $@

# All of it and nothing else, to see what it would need from a library.
$(EFFECTS_BUILD)/effects.o: tests/effects/effects.cpp $(EFFECTS_INPUTS) | $(EFFECTS_BUILD)
	$(M7CXX) $(EFFECTS_WARN) $(CORTEX_M7) -Ieffects -c $< -o $@

# How all of firmware/ is compiled: as libDaisy compiles, but for the warnings.

WARNINGS := -Wall -Wextra -Wconversion -Wdouble-promotion -Werror
BARE := -fno-exceptions -fno-rtti
CORTEX_M7 := -mcpu=cortex-m7 -mthumb -mfpu=fpv5-sp-d16 -mfloat-abi=hard -O3 \
    -ffp-contract=fast $(BARE) -ffunction-sections -fdata-sections
# A program of the emulated board: tests/engine/m7.cpp starts it.
EMULATED := --specs=rdimon.specs -Wl,--gc-sections -Wl,--no-warn-rwx-segments -T tests/engine/m7.ld
M7CXX ?= arm-none-eabi-g++

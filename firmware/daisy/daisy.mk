# The pedal for the Daisy Seed. Included by firmware/Makefile, which says what M7CXX, M7, BUILD and
# ENGINE are.
#
# make daisy LIBDAISY_DIR=…   the flashable program, against a libDaisy that has been built there
# make daisy-check            main.cpp alone, against our own declarations of what it uses

.PHONY: daisy daisy-check

DAISY_HEADERS := $(HEADERS) $(wildcard pedal/*.h effects/*.h daisy/*.h)
PEDAL_VERSION ?= ampsweep

# Everything below is what libDaisy's core/Makefile would say, but for the warnings, the language and
# the floating point: single precision is all that this program has.
DAISY_LIB = $(LIBDAISY_DIR)
DAISY_DEFINES := -DUSE_HAL_DRIVER -DSTM32H750xx -DSTM32H750IB -DHSE_VALUE=16000000 -DCORE_CM7 \
    -DARM_MATH_CM7 -DUSE_FULL_LL_DRIVER -DBOOT_APP -DFILEIO_ENABLE_FATFS_READER
DAISY_INCLUDES = $(addprefix -isystem $(DAISY_LIB)/,src src/sys src/usbd src/usbh . \
    Drivers/CMSIS_5/CMSIS/Core/Include Drivers/CMSIS-DSP/Include \
    Drivers/CMSIS-Device/ST/STM32H7xx/Include Drivers/STM32H7xx_HAL_Driver/Inc \
    Middlewares/ST/STM32_USB_Device_Library/Core/Inc \
    Middlewares/ST/STM32_USB_Host_Library/Core/Inc \
    Middlewares/ST/STM32_USB_Host_Library/Class/MSC/Inc \
    Middlewares/ST/STM32_USB_Host_Library/Class/MIDI/Inc Middlewares/Third_Party/FatFs/src)
# At -O3, gcc 12 sees audio that is not written before it is read where a loop writes it.
DAISY_CXX = $(M7CXX) $(M7) -Wno-maybe-uninitialized -DPEDAL_VERSION='"$(PEDAL_VERSION)"'

$(BUILD)/daisy-check.o: daisy/main.cpp daisy/declared/daisy_seed.h $(DAISY_HEADERS) Makefile \
    | $(BUILD)
	$(DAISY_CXX) $(CALLS) -isystem daisy/declared -c $< -o $@

daisy-check: $(BUILD)/daisy-check.o

ifeq ($(wildcard $(LIBDAISY_DIR)/build/libdaisy.a),)

daisy:
	@echo "The pedal needs libDaisy, built: clone it from its authors with its submodules, run" \
	    "make in it, then make -C firmware daisy LIBDAISY_DIR=… with its folder." >&2; exit 2

else

daisy: $(BUILD)/pedal.bin
	arm-none-eabi-size -A -d $(BUILD)/pedal.elf | awk '/^\./ && $$2 && $$3'

$(BUILD)/daisy-main.o: daisy/main.cpp $(DAISY_HEADERS) | $(BUILD)
	$(DAISY_CXX) $(DAISY_DEFINES) $(DAISY_INCLUDES) -c $< -o $@

$(BUILD)/daisy-startup.o: $(DAISY_LIB)/core/startup_stm32h750xx.c | $(BUILD)
	arm-none-eabi-gcc $(filter -m%,$(M7)) -O3 $(DAISY_DEFINES) $(DAISY_INCLUDES) \
	    -include stm32h7xx.h -c $< -o $@

$(BUILD)/pedal.elf: $(BUILD)/daisy-main.o $(BUILD)/daisy-startup.o \
    $(patsubst engine/%.cpp,$(BUILD)/m7-%.o,$(ENGINE)) $(DAISY_LIB)/build/libdaisy.a daisy/axi.ld
	$(M7CXX) $(M7) --specs=nano.specs --specs=nosys.specs -Wl,--gc-sections \
	    -Wl,--no-warn-rwx-segments -T daisy/axi.ld -T $(DAISY_LIB)/core/STM32H750IB_sram.lds \
	    $(filter %.o,$^) -L$(DAISY_LIB)/build -ldaisy -lc -lm -lnosys \
	    -Wl,--print-memory-usage -Wl,-Map=$(BUILD)/pedal.map -o $@

$(BUILD)/pedal.bin: $(BUILD)/pedal.elf
	arm-none-eabi-objcopy -O binary -S $< $@

endif

# SPDX-License-Identifier: MIT
# Builds what the tests of shortage, death and storms run. Expects what programs.mk sets, and adds to
# its TEST_PROGRAMS.

# The library with the steps at which a test can strike (shim/base/failpoint.h).
STEPS_LIB = $(BUILD)/steps/liboctopus.so
$(eval $(call library_build,steps,$$(CC),$$(CFLAGS) -DOCTOPUS_FAILPOINTS))

TEST_PROGRAMS += $(STEPS_LIB) $(BUILD)/tests/confined

$(BUILD)/tests/confined: $(PROGRAM_OBJ)/servers/confined.o
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

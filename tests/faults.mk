# SPDX-License-Identifier: MIT
# Builds what the tests of shortage, death and storms run. Expects what programs.mk sets, and adds to
# its TEST_PROGRAMS.

# The library with the failpoints at which a test can strike (shim/base/failpoint.h).
FAILPOINTS_LIB = $(BUILD)/failpoints/liboctopus.so
$(eval $(call library_build,failpoints,$$(CC),$$(CFLAGS) -DOCTOPUS_FAILPOINTS))

TEST_PROGRAMS += $(FAILPOINTS_LIB) $(BUILD)/tests/confined

$(BUILD)/tests/confined: $(PROGRAM_OBJ)/servers/confined.o
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

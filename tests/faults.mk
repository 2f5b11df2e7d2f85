# SPDX-License-Identifier: MIT
# Builds what the tests of shortage, death and storms run. Expects what programs.mk sets, and adds to
# its TEST_PROGRAMS.

TEST_PROGRAMS += $(BUILD)/tests/confined

$(BUILD)/tests/confined: $(PROGRAM_OBJ)/servers/confined.o
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

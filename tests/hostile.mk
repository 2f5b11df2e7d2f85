# SPDX-License-Identifier: MIT
# Builds what the tests of hostile surroundings run: forgers, close-all habits, early callers, fuzzers.
# Expects what programs.mk sets, and adds to its TEST_PROGRAMS.

TEST_SERVERS += closer
TEST_PROGRAMS += $(BUILD)/tests/forge $(BUILD)/tests/spawner

# The wire format of the hand-over is the library's own.
$(PROGRAM_OBJ)/servers/forge.o: PROGRAM_CPPFLAGS = -D_GNU_SOURCE -Ishim

$(BUILD)/tests/forge $(BUILD)/tests/spawner: $(BUILD)/tests/%: $(PROGRAM_OBJ)/servers/%.o
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

.SECONDARY: $(PROGRAM_OBJ)/servers/closer.o

# libFuzzer is clang's, whatever CC is.
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 1
FUZZERS = handover settings http1
FUZZ_PROGRAMS = $(FUZZERS:%=$(BUILD)/tests/fuzz/%)
FUZZ_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DOCTOPUS_VERSION='"$(VERSION)"' -pthread -g -O1 $(WARNINGS) \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
TEST_PROGRAMS += $(FUZZ_PROGRAMS)

FUZZ_handover = upgrade/adoption generation/generation generation/page upgrade/inheritance base/libc_calls kernel/address kernel/listeners base/log kernel/peek kernel/procfs \
	base/settings base/signal_names kernel/socket_options generation/start_image base/failpoint base/text
FUZZ_settings = base/settings base/signal_names base/text
FUZZ_http1 = http/http1 http/http1_message

$(FUZZ_PROGRAMS): $(BUILD)/tests/fuzz/%: tests/fuzz/%_fuzz.c $(wildcard shim/*/*.[ch] tests/fuzz/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -Ishim -o $@ $< $(FUZZ_$*:%=shim/%.c) -ldl

# The same sources with another libc, and for another machine, with the tests' servers. Debian's musl-gcc
# has no kernel headers of its own.
FOREIGN_SERVERS = blocking threads epoll poll select forker ping
FOREIGN_MAKE = $(MAKE) --no-print-directory CFLAGS='-O2 -g' LDFLAGS= LDLIBS=
foreign_programs = $(1)/liboctopus.so $(foreach s,$(FOREIGN_SERVERS),$(1)/tests/v1/$(s) $(1)/tests/v2/$(s))

.PHONY: musl-programs aarch64-programs
musl-programs:
	@$(FOREIGN_MAKE) BUILD=$(BUILD)/musl CC=musl-gcc \
	    CPPFLAGS='-idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch)' \
	    $(call foreign_programs,$(BUILD)/musl)

aarch64-programs:
	@$(FOREIGN_MAKE) BUILD=$(BUILD)/aarch64 CC=aarch64-linux-gnu-gcc CPPFLAGS= \
	    $(call foreign_programs,$(BUILD)/aarch64)

programs: musl-programs aarch64-programs

TEST_PROGRAMS += $(BUILD)/tests/early_caller.so
$(BUILD)/tests/early_caller.so: tests/servers/early_caller.c
	@mkdir -p $(@D)
	$(PROGRAM_COMPILE) -fPIC -shared $(LDFLAGS) -o $@ $<

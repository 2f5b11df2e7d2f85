# SPDX-License-Identifier: MIT
# Builds what the tests of hostile surroundings run: forgers, close-all habits, early callers, fuzzers.
# Expects what programs.mk sets, and adds to its TEST_PROGRAMS.

TEST_SERVERS += closer renumber strangers sandboxed past_libc lowers
TEST_PROGRAMS += $(BUILD)/tests/forge $(BUILD)/tests/spawner $(BUILD)/tests/first_calls $(BUILD)/tests/privileged

# The wire format of the hand-over is the library's own.
$(PROGRAM_OBJ)/servers/forge.o: PROGRAM_CPPFLAGS = -D_GNU_SOURCE -Ishim

$(BUILD)/tests/forge $(BUILD)/tests/spawner $(BUILD)/tests/first_calls $(BUILD)/tests/privileged: \
		$(BUILD)/tests/%: $(PROGRAM_OBJ)/servers/%.o
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/v1/strangers $(BUILD)/tests/v2/strangers: PROGRAM_LIBS = -ldl
.SECONDARY: $(PROGRAM_OBJ)/servers/closer.o $(PROGRAM_OBJ)/servers/renumber.o $(PROGRAM_OBJ)/servers/strangers.o

# The example epoll with so many MiB of static thread-local storage, and libraries that have it.
STORAGE_MIB = 1 8
STORAGE_PROGRAMS = $(foreach m,$(STORAGE_MIB),$(BUILD)/tests/v1/epoll_$(m)m $(BUILD)/tests/v2/epoll_$(m)m \
	$(BUILD)/tests/storage_$(m)m.so)
TEST_PROGRAMS += $(STORAGE_PROGRAMS)

define storage_rules
$$(BUILD)/tests/storage_$(1)m.so: tests/servers/storage.c
	@mkdir -p $$(@D)
	$$(PROGRAM_COMPILE) -DSTORAGE_MIB=$(1) -fPIC -shared $$(LDFLAGS) -o $$@ $$<
$$(PROGRAM_OBJ)/servers/storage_$(1)m.o: tests/servers/storage.c
	@mkdir -p $$(@D)
	$$(PROGRAM_COMPILE) -DSTORAGE_MIB=$(1) -c -o $$@ $$<
$$(BUILD)/tests/v1/epoll_$(1)m $$(BUILD)/tests/v2/epoll_$(1)m: $$(BUILD)/tests/%/epoll_$(1)m: \
		$$(PROGRAM_OBJ)/servers/epoll.o $$(PROGRAM_OBJ)/servers/storage_$(1)m.o \
		$$(PROGRAM_OBJ)/servers/identity.%.o $$(TEST_SERVER_OBJS)
	@mkdir -p $$(@D)
	$$(PROGRAM_LINK) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach m,$(STORAGE_MIB),$(eval $(call storage_rules,$(m))))
# The test makes its system calls as the library does.
$(PROGRAM_OBJ)/servers/past_libc.o: PROGRAM_CPPFLAGS += -Ishim

# libFuzzer is clang's, whatever CC is.
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 1
FUZZERS = handover settings http1
FUZZ_PROGRAMS = $(FUZZERS:%=$(BUILD)/tests/fuzz/%)
FUZZ_CFLAGS = -O1 -g -fno-sanitize-recover=all
OTHER_BUILDS += $(FUZZ_PROGRAMS)

# A file is compiled once for all fuzzers; the one with the entry brings the loop of libFuzzer.
$(eval $(call library_build,tests/fuzz,$$(FUZZ_CC),$$(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined))
.SECONDARY: $(SHIM_SOURCES:%.c=$(BUILD)/tests/fuzz/%.o)
.SECONDEXPANSION:
$(FUZZ_PROGRAMS): $(BUILD)/tests/fuzz/%: tests/fuzz/%_fuzz.c $$(wildcard tests/fuzz/*.h) \
		$$(call linked_objects,tests/fuzz/$$*_fuzz.c,$(BUILD)/tests/fuzz)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(TEST_CFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer,address,undefined -Ishim -MMD -MP \
	    -o $@ $(filter %.c %.o,$^) -ldl
-include $(FUZZ_PROGRAMS:=.d)

# The same sources with another libc, and for another machine, with the tests' servers. Debian's musl-gcc
# has no kernel headers of its own.
FOREIGN_SERVERS = blocking threads epoll poll select forker ping epoll_8m
FOREIGN_MAKE = $(MAKE) --no-print-directory CFLAGS='-O2 -g' LDFLAGS= LDLIBS=
foreign_programs = $(1)/liboctopus.so $(foreach s,$(FOREIGN_SERVERS),$(1)/tests/v1/$(s) $(1)/tests/v2/$(s))

.PHONY: musl-programs aarch64-programs
musl-programs:              ## the library and servers with musl
	+@$(FOREIGN_MAKE) BUILD=$(BUILD)/musl CC=musl-gcc \
	    CPPFLAGS='-idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch)' \
	    $(call foreign_programs,$(BUILD)/musl)

aarch64-programs:           ## the library and servers for aarch64
	+@$(FOREIGN_MAKE) BUILD=$(BUILD)/aarch64 CC=aarch64-linux-gnu-gcc CPPFLAGS= \
	    $(call foreign_programs,$(BUILD)/aarch64)

OTHER_BUILDS += musl-programs aarch64-programs

TEST_PROGRAMS += $(BUILD)/tests/early_caller.so
$(BUILD)/tests/early_caller.so: tests/servers/early_caller.c
	@mkdir -p $(@D)
	$(PROGRAM_COMPILE) -fPIC -shared $(LDFLAGS) -o $@ $<

TEST_PROGRAMS += $(BUILD)/tests/other_times.so $(BUILD)/tests/other_calls.so
$(BUILD)/tests/other_times.so $(BUILD)/tests/other_calls.so: $(BUILD)/tests/%.so: tests/servers/%.c
	@mkdir -p $(@D)
	$(PROGRAM_COMPILE) -fPIC -shared $(LDFLAGS) -o $@ $<

# Makes each call with hostile arguments, in a walk or by lot.
TEST_PROGRAMS += $(BUILD)/tests/hostile
$(BUILD)/tests/hostile: $(PROGRAM_OBJ)/servers/hostile.o $(PROGRAM_OBJ)/servers/hostile_walk.o \
		$(PROGRAM_OBJ)/servers/hostile_fuzz.o
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

# The library is bound lazily where its user wants that.
TEST_PROGRAMS += $(BUILD)/tests/deep $(BUILD)/tests/deep_library.so
$(BUILD)/tests/deep_library.so: tests/servers/deep_library.c tests/servers/deep_library.h
	@mkdir -p $(@D)
	$(PROGRAM_COMPILE) -fPIC -shared $(LDFLAGS) -Wl,-z,lazy -o $@ $<

# What is bound here cannot be written any more, so that whoever does shows it by a call.
TEST_PROGRAMS += $(BUILD)/tests/deep_library_bound.so
$(BUILD)/tests/deep_library_bound.so: tests/servers/deep_library.c tests/servers/deep_library.h
	@mkdir -p $(@D)
	$(PROGRAM_COMPILE) -fPIC -shared $(LDFLAGS) -Wl,-z,now,-z,relro -o $@ $<

$(BUILD)/tests/deep: $(PROGRAM_OBJ)/servers/deep.o
	@mkdir -p $(@D)
	$(PROGRAM_LINK) '-Wl,-rpath,$$ORIGIN' -o $@ $^ -ldl $(LDLIBS)

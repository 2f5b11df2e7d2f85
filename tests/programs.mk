# SPDX-License-Identifier: MIT
# Builds what the tests run: example servers in two versions, and the clients that judge them.
# Expects BUILD, CC and WARNINGS from the including Makefile; sets TEST_PROGRAMS.

TEST_SERVERS = accept_ways blocking threads epoll poll select forker ping ping_https signaller prefork crowd thrown ends_itself \
	hostile_worker hostile_helper stdio stepwise
TEST_FAULTY = exits_at_once crashes hangs

PROGRAM_OBJ = $(BUILD)/tests/obj
PROGRAM_CPPFLAGS = -D_GNU_SOURCE -Itests/servers -Itests/client
PROGRAM_CFLAGS = -std=gnu11 -pthread $(WARNINGS)
PROGRAM_COMPILE = $(CC) $(PROGRAM_CPPFLAGS) $(PROGRAM_CFLAGS) $(CPPFLAGS) $(CFLAGS)
PROGRAM_LINK = $(CC) $(PROGRAM_CFLAGS) $(CFLAGS) $(LDFLAGS)

TEST_PROGRAMS = \
	$(TEST_SERVERS:%=$(BUILD)/tests/v1/%) \
	$(TEST_SERVERS:%=$(BUILD)/tests/v2/%) \
	$(TEST_FAULTY:%=$(BUILD)/tests/faulty/%) \
	$(BUILD)/tests/faulty/static_ping \
	$(BUILD)/tests/misbehave \
	$(BUILD)/tests/child_report \
	$(BUILD)/tests/load \
	$(BUILD)/tests/hold

# Each server is linked with the same objects, whether it needs all of them or not. Only
# identity.c knows the version.
TEST_SERVER_PARTS = http routes child server_options listeners conversation connection
TEST_SERVER_OBJS = $(TEST_SERVER_PARTS:%=$(PROGRAM_OBJ)/servers/%.o)
TEST_CLIENT_PARTS = outcome target stream stream_connect tls exchange http_answer \
	command_answers tally
TEST_CLIENT_OBJS = $(TEST_CLIENT_PARTS:%=$(PROGRAM_OBJ)/client/%.o)

$(PROGRAM_OBJ)/%.o: tests/%.c
	@mkdir -p $(@D)
	$(PROGRAM_COMPILE) -MMD -MP -c -o $@ $<

# A static pattern: a free one would also match what make tries in order to remake a .d file.
PROGRAM_IDENTITIES = $(PROGRAM_OBJ)/servers/identity.v1.o $(PROGRAM_OBJ)/servers/identity.v2.o
$(PROGRAM_IDENTITIES): $(PROGRAM_OBJ)/servers/identity.%.o: tests/servers/identity.c
	@mkdir -p $(@D)
	$(PROGRAM_COMPILE) -DSERVER_VERSION='"$*"' -MMD -MP -c -o $@ $<

$(BUILD)/tests/%/ping_https: PROGRAM_LIBS = -lssl -lcrypto

$(BUILD)/tests/v1/%: $(PROGRAM_OBJ)/servers/%.o $(PROGRAM_OBJ)/servers/identity.v1.o \
		$(TEST_SERVER_OBJS)
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(PROGRAM_LIBS) $(LDLIBS)

$(BUILD)/tests/v2/%: $(PROGRAM_OBJ)/servers/%.o $(PROGRAM_OBJ)/servers/identity.v2.o \
		$(TEST_SERVER_OBJS)
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(PROGRAM_LIBS) $(LDLIBS)

SIGNAL_OBJS = $(PROGRAM_OBJ)/servers/signal_words.o $(PROGRAM_OBJ)/servers/signal_waits.o
SIGNAL_SERVERS = signaller prefork thrown ends_itself
$(foreach v,v1 v2,$(SIGNAL_SERVERS:%=$(BUILD)/tests/$v/%)): $(SIGNAL_OBJS)
$(foreach v,v1 v2,$(BUILD)/tests/$v/signaller): $(PROGRAM_OBJ)/servers/own_signals.o

HOSTILE_SERVERS = hostile_worker hostile_helper
$(foreach v,v1 v2,$(HOSTILE_SERVERS:%=$(BUILD)/tests/$v/%)): $(PROGRAM_OBJ)/servers/trespass.o
$(foreach v,v1 v2,$(BUILD)/tests/$v/hostile_helper): $(PROGRAM_OBJ)/servers/broker_abuse.o

$(BUILD)/tests/misbehave: $(PROGRAM_OBJ)/servers/misbehave.o $(PROGRAM_OBJ)/servers/identity.v1.o \
		$(TEST_SERVER_OBJS)
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/child_report: $(PROGRAM_OBJ)/servers/child_report.o
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

$(TEST_FAULTY:%=$(BUILD)/tests/faulty/%): $(BUILD)/tests/faulty/%: $(PROGRAM_OBJ)/servers/%.o
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

# Sanitizers cannot be linked statically, so this one is compiled on its own without them.
TEST_STATIC_SOURCES = tests/servers/ping.c tests/servers/identity.c \
	$(TEST_SERVER_PARTS:%=tests/servers/%.c)

$(BUILD)/tests/faulty/static_ping: $(TEST_STATIC_SOURCES) $(wildcard tests/servers/*.h)
	@mkdir -p $(@D)
	$(filter-out -fsanitize=%,$(PROGRAM_COMPILE) $(LDFLAGS)) -DSERVER_VERSION='"static"' -static \
		-o $@ $(TEST_STATIC_SOURCES)

$(BUILD)/tests/load: $(PROGRAM_OBJ)/client/load.o $(PROGRAM_OBJ)/client/workers.o \
		$(TEST_CLIENT_OBJS)
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ -lssl -lcrypto $(LDLIBS)

.PHONY: servers unit-tests
servers: $(TEST_SERVERS:%=$(BUILD)/tests/v1/%) $(TEST_SERVERS:%=$(BUILD)/tests/v2/%)   ## build the example servers
unit-tests: $(UNIT_TESTS)   ## build the unit tests

# For the demo: a compiler is all it needs.
DEMO_PROGRAMS = $(BUILD)/tests/v1/ping $(BUILD)/tests/v2/ping $(BUILD)/tests/load_plain

$(BUILD)/tests/load_plain: $(PROGRAM_OBJ)/client/load.o $(PROGRAM_OBJ)/client/workers.o \
		$(patsubst %/tls.o,%/no_tls.o,$(TEST_CLIENT_OBJS))
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/hold: $(PROGRAM_OBJ)/client/hold.o $(TEST_CLIENT_OBJS)
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ -lssl -lcrypto $(LDLIBS)

# For the bench, with the load client.
BENCH_PROGRAMS = $(BUILD)/tests/load $(BUILD)/tests/bench/start_cost \
	$(BUILD)/tests/bench/upgrade_times $(BUILD)/tests/bench/cpu_time \
	$(BUILD)/tests/bench/resident $(BUILD)/tests/bench/spawn_times \
	$(BUILD)/tests/bench/drain_times $(BUILD)/tests/bench/empty.so $(BUILD)/tests/v1/epoll

$(BUILD)/tests/bench/%: $(PROGRAM_OBJ)/bench/%.o
	@mkdir -p $(@D)
	$(PROGRAM_LINK) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/bench/empty.so:
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@ -x c /dev/null

.SECONDARY: $(TEST_SERVERS:%=$(PROGRAM_OBJ)/servers/%.o)

-include $(wildcard $(PROGRAM_OBJ)/servers/*.d $(PROGRAM_OBJ)/client/*.d \
	$(PROGRAM_OBJ)/bench/*.d)

# SPDX-License-Identifier: Apache-2.0
#
# Everything is found by wildcard: add a file and it is built.
#
#   make            the libraries, the dmcp program and the examples, into build/
#   make run        install what is missing, build, and show the audit example at work
#   make test       install what is missing, build, run all tests    T=engine: only those whose path matches
#   make check      make test with 100000 simulated worlds and 200 kills, under sanitizers too, a clang
#                   build, and what follows:
#   make foreign    clients of others that are too large to install for make test
#   make conformance  the official conformance suite
#   make valgrind   servers that are killed, under memcheck
#   make fuzz       each fuzzer for FUZZ_SECONDS=10
#   make torture    simulated worlds and random kills without end; SECONDS=n, RUNS=n for so long
#   make bench      build the benchmarks and run them
#   make install    PREFIX=/usr/local DESTDIR=
#   make format     apply .clang-format
#
# CC=clang, SAN=address|thread|undefined (or several: SAN=address,undefined), BUILD=dir, CFLAGS="-O0 -g",
# WERROR= (for a compiler that warns of more than those we know).
# Sanitized builds go to build-<SAN>, so that they never mix with the ordinary one.

VERSION   := $(shell cat VERSION)
SOVERSION := $(firstword $(subst ., ,$(VERSION)))

ifeq ($(origin CC),default)
CC := gcc
endif

comma   := ,
SAN     ?=
BUILD   ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
JOBS    ?= $(shell nproc)
PREFIX  ?= /usr/local
DESTDIR ?=
LIBDIR  ?= $(PREFIX)/lib
OBJCOPY ?= objcopy
NM      ?= nm
CFLAGS  ?= -O2 -g
WERROR  ?= -Werror
T       ?=
FUZZ_SECONDS ?= 10

# ---- Flags ---------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wconversion $(WERROR)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# _FORTIFY_SOURCE needs an optimizing build, and hides reads from the sanitizers' own checks.
FORTIFY  := $(if $(SAN)$(findstring -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)

override CFLAGS += -std=gnu11 $(WARNINGS) -fPIC -pthread -fvisibility=hidden -fstack-protector-strong $(FORTIFY) $(SANFLAGS)
override LDFLAGS += -pthread -Wl,--as-needed $(SANFLAGS)
DEFINES  := -D_GNU_SOURCE -DDMCP_VERSION='"$(VERSION)"'

SERVER_LIBS := -lrocksdb -luv -lllhttp -lyyjson -lcrypto -lpcre2-8
CLIENT_LIBS := -lcurl -lyyjson -lcrypto -lpcre2-8

# ---- Sources -------------------------------------------------------------------------------------

# Which parts of src go into which library (docs/DESIGN.md, layout).
SERVER_DIRS := base json store engine mcp call net admin server
SERVER_SRC  := $(sort $(wildcard $(SERVER_DIRS:%=src/%/*.c)))
CLIENT_SRC  := $(sort $(wildcard src/base/*.c src/json/*.c src/net/sse.c src/client/*.c))
ALL_SRC     := $(sort $(SERVER_SRC) $(CLIENT_SRC))
PUBLIC_HDRS := $(wildcard include/*.h)

objs = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

SERVER_A   := $(BUILD)/libdmcp.a
CLIENT_A   := $(BUILD)/libdmcp-client.a
INTERNAL_A := $(BUILD)/libdmcp-internal.a
TESTLIB_A  := $(BUILD)/libtest.a

# A shared library cannot be held to "no undefined symbols" when the sanitizer runtime comes with the program.
LIBRARIES := $(if $(SERVER_SRC),$(SERVER_A) $(if $(SAN),,$(BUILD)/libdmcp.so)) \
             $(if $(CLIENT_SRC),$(CLIENT_A) $(if $(SAN),,$(BUILD)/libdmcp-client.so))

CLI_SRC  := $(wildcard cli/*.c)
CLI      := $(if $(CLI_SRC),$(BUILD)/dmcp)
EXAMPLES := $(patsubst examples/%/server.c,$(BUILD)/examples/%-server,$(wildcard examples/*/server.c)) \
            $(patsubst examples/%/client.c,$(BUILD)/examples/%-client,$(wildcard examples/*/client.c))

TEST_SRC      := $(sort $(wildcard tests/*/test_*.c))
FOREIGN       := $(sort $(wildcard tests/foreign/test_*.sh))
# Small enough for make test, which has them whatever can be installed.
ALSO_FOREIGN  := $(sort $(wildcard tests/e2e/test_sdk*.sh)) tests/e2e/test_remote.sh
TEST_SCRIPTS  := $(sort $(filter-out $(FOREIGN),$(wildcard tests/*/test_*.sh)))
TEST_LIB_SRC  := $(wildcard tests/lib/*.c)
TEST_PROGRAMS := $(patsubst tests/programs/%.c,$(BUILD)/tests/%,$(wildcard tests/programs/*.c))
TEST_BINS     := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))
BENCHES       := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))

# What T= selects. Tests inside one process, and those of the scripts, need no built programs.
SELECTED_BINS    := $(if $(T),$(foreach t,$(TEST_BINS),$(if $(findstring $(T),$(t)),$(t))),$(TEST_BINS))
SELECTED_SCRIPTS := $(if $(T),$(foreach t,$(TEST_SCRIPTS),$(if $(findstring $(T),$(t)),$(t))),$(TEST_SCRIPTS))
NO_PROGRAMS      := unit store engine sim scripts
NEED_PROGRAMS    := $(filter-out $(NO_PROGRAMS:%=$(BUILD)/tests/%/%) tests/scripts/%,$(SELECTED_BINS) $(SELECTED_SCRIPTS))
MEMCHECKED       := $(BUILD)/tests/crash/test_crash_call $(BUILD)/tests/crash/test_crash_random
# The source rules are one more test program.
CHECK_SCRIPT     := $(if $(or $(if $(T),,all),$(findstring $(T),scripts/check.sh)),$(wildcard scripts/check.sh))

# ---- Commands ------------------------------------------------------------------------------------

.PHONY: all run test tests programs check torture fuzz valgrind foreign conformance bench install uninstall deps format clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(LIBRARIES) $(CLI) $(EXAMPLES)

deps:
	@scripts/deps.sh

# deps comes first and on its own, so these start make again for the build proper.
run:
	@scripts/deps.sh
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@BUILD=$(BUILD) scripts/run.sh

test:
	@scripts/deps.sh
	@$(MAKE) --no-print-directory -j$(JOBS) tests
	@BUILD=$(BUILD) SAN=$(SAN) scripts/test.sh $(CHECK_SCRIPT) $(SELECTED_BINS) $(SELECTED_SCRIPTS)

tests: $(SELECTED_BINS) $(if $(strip $(NEED_PROGRAMS)),all $(TEST_PROGRAMS))

check:
	@scripts/deps.sh check
	CRASH_KILLS=200 OOM_STEP=1 SIM_RUNS=100000 TIMEOUT=900 $(MAKE) --no-print-directory test
	$(MAKE) --no-print-directory test SAN=address,undefined
	$(MAKE) --no-print-directory test SAN=thread
	$(MAKE) --no-print-directory -j$(JOBS) CC=clang BUILD=build-clang all tests
	$(MAKE) --no-print-directory fuzz valgrind
	NO_SKIPS=1 $(MAKE) --no-print-directory foreign conformance

# The short form of what the sanitizers run in full.
valgrind:
	@scripts/deps.sh check
	@$(MAKE) --no-print-directory -j$(JOBS) programs $(MEMCHECKED)
	@VALGRIND=1 CRASH_KILLS=5 TIMEOUT=1200 BUILD=$(BUILD) scripts/test.sh $(MEMCHECKED)

# What they find is left where scripts/fuzz.sh says.
fuzz:
	@scripts/deps.sh check
	@for f in tests/fuzz/fuzz_*.c; do \
	    name=$${f#tests/fuzz/fuzz_} && scripts/fuzz.sh $${name%.c} $(FUZZ_SECONDS) -verbosity=0 || exit 1; \
	done

programs: all $(TEST_PROGRAMS)

foreign conformance: deps
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@BUILD=$(BUILD) TIMEOUT=600 scripts/test.sh $(if $(filter foreign,$@),$(FOREIGN) $(ALSO_FOREIGN),scripts/conformance.sh)

torture:
	@scripts/deps.sh
	@$(MAKE) --no-print-directory -j$(JOBS) T= tests
	@BUILD=$(BUILD) scripts/torture.sh $(if $(SECONDS),--seconds $(SECONDS)) $(if $(RUNS),--runs $(RUNS))

bench:
	@scripts/deps.sh bench
	@$(MAKE) --no-print-directory -j$(JOBS) all $(BENCHES)
	@if [ -x bench/run.sh ]; then BUILD=$(BUILD) bench/run.sh; else echo "bench: nothing to run yet"; fi

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build build-*

# ---- Libraries -----------------------------------------------------------------------------------

# Files that hold a value and change only when it does: what depends on them is rebuilt when the
# compiler, its flags or the list of sources change, and not otherwise.
define remember
$(BUILD)/$(1): FORCE
	@mkdir -p $$(@D)
	@printf '%s\n' "$$(subst ",\",$(2))" | cmp -s - $$@ || printf '%s\n' "$$(subst ",\",$(2))" > $$@
endef
$(eval $(call remember,flags,$$(CC) $$(CFLAGS) $$(CPPFLAGS) $$(DEFINES)))
$(eval $(call remember,sources,$$(ALL_SRC) $$(TEST_LIB_SRC)))

$(BUILD)/obj/src/%: INCLUDES := -Iinclude -Isrc
$(BUILD)/obj/bench/%: INCLUDES := -Iinclude -Isrc -Ibench/lib
$(BUILD)/obj/tests/%: INCLUDES := -Iinclude -Isrc -Itests/lib
# What users could have written sees only what users see.
$(BUILD)/obj/cli/%: INCLUDES := -Iinclude
$(BUILD)/obj/examples/%: INCLUDES := -Iinclude
$(BUILD)/obj/tests/programs/%: INCLUDES := -Iinclude

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CPPFLAGS) $(DEFINES) $(INCLUDES) $(CFLAGS) -MMD -MP -c $< -o $@

# Internal functions carry no project prefix. One relocatable object with its hidden symbols made
# local keeps them out of the way of a program that has a buf_init of its own.
$(SERVER_A): $(call objs,$(SERVER_SRC)) $(BUILD)/sources
	@echo "  AR    $@"
	@$(LD) -r -o $(BUILD)/obj/dmcp.o $(filter %.o,$^)
	@$(OBJCOPY) --localize-hidden $(BUILD)/obj/dmcp.o
	@rm -f $@ && $(AR) rcs $@ $(BUILD)/obj/dmcp.o

# The client's symbols are weak, so that a program may link both libraries: what both define
# (dmcp_strerror and the like) is then taken from the server's. What it only uses must not become
# weak: the linker would leave out the libraries that define it.
$(CLIENT_A): $(call objs,$(CLIENT_SRC)) $(BUILD)/sources
	@echo "  AR    $@"
	@$(LD) -r -o $(BUILD)/obj/dmcp-client.o $(filter %.o,$^)
	@$(OBJCOPY) --localize-hidden $(BUILD)/obj/dmcp-client.o
	@$(NM) -g --defined-only $(BUILD)/obj/dmcp-client.o | sed 's/.* //' > $(BUILD)/obj/dmcp-client.sym
	@$(OBJCOPY) --weaken-symbols=$(BUILD)/obj/dmcp-client.sym $(BUILD)/obj/dmcp-client.o
	@rm -f $@ && $(AR) rcs $@ $(BUILD)/obj/dmcp-client.o

$(INTERNAL_A): $(call objs,$(ALL_SRC)) $(BUILD)/sources
	@echo "  AR    $@"
	@rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(TESTLIB_A): $(call objs,$(TEST_LIB_SRC)) $(BUILD)/sources
	@rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

link_shared = $(CC) $(CFLAGS) -shared -Wl,-z,defs -Wl,-soname,$(notdir $@).$(SOVERSION) \
	$(LDFLAGS) -o $@.$(VERSION) $(filter %.o,$^) $(1) && \
	ln -sf $(notdir $@).$(VERSION) $@.$(SOVERSION) && ln -sf $(notdir $@).$(SOVERSION) $@

$(BUILD)/libdmcp.so: $(call objs,$(SERVER_SRC)) $(BUILD)/sources
	@echo "  LD    $@"
	@$(call link_shared,$(SERVER_LIBS))

$(BUILD)/libdmcp-client.so: $(call objs,$(CLIENT_SRC)) $(BUILD)/sources
	@echo "  LD    $@"
	@$(call link_shared,$(CLIENT_LIBS))

# ---- Programs ------------------------------------------------------------------------------------

# $(1) program, $(2) its sources, $(3) archives in link order, $(4) libraries
define program
$(1): $(call objs,$(2)) $(3)
	@mkdir -p $$(@D)
	@echo "  LD    $$@"
	@$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $(call objs,$(2)) $(3) $(4)
endef

ALL_LIBS := $(sort $(SERVER_LIBS) $(CLIENT_LIBS))

$(if $(CLI),$(eval $(call program,$(CLI),$(CLI_SRC),$(SERVER_A) $(CLIENT_A),$(ALL_LIBS))))

# Sources next to server.c belong to the server (client*.c to the client), those in examples/common to both.
client_sources = $(wildcard examples/$(1)/client*.c) $(wildcard examples/common/*.c)
server_sources = $(filter-out examples/$(1)/client%,$(wildcard examples/$(1)/*.c)) $(wildcard examples/common/*.c)
example_name   = $(patsubst examples/%/,%,$(dir $(1)))
$(foreach s,$(wildcard examples/*/server.c),$(eval $(call program,\
    $(BUILD)/examples/$(call example_name,$(s))-server,\
    $(call server_sources,$(call example_name,$(s))),$(SERVER_A),$(SERVER_LIBS))))
$(foreach s,$(wildcard examples/*/client.c),$(eval $(call program,\
    $(BUILD)/examples/$(call example_name,$(s))-client,\
    $(call client_sources,$(call example_name,$(s))),$(CLIENT_A),$(CLIENT_LIBS))))

# Sources that stand beside a test without being one are shared by the tests of that directory.
test_shared = $(filter-out $(TEST_SRC),$(wildcard $(dir $(1))*.c))
# Simulated worlds have a time and a randomness of their own (tests/lib/sim_time.c).
sim_wraps = -Wl,--wrap=clock_wall_ms,--wrap=clock_mono_ns,--wrap=getrandom,--wrap=mailbox_wait
$(foreach s,$(TEST_SRC),$(eval $(call program,$(patsubst tests/%.c,$(BUILD)/tests/%,$(s)),\
    $(s) $(call test_shared,$(s)),$(TESTLIB_A) $(INTERNAL_A),\
    $(if $(filter tests/sim/test_sim_calls%,$(s)),$(sim_wraps)) -lcmocka $(ALL_LIBS))))
$(foreach s,$(wildcard tests/programs/*.c),$(eval $(call program,$(patsubst tests/programs/%.c,$(BUILD)/tests/%,$(s)),\
    $(s),$(SERVER_A) $(CLIENT_A),$(ALL_LIBS))))
$(foreach s,$(wildcard bench/*.c),$(eval $(call program,$(patsubst %.c,$(BUILD)/%,$(s)),\
    $(s) $(wildcard bench/lib/*.c),$(INTERNAL_A),$(ALL_LIBS))))

# ---- Installing ----------------------------------------------------------------------------------

# $(1) name, $(2) description, $(3) private libraries
define pkgconfig
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' '' 'Name: $(1)' \
	    'Description: $(2)' 'Version: $(VERSION)' 'Libs: -L$${libdir} -l$(1)' 'Libs.private: $(3) -pthread' \
	    'Cflags: -I$${includedir}' | sed '1,3s|=$(PREFIX)/|=$${prefix}/|' > $(DESTDIR)$(LIBDIR)/pkgconfig/$(1).pc
endef

install: all
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(PUBLIC_HDRS) $(DESTDIR)$(PREFIX)/include
	install -m 644 $(SERVER_A) $(CLIENT_A) $(DESTDIR)$(LIBDIR)
	cp -d $(BUILD)/libdmcp.so* $(BUILD)/libdmcp-client.so* $(DESTDIR)$(LIBDIR)
	$(if $(CLI),install -m 755 $(CLI) $(DESTDIR)$(PREFIX)/bin)
	$(call pkgconfig,dmcp,Durable MCP servers and tools,$(SERVER_LIBS))
	$(call pkgconfig,dmcp-client,MCP client whose calls are safe to retry,$(CLIENT_LIBS))
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

uninstall:
	rm -f $(PUBLIC_HDRS:include/%=$(DESTDIR)$(PREFIX)/include/%) $(DESTDIR)$(PREFIX)/bin/dmcp
	rm -f $(DESTDIR)$(LIBDIR)/libdmcp.a $(DESTDIR)$(LIBDIR)/libdmcp-client.a $(DESTDIR)$(LIBDIR)/libdmcp*.so*
	rm -f $(DESTDIR)$(LIBDIR)/pkgconfig/dmcp.pc $(DESTDIR)$(LIBDIR)/pkgconfig/dmcp-client.pc

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

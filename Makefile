# SPDX-License-Identifier: ISC
# Builds natter into build/; `make help` lists the targets.  Variables to set
# from outside: CC, CFLAGS, LDFLAGS, SANITIZE, PREFIX, DESTDIR, INIT, V.

VERSION = 1.0.0

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
LIBEXECDIR ?= $(PREFIX)/libexec/natter
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/natter
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSCONFDIR ?= /etc
RUNDIR ?= /run/natter
STATEDIR ?= /var/lib/natter
INIT ?= auto

B ?= build
CFLAGS ?= -O2 -g
# For example SANITIZE=address,undefined
SANITIZE ?=
WERROR ?=

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wformat=2 -Wvla -Wundef $(WERROR)
# Which of some flags the compiler knows for this processor, asked once: not every one knows all of them.
OPTIMISATION := $(lastword -O0 $(filter -O%,$(CPPFLAGS) $(CFLAGS)))
known = $(shell for flag in $(1); do $(CC) $(filter -m%,$(CPPFLAGS) $(CFLAGS)) $(OPTIMISATION) -Werror -U_FORTIFY_SOURCE $$flag \
	-include stdio.h -S -o /dev/null -x c /dev/null 2>/dev/null && echo $$flag; done)
HARDENING := -fPIE -fstack-protector-strong \
	$(call known,-fstack-clash-protection -fcf-protection -mbranch-protection=standard)
HARDENING_LD = -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack
ifneq ($(SANITIZE),)
SANITIZERS = -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifneq ($(OPTIMISATION),-O0)
# What a packager chose stays.
HARDENING += $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,-U_FORTIFY_SOURCE \
	$(firstword $(call known,-D_FORTIFY_SOURCE=3 -D_FORTIFY_SOURCE=2)))
endif

PKG_CONFIG ?= pkg-config
COMMON_PACKAGES = libbsd
WORKER_PACKAGES = libevent_core libseccomp libbsd
SUPERVISOR_PACKAGES = libevent_core libconfig json-c libbsd
CTL_PACKAGES = json-c libbsd

DEFINES = -D_GNU_SOURCE -DNATTER_VERSION='"$(VERSION)"' -DLIBEXECDIR='"$(LIBEXECDIR)"' \
	-DRUNDIR='"$(RUNDIR)"' -DSTATEDIR='"$(STATEDIR)"' -DSYSCONFDIR='"$(SYSCONFDIR)"'
# A folder sees common and itself: a worker file that includes a supervisor
# header does not compile.
COMPILE = $(CC) -std=gnu11 $(DEFINES) $(WARNINGS) $(HARDENING) $(SANITIZERS) -Icommon -MMD -MP $(CPPFLAGS) $(CFLAGS)
LINK = $(CC) $(HARDENING_LD) $(SANITIZERS) $(CFLAGS) $(LDFLAGS)

# V=1 shows the commands; otherwise a line says what is made.
ifeq ($(V),)
Q = @echo "  $@";
endif

COMMON_OBJECTS = $(patsubst %.c,$(B)/%.o,$(wildcard common/*.c))
WORKER_OBJECTS = $(patsubst %.c,$(B)/%.o,$(wildcard worker/*.c))
CTL_SOURCES = $(wildcard supervisor/natterctl*.c)
CTL_OBJECTS = $(CTL_SOURCES:%.c=$(B)/%.o)
SUPERVISOR_OBJECTS = $(patsubst %.c,$(B)/%.o,$(filter-out $(CTL_SOURCES),$(wildcard supervisor/*.c)))
# What natterd and natterctl both show.
SHOWN_OBJECTS = $(B)/supervisor/table.o $(B)/supervisor/terminal.o $(B)/supervisor/checknat_print.o

# A unit test names the objects it needs in its first lines: "NEEDS: worker/stun".
UNIT_TESTS = $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))
LAB_TOOLS = $(patsubst tests/lab/%.c,$(B)/tests/%,$(wildcard tests/lab/*.c))
# Runs the worker's relays itself.
COUNTERS = tests/bench/counters.c
BENCH_TOOLS = $(patsubst tests/bench/%.c,$(B)/tests/%,$(filter-out $(COUNTERS),$(wildcard tests/bench/*.c)))
FUZZERS = $(patsubst tests/fuzz/%.c,$(B)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
# What gives a fuzzer its inputs: files of a corpus, or libFuzzer (tests/fuzz/run.sh).
FUZZ_MAIN ?= $(B)/tests/fuzz/replay.o

all: $(B)/natterd $(B)/natter-worker $(B)/natterctl ## build natterd, natter-worker and natterctl into build/

$(B)/natterd: $(SUPERVISOR_OBJECTS) $(COMMON_OBJECTS)
	$(Q)$(LINK) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(SUPERVISOR_PACKAGES))

$(B)/natter-worker: $(WORKER_OBJECTS) $(COMMON_OBJECTS)
	$(Q)$(LINK) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(WORKER_PACKAGES))

$(B)/natterctl: $(CTL_OBJECTS) $(SHOWN_OBJECTS) $(COMMON_OBJECTS)
	$(Q)$(LINK) -o $@ $^ $(shell $(PKG_CONFIG) --libs $(CTL_PACKAGES))

# Changed flags or directories compile everything again.
$(B)/flags: force
	@mkdir -p $(@D)
	@echo '$(subst ','"'"',$(COMPILE) $(LINK))' | cmp -s - $@ || echo '$(subst ','"'"',$(COMPILE) $(LINK))' >$@

$(B)/%.o: %.c $(B)/flags Makefile
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -c -o $@ $<

test-programs: $(UNIT_TESTS) $(B)/tests/counters fuzzers lab-programs ## build the unit tests and the laboratory's programs

fuzzers: $(FUZZERS)

lab-programs: $(LAB_TOOLS) $(BENCH_TOOLS)

$(LAB_TOOLS): $(B)/tests/%: tests/lab/%.c $(COMMON_OBJECTS) Makefile
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(LDFLAGS) -o $@ $< $(COMMON_OBJECTS) $(HARDENING_LD) $(shell $(PKG_CONFIG) --libs $(COMMON_PACKAGES))

$(BENCH_TOOLS): $(B)/tests/%: tests/bench/%.c $(COMMON_OBJECTS) Makefile
	@mkdir -p $(@D)
	$(Q)$(COMPILE) $(LDFLAGS) -o $@ $< $(COMMON_OBJECTS) $(HARDENING_LD) $(shell $(PKG_CONFIG) --libs $(CTL_PACKAGES))

$(UNIT_TESTS): $(B)/tests/%: tests/unit/%.c tests/unit/check.h $(COMMON_OBJECTS) $(WORKER_OBJECTS) \
		$(SUPERVISOR_OBJECTS) $(CTL_OBJECTS) Makefile
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -Iworker -Isupervisor -Itests/unit $(LDFLAGS) -o $@ $< \
		$$(sed -n 's,^.*NEEDS: *,,p' $< | tr ' ' '\n' | sed '/./s,.*,$(B)/&.o,') $(COMMON_OBJECTS) \
		$(HARDENING_LD) $(shell $(PKG_CONFIG) --libs $(SUPERVISOR_PACKAGES) $(WORKER_PACKAGES))

$(B)/tests/counters: $(COUNTERS) tests/bench/script.h tests/unit/loop.h tests/unit/check.h $(filter-out %/main.o,$(WORKER_OBJECTS)) \
		$(COMMON_OBJECTS) Makefile
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -Iworker -Itests/unit $(LDFLAGS) -o $@ $< $(filter %.o,$^) $(HARDENING_LD) \
		$(shell $(PKG_CONFIG) --libs $(WORKER_PACKAGES))

# Of an archive the linker takes what is missing: a file is left out if the fuzzer has a stand-in for all of it.
$(B)/tests/parts.a: $(COMMON_OBJECTS) $(filter-out %/main.o,$(WORKER_OBJECTS)) $(filter-out %/natterd.o,$(SUPERVISOR_OBJECTS)) \
		$(filter-out %/natterctl_main.o,$(CTL_OBJECTS))
	@mkdir -p $(@D) && rm -f $@
	$(Q)$(AR) -qcs $@ $^

$(FUZZERS): $(B)/tests/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) $(filter %.o,$(FUZZ_MAIN)) $(B)/tests/parts.a Makefile
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -Iworker -Isupervisor $(LDFLAGS) -o $@ $< $(FUZZ_MAIN) $(B)/tests/parts.a $(HARDENING_LD) \
		$(shell $(PKG_CONFIG) --libs $(SUPERVISOR_PACKAGES))

demo: ## install what is missing, build, and show it behind a real NAT
	tests/packages.sh demo
	@$(MAKE) --no-print-directory all
	tests/demo.sh

test: ## install what is missing, build, and run every test
	tests/packages.sh test
	@$(MAKE) --no-print-directory all test-programs
	NATTER_BUILD=$(abspath $(B)) tests/run.sh

counters: ## what the relays cost in system calls and instructions
	tests/packages.sh test
	@$(MAKE) --no-print-directory all test-programs
	NATTER_BUILD=$(abspath $(B)) tests/bench/counters.bash show

counters-update: ## make that the usual cost, in tests/bench/counters.limits
	tests/packages.sh test
	@$(MAKE) --no-print-directory all test-programs
	NATTER_BUILD=$(abspath $(B)) tests/bench/counters.bash update

valgrind: ## run the unit tests under valgrind, which may find nothing
	tests/packages.sh test
	@$(MAKE) --no-print-directory all test-programs
	NATTER_VALGRIND=1 NATTER_BUILD=$(abspath $(B)) tests/run.sh unit.bats

# Which events, by a pattern for their names.
EVENTS ?= .*

bench-reach: ## measure times out of reach: EVENTS= JOBS= ROUNDS=
	tests/packages.sh demo
	@$(MAKE) --no-print-directory all lab-programs
	NATTER_BUILD=$(abspath $(B)) tests/bench/reach.bash '$(EVENTS)'

# To the script by the environment: PEERS, MEASURE, ROUNDS, NATMAP.
bench: ## measure the relay and others: PEERS= MEASURE= ROUNDS= NATMAP=
	tests/packages.sh bench
	@$(MAKE) --no-print-directory all lab-programs
	NATTER_BUILD=$(abspath $(B)) tests/bench/relays.bash full

bench-quick: ## the same in two minutes: the main measurements, one round
	tests/packages.sh bench
	@$(MAKE) --no-print-directory all lab-programs
	NATTER_BUILD=$(abspath $(B)) tests/bench/relays.bash quick

# Not SECONDS: that name is the shell's own.
SOAK_SECONDS ?= $(or $(SECONDS),1200)
SEED ?= 1

soak: ## events and clients to one natterd, each checked: SECONDS= SEED=
	tests/packages.sh demo
	@$(MAKE) --no-print-directory all lab-programs
	NATTER_BUILD=$(abspath $(B)) tests/bench/soak.bash '$(SOAK_SECONDS)' '$(SEED)' '$(EVENTS)'

KILLS ?= 1000

torture: ## kill natterd and its children at any moment: KILLS= SEED=
	tests/packages.sh test
	@$(MAKE) --no-print-directory all lab-programs
	NATTER_BUILD=$(abspath $(B)) tests/torture.bash '$(KILLS)' '$(SEED)'

RELOADS ?= 10000

reloads: ## read natter.cfg again and again: RELOADS=
	tests/packages.sh test
	@$(MAKE) --no-print-directory all lab-programs
	NATTER_BUILD=$(abspath $(B)) tests/reloads.bash '$(RELOADS)'

FUZZ_SECONDS ?= 60
TARGET ?= .*

fuzz: ## feed parsers made-up inputs, with clang: FUZZ_SECONDS= TARGET=
	tests/fuzz/run.sh '$(FUZZ_SECONDS)' '$(TARGET)'

# Where install puts things, and uninstall takes them from.
INSTALLED = $(foreach name,B DESTDIR SBINDIR LIBEXECDIR MANDIR DOCDIR BASHDIR ZSHDIR UNITDIR SYSCONFDIR RUNDIR STATEDIR INIT,\
	$(name)='$($(name))')

install: all ## install into PREFIX (/usr/local); DESTDIR= INIT= see README.md
	$(Q)$(INSTALLED) supervisor/init/install.sh install

uninstall: ## remove what install put there, except natter.cfg
	$(Q)$(INSTALLED) supervisor/init/install.sh uninstall

deb: ## build a Debian package into build/deb
	tests/packages.sh deb
	supervisor/debian/build.sh '$(abspath $(B))/deb'

clean: ## remove build/
	rm -rf $(B)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 17

.PHONY: force all test-programs fuzzers lab-programs demo test valgrind counters counters-update bench bench-quick bench-reach soak torture reloads fuzz install uninstall deb clean help
-include $(wildcard $(B)/*/*/*.d $(B)/*/*.d $(B)/*.d)

# casnet: PGXS build.  "make", "make install", "make installcheck" against a
# running server; scripts/test.sh does all of it on a throwaway one.  In another
# folder, "make -f .../Makefile" leaves that of the sources as it is.

EXTENSION = casnet
MODULE_big = casnet

# The folder of the sources, with a slash; nothing if they are here.  As PGXS finds it.
SOURCE := $(filter-out ./,$(patsubst %//,%/,$(or $(VPATH),$(dir $(firstword $(MAKEFILE_LIST))))/))

# The one place that says which version this is.
CONTROL = $(SOURCE)casnet.control
EXTVERSION := $(shell sed -n "s/^[[:space:]]*default_version[[:space:]]*=[[:space:]]*'\([^']*\)'.*/\1/p" $(CONTROL) 2> /dev/null)
ifneq ($(words $(EXTVERSION)),1)
$(error $(CONTROL) $(if $(wildcard $(CONTROL)),says no default_version that can be read,is missing))
endif

OBJS = $(patsubst $(SOURCE)%.c,%.o,$(sort $(wildcard $(SOURCE)src/*.c)))

# The parts of the install script, in order.  Bodies of functions are not looked into,
# so among functions only what a declaration names has to come first.

# The schemas are there and can be trusted, and so are the roles.
SQL_FIRST = install/preamble install/schemas install/trust install/prepared install/roles
# The support function of the planner comes before the functions that have it.
SQL_FUNCTIONS = api/identity \
	$(addprefix api/, operator_functions tenants members accounts tokens issuers invitations \
		tags links search calendar icalendar documents export import_source import_members import audit history person_entries persons \
		protect protect_steps protection protection_notes declare unprotect guard_schema \
		follow audit_on_nodes distribute) \
	$(addprefix install/, statements trigger_functions search_configuration \
		wanted_tables wanted_columns wanted_constraints tables audit_months indexes \
		load_views triggers policies grants passwords names install) \
	$(addprefix doctor/, codes watched roles grants tables declared protected policies keys indexes \
		views functions replication audit settings state data distributed doctor)
# After their functions.
SQL_OPERATORS = install/operators
# Owners before privileges, since those of the former owner go with it; and at last
# install() makes the tables.
SQL_LAST = install/owners install/event_triggers install/privileges install/finish

# From each release that sql/updates has a part for, one script leads here: it replaces
# the functions, and install() brings the tables over.  What cannot be replaced goes
# first, by that part; privileges that somebody has changed are put by meanwhile.
SQL_UPDATE_FIRST = install/update install/trust install/keep_privileges
SQL_UPDATE_LAST = install/owners install/privileges install/changed_privileges install/finish_update

parts = $(patsubst %,$(SOURCE)sql/%.sql,$(1))
SQL_PARTS = $(call parts,$(SQL_FIRST) $(SQL_FUNCTIONS) $(SQL_OPERATORS) $(SQL_LAST))
SQL_UPDATE_PARTS = $(call parts,$(SQL_UPDATE_FIRST) $(SQL_FUNCTIONS) $(SQL_UPDATE_LAST))
SQL_SCRIPT = sql/casnet--$(EXTVERSION).sql
RELEASES = $(filter-out $(EXTVERSION),$(patsubst $(SOURCE)sql/updates/%.sql,%,$(wildcard $(SOURCE)sql/updates/*.sql)))
SQL_UPDATES = $(patsubst %,sql/casnet--%--$(EXTVERSION).sql,$(RELEASES))
SHLIB_LINK = -lcrypt -lcrypto -largon2

DATA_built = $(SQL_SCRIPT) $(SQL_UPDATES)
EXTRA_CLEAN = $(wildcard sql/casnet--*.sql) output_iso tmp_check

# Where tests write: here, or where there is room for that user.
OUTPUT ?= $(if $(shell test -w . && echo yes),.,$(or $(TMPDIR),/tmp)/casnet-tests-$(shell id -un))

# Golden-output tests; setup comes first and makes the roles and rows.
tests = $(sort $(basename $(notdir $(wildcard $(SOURCE)test/$(1)))))
REGRESS = setup $(filter-out setup,$(call tests,sql/*.sql))
REGRESS_OPTS = --inputdir=$(SOURCE)test --outputdir=$(OUTPUT)
REGRESS_PREP = output-folder
ISOLATION = $(call tests,specs/*.spec)
ISOLATION_OPTS = --inputdir=$(SOURCE)test --outputdir=$(OUTPUT)
PROVE_TESTS = $(patsubst $(SOURCE)%,%,$(sort $(wildcard $(SOURCE)test/t/*.pl)))

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS looks for everything in the folder of the sources, also for what is built; an
# earlier build there would then stand in for ours.
srcdir := $(srcdir)
override VPATH :=
vpath %.c $(srcdir)
vpath %.control $(srcdir)

# PGXS tracks no headers.
$(OBJS) $(OBJS:.o=.bc): $(wildcard $(SOURCE)src/*.h) | src
src sql:
	$(MKDIR_P) $@

$(SQL_SCRIPT): $(SQL_PARTS) $(CONTROL) | sql
	sed 's/^CREATE OR REPLACE FUNCTION/CREATE FUNCTION/' $(SQL_PARTS) > $@

$(SQL_UPDATES): sql/casnet--%--$(EXTVERSION).sql: $(SOURCE)sql/updates/%.sql $(SQL_UPDATE_PARTS) $(CONTROL) | sql
	cat $(call parts,$(SQL_UPDATE_FIRST)) $< $(call parts,$(SQL_FUNCTIONS) $(SQL_UPDATE_LAST)) > $@

.PHONY: sql-scripts output-folder check-tap release dist
sql-scripts: $(DATA_built)

# One of the name we chose may be somebody else's.
output-folder:
	@mkdir -p -m 700 '$(OUTPUT)'
	@$(if $(filter file,$(origin OUTPUT)),test -O '$(OUTPUT)' -a ! -L '$(OUTPUT)' -o '$(OUTPUT)' = .,test -w '$(OUTPUT)') || \
		{ echo '$(OUTPUT) is not yours to write to; name another folder: make $(MAKECMDGOALS) OUTPUT=...' >&2; exit 1; }
	@test '$(OUTPUT)' = . || echo 'results go to $(OUTPUT)'

# Whole-server tests; apart from installcheck, since they need IPC::Run.  PGXS has them
# write to the current folder.
check-tap: CURDIR := $(abspath $(OUTPUT))
check-tap: output-folder
	$(prove_installcheck)

# What a release leaves behind: its install script, for tests, and the part of updates
# from it, which whoever changes what cannot be replaced adds to.
release: $(SQL_SCRIPT)
	@test ! -e $(SOURCE)sql/releases/$(notdir $(SQL_SCRIPT)) || \
		{ echo '$(EXTVERSION) has been released: say another default_version in $(CONTROL)' >&2; exit 1; }
	cp $(SQL_SCRIPT) $(SOURCE)sql/releases/
	test -e $(SOURCE)sql/updates/$(EXTVERSION).sql || \
		echo '-- From $(EXTVERSION): what goes, and what cannot be replaced.' > $(SOURCE)sql/updates/$(EXTVERSION).sql

# An archive of what is committed, for PGXN.
dist:
	@test -x $(SOURCE).ci/dist || { echo 'an archive is made of a git repository' >&2; exit 1; }
	$(SOURCE).ci/dist '$(CURDIR)'

# casnet: PGXS build.  "make", "make install", "make installcheck" against a
# running server; scripts/test.sh does all of it on a throwaway one.

EXTENSION = casnet
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" casnet.control)

MODULE_big = casnet
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))

# The parts of the install script, in order.  Bodies of functions are not looked into,
# so among functions only what a declaration names has to come first.

# The schema can be trusted, and the roles are there.
SQL_FIRST = install/preamble
# The support function of the planner comes before the functions that have it.
SQL_FUNCTIONS = api/identity \
	$(addprefix api/, operator_functions tenants members accounts tokens invitations \
		tags search documents export import_source import audit protect protect_steps \
		protection protection_notes unprotect guard_schema) \
	$(addprefix install/, statements trigger_functions search_configuration \
		wanted_tables wanted_columns wanted_constraints tables audit_months indexes \
		load_views triggers policies grants passwords names install) \
	$(addprefix doctor/, codes watched roles grants tables policies keys views settings \
		state data doctor)
# After their functions.
SQL_OPERATORS = install/operators
# Owners before privileges, since those of the former owner go with it; and at last
# install() makes the tables.
SQL_LAST = install/owners install/privileges install/finish

SQL_PARTS = $(patsubst %,sql/%.sql,$(SQL_FIRST) $(SQL_FUNCTIONS) $(SQL_OPERATORS) $(SQL_LAST))
SQL_SCRIPT = sql/casnet--$(EXTVERSION).sql
SHLIB_LINK = -lcrypt -lcrypto

DATA = $(wildcard sql/casnet--*--*.sql)
DATA_built = $(SQL_SCRIPT)
EXTRA_CLEAN = $(SQL_SCRIPT) output_iso tmp_check

# Golden-output tests; setup comes first and makes the roles and rows.
REGRESS = setup $(filter-out setup,$(sort $(basename $(notdir $(wildcard test/sql/*.sql)))))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(sort $(basename $(notdir $(wildcard test/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test --outputdir=.
PROVE_TESTS = $(sort $(wildcard test/t/*.pl))

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS tracks no headers.
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h)

$(SQL_SCRIPT): $(SQL_PARTS) casnet.control
	sed 's/^CREATE OR REPLACE FUNCTION/CREATE FUNCTION/' $(SQL_PARTS) > $@

# Whole-server tests; apart from installcheck, since they need IPC::Run.
.PHONY: check-tap
check-tap:
	$(prove_installcheck)

# casnet: PGXS build.  "make", "make install", "make installcheck" against a
# running server; scripts/test.sh does all of it on a throwaway one.

EXTENSION = casnet
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" casnet.control)

MODULE_big = casnet
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))

SQL_PARTS = $(sort $(wildcard sql/[0-9][0-9]_*.sql))
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
	cat $(SQL_PARTS) > $@

# Whole-server tests; apart from installcheck, since they need IPC::Run.
.PHONY: check-tap
check-tap:
	$(prove_installcheck)

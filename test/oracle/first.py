"""The first statement of a session, before the library is loaded."""

import psycopg2

import cases
import world


def first_statement(database, case, value, settings):
    """The outcome of a case as the first statement of a connection."""
    options = ''.join(' -c %s=%s' % tuple(y.strip(" '") for y in x.split('=')) for x in settings)
    options += ' -c plan_cache_mode=force_generic_plan -c mine.value=' + value
    outcome = cases.Outcome(value)
    connection = world.connect(database, world.ROLE, options=cases.OPTIONS + options)
    connection.notices = notices = cases.Notices()
    cursor = connection.cursor()
    try:
        for statement in case.statements(value):
            cursor.execute(statement)
        outcome.count = cursor.rowcount
        outcome.rows = sorted(outcome.mask(x) for x in cursor.fetchall())
        cursor.execute('SHOW mine.n')
        outcome.counter = cursor.fetchone()[0]
    except psycopg2.Error as error:
        outcome.failed(error)
    outcome.notices = [outcome.mask(x) for x in notices.lines]
    connection.close()
    return outcome


def run(database, conditions, plain, options, rng, out):
    """Try every condition, or a sample of them, in a plain SELECT."""
    admin = world.connect(database).cursor()
    admin.execute("ALTER ROLE %s IN DATABASE %s SET session_preload_libraries = plpgsql" % (world.ROLE,
                  database))
    cursor = world.connect(database, world.ROLE, options=cases.OPTIONS).cursor()
    cursor.execute("SELECT count(*) FROM pg_settings WHERE name = 'casnet.user_id'")
    out.check('the library is not loaded when a session begins', cursor.fetchone()[0] == 0)
    for condition in conditions:
        case = cases.Case(condition, *plain)
        name = 'first statement: ' + case.name()
        if options.only and options.only not in name or options.quick and rng.random() > 0.25:
            continue
        hidden, nowhere = (first_statement(database, case, x, plain[1].settings)
                           for x in (world.HIDDEN, world.NOWHERE))
        out.case(case, hidden, nowhere)

"""What is planned: each statement as users of casnet write it, and by hand.

In a template, {r} and the like stand for the additional condition of the query by hand:
"tenant_id = constant AND" for the table with that alias.  For casnet they are empty.
A statement that cannot be written that way has a text for each.  By hand it can have
several, and casnet's plan must match the better one.
"""
SMALL = 40


def tenant_id(tenant):
    """The id that data.sql gives the tenant."""
    return '00000000-0000-7000-8000-%012x' % tenant


def item_id(tenant, number):
    """The id of a row of the tenant."""
    return '01890000-%04x-7000-8000-%012x' % (tenant, number)


def tag_id(tenant, number):
    """The id of a tag of the tenant."""
    return item_id(tenant, 16777216 + number)


NEWEST = 'ORDER BY r.created_at DESC, r.id DESC LIMIT 20'
RECORDS = 'SELECT r.id, r.title, r.created_at FROM casnet.records AS r WHERE '
LINKED = 'SELECT l.record_id FROM casnet.record_tags AS l WHERE {l} l.tag_id'


def tagged(by_casnet, *by_hand):
    """Records by tags: records_tagged(), or the links of tags whose ids are known."""
    return {'casnet': RECORDS + 'r.id IN (SELECT casnet.records_tagged(' + by_casnet + ')) ' + NEWEST,
            'hand': [RECORDS + '{r} ' + form + ' ' + NEWEST for form in by_hand]}


def workloads(tenant):
    """A list of (name, types of the parameters, their values, template)."""
    record = item_id(tenant, 3)
    tags = [tag_id(tenant, n) for n in (3, 7)]
    # an index finds several tags, or they are compared with those of each record
    either = LINKED.replace('l.tag_id', "(l.tag_id = '%s' OR l.tag_id = '%s')" % tuple(tags))
    listed = "%s = ANY ('{%s}')" % (LINKED, ','.join(tags))
    middle = '2025-01-01'
    return [
        ('point', ['uuid'], [record], RECORDS + '{r} r.id = $1'),
        ('page', [], [], RECORDS + '{r} true ' + NEWEST),
        ('deep page', ['timestamptz', 'uuid'], [middle, record],
         RECORDS + '{r} (r.created_at, r.id) < ($1, $2) ' + NEWEST),
        ('count', [], [], 'SELECT count(*) FROM casnet.records AS r WHERE {r} true'),
        ('all of two tags', [], [],
         tagged("all_of => ARRAY['tag 3', 'tag 7']",
                "r.id IN (%s = '%s') AND r.id IN (%s = '%s')" % (LINKED, tags[0], LINKED, tags[1]))),
        ('any of two tags', [], [],
         tagged("any_of => ARRAY['tag 3', 'tag 7']",
                'r.id IN (%s)' % listed, 'r.id IN (%s)' % either)),
        ('none of two tags', [], [],
         tagged("none_of => ARRAY['tag 3', 'tag 7']",
                'NOT EXISTS (%s AND l.record_id = r.id)' % listed,
                'NOT EXISTS (%s AND l.record_id = r.id)' % either)),
        ('search', ['text'], ['word7'],
         RECORDS + '{r} r.search_vector OPERATOR(casnet.@~) casnet.search_query($1) ' + NEWEST),
        ('tasks due', ['timestamptz'], [middle],
         "SELECT t.id, t.title, t.due_date FROM casnet.tasks AS t"
         " WHERE {t} t.status = 'PENDING' AND t.due_date < $1 ORDER BY t.due_date LIMIT 20"),
        ('events in a month', ['timestamptz', 'timestamptz'], [middle, '2025-02-01'],
         'SELECT e.id, e.title, e.starts_at FROM casnet.calendar_events AS e'
         ' WHERE {e} e.starts_at >= $1 AND e.starts_at < $2 ORDER BY e.starts_at'),
        ('join of three', ['text'], ['tag 3'],
         'SELECT r.id, r.title FROM casnet.records AS r'
         ' JOIN casnet.record_tags AS l ON l.tenant_id = r.tenant_id AND l.record_id = r.id'
         ' JOIN casnet.tags AS g ON g.tenant_id = l.tenant_id AND g.id = l.tag_id'
         ' WHERE {r} g.name = $1 ' + NEWEST),
        # what joins and session functions need: inner scans with parameters, constants
        ('outer join', ['uuid'], [record],
         'SELECT r.title, t.title FROM casnet.records AS r LEFT JOIN casnet.tasks AS t'
         ' ON {t} t.record_id = r.id WHERE {r} r.id = $1'),
        ('anti join', [], [],
         RECORDS + '{r} NOT EXISTS (SELECT FROM casnet.tasks AS t'
         ' WHERE {t} t.record_id = r.id) ' + NEWEST),
        ('semi join', [], [],
         RECORDS + '{r} EXISTS (SELECT FROM casnet.calendar_events AS e'
         ' WHERE {e} e.tenant_id = r.tenant_id AND e.record_id = r.id) ' + NEWEST),
        ('join by key', ['uuid'], [record],
         'SELECT r.title, t.title FROM casnet.tasks AS t JOIN casnet.records AS r'
         ' ON r.tenant_id = t.tenant_id AND t.record_id = r.id WHERE {r} {t} r.id = $1'),
        ('id from a text', ['text'], [record], RECORDS + '{r} r.id = ($1::text)::uuid'),
        ('since yesterday', [], [], RECORDS + "{r} r.created_at > now() - interval '1 day' " + NEWEST),
        ('ids in a list', ['uuid[]'], ['{%s,%s}' % (record, item_id(tenant, 4))],
         RECORDS + '{r} r.id = ANY ($1)'),
        ('least', [], [], 'SELECT min(r.created_at) FROM casnet.records AS r WHERE {r} true'),
        ('upsert', ['text'], ['tag 3'],
         {'casnet': 'INSERT INTO casnet.tags (name) VALUES ($1)'
                    ' ON CONFLICT (tenant_id, name) DO UPDATE SET created_at = now()',
          'hand': 'INSERT INTO casnet.tags (tenant_id, name) VALUES ({tenant}, $1)'
                  ' ON CONFLICT (tenant_id, name) DO UPDATE SET created_at = now()'}),
    ]


def statements(template, way, tenant):
    """The forms of a template's statement, with the parameters as $1, $2."""
    if isinstance(template, dict):
        template = template[way]
    forms = template if isinstance(template, list) else [template]
    constant = "'%s'::uuid" % tenant_id(tenant)
    result = []
    for form in forms:
        for alias in 'rlteg':
            condition = '' if way == 'casnet' else '%s.tenant_id = %s AND' % (alias, constant)
            form = form.replace('{%s}' % alias, condition)
        result.append(' '.join(form.replace('{tenant}', constant).split()))
    return result


def literals(types, values):
    """The values as SQL."""
    return ["'%s'::%s" % (value, kind) for kind, value in zip(types, values)]

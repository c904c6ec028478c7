"""Documents for import and JWKs, changed at random: mutational, not guided by coverage.

Each one is run in a subtransaction of one backend.  What is accepted must be right: an
imported tenant exports as the documents that were imported, and an accepted JWK is a key
that verifies without an error.
"""
import base64
import json
import time

import values

ODD = [None, True, False, 0, -1, 1.5, 1e300, 2 ** 63, '', ' ', 'x', '\t', 'é', '\U0001f600', 'infinity', '-infinity', 'COMPLETED', 'owner',
       '2024-02-30', '2024-13-01T00:00:00.000000Z', '9999-12-31T23:59:59.999999Z', '0044-03-15T00:00:00.000000Z BC', '999999-01-01T00:00:00.000000Z',
       '294277-01-01', '2024-01-01T24:00:00.000000Z', '2024-01-01T00:00:60.000000Z', 'aaaa-bb-ccTdd:ee:ff.gggggg' + 'Z', '2024-01-01T00:00:00.000000Z+25',
       values.NORTH, values.RECORD, values.NORTH.upper(), '{' + values.NORTH + '}', '0' * 32, 'x' * 2001, 'x' * 101, [], {}, [None], [[]], {'': {}}, ['view_records', 7],
       'view_records', 'a,b', 'AQAB', 'RSA', 'EC', 'OKP', 'oct', 'P-256', 'Ed25519', 'sig', 'enc', 'HS256', 'none', 'A' * 43, '_' * 342, 'A' * 44, 'AQ==']

KEYS = [
    {'kty': 'oct', 'k': 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'},
    {'kty': 'OKP', 'crv': 'Ed25519', 'x': '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'},
    {'kty': 'EC', 'crv': 'P-256', 'x': 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', 'y': 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0'},
    {'kty': 'RSA', 'e': 'AQAB', 'alg': 'RS256', 'use': 'sig',
     'n': 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ'},
]


def spots(value, path=()):
    """All places within a JSON value."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from spots(value[key], path + (key,))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from spots(element, path + (index,))


def change(value, chance):
    """The value with one thing in it replaced, removed, added, renamed or distorted."""
    value = json.loads(json.dumps(value))
    path = chance.choice(list(spots(value)))
    if not path:
        return chance.choice(ODD) if chance.random() < 0.1 else value
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    kind = chance.randrange(6)
    if kind == 0:
        del holder[last]
    elif kind == 1 and isinstance(holder, dict):
        holder[chance.choice(['', 'x', last + ' ', 'd', 'alg', 'use', 'row', 'id'])] = holder.pop(last)
    elif kind == 2 and isinstance(holder, dict):
        holder[chance.choice(['', 'x', 'd', 'alg', 'use', 'casnet', 'id'])] = chance.choice(ODD)
    elif kind == 3 and isinstance(holder[last], str) and holder[last]:
        text = holder[last]
        at = chance.randrange(len(text))
        holder[last] = text[:at] + chance.choice(['', chr(chance.randrange(1, 127)), chr(chance.choice([233, 8238, 128512])), text[at] * 3]) \
            + text[at + chance.randrange(2):]
    else:
        holder[last] = chance.choice(ODD)
    return value


def comparable(documents):
    """Documents as a sorted list; without what the import sets anew."""
    kept = []
    for document in documents:
        document = json.loads(json.dumps(document))
        if 'casnet' in document:
            document['tenant'].pop('name', None)
            document['tenant'].pop('id', None)
        kept.append(json.dumps(document, sort_keys=True))
    return sorted(kept)


def mutate(session, judge, chance, seconds):
    """Run changed documents and JWKs until the time is over; return how many, and how many were accepted."""
    originals = [row[0] for row in rows_of(session, "SELECT d FROM casnet.export_tenant('%s') AS d" % values.NORTH)]
    originals += [
        {'table': 'tasks', 'row': {'id': values.OLGA, 'title': 't', 'description': None, 'status': 'COMPLETED', 'priority': 'LOW', 'due_date': None,
                                   'completed_at': '2024-01-01T00:00:00.000000Z', 'assignee_id': 'mia', 'record_id': values.RECORD,
                                   'created_at': '2024-01-01T00:00:00.000000Z', 'updated_at': '2024-01-01T00:00:00.000000Z'}},
        {'table': 'calendar_events', 'row': {'id': values.OLGA, 'title': 'e', 'description': 'd', 'location': None, 'starts_at': '2024-01-01T00:00:00.000000Z',
                                             'ends_at': 'infinity', 'all_day': True, 'time_zone': 'Europe/Berlin', 'recurrence_rule': 'FREQ=DAILY',
                                             'excluded_dates': '{"2024-01-01 00:00:00+00"}', 'series_id': None, 'occurrence_at': None, 'status': 'SCHEDULED', 'record_id': None,
                                             'created_at': '-infinity', 'updated_at': '0044-03-15T00:00:00.000000Z BC'}}]
    executed = accepted = 0
    deadline = time.monotonic() + seconds
    session.begin()
    while time.monotonic() < deadline or executed == 0:
        executed += 1
        if executed % 4 == 0:
            accepted += try_import(session, judge, originals, chance)
        else:
            accepted += try_key(session, judge, chance)
    session.end()
    return executed, accepted


def rows_of(session, statement):
    """All rows of a statement that must work."""
    session.cursor.execute(statement)
    return session.cursor.fetchall()


def quoted(value):
    """A JSON value as a literal of SQL."""
    return "'" + json.dumps(value, ensure_ascii=False).replace("'", "''") + "'"


def try_import(session, judge, originals, chance):
    """Import changed documents; an accepted tenant must export as it was imported."""
    documents = list(originals)
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        at = chance.randrange(len(documents))
        kind = chance.randrange(8)
        if kind == 0:
            del documents[at]
        elif kind == 1:
            documents.append(documents[at])
        elif kind == 2:
            chance.shuffle(documents)
        else:
            documents[at] = change(documents[at], chance)
        if not documents:
            break
    inserted = ', '.join(f'({quoted(d)})' for d in documents) or '(NULL)'
    statement = (f'ALTER TABLE public.input_documents RENAME TO input_documents_kept; CREATE TEMP TABLE input_documents (document jsonb);'
                 f' INSERT INTO input_documents VALUES {inserted};'
                 " SELECT casnet.import_tenant('input_documents', name => 'East', keep_ids => true)")
    if not session.call('import_tenant', statement, 'ROLLBACK TO s; '):
        return 0
    tenant = session.cursor.fetchone()[0]
    back = [row[0] for row in rows_of(session, f"SELECT d FROM casnet.export_tenant('{tenant}') AS d")]
    again = ("DELETE FROM input_documents; INSERT INTO input_documents SELECT casnet.export_tenant('%s');"
             " SELECT casnet.import_tenant('input_documents', name => 'West', keep_ids => true)" % tenant)
    if not session.call('import_tenant', again):
        judge.fail(session.name, statement, 'an export that can be imported again', 'it cannot')
        return 1
    twice = [row[0] for row in rows_of(session, f"SELECT d FROM casnet.export_tenant('{session.cursor.fetchone()[0]}') AS d")]
    if comparable(back) != comparable(twice):
        judge.fail(session.name, statement, 'the same export of the copy', 'another one')
    return 1


def try_key(session, judge, chance):
    """Add a changed JWK; an accepted one must verify, and be of the kind that its kty names."""
    key = chance.choice(KEYS)
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        key = change(key, chance)
    statement = f"SELECT casnet.add_signing_key('fuzzed', {quoted(key)}::jsonb)"
    if not session.call('add_signing_key', statement, 'ROLLBACK TO s; '):
        return 0
    algorithm, length = rows_of(session, "SELECT algorithm, octet_length(key) FROM casnet_internal.signing_keys WHERE kid = 'fuzzed'")[0]
    expected = {'oct': 'HS256', 'OKP': 'EdDSA', 'EC': 'ES256', 'RSA': 'RS256'}.get(key.get('kty'))
    if algorithm != expected or length < 32 or 'd' in key:
        judge.fail(session.name, statement, f'a public key for {expected}', f'{algorithm}, {length} bytes')
    header = {'alg': algorithm, 'kid': 'fuzzed'}
    token = '.'.join((encode(header), encode({'sub': values.OLGA, 'exp': 4000000000}), 'A' * 86))
    verify = f"SELECT casnet.sign_in('{token}')"
    if session.call('sign_in', verify):
        judge.fail(session.name, f'{statement}; {verify}', 'a refusal', 'a token without a signature is accepted')
    return 1


def encode(value):
    """base64url of JSON, without padding."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b'=').decode()

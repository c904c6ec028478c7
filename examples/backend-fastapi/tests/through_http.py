"""The application through HTTP: python3 tests/through_http.py URL"""
import re
import sys

import httpx

from tap import check, done, elsewhere

client = httpx.Client(base_url=sys.argv[1] + '/api/', timeout=30)
PASSWORD = 'correct horse battery'


class Person:
    """Somebody who is signed in, in the first of their departments."""

    def __init__(self, username):
        answer = client.post('login', json={'username': username, 'password': PASSWORD})
        self.headers = {'Authorization': 'Bearer ' + answer.json()['token'], 'X-Time-Zone': 'Europe/Berlin'}
        self.tenants = self('GET', 'tenants').json()
        self.headers['X-Tenant'] = self.tenants[0]['tenant_id']

    def __call__(self, method, path, **more):
        return client.request(method, path, headers=self.headers, **more)


def refusal(answer):
    said = answer.json()
    return answer.status_code, said['message'], bool(said['hint'])


def titles(answer):
    return [record['title'] for record in answer.json()['records']]


# Identity
check('without identity: 401, with a hint', (401, 'nobody is signed in', True), refusal(client.get('records')))
check('a wrong password: 401', (401, 'login failed', True),
      refusal(client.post('login', json={'username': 'ada', 'password': 'wrong password'})))
check('a token that is none: 422', 422, client.get('records', headers={'Authorization': 'Bearer x'}).status_code)
answer = client.post('login', json={'username': 'ada', 'password': ['secret!']})
check('a bad request is refused without repeating the password', (422, False), (answer.status_code, 'secret!' in answer.text))
ada, eve, bob = Person('ada'), Person('eve'), Person('bob')
check('the tenants of the user', ['Child Services'], [tenant['name'] for tenant in ada.tenants])
check('who it is', ('ada', 'owner'), tuple(ada('GET', 'me').json()[name] for name in ('username', 'role')))
check('the members', ['ada', 'eve'], [user['username'] for user in ada('GET', 'members').json()])
answer = client.get('records', headers={'Authorization': ada.headers['Authorization']})
check('without a tenant: 409', (409, '55000'), (answer.status_code, answer.json()['code']))

# Records
check('the records of the tenant', [f'Visit {n}' for n in (5, 4, 3, 2, 1)], titles(ada('GET', 'records')))
check('those of another one', ['Secret of Adult Services'], titles(bob('GET', 'records')))
secret = bob('GET', 'records').json()['records'][0]['id']
check("another tenant's record: 404", 404, ada('GET', f'records/{secret}').status_code)
check("another tenant's tenant: 404", (404, 'the tenant does not exist, or you are not a member of it', True),
      refusal(client.get('records', headers={**ada.headers, 'X-Tenant': bob.tenants[0]['tenant_id']})))
answer = ada('POST', 'records', json={'title': 'Émile at school', 'content': 'A <b>fight</b> & a talk',
                                      'tags': ['urgent', 'school', ' school ']})
check('a record with tags is created', (201, ['school', 'urgent']),
      (answer.status_code, [tag['name'] for tag in answer.json()['tags']]))
record = answer.json()
path = f"records/{record['id']}"
check('records of a tag, by its relation', ['Visit 5', 'Émile at school'],
      [row['title'] for row in ada('GET', 'tags/urgent/records').json()])
check('records with all of the tags', ['Émile at school'], titles(ada('GET', 'records?tag=urgent&tag=school')))
check('records without a tag', ['Émile at school'], titles(ada('GET', 'records', params={'without': 'home visit'})))
ada('PUT', path + '/tags/a%2Fb')
check('a tag is added and another removed', ['a/b', 'urgent'],
      sorted(tag['name'] for tag in ada('DELETE', path + '/tags/school').json()))
first, second = (ada('POST', 'tags', json={'name': 'new'}).json() for _ in range(2))
check('an upsert gives the tag that is there', first['id'], second['id'])
page = ada('GET', 'records?limit=4').json()
rest = ada('GET', 'records', params={'limit': 4, 'before': page['next']}).json()
check('pages by key', (4, ['Visit 2', 'Visit 1'], None),
      (len(page['records']), [row['title'] for row in rest['records']], rest['next']))
changed = {**record, 'title': 'Émile again'}
check('a record is changed', (200, 'Émile again'), (lambda a: (a.status_code, a.json()['title']))(ada('PUT', path, json=changed)))
check('not over the change of somebody else: 409', 409, ada('PUT', path, json=changed).status_code)
found = ada('GET', 'search', params={'q': 'emile talk'}).json()
check('search, with escaped snippets', [('Émile again', 'A &lt;b&gt;fight&lt;/b&gt; &amp; a <b>talk</b>')],
      [(row['title'], row['snippet']) for row in found])
hits = ada('GET', 'search', params={'q': 'visit', 'limit': 2}).json()
more = ada('GET', 'search', params={'q': 'visit', 'limit': 9, 'after_rank': hits[-1]['rank'], 'after_id': hits[-1]['record_id']}).json()
check('pages of a search', (2, 3, 5), (len(hits), len(more), len({row['record_id'] for row in hits + more})))

# Persons, tasks, notes, calendar
jane = ada('GET', 'persons', params={'q': 'jane'}).json()[0]
check('a person, and the records about them', ['Visit 1'], titles(ada('GET', f"persons/{jane['id']}")))
answer = ada('POST', path + '/persons', json={'person_id': jane['id'], 'relation': 'witness'})
check('a record and a person are linked', ('Jane Doe', 'witness'), (answer.json()['person']['name'], answer.json()['relation']))
check('once only: 409', 409, ada('POST', path + '/persons', json={'person_id': jane['id']}).status_code)
check('persons and records both ways', ['Émile again', 'Visit 1'], titles(ada('GET', f"persons/{jane['id']}")))
eve_id = next(user['id'] for user in ada('GET', 'members').json() if user['username'] == 'eve')
task = ada('POST', 'tasks', json={'title': 'Call', 'record_id': record['id'], 'assignee_id': eve_id}).json()
check('a task has its record and its assignee', ('Émile again', 'eve'), (task['record']['title'], task['assignee']['username']))
task = ada('PATCH', f"tasks/{task['id']}", json={'status': 'COMPLETED'}).json()
check('a completed task knows when', True, task['completed_at'] is not None)
check('a state that does not exist: 422, with the valid ones', (422, True),
      (lambda a: (a.status_code, 'IN_PROGRESS' in a.json()['hint']))(ada('PATCH', f"tasks/{task['id']}", json={'status': 'LOST'})))
check("a task about another tenant's record: 422", 422, ada('POST', 'tasks', json={'title': 'x', 'record_id': secret}).status_code)
note = ada('POST', path + '/notes', json={'body': 'The father called.'}).json()
check("a note, in the application's own table", ('The father called.', 'ada'), (note['body'], note['author']['username']))
check("none about another tenant's record: 404", 404, ada('POST', f'records/{secret}/notes', json={'body': 'x'}).status_code)
check('the record has all of it', (['Jane Doe'], ['Call'], ['The father called.']),
      (lambda r: ([link['person']['name'] for link in r['links']], [one['title'] for one in r['tasks']],
                  [one['body'] for one in r['notes']]))(ada('GET', path).json()))
month = ada('GET', 'calendar/2026/3').json()
check('a month has the occurrences of a series', [['2026-03-23'], ['2026-03-30']], [event['days'] for event in month])
check('at the same hour in summer', ['09:00:00+01:00', '09:00:00+02:00'], [event['starts_at'][11:] for event in month])
ada('POST', 'events', json={'title': 'Holiday', 'starts_at': '2026-06-29T00:00:00+02:00',
                            'ends_at': '2026-07-03T00:00:00+02:00', 'all_day': True})
check('an event at the end of a month', ['2026-06-29', '2026-06-30'], ada('GET', 'calendar/2026/6').json()[-1]['days'])
check('and in the next one', ['2026-07-01', '2026-07-02'], ada('GET', 'calendar/2026/7').json()[0]['days'])
check('a rule that cannot be read: 422', (422, True),
      (lambda a: (a[0], a[1].startswith('the recurrence rule cannot be read')))(refusal(ada('POST', 'events', json={
          'title': 'x', 'starts_at': '2026-01-01T00:00:00Z', 'recurrence_rule': 'sometimes'}))))
check('a time zone that does not exist: 422', 422,
      client.get('calendar/2026/3', headers={**ada.headers, 'X-Time-Zone': 'Mars/North'}).status_code)
check('text that cannot be stored: 422', 422, ada('POST', 'records', json={'title': 'a\0b'}).status_code)
check('no blank note: 422', 422, ada('POST', path + '/notes', json={'body': ' '}).status_code)

# Rights
check('a viewer may read', 6, len(titles(eve('GET', 'records'))))
check('but not write: 403', (403, 'permission "create_records" is missing in the active tenant', True),
      refusal(eve('POST', 'records', json={'title': 'x'})))
check('nor change: 403', (403, 'permission "edit_records" is missing in the active tenant', True),
      refusal(eve('PUT', path, json=changed)))
check('nor note anything: 403', 403, eve('POST', path + '/notes', json={'body': 'x'}).status_code)

elsewhere("SELECT casnet.remove_member('eve')")
check('a membership that was removed elsewhere ends at once: 404', 404, eve('GET', 'records').status_code)
elsewhere("SELECT casnet.add_member('eve', 'viewer')")
check('the record goes', 204, ada('DELETE', path).status_code)
check('with its notes and links, not with its task', (404, ['Visit 1'], [None]),
      (ada('GET', path).status_code, titles(ada('GET', f"persons/{jane['id']}")),
       [one['record'] for one in ada('GET', 'tasks?done=true').json() if one['title'] == 'Call']))
refreshed = {**ada.headers, 'Authorization': 'Bearer ' + ada('POST', 'refresh').json()['token']}
ada('POST', 'logout')
check('after signing out, the token is of no use: 401', (401, 'invalid session token', True), refusal(ada('GET', 'records')))
check('a refreshed one is', 200, client.get('records', headers=refreshed).status_code)
check('errors do not show what the server does', None, re.search('SELECT|psycopg|sqlalchemy', ada('GET', 'records').text))
done()

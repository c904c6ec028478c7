"""Sends requests as example_web, which passes on tokens, with Django's test client."""
from ok import ok, one

from django.test import Client

from cases.identity import as_user

PASSWORD = 'correct horse battery'


def log_in(name, path='/login'):
    client = Client()
    client.post(path, {'username': name, 'password': PASSWORD})
    return client


def create(client, **values):
    return client.post('/records', values, content_type='application/json')


ada, bob, eve = map(log_in, ('ada', 'bob', 'eve'))
nobody = Client(raise_request_exception=False)
answer = nobody.get('/records')
ok(answer.status_code == 401 and answer.json()['hint'], '401 for nobody, with a hint')
ok(Client().post('/login', {'username': 'ada', 'password': 'wrong'}).status_code == 401, '401 for a wrong password')
page = ada.get('/records?limit=2').json()['records']
ok(len(page) == 2, 'a page of records')
more = ada.get(f'/records?limit=2&after={page[-1]["id"]}').json()['records']
ok(len(more) == 2 and not {r['id'] for r in page} & {r['id'] for r in more}, 'the next page has others')
secret, = bob.get('/records').json()['records']
ok(secret['title'] == 'Secret of Adult Services', 'bob sees his tenant')
ok(ada.get(f'/records/{secret["id"]}').status_code == 404, '404 for the record of another tenant')
answer = create(ada, title='By HTTP', tags=['http', 'urgent'])
ok(answer.status_code == 201 and ada.get(f'/records/{answer.json()["id"]}').json()['tags'] == ['http', 'urgent'],
   'a record with tags')
answer = create(eve, title='By a viewer')
ok(answer.status_code == 403 and 'create_records' in answer.json()['error'],
   '403 for a viewer, and the message names the permission')
ada.raise_request_exception = False
ok(create(ada, title='Half', due='next year').status_code == 500
   and all(r['title'] != 'Half' for r in ada.get('/records?limit=1').json()['records']),
   'a view that fails leaves nothing')
ok(nobody.get('/records').status_code == 401, 'after these requests nobody is signed in')

# the admin
admin = log_in('eve', '/admin/login/')
answer = admin.get('/admin/')
ok(answer.status_code == 200 and 'Records' in answer.content.decode(), 'a viewer sees the admin')
answer = admin.get('/admin/cases/record/?q=Visit').content.decode()
ok('Visit 5' in answer and 'Secret' not in answer and 'Add record' not in answer,
   'the admin lists the records of the tenant, and only reads')
shown = admin.get(f'/admin/cases/record/{page[0]["id"]}/change/')
ok(shown.status_code == 200 and 'name="_save"' not in shown.content.decode(), 'it shows a record without a button to save')
ok(admin.post(f'/admin/cases/record/{page[0]["id"]}/delete/', {'post': 'yes'}).status_code == 403,
   'it deletes nothing')
ok(admin.get(f'/admin/cases/record/{secret["id"]}/change/').status_code == 302,
   'it knows no record of another tenant')

# a session ends, a membership ends
ok(ada.post('/tenant', {'tenant': 'Adult Services'}).status_code == 422 and ada.get('/records').status_code == 200,
   '422 for the tenant of somebody else')
ok(ada.post('/tenant', {'tenant': 'Child Services'}).status_code == 200 and ada.get('/records').status_code == 200,
   'she can choose her own')
token, tenant = ada.session['token'], ada.session['tenant']
with as_user(token=token, tenant=tenant):
    one("SELECT casnet.remove_member('eve')")
ok(eve.get('/records').status_code == 422, 'eve is refused at the request after the end of her membership')
with as_user(token=token):
    one('SELECT casnet.revoke_token()')
answer = ada.get('/records')
ok(answer.status_code == 401 and 'token' not in ada.session, '401 after the token was revoked, and the session is empty')

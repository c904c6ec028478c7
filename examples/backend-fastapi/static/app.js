'use strict';
// The page.  It shows what the API returns, and hides what the user's permissions do not
// give; the server refuses it in any case.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const main = document.querySelector('main');
const header = document.querySelector('header');
const tenant = document.getElementById('tenant');
let me = null;                 // of /api/me, once a department is chosen
let turn = 0;                  // of the newest navigation; an older one draws nothing

// element('a', {href: '#/'}, 'text', child...): text is always text, never HTML
function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter(child => child != null && child !== false));
  return node;
}

class Refused extends Error {}

async function api(method, path, body) {
  const token = sessionStorage.getItem('token');
  const response = await fetch('/api/' + path, {
    method, body: body === undefined ? undefined : JSON.stringify(body),
    headers: {
      'Content-Type': 'application/json', 'X-Time-Zone': zone,
      ...(token && {Authorization: 'Bearer ' + token}),
      ...(sessionStorage.getItem('tenant') && {'X-Tenant': sessionStorage.getItem('tenant')}),
    },
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({message: 'The server gave no answer.'}));
  if (response.ok) return answer;
  const error = new Refused(answer.message);
  error.status = response.status;
  error.hint = answer.hint;
  throw error;
}

// A hint that names a function of casnet is for programmers.
function say(error) {
  const box = document.getElementById('problem');
  box.hidden = !error;
  if (!error) return;
  box.replaceChildren(element('strong', {}, error.message[0].toUpperCase() + error.message.slice(1)),
                      error.hint && !error.hint.includes('casnet.') ? element('div', {class: 'soft'}, error.hint) : '');
}

// doing(f): an event handler that shows what went wrong
function doing(action) {
  return async event => {
    event.preventDefault();
    try {
      say(null);
      await action(event);
    } catch (error) {
      if (error.status === 401 && sessionStorage.getItem('token')) signedOut();
      say(error);
    }
  };
}

const can = permission => me.permissions.includes(permission);
const day = value => new Date(value.length === 10 ? value + 'T00:00' : value).toLocaleDateString('en-GB', {day: 'numeric', month: 'short', year: 'numeric'});
const time = value => new Date(value).toLocaleTimeString('en-GB', {hour: '2-digit', minute: '2-digit'});
const fields = form => Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, value === '' ? null : value]));
const tagList = tags => element('span', {class: 'tags'}, tags.map(tag => element('span', {class: 'tag'}, tag.name)));
const recordLine = record => element('li', {},
  element('div', {class: 'line'}, element('a', {href: '#/records/' + record.id}, record.title),
          element('span', {class: 'soft'}, day(record.created_at))), tagList(record.tags));
const labelled = (text, node) => element('label', {}, text, node);
const choice = (name, options) => element('select', {name}, options.map(([value, text]) => element('option', {value}, text)));
const listOf = (items, line, nothing) => items.length
  ? element('ul', {class: 'rows'}, items.map(line)) : element('p', {class: 'soft'}, nothing);

// Signing in, and choosing a department

function signedOut() {
  sessionStorage.clear();
  me = null;
  turn++;
  header.hidden = true;
  main.replaceChildren(element('form', {class: 'card fields narrow', onsubmit: doing(signIn)},
    element('h1', {}, 'Sign in to Casework'),
    element('label', {}, 'Username or email', element('input', {name: 'username', autocomplete: 'username', required: true})),
    element('label', {}, 'Password', element('input', {name: 'password', type: 'password', autocomplete: 'current-password', required: true})),
    element('button', {}, 'Sign in')));
  main.querySelector('input').focus();
}

async function signIn(event) {
  const {token} = await api('POST', 'login', fields(event.target));
  sessionStorage.setItem('token', token);
  await start();
}

async function start() {
  if (!sessionStorage.getItem('token')) return signedOut();
  const tenants = await api('GET', 'tenants');
  tenant.replaceChildren(...tenants.map(one => element('option', {value: one.tenant_id}, one.name)));
  const last = sessionStorage.getItem('tenant');
  if (!tenants.some(one => one.tenant_id === last)) {
    sessionStorage.removeItem('tenant');
    if (tenants.length) sessionStorage.setItem('tenant', tenants[0].tenant_id);
  }
  if (!tenants.length) {
    signedOut();
    throw new Refused('You belong to no department yet.');
  }
  tenant.value = sessionStorage.getItem('tenant');
  await enter();
}

async function enter() {
  me = await api('GET', 'me');
  me.members = can('view_users') ? await api('GET', 'members') : [];
  document.getElementById('whoami').textContent = `${me.username}, ${me.role}`;
  header.hidden = false;
  await show();
}

tenant.addEventListener('change', doing(async () => {
  sessionStorage.setItem('tenant', tenant.value);
  history.replaceState(null, '', '#/records');
  await enter();
}));
document.getElementById('signout').addEventListener('click', doing(async () => {
  await api('POST', 'logout').catch(() => null);
  history.replaceState(null, '', '#/records');
  signedOut();
}));
document.getElementById('searchform').addEventListener('submit', doing(event => {
  const tags = new URLSearchParams(location.hash.split('?')[1]).getAll('tag');   // the filter stays
  location.hash = '#/search?' + new URLSearchParams([['q', event.target.q.value], ...tags.map(tag => ['tag', tag])]);
}));
setInterval(async () => {      // a token lives for half an hour
  if (me) await api('POST', 'refresh').then(({token}) => sessionStorage.setItem('token', token), () => null);
}, 10 * 60 * 1000);

// Records

async function recordsPage(_, query) {
  const chosen = query.getAll('tag');
  const [tags, page] = await Promise.all([api('GET', 'tags'), api('GET', 'records?' + query)]);
  const list = listOf(page.records, recordLine, chosen.length ? 'No record has these tags.' : 'There are no records yet.');
  const more = element('button', {class: 'plain', hidden: !page.next, onclick: doing(async () => {
    const next = await api('GET', `records?${new URLSearchParams([...query, ['before', page.next]])}`);
    page.next = next.next;
    list.append(...next.records.map(recordLine));
    more.hidden = !next.next;
  })}, 'Older records');
  const toggle = name => {
    const names = chosen.includes(name) ? chosen.filter(other => other !== name) : [...chosen, name];
    location.hash = '#/records?' + new URLSearchParams(names.map(one => ['tag', one]));
  };
  return [
    element('div', {class: 'head'}, element('h1', {}, 'Records'),
            can('create_records') && element('a', {href: '#/new', class: 'button'}, 'New record')),
    element('p', {class: 'tags', role: 'group', 'aria-label': 'Filter by tags'}, tags.filter(tag => tag.records || chosen.includes(tag.name)).map(tag =>
      element('button', {class: 'tag', 'aria-pressed': String(chosen.includes(tag.name)), onclick: () => toggle(tag.name)},
              tag.name + ' ', element('span', {class: 'count'}, String(tag.records))))),
    element('section', {class: 'card'}, list), more];
}

async function searchPage(_, query) {
  const line = hit => {
    const snippet = element('div', {class: 'snippet'});
    snippet.innerHTML = hit.snippet;      // escaped by the server, with <b> around hits
    return element('li', {}, element('div', {class: 'line'}, element('a', {href: '#/records/' + hit.record_id}, hit.title)), snippet);
  };
  let page = await api('GET', 'search?' + query);
  const list = listOf(page, line, 'Nothing was found.');
  const more = element('button', {class: 'plain', hidden: page.length < 20, onclick: doing(async () => {
    const last = page.at(-1);
    page = await api('GET', `search?${new URLSearchParams([...query, ['after_rank', last.rank], ['after_id', last.record_id]])}`);
    list.append(...page.map(line));
    more.hidden = page.length < 20;
  })}, 'More');
  document.getElementById('searchform').q.value = query.get('q');
  const tags = query.getAll('tag');
  return [element('h1', {}, `Search: ${query.get('q')}`),
    tags.length > 0 && element('p', {}, 'Among records with ', tagList(tags.map(name => ({name})))),
    element('section', {class: 'card'}, list), more];
}

async function newRecord() {
  return [element('h1', {}, 'New record'), element('form', {class: 'card fields', onsubmit: doing(async event => {
    const {title, content, tags} = fields(event.target);
    const names = (tags || '').split(',').map(name => name.trim()).filter(Boolean);
    const record = await api('POST', 'records', {title, content: content || '', tags: names});
    location.hash = '#/records/' + record.id;
  })},
    element('label', {}, 'Title', element('input', {name: 'title', required: true})),
    element('label', {}, 'Content', element('textarea', {name: 'content'})),
    element('label', {}, 'Tags, separated by commas', element('input', {name: 'tags'})),
    element('button', {}, 'Save'))];
}

function editRecord(record) {
  return element('form', {class: 'card fields', onsubmit: doing(async event => {
    const {title, content} = fields(event.target);
    await api('PUT', 'records/' + record.id, {title, content: content || '', updated_at: record.updated_at});
    await show();
  })},
    element('label', {}, 'Title', element('input', {name: 'title', value: record.title, required: true})),
    element('label', {}, 'Content', element('textarea', {name: 'content'}, record.content)),
    element('div', {class: 'inline'}, element('button', {}, 'Save'),
      element('button', {type: 'button', class: 'plain', onclick: doing(show)}, 'Cancel')));
}

// The persons whose name has what was typed, for a form that links one of them.
async function findPersons(input) {
  const part = input.value;
  const persons = part ? await api('GET', 'persons?' + new URLSearchParams({q: part})) : [];
  if (input.value !== part) return;
  input.form.person_id.replaceChildren(...persons.map(person => element('option', {value: person.id},
    person.date_of_birth ? `${person.name}, ${day(person.date_of_birth)}` : person.name)));
}

async function recordPage(id) {
  const [record, tags] = await Promise.all([api('GET', 'records/' + id), api('GET', 'tags')]);
  const path = `records/${id}`;
  const edit = can('edit_records');
  document.getElementById('tagnames').replaceChildren(...tags.map(tag => element('option', {value: tag.name})));
  const send = (method, end, body) => doing(async event => {
    await api(method, path + end, body && body(fields(event.target)));
    await show();
  });
  const text = element('article', {class: 'card'},
    element('div', {class: 'head'}, element('h1', {}, record.title),
      element('div', {class: 'inline'},
        edit && element('button', {class: 'plain', onclick: () => text.replaceWith(editRecord(record))}, 'Edit'),
        can('delete_records') && element('button', {class: 'bad', onclick: doing(async () => {
          if (!confirm('Delete this record?')) return;
          await api('DELETE', path);
          location.hash = '#/records';
        })}, 'Delete'))),
    element('p', {class: 'soft'}, `Created ${day(record.created_at)}, changed ${day(record.updated_at)} at ${time(record.updated_at)}`),
    element('div', {class: 'content'}, record.content));
  return [element('div', {class: 'columns'},
    element('div', {}, text,
      element('section', {class: 'card'}, element('h2', {}, 'Notes'),
        listOf(record.notes, note => element('li', {}, element('div', {class: 'content'}, note.body),
          element('div', {class: 'soft'}, `${note.author ? note.author.full_name || note.author.username : 'Somebody who left'}, ${day(note.created_at)} at ${time(note.created_at)}`)), 'No notes yet.'),
        can('create_notes') && element('form', {class: 'fields', onsubmit: send('POST', '/notes', given => given)},
          element('textarea', {name: 'body', class: 'short', required: true, 'aria-label': 'New note'}),
          element('button', {}, 'Add note')))),
    element('aside', {},
      element('section', {class: 'card'}, element('h2', {}, 'Tags'),
        element('span', {class: 'tags'}, record.tags.map(tag => element('span', {class: 'tag'}, tag.name,
          edit && element('button', {title: `Remove ${tag.name}`, onclick: send('DELETE', '/tags/' + encodeURIComponent(tag.name))}, '×')))),
        edit && element('form', {class: 'inline', onsubmit: doing(async event => {
          await api('PUT', `${path}/tags/${encodeURIComponent(event.target.name.value)}`);
          await show();
        })}, labelled('Add a tag', element('input', {name: 'name', list: 'tagnames', required: true})), element('button', {class: 'plain'}, 'Add'))),
      element('section', {class: 'card'}, element('h2', {}, 'Persons'),
        listOf(record.links, link => element('li', {class: 'line'},
          element('a', {href: '#/persons/' + link.person.id}, link.person.name), element('span', {class: 'soft'}, link.relation)), 'None.'),
        edit && element('form', {class: 'inline', onsubmit: send('POST', '/persons', ({person_id, relation}) => ({person_id, relation}))},
          labelled('Part of a name', element('input', {name: 'part', oninput: doing(event => findPersons(event.target))})),
          labelled('Person', element('select', {name: 'person_id', required: true})),
          labelled('Relation', element('input', {name: 'relation', value: 'subject', required: true})), element('button', {class: 'plain'}, 'Link'))),
      element('section', {class: 'card'}, element('h2', {}, 'Tasks'),
        listOf(record.tasks, taskLine, 'None.'), can('create_tasks') && taskForm(id))))];
}

// Tasks

const states = {PENDING: 'Pending', IN_PROGRESS: 'In progress', COMPLETED: 'Completed', CANCELLED: 'Cancelled'};

function taskLine(task) {
  const open = task.status === 'PENDING' || task.status === 'IN_PROGRESS';
  return element('li', {},
    element('div', {class: 'line'}, element('strong', {}, task.title),
      can('edit_tasks') ? element('select', {'aria-label': `Status of ${task.title}`, onchange: doing(async event => {
        await api('PATCH', 'tasks/' + task.id, {status: event.target.value});
        await show();
      })}, Object.entries(states).map(([value, name]) => element('option', {value, selected: value === task.status}, name)))
        : element('span', {}, states[task.status])),
    element('div', {class: 'soft'},
      task.priority === 'HIGH' && 'High priority. ',
      task.due_date && element('span', {class: open && new Date(task.due_date) < new Date() ? 'late' : ''}, `Due ${day(task.due_date)}. `),
      task.assignee && `For ${task.assignee.full_name || task.assignee.username}. `,
      task.record && !location.hash.includes(task.record.id)
        && element('a', {href: '#/records/' + task.record.id}, task.record.title)));
}

function taskForm(record) {
  return element('form', {class: 'inline', onsubmit: doing(async event => {
    const given = fields(event.target);
    if (given.due_date) given.due_date = new Date(given.due_date + 'T17:00').toISOString();
    await api('POST', 'tasks', {...given, record_id: record});
    await show();
  })},
    labelled('New task', element('input', {name: 'title', required: true})),
    labelled('Due', element('input', {name: 'due_date', type: 'date'})),
    labelled('For', choice('assignee_id', [['', 'Nobody yet'], ...me.members.map(one => [one.id, one.full_name || one.username])])),
    labelled('Priority', choice('priority', [['MEDIUM', 'Medium'], ['HIGH', 'High'], ['LOW', 'Low']])),
    element('button', {class: 'plain'}, 'Add'));
}

async function tasksPage(_, query) {
  const tasks = await api('GET', 'tasks?' + query);
  return [element('div', {class: 'head'}, element('h1', {}, 'Tasks'),
    element('label', {class: 'check'}, element('input', {type: 'checkbox', checked: query.has('done'), onchange: event => {
      location.hash = event.target.checked ? '#/tasks?done=true' : '#/tasks';
    }}), 'Show completed ones')),
    element('section', {class: 'card'}, listOf(tasks, taskLine, 'Nothing is to be done.'), can('create_tasks') && taskForm(null))];
}

// Calendar

async function calendarPage(which) {
  const [year, month] = (which || '').split('-').map(Number);
  const first = which ? new Date(year, month - 1, 1) : new Date(new Date().setDate(1));
  const events = await api('GET', `calendar/${first.getFullYear()}/${first.getMonth() + 1}`);
  const two = number => String(number).padStart(2, '0');
  const name = date => `${date.getFullYear()}-${two(date.getMonth() + 1)}`;
  const today = new Date().toDateString();
  const beside = step => '#/calendar/' + name(new Date(first.getFullYear(), first.getMonth() + step, 1));
  const last = new Date(first.getFullYear(), first.getMonth() + 1, 0).getDate();
  const cells = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].map(one => element('div', {class: 'weekday'}, one));
  for (let n = (first.getDay() + 6) % 7; n > 0; n--) cells.push(element('div', {class: 'other'}));
  for (let n = 1; n <= last; n++) {
    const date = new Date(first.getFullYear(), first.getMonth(), n);
    const here = events.filter(event => event.days.includes(`${name(date)}-${two(n)}`));
    cells.push(element('div', {class: [date.toDateString() === today && 'today', here.length === 0 && 'empty'].filter(Boolean).join(' ')},
      element('span', {class: 'number'}, element('span', {class: 'name'}, date.toLocaleDateString('en-GB', {weekday: 'long'}) + ' '), String(n)),
      here.map(event => element('div', {class: 'event', title: event.location || ''},
        event.all_day ? '' : time(event.starts_at) + ' ',
        event.record_id ? element('a', {href: '#/records/' + event.record_id}, event.title) : event.title))));
  }
  while ((cells.length) % 7) cells.push(element('div', {class: 'other'}));
  return [element('div', {class: 'head'},
    element('h1', {}, first.toLocaleDateString('en-GB', {month: 'long', year: 'numeric'})),
    element('div', {class: 'inline'}, element('a', {href: beside(-1)}, '‹ Before'), element('a', {href: '#/calendar'}, 'Today'), element('a', {href: beside(1)}, 'After ›'))),
    element('div', {class: 'month'}, cells),
    element('p', {class: 'soft'}, `Times are in ${zone}.`),
    can('create_calendar') && eventForm()];
}

function eventForm() {
  return element('form', {class: 'card', onsubmit: doing(async event => {
    const given = fields(event.target);
    const at = `${given.date}T${given.time || '00:00'}`;
    await api('POST', 'events', {title: given.title, starts_at: new Date(at).toISOString(), all_day: !given.time,
                                 location: given.location, recurrence_rule: given.recurrence_rule});
    await show();
  })}, element('h2', {}, 'New event'), element('div', {class: 'inline'},
    labelled('Title', element('input', {name: 'title', required: true})),
    labelled('Date', element('input', {name: 'date', type: 'date', required: true})),
    labelled('Time, or whole day', element('input', {name: 'time', type: 'time'})),
    labelled('Where', element('input', {name: 'location'})),
    labelled('Repeats', choice('recurrence_rule', [['', 'Once'], ['FREQ=DAILY', 'Daily'], ['FREQ=WEEKLY', 'Weekly'], ['FREQ=MONTHLY', 'Monthly']])),
    element('button', {class: 'plain'}, 'Add')));
}

// Persons

async function personsPage(_, query) {
  const persons = await api('GET', 'persons?' + query);
  return [element('h1', {}, 'Persons'),
    element('section', {class: 'card'}, element('form', {class: 'inline find', onsubmit: doing(event => {
      location.hash = '#/persons?' + new URLSearchParams({q: event.target.q.value});
    })}, labelled('Part of the name', element('input', {name: 'q', type: 'search', value: query.get('q')})),
      element('button', {class: 'plain'}, 'Find')), listOf(persons, person => element('li', {class: 'line'},
      element('a', {href: '#/persons/' + person.id}, person.name),
      element('span', {class: 'soft'}, person.date_of_birth ? 'born ' + day(person.date_of_birth) : '')), 'Nobody.'),
      can('create_persons') && element('form', {class: 'inline', onsubmit: doing(async event => {
        await api('POST', 'persons', fields(event.target));
        await show();
      })}, labelled('New person', element('input', {name: 'name', required: true})),
        labelled('Date of birth', element('input', {name: 'date_of_birth', type: 'date'})), element('button', {class: 'plain'}, 'Add')))];
}

async function personPage(id) {
  const person = await api('GET', 'persons/' + id);
  const facts = [person.date_of_birth && 'Born ' + day(person.date_of_birth), person.gender && person.gender.toLowerCase(),
                 ...Object.entries(person.contact_info).map(([key, value]) => `${key}: ${value}`)].filter(Boolean);
  return [element('section', {class: 'card'}, element('h1', {}, person.name), element('p', {class: 'soft'}, facts.join(', '))),
    element('section', {class: 'card'}, element('h2', {}, 'Records'), listOf(person.records, recordLine, 'None.'))];
}

// Where the page is: #/name/id?query

const pages = {records: recordsPage, record: recordPage, new: newRecord, search: searchPage, tasks: tasksPage,
               calendar: calendarPage, persons: personsPage, person: personPage};

async function show() {
  const mine = ++turn;
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, id] = path.split('/');
  const page = id && (name === 'records' || name === 'persons') ? name.slice(0, -1) : name;
  const draw = Object.hasOwn(pages, page) ? pages[page] : recordsPage;
  const drawn = await draw(id, new URLSearchParams(query)).catch(error => {
    if (mine === turn) main.replaceChildren();      // perhaps the user may no longer see it
    throw error;
  });
  if (mine !== turn) return;
  if (page !== 'search') document.getElementById('searchform').reset();
  main.replaceChildren(...drawn.filter(Boolean));
  for (const link of document.querySelectorAll('nav a')) {
    const here = link.getAttribute('href') === '#/' + (name === 'new' || !name ? 'records' : name);
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

addEventListener('hashchange', doing(async () => {
  if (me) await show();
}));
doing(start)(new Event('start'));

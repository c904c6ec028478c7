"""A day of a case worker, in chromium: python3 tests/in_browser.py URL

Pictures of each page, at 1280 and at 400 pixels, go into the folder SCREENSHOTS."""
import base64
import os
import sys
import tempfile

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from tap import check, done, elsewhere

URL = sys.argv[1]
FOLDER = os.environ.get('SCREENSHOTS', 'screenshots')
os.makedirs(FOLDER, exist_ok=True)
os.environ['TZ'] = 'Europe/Berlin'
options = webdriver.ChromeOptions()
for argument in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--hide-scrollbars', '--lang=en-GB',
                 '--user-data-dir=' + tempfile.mkdtemp()):
    options.add_argument(argument)
options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
browser = webdriver.Chrome(options=options, service=Service('/usr/bin/chromedriver'))


def find(css):
    return browser.find_element(By.CSS_SELECTOR, css)


def texts(css):
    return [node.text for node in browser.find_elements(By.CSS_SELECTOR, css)]


def until(what, wanted, got):
    """Wait until got() is what is wanted, for 15 seconds."""
    seen = []

    def same(_):
        seen[:] = [got()]
        return seen[0] == wanted
    try:
        WebDriverWait(browser, 15, 0.1, ignored_exceptions=[StaleElementReferenceException]).until(same)
    except Exception:      # pylint: disable=broad-except
        pass
    check(what, wanted, seen[0] if seen else None)


def write(css, value):
    node = find(css)
    node.clear()
    node.send_keys(value)


def press(css, text=None):
    next(node for node in browser.find_elements(By.CSS_SELECTOR, css) if text is None or text in node.text).click()


def width(pixels):
    browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride',
                            {'width': pixels, 'height': 900, 'deviceScaleFactor': 1, 'mobile': False})


wide = []      # pages that scroll to the side


def picture(name):
    for pixels in (1280, 400):
        width(pixels)
        size = browser.execute_script('return [document.documentElement.scrollWidth, innerWidth]')
        if size[0] > size[1]:
            wide.append((name, pixels, size[0]))
        shot = browser.execute_cdp_cmd('Page.captureScreenshot', {'captureBeyondViewport': True})
        with open(f'{FOLDER}/{name}-{pixels}.png', 'wb') as file:
            file.write(base64.b64decode(shot['data']))
    width(1280)


def heading():
    return texts('h1')


def sign_in(username, password='correct horse battery'):
    write('[name=username]', username)
    write('[name=password]', password)
    press('main button')


try:
    width(1280)
    browser.get(URL + '/')
    until('the page asks who it is', ['Sign in to Casework'], heading)
    sign_in('ada', 'wrong password')
    until('a wrong password is refused, with message and hint', True,
          lambda: find('#problem').text.startswith('Login failed\n'))
    picture('sign-in')
    sign_in('ada')
    until('the records, newest first', [f'Visit {n}' for n in (5, 4, 3, 2, 1)], lambda: texts('.rows .line > a'))
    check('the department and the role', (['Child Services'], 'ada, owner'), (texts('#tenant option'), find('#whoami').text))
    picture('records')
    press('.tag', 'urgent')
    until('the records with a tag', ['Visit 5'], lambda: texts('.rows .line > a'))
    press('.tag', 'home visit')
    until('with two tags', 2, lambda: len(texts('.tag[aria-pressed=true]')))
    picture('filtered')
    write('#searchform [name=q]', 'visit')
    press('#searchform button')
    until('a search among them', (['Search: visit'], ['Visit 5']), lambda: (heading(), texts('.rows .line > a')))

    press('nav a', 'Records')
    until('no filter again', 5, lambda: len(texts('.rows > li')))
    press('.head a', 'New record')
    until('a form for a new record', ['New record'], heading)
    write('[name=title]', 'Talk with the school')
    write('[name=content]', 'The teacher is worried: <script>alert(1)</script>\nJane was absent on <b>four</b> days.')
    write('[name=tags]', 'school, urgent')
    press('main form button')
    until('it is shown', ['Talk with the school'], heading)
    check('with its tags', ['school', 'urgent'], [text.split('\n')[0].rstrip('×') for text in texts('aside .tag')])
    check('and as text, not as HTML', True, '<script>alert(1)</script>' in find('.content').text)
    press('article button', 'Edit')
    picture('edit')
    write('[name=title]', 'Talk with the teacher')
    press('main form button', 'Save')
    until('it is changed', ['Talk with the teacher'], heading)
    write('aside [name=name]', 'follow up')
    press('aside form button', 'Add')
    until('another tag', ['follow up', 'school', 'urgent'], lambda: [text.split('\n')[0].rstrip('×') for text in texts('aside .tag')])
    press('[title="Remove school"]')
    until('one tag less', ['follow up', 'urgent'], lambda: [text.split('\n')[0].rstrip('×') for text in texts('aside .tag')])
    write('[name=part]', 'jane')
    until('persons are found by a part of the name', ['Jane Doe, 1 Apr 2015'], lambda: texts('[name=person_id] option'))
    press('aside form button', 'Link')
    until('a person is linked', ['Jane Doe'], lambda: texts('aside .line > a'))
    write('[name=body]', 'The teacher will call back on Friday.')
    press('main form button', 'Add note')
    until('a note, with its author', True, lambda: 'Ada Example' in ''.join(texts('article + section li')))
    write('aside [name=title]', 'Write to the parents')
    Select(find('[name=assignee_id]')).select_by_visible_text('Eve Example')
    press('aside section:last-child form button', 'Add')
    until('a task', ['Write to the parents\nFor Eve Example.'],
          lambda: [text.replace('Pending\n', '').replace('In progress\nCompleted\nCancelled\n', '') for text in texts('aside section:last-child li')])
    picture('record')

    write('#searchform [name=q]', 'absent worried')
    press('#searchform button')
    until('a search marks what it found', ['worried', 'absent'], lambda: texts('.snippet b'))
    picture('search')
    check('and shows other markup as text', True, '<b>four</b>' in find('.snippet').text)
    write('#searchform [name=q]', 'secret')
    press('#searchform button')
    until('nothing of another department is found', ['Nothing was found.'], lambda: texts('main .card p'))

    press('nav a', 'Tasks')
    until('the tasks', ['Call the school', 'Write to the parents'], lambda: texts('li strong'))
    picture('tasks')
    Select(find('li select')).select_by_visible_text('Completed')
    until('a task is done', ['Write to the parents'], lambda: texts('li strong'))

    browser.get(URL + '/#/calendar/2026-03')
    until('a month', ['March 2026'], heading)
    until('has the series at its hour', ['09:00 Team', '09:00 Team'], lambda: texts('.event'))
    write('[name=title]', 'Court')
    browser.execute_script("document.querySelector('[name=date]').value = '2026-03-12'")
    press('main form button', 'Add')
    until('a whole day', ['Court', '09:00 Team', '09:00 Team'], lambda: texts('.event'))
    picture('calendar')

    press('nav a', 'Persons')
    until('the persons', ['Jane Doe', 'John Doe'], lambda: texts('.rows a'))
    picture('persons')
    press('.rows a', 'Jane')
    until('a person and the records', ['Talk with the teacher', 'Visit 1'], lambda: texts('.rows .line > a'))
    picture('person')

    press('.rows a', 'Talk')
    until('the record again', ['Talk with the teacher'], heading)
    press('article button', 'Delete')
    browser.switch_to.alert.accept()
    until('it is deleted', 5, lambda: heading() == ['Records'] and len(texts('.rows > li')))

    press('#signout')
    until('signed out', ['Sign in to Casework'], heading)
    sign_in('eve')
    until('a viewer', 'eve, viewer', lambda: find('#whoami').text)
    until('sees the records', 5, lambda: len(texts('.rows > li')))
    check('and no way to make one', [], [text for text in texts('.head a') if 'New' in text])
    press('.rows a', 'Visit 1')
    until('nor to change one', (['Visit 1'], []), lambda: (heading(), texts('main button')))
    picture('viewer')
    press('#signout')
    until('signed out again', ['Sign in to Casework'], heading)
    elsewhere("SELECT casnet.add_member('bob', 'member')")
    sign_in('bob')
    until('another department has other records', ['Secret of Adult Services'], lambda: texts('.rows .line > a'))
    Select(find('#tenant')).select_by_visible_text('Child Services')
    until('somebody in two departments changes between them', ('bob, member', 5),
          lambda: (find('#whoami').text, len(texts('.rows > li'))))
    elsewhere("SELECT casnet.remove_member('bob')")
    press('nav a', 'Tasks')
    until('whose membership ends meanwhile sees nothing more', 'The tenant does not exist, or you are not a member of it',
          lambda: find('#problem').text)
    check('not even what was there before', [], texts('.rows > li'))
    picture('ended')
    check('no page scrolls to the side', [], wide)
    check('nothing is wrong in the console', [], [entry['message'] for entry in browser.get_log('browser')
                                                  if ' 401 ' not in entry['message'] and ' 404 ' not in entry['message']])
finally:
    browser.quit()
done()

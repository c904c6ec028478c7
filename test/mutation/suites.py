"""The tests that must notice a mutant, and the server on which they run.

A unit is one file of a suite: pgtap/x.sql, golden/x, isolation/x, or tap/x.pl; or regress
as a whole; or jws, which needs no server.  A golden test here reads only catalogs, so it
can run against any database.
"""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import psycopg2

GOLDEN = ['comments_catalog', 'privileges_catalog', 'policies_catalog', 'function_attributes']
REGRESS_ROLES = ['regress_backend', 'regress_user', 'regress_admin', 'regress_nobody']
PSQL = ['--no-psqlrc', '--no-align', '--quiet', '--pset', 'pager=off',
        '--pset', 'tuples_only=true', '--set', 'ON_ERROR_STOP=1']


def run(command, timeout, **more):
    """Status and output of a command; status None if it did not end in time."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, start_new_session=True, **more)
    try:
        output = process.communicate(timeout=timeout)[0]
        return process.returncode, output.decode('utf-8', 'replace')
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, 'no end within %d seconds' % timeout


def failures_of_tap(output):
    """What is wrong with the output of a TAP file, or None."""
    plan = re.search(r'^1\.\.(\d+)', output, re.M)
    bad = re.search(r'^not ok .*', output, re.M)
    if bad:
        return bad.group(0)
    if not plan:
        return 'no plan: ' + output.strip()[-200:]
    ran = len(re.findall(r'^ok ', output, re.M))
    if ran != int(plan.group(1)):
        return '%d of %s tests: %s' % (ran, plan.group(1), output.strip()[-200:])
    return None


class Server:
    """A private server on a copy of the server's folders, and a tree to build in."""

    def __init__(self, folder, pg_config, tree, port):
        self.folder, self.pg_config, self.port = folder, pg_config, port
        self.tree = os.path.join(folder, 'tree')
        self.data = os.path.join(folder, 'data')
        self.log = os.path.join(folder, 'log')
        self.bin = self.ask('--bindir')
        self.library = os.path.join(self.ask('--pkglibdir'), 'casnet.so')
        extensions = os.path.join(self.ask('--sharedir'), 'extension')
        self.environment = dict(os.environ, PATH=self.bin + ':' + os.environ['PATH'],
                                PGHOST=folder, PGPORT=str(port), PGUSER='postgres')
        os.makedirs(folder, exist_ok=True)
        if not os.path.isdir(self.tree):
            shutil.copytree(tree, self.tree, symlinks=True,
                            ignore=shutil.ignore_patterns('.git', 'tmp_check', 'results', '*.bc'))
        self.script = glob.glob(os.path.join(extensions, 'casnet--*.sql'))
        self.script = [s for s in self.script if s.count('--') == 1][0]
        self.script_text = open(self.script, encoding='utf-8').read()
        self.c_is_mutated = self.script_is_mutated = False
        self.made_for = None
        self.catalogs, self.answers = None, {}
        self.commands = {}

    def ask(self, option):
        """What pg_config says."""
        return subprocess.check_output([self.pg_config, option], text=True).strip()

    def start(self):
        """Make the cluster if there is none, and start it."""
        if not os.path.isdir(self.data):
            subprocess.check_call([self.bin + '/initdb', '-D', self.data, '-A', 'trust', '-N', '-U', 'postgres',
                                   '--locale=C.UTF-8', '-E', 'UTF8'], stdout=subprocess.DEVNULL)
            with open(self.data + '/postgresql.conf', 'a', encoding='utf-8') as conf:
                conf.write("listen_addresses = ''\nunix_socket_directories = '%s'\nport = %d\n"
                           "fsync = off\ntimezone = 'UTC'\nlog_timezone = 'UTC'\nshared_buffers = 32MB\n"
                           "max_prepared_transactions = 4\nautovacuum = off\n" % (self.folder, self.port))
        subprocess.check_call([self.bin + '/pg_ctl', '-s', '-D', self.data, '-l', self.log, '-w', 'start'],
                              stdout=subprocess.DEVNULL)

    def stop(self, mode='fast'):
        """Stop it."""
        subprocess.call([self.bin + '/pg_ctl', '-s', '-D', self.data, '-m', mode, '-w', 'stop'],
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def psql(self, database, *arguments, timeout=60):
        """Run psql as a superuser."""
        return run([self.bin + '/psql', '-X', '-q', '-d', database, '-v', 'ON_ERROR_STOP=1', *arguments],
                   timeout, env=self.environment)

    def must(self, database, *statements):
        """Run statements that have to succeed."""
        status, output = self.psql(database, *[x for s in statements for x in ('-c', s)])
        if status != 0:
            raise RuntimeError(output)

    def revive(self):
        """Restart the server after a crash or an endless loop, without old sessions."""
        status, _ = self.psql('postgres', '-c', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity'
                              ' WHERE datname = $$mutant$$ OR datname ~ $$_regression$$', timeout=10)
        if status != 0 or self.others(5):
            self.stop('immediate')
            self.start()
            self.catalogs = None

    def others(self, seconds):
        """Whether sessions of a test still exist after so many seconds."""
        for _ in range(seconds * 5):
            status, output = self.psql('postgres', '-At', '-c', 'SELECT count(*) FROM pg_stat_activity'
                                       ' WHERE datname = $$mutant$$ OR datname ~ $$_regression$$', timeout=10)
            if status == 0 and output.strip() == '0':
                return False
            time.sleep(0.2)
        return True

    def prepare(self):
        """Make the roles of the golden tests, and the database from which every mutant starts."""
        self.must('postgres', *['CREATE ROLE %s LOGIN' % r for r in REGRESS_ROLES])
        self.must('postgres', 'CREATE DATABASE mutation_base')
        self.must('mutation_base', 'CREATE EXTENSION pgtap', 'CREATE EXTENSION casnet')
        # Before any mutant: one of the cluster would become part of what is expected.
        self.answers = {n[7:]: self.catalog(n[7:]) for n in all_units(self.tree) if n.startswith('golden/')}
        self.fresh()

    def fresh(self):
        """Make the database mutant, as installed."""
        self.must('postgres', 'DROP DATABASE IF EXISTS mutant WITH (FORCE)',
                  'CREATE DATABASE mutant TEMPLATE mutation_base')

    def compile(self, tree, flags, install=True):
        """Build a tree; return what the compiler prints if it fails."""
        command = ['make', '-s', '-C', tree, 'PG_CONFIG=' + self.pg_config, 'with_llvm=no',
                   'COPT=' + flags, 'casnet.so']
        status, output = run(command, 300, env=self.environment)
        if status == 0 and install:
            self.install(tree)
        return None if status == 0 else output

    def compile_one(self, file):
        """The same for one file, with the commands that make runs."""
        if file not in self.commands:
            output = subprocess.check_output(
                ['make', '-n', '-C', self.tree, 'PG_CONFIG=' + self.pg_config, 'with_llvm=no', 'COPT=-O0 -g0 -w',
                 '-W', 'src/' + file, 'casnet.so'], text=True, env=self.environment)
            self.commands[file] = '\n'.join(line for line in output.splitlines() if ' -shared ' in line
                                            or 'src/' + file in line)
        status, output = run(['sh', '-ec', self.commands[file]], 100, env=self.environment, cwd=self.tree)
        if status != 0:
            return output or 'it does not compile'
        self.install()
        return None

    def install(self, tree=None):
        """Put the library where new sessions find it."""
        shutil.copy(os.path.join(tree or self.tree, 'casnet.so'), self.library + '.new')
        os.rename(self.library + '.new', self.library)

    def apply(self, mutant):
        """Make the mutant; returns what is wrong if it cannot be made."""
        if mutant['group'] == 'c':
            path = os.path.join(self.tree, 'src', mutant['file'])
            text = open(path, encoding='utf-8').read()
            start, end, new = mutant['patch']
            self.c_is_mutated = path, text
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text[:start] + new + text[end:])
            return self.compile_one(mutant['file'])
        self.made_for = 'mutant'
        if mutant.get('script'):
            self.mutate_script(mutant)
            self.must('postgres', 'DROP DATABASE IF EXISTS mutant WITH (FORCE)', 'CREATE DATABASE mutant')
            status, output = self.psql('mutant', '-c', 'CREATE EXTENSION pgtap', '-c', 'CREATE EXTENSION casnet')
            return None if status == 0 else 'does not install: ' + output
        status, output = self.psql('mutant', '-c', mutant['sql'])
        return None if status == 0 else output

    def mutate_script(self, mutant):
        """Make the mutant in the install script, for tests that install anew."""
        if self.script_is_mutated or mutant['group'] == 'c':
            return
        if mutant.get('script'):
            if mutant['script'][0] not in self.script_text:
                raise RuntimeError('not in the script: ' + mutant['id'])
            text = self.script_text.replace(*mutant['script'], 1)
        else:
            text = self.script_text + (
                "\nDO $mutation$\nBEGIN\n\tIF to_regclass('casnet.users') IS NOT NULL THEN\n"
                "\t\tEXECUTE $mutant$%s$mutant$;\n\tEND IF;\nEND\n$mutation$;\n" % mutant['sql'])
        with open(self.script, 'w', encoding='utf-8') as f:
            f.write(text)
        self.script_is_mutated = True

    def undo(self, mutant):
        """Restore everything."""
        if self.c_is_mutated:
            path, text = self.c_is_mutated
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text)
            self.compile_one(os.path.basename(path))
            self.c_is_mutated = False
        if self.script_is_mutated:
            with open(self.script, 'w', encoding='utf-8') as f:
                f.write(self.script_text)
            self.script_is_mutated = False
        if mutant['undo']:
            self.must('postgres', mutant['undo'])
        if self.made_for:
            if mutant.get('restore') and not mutant.get('script'):
                self.must('mutant', mutant['restore'])
            else:
                self.fresh()
            self.made_for = None

    # How each kind of unit is run: None if it passes, else what it noticed.

    def run_unit(self, unit, timeout):
        """Run one unit against what is installed now."""
        suite, _, name = unit.partition('/')
        return getattr(self, 'run_' + suite)(name, timeout)

    def run_pgtap(self, name, timeout):
        """Run one file as pg_prove does, up to the first test that fails."""
        process = subprocess.Popen([self.bin + '/psql', *PSQL, '-d', 'mutant', '-f', name], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env=self.environment, cwd=self.tree + '/test/pgtap', errors='replace')
        overdue = threading.Timer(timeout, process.kill)
        overdue.start()
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith('not ok'):
                break
        stopped = lines and lines[-1].startswith('not ok')
        if stopped:
            process.kill()
        process.communicate()
        late = process.returncode == -signal.SIGKILL and not stopped
        overdue.cancel()
        output = ''.join(lines)
        if late or 'server closed the connection' in output or 'crash of another' in output:
            self.revive()
            return 'no end within %d seconds' % timeout if late else 'crash: ' + output.strip()[-200:]
        if 'connection to server on socket' in output:
            raise RuntimeError('the server is gone: ' + output.strip()[-200:])
        if stopped and self.others(20):
            self.revive()
        return failures_of_tap(output)

    def catalog(self, name, statement=None):
        """What a golden test of catalogs reads, after a statement that is rolled back."""
        script = open('%s/test/sql/%s.sql' % (self.tree, name), encoding='utf-8').read()
        script = re.sub(r'^\\.*$', '', script, flags=re.M)
        answers = []
        if self.catalogs is None:
            self.must('postgres', 'DROP DATABASE IF EXISTS mutant_catalog WITH (FORCE)',
                      'CREATE DATABASE mutant_catalog TEMPLATE mutation_base')
            self.catalogs = psycopg2.connect(host=self.folder, port=self.port, user='postgres',
                                             dbname='mutant_catalog')
        with self.catalogs.cursor() as cursor:
            if statement:
                cursor.execute(statement)
            for query in re.split(r';\s*\n', script):
                if re.sub(r'--.*', '', query).strip():
                    cursor.execute(query)
                    answers.append(cursor.fetchall() if cursor.description else None)
        self.catalogs.rollback()
        return answers

    def is_gone(self):
        """Whether the server has ended the connection to the catalogs, as when a mutant crashed."""
        try:
            with self.catalogs.cursor() as cursor:
                cursor.execute('SELECT 1')
            self.catalogs.rollback()
            return False
        except psycopg2.Error:
            return True

    def run_golden(self, name, _, statement=None):
        """A golden test of catalogs: the answers of its queries with and without the mutant."""
        if self.catalogs is not None and self.is_gone():
            self.catalogs = None
        try:
            same = self.catalog(name, statement) == self.answers[name]
        except psycopg2.OperationalError:
            self.catalogs = None
            raise
        except psycopg2.Error as error:
            self.catalogs.rollback()
            return str(error)
        return None if same else 'the catalog is another'

    def make(self, *arguments, timeout):
        """Run make in the tree; return the lines that report failure, or None."""
        status, output = run(['make', '-s', '-C', self.tree, 'PG_CONFIG=' + self.pg_config, 'with_llvm=no',
                              *arguments], timeout, env=self.environment)
        if status == 0:
            return None
        # The server can have crashed, and still be in recovery.
        self.revive()
        bad = re.findall(r'^(?:not ok.*|.*FAILED.*|.*Failed test.*)', output, re.M)
        return '; '.join(bad)[:300] or output.strip()[-300:]

    def run_regress(self, _, timeout):
        """All golden tests."""
        return self.make('installcheck', 'ISOLATION=', timeout=timeout)

    def run_isolation(self, name, timeout):
        """One test of races."""
        return self.make('installcheck', 'REGRESS=', 'ISOLATION=' + name, timeout=timeout)

    def run_tap(self, name, timeout):
        """One test of whole servers."""
        return self.make('check-tap', 'PROVE_TESTS=test/t/' + name, timeout=timeout)

    def run_jws(self, _, timeout):
        """The parser of tokens, without a server."""
        status, output = run([self.tree + '/test/jws/run.sh', '3', '1'], timeout)
        return None if status == 0 else output.strip()[-200:]


def all_units(tree):
    """Every unit there is."""
    def names(pattern):
        """Base names of the files that match."""
        return sorted(os.path.basename(p) for p in glob.glob(os.path.join(tree, 'test', pattern)))
    units = ['pgtap/' + n for n in names('pgtap/*.sql')]
    units += ['golden/' + n for n in GOLDEN if os.path.exists('%s/test/sql/%s.sql' % (tree, n))]
    units += ['regress'] + ['isolation/' + n[:-len('.spec')] for n in names('specs/*.spec')]
    return ['jws'] + units + ['tap/' + n for n in names('t/*.pl')]


class NoCoverage:
    """Replaces Coverage if nothing was measured: any test can notice anything."""

    def __init__(self, units):
        self.units = {u: {'seconds': 5 if u.startswith('pgtap/') else 60} for u in units}

    def reaches(self, unit, mutant):
        """Only jws is bound to a file."""
        return unit in self.units and (unit != 'jws' or mutant.get('file') == 'jws.c')


class Coverage:
    """What each unit takes, which functions it calls, and which lines of C it reaches."""

    def __init__(self, path):
        self.path = path
        self.units = json.load(open(path, encoding='utf-8')) if os.path.exists(path) else {}

    def save(self):
        """Keep what was measured."""
        with open(self.path + '.new', 'w', encoding='utf-8') as f:
            json.dump(self.units, f)
        os.rename(self.path + '.new', self.path)

    def measure(self, server, units, say):
        """Run each unit that was not measured yet with a build that counts."""
        units = [u for u in units if u not in self.units]
        if not units:
            return
        tree = os.path.join(server.folder, 'counting')
        if not os.path.isdir(tree):
            shutil.copytree(server.tree, tree, symlinks=True)
            for old in glob.glob(tree + '/src/*.o') + [tree + '/casnet.so']:
                os.unlink(old)
        trouble = server.compile(tree, '-O0 -w --coverage')
        if trouble:
            raise RuntimeError(trouble)
        server.must('postgres', "ALTER SYSTEM SET track_functions = 'all'", 'SELECT pg_reload_conf()')
        for number, unit in enumerate(units, 1):
            for old in glob.glob(tree + '/src/*.gcda'):
                os.unlink(old)
            server.must('mutant', 'SELECT pg_stat_reset()')
            start = time.time()
            trouble = server.run_unit(unit, 600)
            seconds = time.time() - start
            # A session writes its counters after it has disconnected.
            server.others(20)
            time.sleep(0.3)
            if trouble:
                say('error: %s fails without a mutant: %s' % (unit, trouble))
                continue
            _, called = server.psql('mutant', '-At', '-c', 'SELECT DISTINCT funcname FROM pg_stat_user_functions'
                                    ' WHERE schemaname IN ($$casnet$$, $$casnet_internal$$)')
            self.units[unit] = {'seconds': round(seconds, 2), 'functions': called.split(),
                                'lines': self.lines(tree)}
            say('[%d/%d] measured %s, %.1f s' % (number, len(units), unit, seconds))
            if number % 20 == 0:
                self.save()
        self.save()
        server.must('postgres', 'ALTER SYSTEM RESET track_functions', 'SELECT pg_reload_conf()')
        trouble = server.compile(server.tree, '-O0 -g0 -w')
        if trouble:
            raise RuntimeError(trouble)

    @staticmethod
    def lines(tree):
        """The lines of C that were reached, by file."""
        reached = {}
        data = sorted(glob.glob(tree + '/src/*.gcda'))
        if not data:
            return reached
        output = subprocess.run(['gcov', '--json-format', '--stdout', *data], cwd=tree, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
        for document in output.splitlines():
            for file in json.loads(document)['files']:
                if file['file'].startswith('src/') and file['file'].endswith('.c'):
                    counted = [x['line_number'] for x in file['lines'] if x['count'] > 0]
                    reached.setdefault(os.path.basename(file['file']), []).extend(counted)
        return {f: sorted(set(n)) for f, n in reached.items()}

    def reaches(self, unit, mutant):
        """Whether the unit can notice the mutant at all, as far as we know."""
        known = self.units.get(unit)
        if known is None:
            return False
        if mutant['group'] == 'c':
            if unit == 'jws':
                return mutant['file'] == 'jws.c'
            lines = known['lines'].get(mutant['file'], ())
            first, last = mutant['body'] or mutant['lines']
            return any(first <= n <= last for n in lines)
        if unit == 'jws':
            return False
        # Before the test, install() has already run.
        if mutant['function'] and unit.startswith('pgtap/') and not mutant.get('script'):
            return mutant['function'] in known['functions']
        return True

"""ok and not ok, and what somebody else does meanwhile."""
import sys

import psycopg

failed = []


def check(what, wanted, got):
    if wanted == got:
        print(f'ok {what}', flush=True)
    else:
        failed.append(what)
        print(f'not ok {what}\n# wanted {wanted!r}\n# got    {got!r}', flush=True)


def elsewhere(statement):
    """In another session, as ada."""
    with psycopg.connect(user='example_backend') as backend:
        backend.execute("SELECT set_config('casnet.user_id', user_id::text, true) FROM casnet.find_user('ada')")
        backend.execute("SELECT casnet.use_tenant('Child Services', true)")
        backend.execute(statement)


def done():
    sys.exit(bool(failed))

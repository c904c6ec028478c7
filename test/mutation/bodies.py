"""Mutants of the bodies of functions in PL/pgSQL and SQL."""
import re

from text import closing, mask_sql, number_repeated, one_line

FUNCTIONS = """
    SELECT p.proname, l.lanname, pg_get_functiondef(p.oid), p.prosrc
      FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
     WHERE p.pronamespace IN ('casnet'::regnamespace, 'casnet_internal'::regnamespace) AND l.lanname IN ('plpgsql', 'sql')
     ORDER BY p.oid::regprocedure::text"""

# A call that refuses, and the text that lets everybody pass instead.
CHECKS = [
    (r'casnet(?:_internal)?\.(can|can_in|user_can_in|is_administrator|is_operator)\s*\(', 'true'),
    (r'casnet(?:_internal)?\.(tenant_with|tenant_to_manage)\s*\(', 'casnet.current_tenant_id()'),
    (r'casnet_internal\.require_user\s*\(', 'casnet.current_user_id()'),
]

CONJUNCT_END = re.compile(
    r'\b(AND|OR|GROUP|ORDER|RETURNING|LIMIT|FOR|UNION|EXCEPT|INTERSECT|WHERE|JOIN|LEFT|ON'
    r'|LOOP|THEN|WHEN|ELSE|END|WINDOW|HAVING|INTO|CROSS|USING|OFFSET|SET)\b|;|\)', re.I)

WHOSE = re.compile(r'tenant|user|member|owner|invited|assignee', re.I)


def conditions(masked):
    """Each IF and ELSIF: offsets of its condition, and whether it only refuses."""
    for found in re.finditer(r'\b(?<!END )(?:IF|ELSIF)\s(.*?)\sTHEN\b\s*(\w+ ?\w*)', masked, re.S):
        yield found.start(1), found.end(1), found.group(2).upper().startswith('RAISE')


def statements(masked):
    """Offsets of each PERFORM with its semicolon."""
    for found in re.finditer(r'\bPERFORM\b', masked):
        yield found.start(), masked.index(';', found.start()) + 1


def conjuncts(masked, text):
    """Offsets of each part of a WHERE or ON that names a row's tenant or user."""
    for found in re.finditer(r'\b(?:WHERE|AND|ON)\b', masked):
        depth_start = found.end()
        i = depth_start
        while i < len(masked):
            if masked[i] == '(':
                i = closing(masked, i) + 1
                continue
            end = CONJUNCT_END.match(masked, i)
            if end and (end.group(0) in ';)' or not masked[i - 1].isalnum()):
                break
            i += 1
        part = text[depth_start:i]
        if WHOSE.search(part) and re.search(r'[=<>]|\bIN\b|\bIS\b', part) and not re.search(r'\b(BETWEEN|CASE|DELETE|INDEX)\b', part):
            yield depth_start, depth_start + len(part.rstrip())


def replacements(masked, text):
    """Offsets, the new text, and a name for the defect."""
    for start, end, refuses in conditions(masked):
        condition = text[start:end]
        said = 'IF ' + one_line(condition)
        if not refuses:
            yield start, end, 'NOT coalesce((%s), false)' % condition, said + ' negated'
        else:
            yield start, end, 'false AND (%s)' % condition, said + ' never'
    for start, end in statements(masked):
        yield start, end, 'NULL;', one_line(text[start:end]) + ' removed'
    for start, end in conjuncts(masked, text):
        yield start, end, ' true', 'condition %s removed' % one_line(text[start:end])
    for pattern, instead in CHECKS:
        for found in re.finditer(pattern, masked):
            end = closing(masked, found.end() - 1) + 1
            yield found.start(), end, instead, one_line(text[found.start():end]) + ' passes'


def enumerate_mutants(connection):
    """All mutants of functions; those of functions that install are made in the script."""
    mutants = []
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS)
        for name, language, definition, body in cursor.fetchall():
            for start, end, new, said in replacements(mask_sql(body), body):
                changed = body[:start] + new + body[end:]
                mutants.append({
                    'group': 'functions', 'kind': 'body', 'objects': [name],
                    'id': 'function %s: %s' % (name, said), 'undo': None,
                    'function': name if language == 'plpgsql' else None,
                    'sql': definition.replace(body, changed, 1), 'restore': definition,
                    'script': (body, changed) if name.startswith('install') else None})
    return number_repeated(mutants)

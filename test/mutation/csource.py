"""Mutants of the C sources: each check switched off, one at a time."""
import glob
import os
import re

from text import closing, mask_c, number_repeated, one_line

REFUSES = re.compile(r'ereport\s*\(\s*ERROR|elog\s*\(\s*ERROR|return\b|PG_RETURN|continue\b|break\b'
                     r'|goto\b|raise|refuse|\w+\s*=\s*(false|NULL|0)\s*;|problem\s*=')

# A jump alone is no code of its own, so gcov does not always count its line.
JUMPS = re.compile(r'\{?\s*(break|continue|return|goto\s+\w+)\s*;\s*\}?')


def block_after(masked, start):
    """Offsets of the statement, or block, that begins after the offset."""
    while masked[start].isspace():
        start += 1
    if masked[start] == '{':
        return start, closing(masked, start) + 1
    i = start
    while masked[i] != ';':
        i = closing(masked, i) + 1 if masked[i] in '([{' else i + 1
    return start, i + 1


def parts(masked, start, end):
    """The operands of a condition's && or ||, if it has any: operator, offsets."""
    for operator in ('||', '&&'):
        cuts, depth = [], 0
        for i in range(start, end):
            depth += (masked[i] in '([{') - (masked[i] in ')]}')
            if depth == 0 and masked.startswith(operator, i):
                cuts.append(i)
        if cuts:
            begins = [start] + [c + 2 for c in cuts]
            for a, b in zip(begins, cuts + [end]):
                yield operator, a, b
                inner = a + len(masked[a:b]) - len(masked[a:b].lstrip())
                if masked[inner] == '(' and closing(masked, inner) == len(masked[:b].rstrip()) - 1:
                    for o, x, y in parts(masked, inner + 1, closing(masked, inner)):
                        yield o, x, y
                elif operator == '||':
                    for o, x, y in parts(masked, a, b):
                        yield o, x, y
            return


def function_at(text, offset):
    """The name of the function around an offset."""
    name = ''
    for found in re.finditer(r'^(\w+)\(', text[:offset], re.M):
        name = found.group(1)
    return name


def mutants_of(path):
    """The mutants of one file: each if that refuses is never true, each operand has no effect."""
    text = open(path, encoding='utf-8').read()
    masked = mask_c(text)
    file = os.path.basename(path)

    def line(offset):
        """The number of the line at an offset."""
        return text.count('\n', 0, offset) + 1

    def make(start, end, new, said, first, last, body=None):
        """One mutant, with the lines that a test must reach."""
        return {'group': 'c', 'kind': 'c', 'file': file, 'patch': (start, end, new),
                'id': 'c %s %s: %s' % (file, function_at(text, start), said),
                'objects': [file], 'function': None, 'sql': None, 'undo': None,
                'lines': (line(first), line(last)),
                'body': body and (line(body[0]), line(body[1] - 1))}

    for found in re.finditer(r'\b(if|while)\s*\(', masked):
        start = found.end()
        end = closing(masked, start - 1)
        block = block_after(masked, end + 1)
        condition = text[start:end]
        said = '%s (%s)' % (found.group(1), one_line(condition))
        # elog() is for what cannot happen, so a test cannot miss such a check.
        if re.match(r'\s*elog\b', masked[block[0]:].lstrip('{').lstrip()):
            continue
        if found.group(1) == 'if' and REFUSES.search(masked, block[0], block[1]):
            # A condition with a side effect is missed even if the block is not reached.
            makes = re.search(r'[^=!<>]=[^=]|\(&|[(,]\s*&\w', masked[start:end])
            jumps = JUMPS.fullmatch(masked, block[0], block[1])
            yield make(start, end, 'false && (%s)' % condition, said + ' never', start, end,
                       None if makes or jumps else block)
        for operator, a, b in parts(masked, start, end):
            neutral = 'true' if operator == '&&' else 'false'
            yield make(a, b, ' ' + neutral, '%s without %s' % (said, one_line(text[a:b])), start, end)
    for found in re.finditer(r'\b(?:return|PG_RETURN_BOOL|\w+\s*=(?!=))', masked):
        start = found.end()
        end = start
        while end < len(masked) and masked[end] not in ';){}':
            end = closing(masked, end) + 1 if masked[end] in '([{' else end + 1
        if not re.search(r'&&|\|\|', masked[start:end]) or '?' in masked[start:end]:
            continue
        a, b = start, end
        if found.group(0) == 'PG_RETURN_BOOL':
            a, b = start + 1, end - 1
        said = one_line(text[found.start():end])
        for operator, x, y in parts(masked, a, b):
            neutral = 'true' if operator == '&&' else 'false'
            yield make(x, y, ' ' + neutral, '%s without %s' % (said, one_line(text[x:y])), start, end)


def listed(path, source):
    """The patches written by hand: file, anchor, replacement and reason."""
    wanted = None
    for raw in open(path, encoding='utf-8'):
        line = raw.rstrip('\n')
        if line.startswith('#') or not line.strip():
            continue
        word, _, rest = line.partition(' ')
        rest = rest.replace('\\n', '\n').replace('\\t', '\t')
        if word == 'file':
            wanted = rest
        elif word == 'reason':
            reason = rest
        elif word == 'find':
            find = rest
        elif word == 'put':
            text = open(os.path.join(source, wanted), encoding='utf-8').read()
            if text.count(find) != 1:
                raise SystemExit('c.mutants: "%s" is %d times in %s, not once'
                                 % (find, text.count(find), wanted))
            start = text.index(find)
            at = text.count('\n', 0, start) + 1
            yield {'group': 'c', 'kind': 'c', 'file': wanted, 'objects': [wanted],
                   'patch': (start, start + len(find), rest), 'function': None,
                   'id': 'c %s %s: %s' % (wanted, function_at(text, start), reason),
                   'sql': None, 'undo': None, 'lines': (at, at), 'body': None}


def enumerate_mutants(source, list_file):
    """All mutants of C."""
    mutants = []
    for path in sorted(glob.glob(os.path.join(source, '*.c'))):
        mutants.extend(mutants_of(path))
    mutants.extend(listed(list_file, source))
    return number_repeated(mutants)

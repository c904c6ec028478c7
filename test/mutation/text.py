"""What the mutants of SQL and of C share: finding one's way in source text."""
import hashlib


def mask_sql(text):
    """The same text with comments and strings blanked, so that offsets stay."""
    out = list(text)
    i = 0
    while i < len(text):
        if text.startswith('--', i):
            end = text.find('\n', i)
        elif text.startswith('/*', i):
            end = text.find('*/', i) + 2
        elif text[i] == "'":
            end = i + 1
            while end < len(text) and text[end] != "'":
                end += 1
            end += 1
        elif text[i] == '$' and '$' in text[i + 1:i + 20]:
            tag = text[i:text.index('$', i + 1) + 1]
            if not tag[1:-1].isidentifier() and tag != '$$':
                i += 1
                continue
            end = text.index(tag, i + len(tag)) + len(tag)
        else:
            i += 1
            continue
        if end <= i:
            end = len(text)
        for k in range(i, end):
            if text[k] != '\n':
                out[k] = ' '
        i = end
    return ''.join(out)


def mask_c(text):
    """The same for C."""
    out = list(text)
    i = 0
    while i < len(text):
        if text.startswith('/*', i):
            end = text.index('*/', i) + 2
        elif text[i] in '"\'':
            end = i + 1
            while text[end] != text[i]:
                end += 2 if text[end] == '\\' else 1
            end += 1
        else:
            i += 1
            continue
        for k in range(i, end):
            if text[k] != '\n':
                out[k] = ' '
        i = end
    return ''.join(out)


def closing(masked, start):
    """The offset of the bracket that closes the one at start."""
    depth = 0
    for i in range(start, len(masked)):
        if masked[i] in '([{':
            depth += 1
        elif masked[i] in ')]}':
            depth -= 1
            if depth == 0:
                return i
    return len(masked)


def one_line(text):
    """The text with its white space collapsed."""
    return ' '.join(text.split())


def number_repeated(mutants):
    """Shorten long ids, and number those that are alike, so that each is unique."""
    seen = {}
    for m in mutants:
        if len(m['id']) > 150:
            digest = hashlib.sha256(m['id'].encode()).hexdigest()[:8]
            m['id'] = '%s ... %s ... %s' % (m['id'][:90], m['id'][-40:], digest)
        n = seen[m['id']] = seen.get(m['id'], 0) + 1
        if n > 1:
            m['id'] += ' #%d' % n
        yield m

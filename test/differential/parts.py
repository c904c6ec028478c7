"""The text of a statement in two versions: the user's, under the policies, and the
expected one, for a role that sees everything, with constants in place of policies."""

FENCE = '/*fence*/'


class Sides:
    """What reads differently to the user and in the expected version."""

    def __init__(self, user, expected):
        self.user = user
        self.expected = expected


class Param:
    """A constant, or a parameter if the statement is prepared."""

    def __init__(self, literal, type_name):
        self.literal = literal
        self.type_name = type_name


class Part:
    """A piece of text made of others; `instead`, if given, can replace it."""

    def __init__(self, *parts, instead=None):
        self.parts = parts
        self.instead = instead


def join(glue, parts):
    """The parts with the glue between them."""
    out = []
    for part in parts:
        if out:
            out.append(glue)
        out.append(part)
    return Part(*out)


class Rendering:
    """One version of a statement: render() gives its text; `params` collects the
    constants that become parameters."""

    def __init__(self, side, dropped=frozenset(), params=None, fenced=False):
        self.side = side
        self.dropped = dropped
        self.params = params
        self.fenced = fenced

    def render(self, part):
        """The text of a part."""
        if isinstance(part, str):
            return part
        if isinstance(part, Sides):
            return self.render(getattr(part, self.side))
        if isinstance(part, Param):
            if self.params is None or self.side == 'expected':
                return '%s::%s' % (part.literal, part.type_name)
            self.params.append(part)
            return '$%d::%s' % (len(self.params), part.type_name)
        if id(part) in self.dropped:
            return self.render(part.instead)
        return ''.join(self.render(p) for p in part.parts)


def user_text(part, dropped=frozenset(), params=None):
    """What the user sends."""
    return Rendering('user', dropped, params).render(part)


def expected_text(part, dropped=frozenset(), fenced=False):
    """The same with constants; if fenced, no condition moves below them."""
    text = Rendering('expected', dropped).render(part)
    return text.replace(FENCE, 'OFFSET 0' if fenced else '')


def droppable(part, dropped):
    """Parts that can be left out of what is left, the large ones first."""
    found = []

    def visit(node):
        if isinstance(node, Sides):
            visit(node.user)
        elif isinstance(node, Part):
            if id(node) in dropped:
                visit(node.instead)
                return
            if node.instead is not None:
                found.append(node)
            for child in node.parts:
                visit(child)

    visit(part)
    return found


def quote(text):
    """A string as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def text_array(names):
    """Strings as a literal of text[]."""
    items = ['"%s"' % n.replace('\\', '\\\\').replace('"', '\\"') for n in names]
    return quote('{' + ','.join(items) + '}')

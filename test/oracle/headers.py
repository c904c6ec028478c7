"""The kinds of node of the server, from its own header."""

import re
import subprocess

STRUCT = re.compile(r'^typedef struct (\w+)\n\{(.*?)^\} \1;', re.M | re.S)
SAME_AS = re.compile(r'^typedef (\w+) (\w+);', re.M)
COMMENT = re.compile(r'/\*.*?\*/', re.S)
ATTRIBUTE = re.compile(r'\s*pg_node_attr\((?:[^()]|\([^()]*\))*\)\s*;?')


def members(body):
    """The members of a struct, without comments and attributes."""
    body = ATTRIBUTE.sub(lambda m: ';' if m.group().rstrip().endswith(';') else '', body)
    return [' '.join(x.split()) for x in body.split(';') if x.strip()]


def expression_nodes(text):
    """The names of the nodes whose first member makes them an expression, and of their
    typedef aliases; then those of the other nodes."""
    text = COMMENT.sub('', text)
    expressions, others = [], []
    for name, body in STRUCT.findall(text):
        lines = members(body)
        first = next((x for x in lines if x), '')
        if first == 'Expr xpr':
            expressions.append(name)
        elif first.split(' ')[0] == 'NodeTag' and name != 'Expr':
            others.append(name)
    if len(expressions) != len(re.findall(r'\bExpr\s+xpr\b', text)):
        raise ValueError('primnodes.h has expressions that were not understood')
    for old, new in SAME_AS.findall(text):
        if old in expressions:
            expressions.append(new)
    return expressions, others


PLANTED = '''typedef struct NewExpr
{
	pg_node_attr(custom_read_write)

	Expr		xpr pg_node_attr(query_jumble_ignore);
	Oid			type;			/* a { brace } */
} NewExpr;
typedef NewExpr NewerExpr;
'''


def read(pg_config):
    """The nodes of the server that pg_config belongs to."""
    folder = subprocess.run([pg_config, '--includedir-server'], check=True, capture_output=True,
                            text=True).stdout.strip()
    with open(folder + '/nodes/primnodes.h', encoding='utf-8') as header:
        return expression_nodes(header.read())

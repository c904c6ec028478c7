"""Conditions that reveal a value, at least one for each kind of node.

In the text of a condition {w} is the column with the value, {v} the value, {t} the
tenant's column and {y} another like it.  {a} and {b} are arrays of different dimensions,
{ca} and {cb} texts of collations that conflict.
"""

import re

WHEN = 'CASE WHEN {w} = {v} THEN %s END'

# What raises an error by itself, in a row that has the value.  The planner must fold
# nothing of it, so the constants come from settings.
ZERO = "length(current_setting('mine.empty'))"
WORD = "current_setting('mine.word')"
JSON = "current_setting('mine.json')::json"


class Condition:
    """One condition: the nodes that it is for, and its text."""

    def __init__(self, nodes, name, text, since=15, parameters=None, told_by_sequence=False, always=False,
                 early=False):
        self.nodes = nodes.split()
        self.node = self.nodes[0]
        self.name = self.node + '/' + name
        self.text = text
        self.since = since
        self.parameters = parameters    # (type, value) of $2 and so on; then $1 is the value
        self.told_by_sequence = told_by_sequence
        self.always = always            # it reveals something of own rows, or of a row of NULLs, as well
        self.early = early              # a parallel plan runs its subquery before it reads a row
        self.plain = not re.search(r'\{(?:a|b|ca|cb|y)\}', text)

    def over(self, alias, value, word='w'):
        """The condition over a table of this alias."""
        names = {'v': value, 'r': alias, 'w': alias + '.' + word, 't': alias + '.tenant_id',
                 **{x: '%s.%s' % (alias, x) for x in ('a', 'b', 'ca', 'cb', 'y')}}
        return re.sub(r'\{(v|r|w|t|a|b|ca|cb|y)\}', lambda m: names[m.group(1)], self.text)


def when(nodes, name, told, **more):
    """A condition that has an effect only for a row with the value."""
    return Condition(nodes, name, WHEN % told, **more)


CONDITIONS = [
    # ways to reveal: by count, error, notice, a sequence; of any volatility and cost
    when('FuncExpr Var Const', 'count', 'tell()'),
    when('FuncExpr Var Const', 'error', 'tell_error()'),
    when('FuncExpr Var Const', 'notice', 'tell_notice()'),
    when('FuncExpr', 'volatile', 'tell_volatile()'),
    when('FuncExpr', 'volatile error', 'tell_error_volatile()'),
    when('FuncExpr', 'dear', 'tell_dear()'),
    when('FuncExpr', 'sequence', "nextval('told_numbers') > 0", told_by_sequence=True),
    when('FuncExpr', 'setting', "set_config('mine.n', '7', false) IS NOT NULL"),
    when('FuncExpr', 'missing setting', "current_setting('mine.' || current_user) IS NOT NULL"),
    when('FuncExpr', 'can', "casnet.can('fly')"),
    when('FuncExpr', 'tenant_with', "casnet.tenant_with('fly') IS NULL"),
    when('FuncExpr', 'with leakproof', 'cheap({w}) AND tell()'),
    when('FuncExpr', 'with dear leakproof', 'dear({w}) AND tell()'),
    Condition('FuncExpr', 'beside leakproof', 'cheap({w}) AND dear({w}) AND ' + WHEN % 'tell()'),
    Condition('FuncExpr', 'of the value', '1 / ({w} <> {v})::int > 0'),
    Condition('Var', 'whole row', 'CASE WHEN {r} IS NOT NULL AND {w} = {v} THEN tell() END'),
    Condition('Var', 'ctid', "CASE WHEN {r}.ctid > '(0,0)' AND {w} = {v} THEN tell_error() END"),
    Condition('Var', 'tableoid', 'CASE WHEN {r}.tableoid <> 0 AND {w} = {v} THEN tell() END'),
    Condition('Const', 'no column', "tell() AND {w} = {v} AND (tell_dear() OR {w} IS NULL)", always=True),
    when('Param Var', 'generic', 'tell()', parameters=()),
    Condition('Param SubLink', 'init plan', 'CASE WHEN {w} = (SELECT {v}) THEN (SELECT tell()) END',
              early=True),
    when('Param SubLink', 'init plan in case', '(SELECT tell())', early=True),
    when('Param SubLink', 'init plan that raises', '(SELECT tell_error())', early=True),
    Condition('Param', 'array of parameters', WHEN % '(ARRAY[$2, $3])[1][1] IS NOT NULL',
              parameters=(('int[]', "'{1}'"), ('int[]', "'{1,2}'"))),
    Condition('Param', 'division', WHEN % '1 / $2 > 0', parameters=(('int', '0'),)),
    Condition('Param', 'cast', WHEN % '$2::int > 0', parameters=(('text', "'word'"),)),
    Condition('Param', 'setting', WHEN % 'current_setting($2) IS NULL', parameters=(('text', "'mine.not'"),)),
    # what only a subquery can contain
    Condition('Aggref SubPlan', 'bool_or',
              '(SELECT bool_or(tell()) FROM generate_series(1, 1) WHERE {w} = {v})'),
    Condition('GroupingFunc SubPlan', 'grouping',
              '(SELECT grouping(g) = 0 AND tell() FROM generate_series(1, 1) AS g WHERE {w} = {v} GROUP BY '
                'g)'),
    Condition('WindowFunc SubPlan', 'row_number',
              '(SELECT row_number() OVER () > 0 AND tell() FROM generate_series(1, 1) WHERE {w} = {v})'),
    Condition('SubLink SubPlan', 'exists',
              'EXISTS (SELECT FROM generate_series(1, 1) AS g WHERE {w} = {v} AND tell_volatile()) IS TRUE'),
    Condition('SubLink SubPlan', 'not exists',
              'NOT EXISTS (SELECT FROM generate_series(1, 1) WHERE {w} = {v} AND tell_volatile()) IS TRUE'),
    Condition('SubLink SubPlan', 'any',
              '({w} = ANY (SELECT {v} FROM generate_series(1, 1) WHERE {w} = {v} AND tell_volatile())) IS '
                'TRUE'),
    Condition('SubLink SubPlan', 'all',
              '{w} <> ALL (SELECT {v} FROM generate_series(1, 1) WHERE {w} = {v} AND tell())'),
    Condition('SubLink SubPlan', 'array', 'ARRAY(SELECT tell() WHERE {w} = {v}) IS NOT NULL'),
    Condition('SubLink SubPlan', 'row', '({w}, true) = (SELECT {v}, tell() WHERE {w} = {v})'),
    Condition('SubLink SubPlan', 'two rows',
              '(SELECT true FROM generate_series(1, 2) WHERE {w} = {v})'),
    when('SubLink Param', 'array of nothing', 'ARRAY(SELECT tell()) IS NOT NULL', early=True),
    when('SubLink SubPlan', 'hashed', '1 NOT IN (SELECT g FROM generate_series(2, 3) AS g WHERE tell())'),
    Condition('SubLink', 'pulled up',
              'EXISTS (SELECT FROM bait AS b WHERE b.w = {w} AND CASE WHEN {w} = {v} THEN tell() END)'),
    Condition('SubLink', 'pulled up anti',
              'NOT EXISTS (SELECT FROM bait AS b WHERE b.w = {w} AND CASE WHEN {w} = {v} THEN tell() END)'),
    Condition('AlternativeSubPlan', 'exists',
              'CASE WHEN EXISTS (SELECT FROM bait AS b WHERE b.w = {w} AND b.w = {v}) '
              'THEN tell() END'),
    # operators
    when('OpExpr', 'division', '1 / %s > 0' % ZERO),
    when('OpExpr', 'own operator', '1 === 1'),
    when('OpExpr', 'collations', '{ca} = {cb}'),
    when('OpExpr', 'collations, less', '{ca} < {cb}'),
    when('OpExpr', 'records', 'ROW(%s)::text = ROW(tell())::text' % WORD),
    Condition('OpExpr', 'class', '(CASE WHEN {w} = {v} THEN tell_uuid() END) = {t}'),
    Condition('OpExpr', 'class of two columns',
              '(CASE WHEN {w} = {v} THEN tell_uuid() END) = {y} AND {y} = {t}'),
    Condition('OpExpr', 'class by a join', 'EXISTS (SELECT FROM bait AS b WHERE '
              '(CASE WHEN {w} = {v} THEN tell_uuid() END) = b.x AND b.x = {t})'),
    Condition('OpExpr', 'class by subscripts', '(ARRAY[CASE WHEN {w} = {v} THEN tell_uuid() END])[1] = {t}'),
    Condition('OpExpr', 'class by coalesce', 'coalesce(CASE WHEN {w} = {v} THEN tell_uuid() END) = {t}'),
    Condition('OpExpr', 'class of booleans',
              '(CASE WHEN {w} = {v} THEN tell() END) = (CASE WHEN {w} = {v} THEN tell_notice() END)'),
    when('DistinctExpr', 'division', '1 / %s IS DISTINCT FROM 1' % ZERO),
    when('DistinctExpr', 'collations', '{ca} IS DISTINCT FROM {cb}'),
    Condition('DistinctExpr', 'of the value', '{w} IS DISTINCT FROM {v} OR tell()'),
    when('NullIfExpr', 'collations', 'nullif({ca}, {cb}) IS NULL'),
    Condition('NullIfExpr', 'of the value', 'CASE WHEN nullif({w}, {v}) IS NULL THEN tell() END'),
    when('ScalarArrayOpExpr', 'collations', '{ca} = ANY (ARRAY[{cb}])'),
    when('ScalarArrayOpExpr', 'division', '1 = ANY (ARRAY[1 / %s])' % ZERO),
    Condition('ScalarArrayOpExpr', 'leakproof', "CASE WHEN {w} = ANY (ARRAY[{v}, 'no']) THEN tell() END"),
    Condition('ScalarArrayOpExpr', 'all',
              "CASE WHEN NOT {w} <> ALL (ARRAY[{v}, {v}, 'no']) THEN tell_error() END"),
    Condition('ScalarArrayOpExpr', 'hashed',
              "CASE WHEN {w} IN ({v}, '1', '2', '3', '4', '5', '6', '7', '8', '9') THEN tell() END"),
    Condition('BoolExpr', 'or', '{w} <> {v} OR tell()'),
    Condition('BoolExpr', 'or error', '{w} <> {v} OR tell_error()', always=True),
    Condition('BoolExpr', 'every other row', '{w} = {v} OR tell()', always=True),
    Condition('BoolExpr', 'not', 'NOT ({w} = {v} AND tell())'),
    Condition('BoolExpr', 'and', '{w} = {v} AND (tell_dear() OR {w} IS NULL)'),
    Condition('BoolExpr', 'common part', '({w} = {v} AND (tell_dear() OR {w} IS NULL)) OR ({w} = {v} AND {w} IS NULL AND tell_dear())'),
    # parts of values
    when('SubscriptingRef', 'array', '(ARRAY[tell()])[1]'),
    when('SubscriptingRef', 'subscript', "('{true}'::boolean[])[(tell())::int]"),
    when('SubscriptingRef', 'slice', '({a})[1:(1 / %s)] IS NULL' % ZERO),
    when('SubscriptingRef', 'of a column', '({a})[(tell())::int] = 1'),
    when('SubscriptingRef', 'jsonb', "('{\"word\": 1}'::jsonb)[%s || tell()] IS NULL" % WORD),
    when('NamedArgExpr', 'names', 'tell_named(y => true, x => true)'),
    when('FieldSelect', 'of a function', '(tell_pair()).x'),
    when('RowExpr', 'as text', "(ROW(tell(), 'y')::pair)::text IS NOT NULL"),
    when('RowExpr', 'of the row', 'ROW({w}, tell()) IS NOT NULL'),
    when('BoolExpr', 'distinct rows', 'ROW({w}, 1) IS DISTINCT FROM ROW({v}, 1 / %s)' % ZERO),
    when('RowCompareExpr', 'collations', 'ROW({ca}, 1) < ROW({cb}, 1)'),
    when('RowCompareExpr', 'division', 'ROW(1, 1) < ROW(1, 1 / %s)' % ZERO),
    Condition('RowCompareExpr', 'of the value',
              'CASE WHEN ROW({w}, {w}) <= ROW({v}, {v}) AND ROW({w}, {w}) >= ROW({v}, {v})'
              ' THEN tell() END'),
    # The planner of 19 knows that an array that is made is not null.
    when('ArrayExpr', 'dimensions', '(ARRAY[{a}, {b}])[1][1] IS NOT NULL'),
    when('ArrayExpr', 'dimensions of settings',
         '(ARRAY[string_to_array(%s, \'o\'), string_to_array(%s, \'x\')])[1][1] IS NOT NULL' % (WORD, WORD)),
    when('ArrayExpr', 'dimensions inside', 'cardinality(ARRAY[{a}, {b}]) > 0'),
    Condition('ArrayExpr', 'dimensions by row',
              '(ARRAY[{a}, CASE WHEN {w} = {v} THEN {b} ELSE {a} END])[1][1] IS NOT NULL'),
    when('ArrayExpr', 'tells', 'true = ANY (ARRAY[tell(), false])'),
    when('MinMaxExpr', 'no comparison', 'greatest(ROW(%s), ROW(%s)) IS NOT NULL' % (JSON, JSON)),
    when('MinMaxExpr', 'collations', 'greatest({ca}, {cb}) IS NOT NULL'),
    when('MinMaxExpr', 'tells', 'least(true, tell())'),
    when('CoalesceExpr', 'function', 'coalesce(nullif({w} = {v}, true), tell())'),
    when('CoalesceExpr', 'dimensions', '(coalesce(ARRAY[{a}, {b}], {a}))[1] IS NOT NULL'),
    when('NullTest', 'row', '(ROW((ARRAY[{a}, {b}])[1][1])) IS NOT NULL'),
    Condition('NullTest', 'null', '(CASE WHEN {w} = {v} THEN tell() END) IS NOT NULL'),
    Condition('BooleanTest', 'true', '(CASE WHEN {w} = {v} THEN tell() END) IS TRUE'),
    Condition('BooleanTest', 'unknown', '({w} = {v} AND tell_error()) IS UNKNOWN', always=True),
    Condition('BooleanTest', 'not false', '(CASE WHEN {w} = {v} THEN {ca} = {cb} END) IS NOT FALSE'),
    # conversions
    when('RelabelType', 'varchar', "(tell()::text::varchar || '') IS NOT NULL"),
    Condition('RelabelType', 'of the value',
              "CASE WHEN {w}::varchar = {v} AND {w}::varchar <> 'no' THEN tell() END"),
    when('CollateExpr', 'explicit', "'a' COLLATE \"C\" < 'b' AND tell()"),
    Condition('CollateExpr', 'of the value', 'CASE WHEN {w} COLLATE "C" = {v} THEN tell() END'),
    when('CoerceViaIO', 'integer', '%s::int > 0' % WORD),
    when('CoerceViaIO', 'json', '%s::json IS NOT NULL' % WORD),
    when('CoerceViaIO', 'tells', '(tell()::int)::text = \'1\''),
    when('ArrayCoerceExpr', 'integers', 'string_to_array(%s, \'-\')::int[] IS NOT NULL' % WORD),
    when('ArrayCoerceExpr', 'length', "string_to_array(tell()::text, ',')::varchar(5)[] IS NOT NULL"),
    when('ConvertRowtypeExpr', 'parent', '(tell_child()::elder) IS NOT NULL'),
    when('ConvertRowtypeExpr', 'column', '((tell_child()::elder)).x'),
    when('CoerceToDomain', 'constant', '(%s)::positive IS NOT NULL' % ZERO),
    when('CoerceToDomain CoerceToDomainValue', 'counts', 'true::told'),
    when('CoerceToDomain CoerceToDomainValue', 'counts by setting', '(%s = \'word\')::told' % WORD),
    Condition('CoerceToDomain CoerceToDomainValue', 'of the value', '({w}::other) IS NOT NULL'),
    when('CoerceToDomain CoerceToDomainValue', 'of the value in case', '{w}::other IS NOT NULL'),
    when('CaseExpr CaseWhen', 'nested', 'CASE WHEN tell() THEN true ELSE tell_notice() END'),
    Condition('CaseTestExpr CaseExpr CaseWhen', 'simple', 'CASE {w} WHEN {v} THEN tell() END'),
    Condition('CaseTestExpr', 'boolean', 'CASE {w} = {v} WHEN true THEN tell_error() END'),
    Condition('CaseExpr CaseWhen', 'else', 'CASE WHEN {w} <> {v} THEN true ELSE tell() END'),
    when('SQLValueFunction', 'current_user', "current_user IS NOT NULL AND tell()"),
    when('SQLValueFunction', 'raises', "current_user::int > 0"),
    when('SQLValueFunction', 'current_date', "extract(year FROM current_date)::int / %s > 0" % ZERO),
    when('XmlExpr', 'document', 'xmlparse(document %s) IS NOT NULL' % WORD),
    when('XmlExpr', 'element', 'xmlelement(name a, tell()) IS NOT NULL'),
    when('XmlExpr', 'root', "xmlforest(1 / %s AS a) IS NOT NULL" % ZERO),
    when('XmlExpr', 'instruction', "xmlpi(name a, %s || '?>') IS NOT NULL" % WORD),
    when('TableFunc SubPlan', 'xmltable',
         "EXISTS (SELECT FROM xmltable('/a' PASSING xmlelement(name a, tell()) "
         "COLUMNS x text PATH '.'))", early=True),
    # since 16 and 17
    when('JsonConstructorExpr', 'object', "JSON_OBJECT('a': tell()) IS NOT NULL", since=16),
    when('JsonConstructorExpr', 'array', 'JSON_ARRAY(1 / %s) IS NOT NULL' % ZERO, since=16),
    when('JsonConstructorExpr', 'unique keys',
         "JSON_OBJECT(%s: 1, %s: 2 WITH UNIQUE KEYS) IS NOT NULL" % (WORD, WORD), since=16),
    when('JsonValueExpr JsonFormat JsonReturning', 'format',
         "JSON_OBJECT('a': %s FORMAT JSON RETURNING jsonb) IS NOT NULL" % WORD, since=16),
    when('JsonIsPredicate', 'tells', "(tell()::text) IS JSON", since=16),
    when('JsonIsPredicate', 'by error', "1 / (%s IS JSON)::int > 0" % WORD, since=16),
    when('JsonExpr', 'value', "JSON_VALUE(jsonb '{}', 'strict $.a' ERROR ON ERROR) IS NULL", since=17),
    when('JsonExpr', 'of a setting', "JSON_EXISTS(%s::jsonb, '$.a') IS NULL" % WORD, since=17),
    when('JsonExpr JsonBehavior', 'default',
         "JSON_VALUE(jsonb '{}', '$.a' RETURNING boolean DEFAULT tell() ON EMPTY)", since=17),
    when('JsonExpr', 'passing', "JSON_EXISTS(jsonb '[1]', '$ ? (@ == $x)' PASSING (1 / %s) AS x)" % ZERO,
         since=17),
    when('JsonTablePath', 'table', "EXISTS (SELECT FROM JSON_TABLE(jsonb '[1]', '$[*]' "
         "COLUMNS (x int PATH '$')) AS j WHERE tell())", since=17, early=True),
]

# Kinds that no condition on a row can contain, and why.
REASONS = {
    'FieldStore': 'in the SET list of an UPDATE only',
    'SetToDefault': 'DEFAULT stands in VALUES and SET only',
    'CurrentOfExpr': 'WHERE CURRENT OF stands alone; a shape has it, with the condition in the cursor',
    'NextValueExpr': 'the default of an identity column only',
    'InferenceElem': 'the key that ON CONFLICT names',
    'TargetEntry': 'an entry of a select list',
    'WindowFuncRunCondition': 'what the planner makes for a window in a subquery',
    'MergeSupportFunc': 'merge_action() stands in RETURNING only',
    'ReturningExpr': 'old and new stand in RETURNING only',
    'JsonTablePlan': 'what plans of JSON_TABLE have in common; no node by itself',
    'Alias': 'a name', 'RangeVar': 'a name', 'IntoClause': 'of CREATE TABLE AS',
    'RangeTblRef': 'in FROM', 'JoinExpr': 'in FROM; shapes have it', 'FromExpr': 'in FROM; shapes have it',
    'OnConflictExpr': 'of INSERT; a shape has it', 'MergeAction': 'of MERGE; a shape has it',
}

# Nodes that no tree of a statement shows.  They are in a domain's constraint, are gone
# once the plan is finished, or appear in a parse tree only inside another node.
NOT_SHOWN = {'CoerceToDomainValue', 'AlternativeSubPlan'}


def first_of_each(conditions):
    """For each kind of node the first condition that is named for it."""
    found = {}
    for condition in conditions:
        found.setdefault(condition.node, condition)
    return list(found.values())


def unknown(expressions, others, version):
    """The kinds of node of the server that this file does not know."""
    known = set(REASONS)
    for condition in CONDITIONS:
        if condition.since <= version:
            known.update(condition.nodes)
    return [x for x in expressions + others if x not in known]


def shown(node, text):
    """Whether a tree in the server's log has that kind of node."""
    names = {node, node.removesuffix('Expr'), node.removeprefix('Case')}
    return any('{%s ' % x.upper() in text or '{%s\n' % x.upper() in text for x in names)

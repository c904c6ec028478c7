#!/usr/bin/python3
"""Draws the charts of bench/results/*.json, and writes their tables.

usage: bench/chart.py [--check] [--readme FILE] [JSON]...

Without JSON, it draws every bench/results/*.json that has a chart.  A chart "x" of
DIR/y.json becomes DIR/x.svg.  In the README (bench/README.md), the text between

    <!-- table x -->   and   <!-- end x -->    becomes the chart's numbers,
    <!-- chart x -->   and   <!-- end x -->    the picture and then the numbers.

With --check it writes nothing; the exit status is 1 if something would change.

A file is one chart, or {"environment": ..., "charts": [chart, ...]}.  A chart:

    name         of the SVG; the file's name without .json unless given
    title        what it shows
    unit         of the numbers, written at their axis
    axis         of the numbers: "log" or "linear"
    series       [{"name": ..., "points": [[x, median, low, high], ...]}, ...]
    environment  of the measurement: {what: value}; written below the picture

and if wanted:

    kind         "bars" or "lines"; lines if every x is a number
    x            what x is (lines: at its axis; tables: head of the first column)
    x_axis       "log" or "linear" (lines)
    caption      what a number means, such as what 1.0 is
    reference    a number, or [[number, text], ...]: lines across
    digits       significant digits in the table (3)
    picture      false: only the table is wanted, no SVG
    ranges       false: only medians in the table

low and high may be null or missing.  A median of null was not measured.  A
point's fifth element, "<" or ">", says that the number is only a bound: the
real one is less, or more.
"""
import html
import json
import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# colours that differ for colour-blind people, and are readable on both backgrounds
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9",
           "#8c564b", "#7f7f7f", "#9467bd", "#17a398", "#c44e52", "#6b8e23",
           "#5c6bc0", "#a0522d"]
STYLE = """\
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 }
.group { font-weight: 600 }
.small { font-size: 11px; fill: #57606a }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px }
.ground { fill: #ffffff }
.grid { stroke: #d0d7de; stroke-width: 1 }
.range { stroke: #24292f; stroke-width: 1.2; fill: none }
.reference { stroke: #24292f; stroke-width: 1.2; stroke-dasharray: 5 3 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.small { fill: #9ea7b3 }
.value { stroke: #0d1117 }
.ground { fill: #0d1117 }
.grid { stroke: #30363d }
.range, .reference { stroke: #e6edf3 }
}"""
WIDTH = 860


def fail(text):
    """Print what is wrong, and exit."""
    sys.exit("chart.py: " + text)


def number(value, digits=3):
    """A number as people write it: 3 significant digits, thousands by commas."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    rounded = round(value, digits - 1 - size)
    size = math.floor(math.log10(abs(rounded)))
    if size < -5:
        return "%.*g" % (digits, value)
    return "{:,.{}f}".format(rounded, max(0, digits - 1 - size))


def tick(value):
    """A number at an axis, without zeros at its end."""
    return "{:,.10f}".format(value).rstrip("0").rstrip(".")


def text_width(text, size=13):
    """About how wide a text is, in pixels."""
    return len(str(text)) * size * 0.6


def read_point(point):
    """[x, median, low, high, mark], with defaults for what was left out."""
    point = list(point) + [None] * (5 - len(point))
    if point[4] not in (None, "<", ">"):
        fail("the mark of a point is < or >, not %r" % point[4])
    return point


def read_charts(path):
    """The charts of a file, with every default filled in."""
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    if not isinstance(content, dict):
        return []
    if "series" in content:
        charts = [content]
    else:
        charts = content.get("charts", [])
    stem = os.path.splitext(os.path.basename(path))[0]
    done = []
    for chart in charts:
        chart = dict(chart)
        for key in ("title", "unit", "axis", "series"):
            if key not in chart:
                fail("%s: a chart has no %r" % (path, key))
        if chart["axis"] not in ("log", "linear"):
            fail("%s: axis is log or linear" % path)
        chart.setdefault("name", stem)
        chart.setdefault("environment", content.get("environment", {}))
        chart["series"] = [{"name": s["name"], "points": [read_point(p) for p in s["points"]]}
                           for s in chart["series"]]
        numeric = all(isinstance(p[0], (int, float))
                      for s in chart["series"] for p in s["points"])
        chart.setdefault("kind", "lines" if numeric else "bars")
        chart["file"] = os.path.join(os.path.dirname(path), chart["name"] + ".svg")
        done.append(chart)
    return done


def references(chart):
    """The lines across: [(number, text), ...]."""
    lines = chart.get("reference", [])
    if isinstance(lines, (int, float)):
        lines = [[lines, ""]]
    return lines


def scale(values, axis):
    """(lowest, highest, ticks) of an axis that has room for all values."""
    if axis == "log":
        values = [v for v in values if v > 0]
        if not values:
            return 0.1, 1, [0.1, 1]
        low = math.floor(math.log10(min(values)) + 1e-9)
        high = math.ceil(math.log10(max(values)) - 1e-9)
        if low == high:
            high += 1
        step = max(1, (high - low) // 7)
        return 10.0 ** low, 10.0 ** high, [10.0 ** e for e in range(low, high + 1, step)]
    top = max(values + [0]) or 1
    size = 10.0 ** math.floor(math.log10(top))
    step = next(m * size for m in (0.1, 0.2, 0.25, 0.5, 1, 2) if top / (m * size) <= 6)
    count = math.ceil(top / step - 1e-9)
    return 0, count * step, [i * step for i in range(count + 1)]


def position(value, low, high, axis, start, end):
    """Where a value is between start and end."""
    if axis == "log":
        value, low, high = (math.log10(max(v, 1e-300)) for v in (value, low, high))
    share = (value - low) / (high - low) if high > low else 0
    return start + max(0, min(1, share)) * (end - start)


def all_values(chart):
    """Every number that must fit on the axis."""
    found = [v for s in chart["series"] for p in s["points"] for v in p[1:4] if v is not None]
    return found + [line[0] for line in references(chart)]


class Picture:
    """Elements of an SVG, one after the other."""

    def __init__(self):
        self.lines = []

    def text(self, x, y, text, style="", anchor="start"):
        """A text that begins, ends or is centred at x."""
        self.lines.append('<text x="%.1f" y="%.1f"%s text-anchor="%s">%s</text>' % (
            x, y, ' class="%s"' % style if style else "", anchor, html.escape(str(text))))

    def line(self, x1, y1, x2, y2, style):
        """A straight line."""
        self.lines.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>' % (
            x1, y1, x2, y2, style))

    def add(self, element):
        """Anything else."""
        self.lines.append(element)

    def whole(self, height, title):
        """The document."""
        return "\n".join([
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
            'role="img">' % (WIDTH, height, WIDTH, height),
            "<title>%s</title>" % html.escape(title),
            "<style>\n%s\n</style>" % STYLE,
            '<rect class="ground" width="%d" height="%d"/>' % (WIDTH, height)
        ] + self.lines + ["</svg>", ""])


def wrap(text, width, size=11):
    """A text in lines of at most that width."""
    lines = [""]
    for word in text.split():
        if lines[-1] and text_width(lines[-1] + " " + word, size) > width:
            lines.append("")
        lines[-1] = (lines[-1] + " " + word).strip()
    return [line for line in lines if line]


def foot(picture, chart, y):
    """Caption and environment below; returns where they end."""
    environment = ", ".join("%s %s" % (what, "{:,}".format(value) if type(value) is int else value)
                            for what, value in chart["environment"].items())
    for text in (chart.get("caption", ""), environment):
        for line in wrap(text, WIDTH - 40):
            picture.text(20, y, line, "small")
            y += 15
    return y


def head(picture, chart):
    """Title and legend; returns where they end."""
    y = 26
    picture.text(20, y, chart["title"], "title")
    y += 24
    if len(chart["series"]) > 1:
        x = 20
        for i, series in enumerate(chart["series"]):
            width = 24 + text_width(series["name"])
            if x > 20 and x + width > WIDTH - 20:
                x = 20
                y += 19
            picture.add('<rect x="%.1f" y="%.1f" width="12" height="12" rx="2" fill="%s"/>' % (
                x, y - 10, COLOURS[i % len(COLOURS)]))
            picture.text(x + 17, y, series["name"])
            x += width + 12
        y += 12
    return y


def groups_of(chart):
    """The x of a chart of bars, in the order of their first use."""
    found = []
    for series in chart["series"]:
        for point in series["points"]:
            if point[0] not in found:
                found.append(point[0])
    return found


def point_at(series, x):
    """The point of a series at x, or None."""
    for point in series["points"]:
        if point[0] == x:
            return point
    return None


def label(point, digits=3):
    """A point in words: a number, or a bound."""
    if point is None or point[1] is None:
        return "not measured"
    bound = {None: "", "<": "less than ", ">": "more than "}[point[4]]
    return bound + number(point[1], digits)


def bars(chart):
    """Horizontal bars, in groups; the names stand at the bars."""
    picture = Picture()
    y = head(picture, dict(chart, series=[]))
    names = [s["name"] for s in chart["series"]]
    groups = groups_of(chart)
    single = len(names) == 1
    widest = max(text_width(t) for t in (groups if single else names))
    left = min(340, 30 + widest)
    right = WIDTH - 100
    low, high, ticks = scale(all_values(chart), chart["axis"])
    values = []
    top = y
    bottom = y + len(groups) * (len(names) * 19 + (8 if single else 34)) + 6
    for value in ticks:
        x = position(value, low, high, chart["axis"], left, right)
        picture.line(x, top, x, bottom, "grid")
        picture.text(x, bottom + 16, tick(value), "small", "middle")
    for group in groups:
        if not single:
            y += 20
            picture.text(20, y, group, "group")
            y += 8
        else:
            y += 5
        for i, series in enumerate(chart["series"]):
            point = point_at(series, group)
            picture.text(left - 8, y + 12, group if single else series["name"], "", "end")
            end = left
            if point is not None and point[1] is not None:
                end = position(point[1], low, high, chart["axis"], left, right)
                faint = ' fill-opacity="0.45"' if point[4] else ""
                picture.add('<rect x="%.1f" y="%.1f" width="%.1f" height="14" fill="%s"%s/>' % (
                    left, y + 1, max(1, end - left), COLOURS[i % len(COLOURS)], faint))
                if point[2] is not None and point[3] is not None:
                    a, b = (position(v, low, high, chart["axis"], left, right)
                            for v in point[2:4])
                    picture.line(a, y + 8, b, y + 8, "range")
                    for x in (a, b):
                        picture.line(x, y + 4, x, y + 12, "range")
                    end = max(end, b)
            values.append((end + 6, y + 12, label(point, chart.get("digits", 3))))
            y += 19
        y += 3 if single else 6
    for value, text in references(chart):
        x = position(value, low, high, chart["axis"], left, right)
        picture.line(x, top, x, bottom, "reference")
        if text:
            picture.text(x, top - 4, text, "small", "middle")
    for x, y, text in values:
        picture.text(x, y, text, "value")
    picture.text((left + right) / 2, bottom + 33, chart["unit"], "", "middle")
    y = foot(picture, chart, bottom + 56)
    return picture.whole(y + 4, chart["title"])


def marker(i, x, y, colour):
    """A sign of the i-th series, so that not only colour distinguishes them."""
    if i % 3 == 0:
        return '<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>' % (x, y, colour)
    if i % 3 == 1:
        return '<rect x="%.1f" y="%.1f" width="7" height="7" fill="%s"/>' % (x - 3.5, y - 3.5, colour)
    return '<path d="M%.1f %.1fl4.5 8h-9z" fill="%s"/>' % (x, y - 5, colour)


def line_of(picture, chart, i, across, up):
    """One series: the line, the ranges and the points."""
    colour = COLOURS[i % len(COLOURS)]
    points = [p for p in chart["series"][i]["points"] if p[1] is not None]
    path = " ".join("%.1f,%.1f" % (across(p[0]), up(p[1])) for p in points)
    picture.add('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (path, colour))
    for point in points:
        x = across(point[0])
        if point[2] is not None and point[3] is not None:
            picture.add('<path d="M%.1f %.1fV%.1f" stroke="%s" stroke-width="1.2" '
                        'stroke-opacity="0.7"/>' % (x, up(point[2]), up(point[3]), colour))
        picture.add(marker(i, x, up(point[1]), colour))
        if point[4]:
            picture.text(x + 6, up(point[1]) + 4, point[4])


def lines(chart):
    """Lines over a number."""
    picture = Picture()
    y = head(picture, chart)
    picture.text(20, y + 14, chart["unit"], "small")
    low, high, ticks = scale(all_values(chart), chart["axis"])
    top, bottom = y + 26, y + 306
    left = 30 + max(text_width(tick(v), 11) for v in ticks)
    right = WIDTH - 40
    xs = sorted({p[0] for s in chart["series"] for p in s["points"]})
    x_axis = chart.get("x_axis", "linear")
    if x_axis == "log" and xs[0] <= 0:
        fail("%s: a logarithmic axis has no 0" % chart["name"])

    def across(value):
        return position(value, xs[0], xs[-1], x_axis, left + 12, right - 12)

    def up(value):
        return position(value, low, high, chart["axis"], bottom, top)

    for value in ticks:
        picture.line(left, up(value), right, up(value), "grid")
        picture.text(left - 6, up(value) + 4, tick(value), "small", "end")
    last = -1000
    for value in xs:
        if across(value) - last > text_width(tick(value), 11) + 8:
            picture.text(across(value), bottom + 17, tick(value), "small", "middle")
            last = across(value)
    for value, text in references(chart):
        picture.line(left, up(value), right, up(value), "reference")
        if text:
            picture.text(right, up(value) - 4, text, "small", "end")
    for i in range(len(chart["series"])):
        line_of(picture, chart, i, across, up)
    picture.text((left + right) / 2, bottom + 36, chart.get("x", ""), "", "middle")
    y = foot(picture, chart, bottom + 58)
    return picture.whole(y + 4, chart["title"])


def cell(point, digits, ranges):
    """A point in a table: the median, and the range if wanted."""
    if point is None or point[1] is None:
        return "-"
    text = label(point, digits)
    if ranges and None not in point[2:4] and point[4] is None:
        text += " (%s to %s)" % (number(point[2], digits), number(point[3], digits))
    return text


def table(chart):
    """The numbers in Markdown; many series become lines, few become columns."""
    digits = chart.get("digits", 3)
    rows = groups_of(chart)
    if chart["kind"] == "bars" and len(chart["series"]) > max(3, len(rows)):
        turned = [{"name": row, "points": [[s["name"]] + point_at(s, row)[1:]
                                           for s in chart["series"] if point_at(s, row)]}
                  for row in rows]
        return table(dict(chart, series=turned, x=""))
    if chart["kind"] == "lines":
        rows = sorted(rows)
    text = ["| %s | %s |" % (chart.get("x", ""), " | ".join(s["name"] for s in chart["series"])),
            "|---|" + "---|" * len(chart["series"])]
    for row in rows:
        first = tick(row) if isinstance(row, (int, float)) else row
        text.append("| %s | %s |" % (first, " | ".join(
            cell(point_at(s, row), digits, chart.get("ranges", True)) for s in chart["series"])))
    return "\n".join(text)


def block(kind, chart, folder):
    """The text between two markers."""
    parts = []
    if kind == "chart":
        parts.append("![%s](%s)" % (chart["title"], os.path.relpath(chart["file"], folder)))
    parts.append("%s; %s.%s" % (chart["title"], chart["unit"],
                                " " + chart["caption"] if chart.get("caption") else ""))
    parts.append(table(chart))
    return "\n\n".join(parts)


def fill_readme(text, charts, folder):
    """The README with the block of every chart written again."""
    for chart in charts:
        for kind in ("chart", "table"):
            start = "<!-- %s %s -->\n" % (kind, chart["name"])
            end = "<!-- end %s -->" % chart["name"]
            at = text.find(start)
            if at < 0:
                continue
            stop = text.find(end, at)
            if stop < 0:
                fail("%s has no end" % start.strip())
            text = text[:at] + start + "\n" + block(kind, chart, folder) + "\n\n" + text[stop:]
    return text


def write(path, text, check):
    """Write a file unless it has this content; True if it was written."""
    old = None
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            old = file.read()
    if old == text:
        return False
    if check:
        print("%s is not what its numbers say; run bench/chart.py" % path)
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        print(path)
    return True


def main(arguments):
    """See the head of this file."""
    check = False
    readme = os.path.join(HERE, "README.md")
    files = []
    while arguments:
        argument = arguments.pop(0)
        if argument == "--check":
            check = True
        elif argument == "--readme" and arguments:
            readme = arguments.pop(0)
        elif argument in ("-h", "--help"):
            print(__doc__)
            return 0
        elif argument.startswith("-"):
            fail("there is no option %s; see --help" % argument)
        else:
            files.append(argument)
    if not files:
        results = os.path.join(HERE, "results")
        files = sorted(os.path.join(results, f) for f in os.listdir(results)
                       if f.endswith(".json"))
    charts = [chart for path in files for chart in read_charts(path)]
    changed = False
    for chart in [c for c in charts if c.get("picture", True)]:
        draw = lines if chart["kind"] == "lines" else bars
        changed = write(chart["file"], draw(chart), check) or changed
    if os.path.exists(readme):
        with open(readme, encoding="utf-8") as file:
            text = file.read()
        folder = os.path.dirname(os.path.abspath(readme))
        for chart in charts:
            chart["file"] = os.path.abspath(chart["file"])
        changed = write(readme, fill_readme(text, charts, folder), check) or changed
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

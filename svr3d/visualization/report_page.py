# SPDX-License-Identifier: Apache-2.0
"""Building blocks of a static HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
import html
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path

_STYLE = """
:root { --paper: #f7f7f5; --card: #ffffff; --ink: #23272e; --faint: #69717c;
  --line: #e3e4e1; --accent: #3b6fb6; --good: #e5f1e8; --code: #f0f1ee; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --card: #1f2228;
  --ink: #e4e6ea; --faint: #9aa2ad; --line: #32363e; --accent: #7fadea;
  --good: #22382a; --code: #282c33; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 80px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -.01em; }
h2 { font-size: 19px; margin: 0 0 4px; }
.lead, .note, figcaption { color: var(--faint); }
.note { margin: 0 0 14px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 22px 24px; margin-top: 22px; overflow-x: auto; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
  gap: 14px; margin-top: 26px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 14px 18px; }
.card b { display: block; font-size: 25px; font-weight: 600; line-height: 1.25; }
.card span { color: var(--faint); font-size: 13px; }
.card.main b { color: var(--accent); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 5px 12px 5px 0; text-align: right; border-bottom: 1px solid
  var(--line); white-space: nowrap; }
th { color: var(--faint); font-weight: 500; font-size: 13px; white-space: normal;
  vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
td.text { text-align: left; white-space: normal; }
tr.total td { font-weight: 600; border-top: 2px solid var(--line); border-bottom: 0; }
td.best { background: var(--good); }
figure { margin: 14px 0 0; }
figure img, figure svg { max-width: 100%; height: auto; border-radius: 6px; }
.picture img { background: #ffffff; }
.row { display: flex; flex-wrap: wrap; gap: 18px; }
.row figure { flex: 1 1 320px; min-width: 0; }
pre { background: var(--code); border-radius: 6px; padding: 12px 14px; margin: 10px 0 0;
  font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  overflow-x: auto; }
details { margin-top: 12px; } summary { cursor: pointer; color: var(--accent); }
a { color: var(--accent); }
@media print { section, .card { break-inside: avoid; } }
"""


def page(title: str, lead: str, body: Sequence[str]) -> str:
    """Return a whole page.

    Args:
        title: Of the page, plain text.
        lead: Line under the title, plain text.
        body: Blocks of HTML.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<main>\n<h1>{escape(title)}</h1>\n<p class="lead">{escape(lead)}</p>\n'
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def escape(text: object) -> str:
    """Return text with HTML's own characters escaped."""
    return html.escape(str(text))


def section(title: str, *blocks: str, note: str = "") -> str:
    """Return a titled box; empty where no block has content."""
    content = "\n".join(block for block in blocks if block)
    if not content:
        return ""
    remark = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<section>\n<h2>{escape(title)}</h2>\n{remark}\n{content}\n</section>"


def cards(entries: Sequence[tuple[str, str]]) -> str:
    """Return a row of figures, each (value, what it is); the first stands out."""
    boxes = [
        f'<div class="card{" main" if index == 0 else ""}"><b>{escape(value)}</b>'
        f"<span>{escape(label)}</span></div>"
        for index, (value, label) in enumerate(entries)
    ]
    return f'<div class="cards">{"".join(boxes)}</div>' if boxes else ""


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    total_rows: int = 0,
    best_columns: Sequence[int] = (),
) -> str:
    """Return a table of numbers, the first column text.

    Args:
        header: Titles of the columns.
        rows: Cells; floats get four decimals, None a dash.
        total_rows: How many rows at the end are totals.
        best_columns: In each row the largest of these columns is marked.
    """
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in header) + "</tr>"]
    for index, row in enumerate(rows):
        values = {
            column: row[column]
            for column in best_columns
            if column < len(row) and isinstance(row[column], float)
        }
        top = max(values.values(), default=None)
        cells = []
        for column, cell in enumerate(row):
            mark = ' class="best"' if values.get(column, object()) == top else ""
            cells.append(f"<td{mark}>{escape(_cell(cell))}</td>")
        kind = ' class="total"' if index >= len(rows) - total_rows else ""
        lines.append(f"<tr{kind}>{''.join(cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _cell(value: object) -> str:
    if value is None:
        return "\u2013"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def facts(entries: Mapping[str, object]) -> str:
    """Return a table of names and their values."""
    lines = [
        f'<tr><td>{escape(name)}</td><td class="text">{escape(value)}</td></tr>'
        for name, value in entries.items()
    ]
    return f"<table>{''.join(lines)}</table>" if lines else ""


def figure(path: Path, caption: str = "") -> str:
    """Return a picture with the file's content inside the page.

    Args:
        path: An image; an ``.svg`` is written into the page as it is.
        caption: Under the picture, plain text.
    """
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    if path.suffix == ".svg":
        drawing = path.read_text(encoding="utf-8")
        return f"<figure>{drawing[drawing.index('<svg') :]}{words}</figure>"
    kind = mimetypes.guess_type(path.name)[0] or "image/png"
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    source = (
        f'<img alt="{escape(caption or path.stem)}" src="data:{kind};base64,{data}">'
    )
    return f'<figure class="picture">{source}{words}</figure>'


def row(*blocks: str) -> str:
    """Return blocks side by side where the window is wide enough."""
    content = "".join(block for block in blocks if block)
    return f'<div class="row">{content}</div>' if content else ""


def code(text: str) -> str:
    """Return text in a fixed-width box."""
    return f"<pre>{escape(text)}</pre>" if text else ""


def folded(title: str, content: str) -> str:
    """Return content that opens on a click."""
    if not content:
        return ""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"

"""Keeps the README's generated parts current: `python -m ops.readme`.

The settings are those of `streams/settings.py`, the performance is what `make bench` last recorded.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic_core import PydanticUndefined

from ops.bench import report
from streams.settings import Settings

README: Final = Path(__file__).resolve().parents[1] / "README.md"


def table() -> str:
    """The settings as a Markdown table."""
    rows = ["| setting | default | what it is |", "|---|---|---|"]
    for name, each in Settings.model_fields.items():
        if each.default is not PydanticUndefined:
            shown = "none" if each.default is None else f"`{each.default}`"
        elif name.endswith("_dir"):
            # The default is computed from the user's home, which is nobody else's.
            place = {"cache_dir": "~/.cache", "state_dir": "~/.local/state"}[name]
            shown = f"`{place}/babelwire`"
        else:
            shown = "none"
        rows.append(f"| `{name}` | {shown} | {each.description} |")
    return "\n".join(rows) + "\n"


def performance() -> str:
    """What the bench recorded, as Markdown tables, with the machine and the workload."""
    result: dict[str, Any] = orjson.loads(report.RESULTS.read_bytes())
    machine, workload = result["machine"], result["workload"]
    shares = ", ".join(f"{code} {share:.0%}" for code, share in workload["languages"].items())
    head = (
        f"{machine['cores']} cores of an {machine['processor']}, {machine['memory_gib']} GiB,"
        f" Python {machine['python']}, {report.loads(result)}; broker, workers and the"
        f" bench itself on the same cores. Languages {shares}; lengths {workload['lengths']};"
        f" {workload['sentences']}.\n"
    )
    return "\n".join([head, *(sheet.markdown() for sheet in report.sheets(result))])


PARTS: Final[Mapping[str, Callable[[], str]]] = {"settings": table, "performance": performance}


def current(text: str) -> str:
    """The README's text with the generated parts as they should be."""
    for name, made in PARTS.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{made()}{end}{after}"
    return text


def main() -> int:
    """Rewrites the README when a part of it is not current."""
    text = README.read_text(encoding="utf-8")
    if current(text) != text:
        README.write_text(current(text), encoding="utf-8")
        sys.stderr.write("README.md: generated parts rewritten\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

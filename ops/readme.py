"""Keeps the README's settings table equal to `streams/settings.py`: `python -m ops.readme`."""

import sys
from pathlib import Path
from typing import Final

from pydantic_core import PydanticUndefined

from streams.settings import Settings

README: Final = Path(__file__).resolve().parents[1] / "README.md"
BEGIN: Final = "<!-- settings -->\n"
END: Final = "<!-- end of settings -->"


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


def current(text: str) -> str:
    """The README's text with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def main() -> int:
    """Rewrites the README when its table is not current."""
    text = README.read_text(encoding="utf-8")
    if current(text) != text:
        README.write_text(current(text), encoding="utf-8")
        sys.stderr.write("README.md: settings table rewritten\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Makes `agents/tagging/data/brands.tsv`: `python -m ops.train.brands --data ../shared/data`.

From the table of brands (name-suggestion-index, BSD-3-Clause) it keeps organisations that a news
article may name and whose name is nobody else's: no word of five languages, no place, no person's
name, no second organisation. They give ids and Wikidata numbers to organisations that a model
found.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import simplemma

from agents.tagging.names import COLUMNS
from agents.tagging.spans import WORD, fold, slug
from ops.train.augment import Names

KINDS = (
    "office/",
    "amenity/bank",
    "amenity/fuel",
    "amenity/university",
    "amenity/charging_station",
    "telecom/",
    "man_made/works",
    "power/plant",
    "shop/car",
    "shop/clothes",
    "shop/electronics",
    "shop/mobile_phone",
    "shop/supermarket",
    "shop/cosmetics",
    "shop/department_store",
    "tourism/hotel",
    "amenity/cinema",
)
LAST_LATIN = "\u024f"
LANGUAGES = ("it", "fr", "es", "pt", "en")
OUT = Path(__file__).parents[2] / "agents" / "tagging" / "data" / "brands.tsv"
PUBLIC = ("stadt", "ville", "city", "gmina", "comune", "commune", "county", "miasto", "landkreis")


def kept(lines: list[str], names: Names) -> list[tuple[str, str]]:
    """Wikidata number and name of what stays, by name."""
    rows = [cells for line in lines if len(cells := line.split("\t")) > 3 and all(cells[:2])]
    owners: Counter[str] = Counter()
    for name in {(fold(cells[1]), cells[0]) for cells in rows}:
        owners[name[0]] += 1
    taken = {fold(name) for name in (*names.first, *names.surnames, *names.places)}
    return sorted(
        (cells[1], cells[0])
        for cells in rows
        if any(kind in cells[3] for kind in KINDS)
        and owners[fold(cells[1])] == 1
        and fold(cells[1]) not in taken
        and _distinctive(cells[1])
    )


def _distinctive(name: str) -> bool:
    words = WORD.findall(name)
    if not name[0].isupper() or len(name) < 4 or max(name) > LAST_LATIN:
        return False
    if any(fold(word) in PUBLIC for word in words):
        return False
    return len(words) > 1 or not any(
        simplemma.is_known(name.lower(), lang=language) for language in LANGUAGES
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    source = given.data / "names" / "brands.tsv"
    lines = source.read_text(encoding="utf-8").splitlines()[1:]
    rows = ["\t".join(COLUMNS)]
    for name, wikidata in kept(lines, Names.gathered(source)):
        rows.append(f"org:{slug(name)}\t{name}\tORG\t{wikidata}")
    given.out.write_text("\n".join(rows) + "\n", encoding="utf-8")
    sys.stdout.write(f"{given.out}: {len(rows) - 1} names\n")


if __name__ == "__main__":
    main()

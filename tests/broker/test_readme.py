"""The README's programs do what it says, run as they stand there against the real pipeline."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.readme import README
from tests.broker.harness import Desk


def block(language: str) -> str:
    found = re.search(
        rf"<!-- {language}:[^>]*-->\n```{language}\n(.*?)```", README.read_text(), re.S
    )
    assert found, f"the README has no {language} program"
    return found[1]


def test_the_python_program_pushes_an_article_and_reads_its_event(
    pipeline: Desk, tmp_path: Path
) -> None:
    servers, prefix = pipeline.settings.bootstrap_servers, pipeline.settings.topic_prefix
    program = tmp_path / "program.py"
    text = block("python")
    assert '"127.0.0.1:9092", "babelwire"' in text
    program.write_text(text.replace('"127.0.0.1:9092", "babelwire"', f'"{servers}", "{prefix}"'))
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Turin" in done.stdout
    assert "org:netflix" in done.stdout


@pytest.mark.skipif(shutil.which("javac") is None, reason="needs a JDK; here is only a JRE or none")
def test_the_java_program_pushes_an_article_and_reads_its_event(
    pipeline: Desk, jars: Path, tmp_path: Path
) -> None:
    program = tmp_path / "Babelwire.java"
    program.write_text(block("java"))
    servers, prefix = pipeline.settings.bootstrap_servers, pipeline.settings.topic_prefix
    done = subprocess.run(
        ["java", "-cp", f"{jars}/*", str(program), servers, prefix],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    assert '"language":{"code":"es"' in done.stdout

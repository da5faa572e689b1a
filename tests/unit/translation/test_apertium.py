"""Pipelines of small programs; most tests use programs that every Debian has."""

import os
import sys
import time
from pathlib import Path

import pytest

from agents.translation import apertium, stream
from agents.translation.apertium import ApertiumError, Pipeline, Running, commands

ECHO = [["cat"]]


def test_a_mode_file_becomes_commands_that_flush_on_nul() -> None:
    mode = "lt-proc -w '/a b/x.bin' | apertium-tagger -g $2 '/t.prob' | lt-proc $1 '/g.bin'\n"
    assert commands(mode) == [
        ["lt-proc", "-z", "-w", "/a b/x.bin"],
        ["apertium-tagger", "-z", "-g", "/t.prob"],
        ["lt-proc", "-z", "-g", "/g.bin"],
    ]


def test_programs_stay_open_from_request_to_request() -> None:
    running = Running(ECHO)
    assert running.request("one") == "one"
    first = running._programs[0].pid
    assert running.request("two") == "two"
    assert running._programs[0].pid == first
    running.close()


def test_programs_that_were_killed_are_started_again() -> None:
    running = Running([["cat"], ["cat"]])
    running.request("one")
    running._programs[1].kill()
    running._programs[1].wait()
    assert running.request("two") == "two"
    running.close()


def test_programs_end_when_their_owner_lets_go_of_them() -> None:
    running = Running(ECHO)
    running.request("one")
    pid = running._programs[0].pid
    del running
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
    pytest.fail("the program is still there")


def test_a_program_that_is_not_there_is_an_error_that_names_it() -> None:
    with pytest.raises(ApertiumError, match="no-such-program"):
        Running([["no-such-program"]]).request("one")


def test_a_line_that_breaks_the_pipeline_does_not_take_its_neighbours_along() -> None:
    script = (
        "import sys\n"
        "def read():\n"
        "    return b''.join(iter(lambda: sys.stdin.buffer.read(1).replace(b'\\0', b''), b''))\n"
        "for request in iter(read, b''):\n"
        "    if b'poison' in request: sys.exit(1)\n"
        "    sys.stdout.buffer.write(request + b'\\0')\n"
        "    sys.stdout.flush()\n"
    )
    poisoned = Pipeline([[sys.executable, "-c", script]])
    lines = ["good", "poison", "better"]
    assert [stream.clean(line) for line in poisoned.lines(lines)] == ["good", "", "better"]
    poisoned.close()


def test_a_program_that_dies_under_a_request_costs_nothing(tmp_path: Path) -> None:
    once = tmp_path / "died"
    script = (
        "import pathlib, sys\n"
        "once = pathlib.Path(sys.argv[1])\n"
        "def read():\n"
        "    return b''.join(iter(lambda: sys.stdin.buffer.read(1).replace(b'\\0', b''), b''))\n"
        "for request in iter(read, b''):\n"
        "    if not once.exists():\n"
        "        once.touch()\n"
        "        sys.exit(9)\n"
        "    sys.stdout.buffer.write(request + b'\\0')\n"
        "    sys.stdout.flush()\n"
    )
    mortal = Pipeline([[sys.executable, "-c", script, str(once)]])
    assert [stream.clean(line) for line in mortal.lines(["only"])] == ["only"]
    assert once.exists()
    mortal.close()


def test_routes_that_share_a_hop_share_its_programs() -> None:
    told = "import os, sys\nfor _ in iter(lambda: sys.stdin.buffer.read(1), b''):\n"
    told += "    if _ == b'\\0':\n        print(os.getpid(), end='\\0', flush=True)\n"
    command = [[sys.executable, "-c", told]]
    first, second, other = Running.of(command), Running.of(command), Running.of([*command, ["cat"]])
    assert first.request("who?") == second.request("who?")
    assert first is not other
    first.close()
    # Whoever still wants them has them started again.
    assert second.request("who?").isdigit()
    second.close()


def test_a_program_that_never_forgets_a_word_is_renewed_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "cg-proc"
    program.write_text("#!/bin/sh\nexec cat\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(apertium, "REQUESTS_OF_ONE", 2)
    running = Running([["cg-proc"]])
    pids = []
    for word in ("one", "two", "three"):
        assert running.request(word) == word
        pids.append(running._programs[0].pid)
    assert pids[0] == pids[1] != pids[2]
    running.close()


def test_programs_that_are_started_anew_run_apart_from_those_that_run_on() -> None:
    programs = ["lt-proc", "cg-proc", "lt-proc", "lt-proc", "apertium-tagger", "lt-proc"]
    groups = apertium._grouped([[program] for program in programs])
    assert [len(group) for group in groups] == [1, 1, 2, 1, 1]

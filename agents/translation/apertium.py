"""Apertium modes as long-lived pipes.

A mode is a pipeline of small programs. With `-z` each of them flushes on a NUL byte, so one
pipeline answers request after request: a process start per call would cost more than translating.
"""

import contextlib
import hashlib
import itertools
import os
import select
import shlex
import shutil
import subprocess
import threading
import weakref
from pathlib import Path
from typing import IO

from agents.translation import stream

MODES = Path("/usr/share/apertium/modes")

# A request must fit into a pipe (64 KiB on Linux): then writing it can never wait for reading.
REQUEST_BYTES = 16_000
ANSWER_SECONDS = 60.0

_REMEMBERS = "apertium-tagger"
# It keeps every word that it ever met: a megabyte in some hundred articles, for ever.
_GROWS = "cg-proc"
REQUESTS_OF_ONE = 500


class ApertiumError(RuntimeError):
    """A pipeline that could not be started, died, or gave no answer in time."""


def mode_path(mode: str) -> Path:
    """Where Debian's packages put the mode, whether or not it is there."""
    return MODES / f"{mode}.mode"


def commands(mode_text: str, analyser_only: bool = False) -> list[list[str]]:
    """The programs of a mode file's pipeline as argument lists, each made to flush on NUL.

    `$1` in the file is the generator's option: `-g` marks every word that is unknown with `*`.
    `$2` is the tagger's, and empty. `analyser_only` keeps the first program.
    """
    stages = []
    for part in mode_text.strip().split("|"):
        words = shlex.split(part)
        arguments = ["-g" if word == "$1" else word for word in words[1:] if word != "$2"]
        stages.append([words[0], "-z", *arguments])
    return stages[:1] if analyser_only else stages


def fingerprint(mode: str, mode_text: str) -> str:
    """The mode and the start of the SHA-256 over the files that its pipeline reads."""
    digest = hashlib.sha256()
    for stage in commands(mode_text):
        for word in stage:
            if word.startswith("/") and Path(word).is_file():
                digest.update(Path(word).read_bytes())
    return f"{mode}:{digest.hexdigest()[:8]}"


def missing_programs(stages: list[list[str]]) -> list[str]:
    """The programs of a pipeline that are not on PATH."""
    return sorted({stage[0] for stage in stages if shutil.which(stage[0]) is None})


class Pipeline:
    """A mode's pipeline: lines in, as many lines out, the same for the same lines.

    The tagger is the one program that remembers what it has read: with the same line it may decide
    otherwise tomorrow. It starts in some 8 ms, so each request gets a tagger of its own; the
    programs before and after it run on.
    """

    def __init__(self, stages: list[list[str]]) -> None:
        self._segments = [
            OneShot(group[0]) if group[0][0] == _REMEMBERS else Running.of(group)
            for group in _grouped(stages)
        ]

    def lines(self, streams: list[str]) -> list[str]:
        """Sends escaped lines through; gives back as many, still escaped.

        A line of which nothing can be had comes back as an empty string.
        """
        answers: list[str] = []
        batch: list[str] = []
        size = 0
        for line in streams:
            length = len(line.encode()) + len(stream.RESET) + len(stream.SEPARATOR)
            if batch and size + length > REQUEST_BYTES:
                answers += self._batch(batch)
                batch, size = [], 0
            batch.append(line)
            size += length
        return answers + (self._batch(batch) if batch else [])

    def close(self) -> None:
        """Ends the programs and waits for them."""
        for segment in self._segments:
            segment.close()

    def _batch(self, batch: list[str]) -> list[str]:
        # A program that was killed under a request is started again for the second attempt.
        for _ in range(2):
            with contextlib.suppress(ApertiumError):
                text = stream.join(batch)
                for segment in self._segments:
                    text = segment.request(text)
                answers = stream.split(text)
                if len(answers) == len(batch):
                    return answers
                # A pipeline that gives another number of lines may still hold some back.
                self.close()
        if len(batch) == 1:
            return [""]
        # One line of a batch broke it; the others must not suffer.
        return [answer for line in batch for answer in self._batch([line])]


class OneShot:
    """A program that is started for each request."""

    def __init__(self, stage: list[str]) -> None:
        self._stage = stage

    def request(self, text: str) -> str:
        """What the program makes of the text. Raises ApertiumError."""
        try:
            done = subprocess.run(
                self._stage,
                input=text.encode() + b"\0",
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=ANSWER_SECONDS,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as fault:
            raise ApertiumError(str(fault)) from fault
        # At the end of its input it flushes once more.
        return done.stdout.decode("utf-8", "replace").rstrip("\0")

    def close(self) -> None:
        """Nothing runs between requests."""


class Running:
    """Programs joined by pipes; started at the first request, and again after one died.

    Routes that share a hop share its programs, which hold some 100 MB of dictionaries: see `of`.

    They end by themselves when this process closes their standard input or ends in any way at
    all, because the kernel then closes it. Safe to share between threads; after a fork the child
    starts programs of its own.
    """

    def __init__(self, stages: list[list[str]]) -> None:
        self._stages = stages
        self._lock = threading.Lock()
        self._programs: list[subprocess.Popen[bytes]] = []
        self._most = REQUESTS_OF_ONE if stages[0][0] == _GROWS else None
        self._answered = 0
        self._owner = 0
        self._finalizer: weakref.finalize[[list[subprocess.Popen[bytes]]], Running] | None = None

    @classmethod
    def of(cls, stages: list[list[str]]) -> "Running":
        """Those programs of this process, which are as good for one user as for the next."""
        key = tuple(map(tuple, stages))
        running = _running.get(key)
        if running is None:
            running = _running[key] = cls(stages)
        return running

    def request(self, text: str) -> str:
        """What the programs make of the text. Raises ApertiumError."""
        with self._lock:
            try:
                worn = self._most is not None and self._answered >= self._most
                if worn or self._owner != os.getpid() or not self._alive():
                    self._start()
                self._answered += 1
                return self._exchange(text.encode())
            except (OSError, ApertiumError) as fault:
                self._stop()
                raise ApertiumError(str(fault)) from fault

    def close(self) -> None:
        """Ends the programs and waits for them."""
        with self._lock:
            self._stop()

    def _exchange(self, request: bytes) -> str:
        source, sink = _ends(self._programs)
        source.write(request + b"\0")
        source.flush()
        answer = bytearray()
        while not answer.endswith(b"\0"):
            if not select.select([sink], [], [], ANSWER_SECONDS)[0]:
                raise ApertiumError(f"no answer within {ANSWER_SECONDS:.0f} s")
            data = os.read(sink.fileno(), 65_536)
            if not data:
                raise ApertiumError("a program of the pipeline ended")
            answer += data
        return bytes(answer[:-1]).decode("utf-8", "replace")

    def _alive(self) -> bool:
        return bool(self._programs) and all(program.poll() is None for program in self._programs)

    def _start(self) -> None:
        self._stop()
        programs: list[subprocess.Popen[bytes]] = []
        source: int | IO[bytes] = subprocess.PIPE
        try:
            for stage in self._stages:
                program = subprocess.Popen(
                    stage, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
                if programs and not isinstance(source, int):
                    source.close()
                programs.append(program)
                assert program.stdout is not None
                source = program.stdout
        except OSError:
            _end(programs)
            raise
        self._programs = programs
        self._answered = 0
        self._owner = os.getpid()
        self._finalizer = weakref.finalize(self, _end, programs)

    def _stop(self) -> None:
        if self._finalizer is not None:
            if self._owner == os.getpid():
                self._finalizer()
            else:
                self._finalizer.detach()
        self._finalizer = None
        self._programs = []


_running: "weakref.WeakValueDictionary[tuple[tuple[str, ...], ...], Running]" = (
    weakref.WeakValueDictionary()
)


def _ends(programs: list[subprocess.Popen[bytes]]) -> tuple[IO[bytes], IO[bytes]]:
    source, sink = programs[0].stdin, programs[-1].stdout
    assert source is not None
    assert sink is not None
    return source, sink


def _end(programs: list[subprocess.Popen[bytes]]) -> None:
    for program in programs:
        with contextlib.suppress(OSError):
            if program.stdin is not None:
                program.stdin.close()
    for program in programs:
        try:
            program.wait(timeout=1)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        if program.stdout is not None:
            program.stdout.close()


def _grouped(stages: list[list[str]]) -> list[list[list[str]]]:
    """Programs that can be joined; one that is started anew while others run on is alone."""
    alone = (_REMEMBERS, _GROWS)
    groups = itertools.groupby(stages, lambda stage: stage[0] if stage[0] in alone else "")
    return [list(group) for _, group in groups]

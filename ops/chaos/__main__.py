"""`python -m ops.chaos`: proves, or disproves, that nothing is lost, doubled or out of order.

A run starts brokers and workers of its own on loopback, writes records in transactions (some of
them aborted), lets a schedule of faults loose on all of it, and reads back what came of every
record. The last line of the output is a JSON summary. Exits 1 when a promise broke, 2 on wrong
usage. `python -m ops.chaos throughput` compares speeds instead; see README.md here.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson
from rich.console import Console

from ops.chaos import experiment, report, schedule, targets, throughput
from ops.chaos.experiment import BABELWIRE, Options, RunFailed
from streams.embedded import EmbeddedKafkaError

err: Final = Console(stderr=True, highlight=False)


def main(arguments: Sequence[str]) -> int:
    """Runs what the arguments say; returns the exit code."""
    if arguments and arguments[0] == "throughput":
        return _throughput(arguments[1:])
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        faults = schedule.parse(chosen.faults)
    except schedule.UnknownFault as fault:
        parser.error(str(fault))
    if chosen.pipeline and chosen.target != BABELWIRE:
        parser.error("--pipeline is babelwire's; a plain target has only the synthetic step")
    options = Options(
        messages=chosen.messages,
        workers=chosen.workers,
        faults=tuple(faults),
        seed=chosen.seed,
        brokers=chosen.brokers,
        pipeline=chosen.pipeline,
        target=chosen.target,
        step_ms=chosen.step_ms,
        transactions=not chosen.plain_source,
    )
    machine = experiment.machine()
    folder: Path = chosen.report
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    # Our own clients complain of every broker that we stop; that belongs beside the workers' logs.
    logging.basicConfig(filename=logs / "harness.log", filemode="w", level=logging.WARNING)
    try:
        seen = experiment.interruptible(experiment.run(options, _say, logs))
    except (RunFailed, EmbeddedKafkaError) as fault:
        err.print(f"the run could not be made: {fault}", style="red", markup=False)
        return 1
    except asyncio.CancelledError:
        err.print("stopped before the end; nothing is left running", markup=False)
        return 130
    told = report.as_json(seen, machine)
    (folder / "report.json").write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    (folder / "report.html").write_text(report.page(told), encoding="utf-8")
    _say(f"report: {folder / 'report.html'}")
    print(orjson.dumps(told["summary"]).decode(), flush=True)  # noqa: T201
    return 0 if report.kept(seen) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ops.chaos",
        description="Proves under faults that nothing is lost, doubled or out of order.",
        epilog="faults: "
        + "; ".join(f"{kind.name}: {kind.what}" for kind in schedule.KINDS)
        + ". `throughput` as first argument compares speeds instead.",
    )
    parser.add_argument("--messages", type=_positive, default=20_000, help="records to accept")
    parser.add_argument("--workers", type=_positive, default=3, help="workers of each stage")
    parser.add_argument("--faults", default="all", help="all, none, or a list with commas")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule and the load")
    parser.add_argument("--brokers", type=_positive, default=1, help="3 is a cluster")
    parser.add_argument("--pipeline", action="store_true", help="the real three stages, chained")
    parser.add_argument("--target", choices=(BABELWIRE, *targets.NAMES), default=BABELWIRE)
    parser.add_argument(
        "--step-ms", type=_duration, default=0.0, help="length of the synthetic work"
    )
    parser.add_argument(
        "--plain-source", action="store_true", help="source records without transactions"
    )
    parser.add_argument(
        "--report", type=Path, default=Path("chaos-report"), help="folder for the report"
    )
    return parser


def _throughput(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ops.chaos throughput",
        description="Records a second of one worker with an empty step, side by side.",
    )
    parser.add_argument("--messages", type=_positive, default=20_000, help="measured, per variant")
    parser.add_argument("--rounds", type=_positive, default=1, help="times each variant runs")
    chosen = parser.parse_args(arguments)
    # A client that meets a topic before its leader is there says so, and tries again.
    logging.basicConfig(handlers=[logging.NullHandler()])
    try:
        figures = experiment.interruptible(throughput.measure(chosen.messages, chosen.rounds, _say))
    except (RunFailed, EmbeddedKafkaError) as fault:
        err.print(f"the comparison could not be made: {fault}", style="red", markup=False)
        return 1
    except asyncio.CancelledError:
        err.print("stopped before the end; nothing is left running", markup=False)
        return 130
    print(orjson.dumps(figures | {"machine": experiment.machine()}).decode(), flush=True)  # noqa: T201
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _duration(text: str) -> float:
    number = float(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def _say(words: str) -> None:
    err.print(words, markup=False, soft_wrap=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

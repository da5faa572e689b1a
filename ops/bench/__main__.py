"""`python -m ops.bench`: what babelwire costs, beside the bare engines and beside others.

Everything runs on this machine, on loopback, in a bounded time, and is gone afterwards. The last
line of stdout is a JSON object; `pipeline_over_bare` in it is the share of the bare engines'
throughput that the whole pipeline reaches on the same cores in the same run.
"""

import argparse
import asyncio
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

# Before numpy is loaded: an engine of one core must not take the others.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import orjson
from rich.console import Console
from rich.table import Table

from ops.bench import phases, report
from ops.bench.others import NotInstalled
from ops.bench.phases import Plan
from ops.bench.report import RESULTS
from ops.bench.workload import MIX, MIXED, Workload
from ops.chaos import experiment
from ops.chaos.experiment import RunFailed
from streams.embedded import EmbeddedKafkaError

NAMES: Final = ("bare", "stages", "pipeline", "empty_step", "trickle", "scaling", "memory")
QUICK: Final = Plan(seconds=15, articles=24, soak=300, records=15_000)

err: Final = Console(stderr=True, highlight=False)
out: Final = Console(highlight=False)


def main(arguments: Sequence[str]) -> int:
    """Measures what the arguments say; returns the exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    only = chosen.only.split(",") if chosen.only else list(NAMES)
    if unknown := set(only) - set(NAMES):
        parser.error(f"nothing is called {', '.join(sorted(unknown))}; there is {', '.join(NAMES)}")
    plan = QUICK if chosen.quick else Plan()
    given = {
        name: getattr(chosen, name)
        for name in ("seconds", "articles", "soak", "records")
        if getattr(chosen, name) is not None
    }
    plan = replace(plan, cores=len(os.sched_getaffinity(0)), **given)
    machine = experiment.machine() | {"cores": plan.cores}
    recorded: dict[str, Any] = {}
    if chosen.record and chosen.only and RESULTS.is_file():
        recorded = orjson.loads(RESULTS.read_bytes())
        if not report.same_machine(recorded["machine"], machine):
            parser.error(
                f"{RESULTS.name} is of another machine ({recorded['machine']}); record all of it,"
                " without --only"
            )
    # Its warnings of topics that are a second old are no news to who reads the figures.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    began = time.monotonic()
    try:
        result = experiment.interruptible(
            _measured(only, plan, partial(Workload, chosen.data), machine)
        )
    except EmbeddedKafkaError as fault:
        err.print(f"there is no broker to measure with: {fault}", style="red", markup=False)
        return 1
    except asyncio.CancelledError:
        err.print("stopped before the end; nothing is left running", markup=False)
        return 130
    result["seconds"] = round(time.monotonic() - began)
    if chosen.record:
        result = report.summed_up(recorded | result)
        RESULTS.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    show(result)
    print(orjson.dumps(result).decode(), flush=True)  # noqa: T201
    return 1 if result["failed"] else 0


async def _measured(
    only: Sequence[str], plan: Plan, workload: Callable[[], Workload], machine: dict[str, Any]
) -> dict[str, Any]:
    load = machine.pop("load")
    result: dict[str, Any] = {
        "machine": machine,
        "workload": {
            "sentences": workload().origin,
            "lengths": str(MIXED),
            "languages": dict(MIX),
        },
        "failed": {},
    }
    # Each measurement begins with the same articles.
    measurements: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
        "bare": lambda: asyncio.to_thread(phases.bare, workload(), plan, _say),
        "stages": lambda: asyncio.to_thread(phases.stages, workload(), plan, _say),
        "pipeline": lambda: phases.pipeline(workload(), plan, _say),
        "empty_step": lambda: phases.empty_step(plan, _say),
        "trickle": lambda: phases.trickle(plan, _say),
        "scaling": lambda: phases.scaling(plan, _say),
        "memory": lambda: phases.memory(workload(), plan, _say),
    }
    for name in only:
        try:
            # With each part, since parts of different runs are put together.
            result[name] = {"load_at_start": load} | await measurements[name]()
        except (RunFailed, NotInstalled) as fault:
            # The others have taken minutes, or will be worth them.
            err.print(f"{name} could not be measured: {fault}", style="red", markup=False)
            result["failed"][name] = str(fault)
    # Numbers as keys are text in JSON, and a reader of the file sees the same as one of this run.
    told = orjson.loads(orjson.dumps(result, option=orjson.OPT_NON_STR_KEYS))
    return report.summed_up(told)


def show(result: dict[str, Any]) -> None:
    """Prints the tables."""
    machine = result["machine"]
    out.print(
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB,"
        f" Python {machine['python']}; {report.loads(result)}"
    )
    out.print(f"{result['workload']['sentences']}; {result['workload']['lengths']}")
    for sheet in report.sheets(result):
        table = Table(*sheet.head, title=sheet.title, title_justify="left")
        for row in sheet.rows:
            table.add_row(*row)
        out.print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ops.bench", description=__doc__)
    parser.add_argument("--only", help=f"measure only these: a list of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="a few minutes, rough figures")
    parser.add_argument("--seconds", type=_positive, help="of each stretch under load")
    parser.add_argument("--articles", type=_whole, help="for the engines without Kafka")
    parser.add_argument("--soak", type=_whole, help="short articles for the memory")
    parser.add_argument("--records", type=_whole, help="for each empty step")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="corpora")
    parser.add_argument(
        "--record",
        action="store_true",
        help=f"keep the result in {RESULTS.name}; with --only, these parts of it",
    )
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def _whole(text: str) -> int:
    value = int(text)
    if value < 20:
        raise argparse.ArgumentTypeError("must be at least 20")
    return value


def _say(words: str) -> None:
    err.print(f"▸ {words}", markup=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

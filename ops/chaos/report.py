"""From what a run left behind to its summary, its JSON and its page; pure functions."""

import html
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from ops.chaos import checker
from ops.chaos.checker import BEFORE_ANY_FAULT, Stall
from ops.chaos.experiment import (
    MEMORY_FROM_RECORD,
    MEMORY_WINDOW_SECONDS,
    SHOWN_STALL_SECONDS,
    Observed,
)
from ops.chaos.schedule import BY_NAME

_BROKEN: Final = {
    "lost": "lost",
    "doubled": "doubled",
    "reordered": "out of order",
    "lag": "behind at the end",
    "aborted_seen": "of aborted transactions came out",
    "misjudged": "ended other than they should",
    "waiting": "never processed",
    "strangers": "came from nowhere",
}
STEP_SECONDS: Final = 1.0
MOST_NAMED: Final = 50
MOST_STALLS: Final = 200


def summary(seen: Observed) -> dict[str, Any]:
    """The figures of a run, as the last line of the output has them.

    `max_stall_s` is the longest time that one source partition (or, of a pipeline, the whole) had
    work and gave nothing; `rss_mb` is the memory of one worker with its language processes.
    """
    verdict = seen.verdict
    memory = _memory(seen)
    grown = _growth(seen)
    blamed = _blamed(seen)
    longest = [stall.seconds for found in blamed.values() for stall in found]
    return {
        "messages": len(seen.accepted),
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "reordered": len(verdict.reordered),
        "lag": seen.lag,
        "max_stall_s": round(max(longest, default=0.0), 2),
        "rss_mb": round(memory[-1][1]) if memory else 0,
        "faults": _by_fault(seen, blamed),
        "rss_growth": None if grown is None else round(grown[1] / grown[0] - 1, 3),
        "aborted_seen": len(verdict.leaked),
        "misjudged": len(verdict.misjudged),
        "waiting": len(verdict.waiting),
        "strangers": len(verdict.strangers),
        "vanished_at_broker": len(seen.vanished),
        "aborted": len(seen.aborted),
        "dead_letters": sum(outcome.became != "output" for outcome in seen.outcomes),
        "records_per_s": round(len(seen.accepted) / max(1.0, seen.ended - seen.began)),
        "peak_per_s": max((round(point[1]) for point in _timeline(seen)), default=0),
        "seconds": round(seen.ended - seen.began),
        "target": seen.options.target,
        "seed": seen.options.seed,
        "brokers": seen.options.brokers,
        "pipeline": seen.options.pipeline,
    }


def kept(seen: Observed) -> bool:
    """Whether everything that is promised was kept."""
    return seen.verdict.kept and seen.lag == 0


def as_json(seen: Observed, machine: Mapping[str, Any]) -> dict[str, Any]:
    """All of a run that is worth keeping."""
    verdict = asdict(seen.verdict)
    begin = seen.began
    blamed = _blamed(seen)
    return {
        "summary": summary(seen),
        "options": asdict(seen.options),
        "machine": dict(machine),
        "began": begin,
        "faults": [
            {
                "name": fault.name,
                "at": round(fault.at - begin, 2),
                "until": round(fault.until - begin, 2),
                "detail": fault.detail,
                "drain_s": fault.drain_seconds and round(fault.drain_seconds, 2),
                "max_stall_s": _longest(blamed.get(number, ())),
            }
            for number, fault in enumerate(seen.faults)
        ],
        "stalls": [
            {
                "lane": stall.lane,
                "at": round(stall.begin - begin, 2),
                "seconds": round(stall.seconds, 2),
                "after": "start" if cause == BEFORE_ANY_FAULT else seen.faults[cause].name,
            }
            for cause, found in blamed.items()
            for stall in sorted(found, key=lambda each: -each.seconds)[:MOST_STALLS]
        ],
        "timeline": _timeline(seen),
        "memory": [
            [round(at - begin, 1), {name: round(mb) for name, mb in workers.items()}]
            for at, workers in seen.memory
        ],
        "exits": [[round(at - begin, 1), worker, words] for at, worker, words in seen.exits],
        "broken": {name: _evidence(seen, ids) for name, ids in verdict.items() if ids},
        "vanished_at_broker": seen.vanished[:MOST_NAMED],
    }


def page(report: Mapping[str, Any]) -> str:
    """The report as one HTML page that needs nothing else."""
    figures = report["summary"]
    options = report["options"]
    what = "the real pipeline" if options["pipeline"] else options["target"]
    broken = [f"{figures[name]:,} {words}" for name, words in _BROKEN.items() if figures[name]]
    verdict = (
        f'<p class="verdict bad">Broken: {", ".join(broken)}</p>'
        if broken
        else '<p class="verdict good">Every record came out exactly once and in order.</p>'
    )
    machine = report["machine"]
    return "".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>Chaos: {html.escape(what)}, seed {options['seed']}</title>{_STYLE}<main>"
            f"<h1>{figures['messages']:,} records through {html.escape(what)} under faults</h1>",
            verdict,
            _tiles(figures),
            "<h2>What happened when</h2>",
            _plot(report),
            "<h2>Faults</h2>",
            _fault_table(report),
            _evidence_table(report["broken"]),
            "<h2>The run</h2><p>",
            html.escape(
                f"{options['brokers']} broker(s), {options['workers']} worker(s) per stage,"
                f" seed {options['seed']}, work of {options['step_ms']:g} ms a record,"
                f" {figures['seconds']} s. {figures['aborted']:,} records were written in aborted"
                f" transactions. Machine: {machine['cores']} cores of {machine['processor']},"
                f" {machine['memory_gib']} GiB, Python {machine['python']},"
                f" load before the run {machine['load']}."
            ),
            "</p><p>A stall is a time in which one source partition (of a pipeline, the whole) had"
            " a record to work on and nothing of it came out. Times are the broker's. Memory is"
            " resident memory of a worker with its language processes, on average.</p></main>",
        )
    )


def _by_fault(seen: Observed, blamed: Mapping[int, Sequence[Stall]]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for name in seen.options.faults:
        happened = [each for each, fault in enumerate(seen.faults) if fault.name == name]
        if name in seen.skipped:
            found[name] = {"skipped": seen.skipped[name]}
            continue
        longest = max((_longest(blamed.get(each, ())) for each in happened), default=0.0)
        found[name] = {"times": len(happened), "max_stall_s": longest}
        faults = [seen.faults[each] for each in happened]
        drains = [fault.drain_seconds for fault in faults if fault.drain_seconds is not None]
        if drains:
            found[name]["max_drain_s"] = round(max(drains), 2)
    return found


def _longest(found: Sequence[Stall]) -> float:
    return round(max((stall.seconds for stall in found), default=0.0), 2)


def _blamed(seen: Observed) -> dict[int, list[Stall]]:
    # The first records only wake the workers up; their wait is the start of the run.
    after = [record for record in seen.accepted if record.at >= seen.began]
    found = checker.stalls(
        after, seen.outcomes, one_lane=seen.options.pipeline, at_least=SHOWN_STALL_SECONDS
    )
    return checker.blame(found, [fault.at for fault in seen.faults])


def _timeline(seen: Observed) -> list[list[float]]:
    points = checker.series(
        seen.accepted, seen.outcomes, seen.began, max(seen.ended, seen.began), STEP_SECONDS
    )
    return [[round(at, 1), round(rate), lag] for at, rate, lag in points]


def _memory(seen: Observed) -> list[tuple[float, float]]:
    """Memory of the average worker over time, in MB; what is just starting does not count."""
    points = []
    for at, workers in seen.memory:
        running = [mb for mb in workers.values() if mb > 0]
        if running and seen.began and at >= seen.began:
            points.append((at, sum(running) / len(running)))
    return points


def _growth(seen: Observed) -> tuple[float, float] | None:
    times = sorted(outcome.at for outcome in seen.outcomes)
    if len(times) <= MEMORY_FROM_RECORD:
        return None
    return checker.growth(_memory(seen), times[MEMORY_FROM_RECORD - 1], MEMORY_WINDOW_SECONDS)


def _evidence(seen: Observed, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Where the first of these records were, and where they came out."""
    source = {record.id: record for record in seen.accepted}
    came: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for outcome in seen.outcomes:
        came[outcome.id].append(
            {
                "place": f"{outcome.topic}/{outcome.partition}@{outcome.offset}",
                "became": outcome.became,
                "at": round(outcome.at - seen.began, 2),
            }
        )
    shown = []
    for name in list(dict.fromkeys(ids))[:MOST_NAMED]:
        record = source.get(name)
        place = record and f"{record.topic}/{record.partition}@{record.offset}"
        at = record and round(record.at - seen.began, 2)
        expect = record and record.expect
        shown.append({"id": name, "source": place, "at": at, "expect": expect, "came": came[name]})
    return shown


def _tiles(figures: Mapping[str, Any]) -> str:
    grown = figures["rss_growth"]
    tiles = [
        ("lost", f"{figures['lost']:,}", figures["lost"]),
        ("doubled", f"{figures['doubled']:,}", figures["doubled"]),
        ("out of order", f"{figures['reordered']:,}", figures["reordered"]),
        ("behind at the end", f"{figures['lag']:,}", figures["lag"]),
        ("aborted, yet seen", f"{figures['aborted_seen']:,}", figures["aborted_seen"]),
        ("longest stall", f"{figures['max_stall_s']:.1f} s", 0),
        ("memory of a worker", f"{figures['rss_mb']} MB", 0),
        ("its growth", "n/a" if grown is None else f"{100 * grown:+.1f}%", 0),
        ("dead letters", f"{figures['dead_letters']:,}", 0),
        ("records a second at best", f"{figures['peak_per_s']:,}", 0),
    ]
    return (
        '<div class="tiles">'
        + "".join(
            f'<div class="{"bad" if bad else ""}"><b>{value}</b><span>{name}</span></div>'
            for name, value, bad in tiles
        )
        + "</div>"
    )


def _fault_table(report: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td>{fault['at']:.0f} s</td><td>{html.escape(fault['name'])}</td>"
        f"<td>{html.escape(BY_NAME[fault['name']].what)}</td>"
        f"<td>{html.escape(fault['detail'])}"
        + (f", drained in {fault['drain_s']:.1f} s" if fault["drain_s"] is not None else "")
        + f"</td><td>{fault['max_stall_s']:.1f} s</td></tr>"
        for fault in report["faults"]
    ]
    rows += [
        f"<tr><td></td><td>{html.escape(name)}</td><td colspan=3>skipped:"
        f" {html.escape(fault['skipped'])}</td></tr>"
        for name, fault in report["summary"]["faults"].items()
        if "skipped" in fault
    ]
    if not rows:
        return "<p>None.</p>"
    return (
        '<div class="wide"><table><tr><th>at</th><th>fault</th><th>what it is</th>'
        "<th>this time</th><th>longest stall</th></tr>" + "".join(rows) + "</table></div>"
    )


def _evidence_table(broken: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    if not broken:
        return ""
    parts = ["<h2>What broke</h2>"]
    for name, shown in broken.items():
        rows = "".join(
            f"<tr><td>{html.escape(str(each['id']))}</td><td>{html.escape(str(each['source']))}"
            f"</td><td>{'' if each['at'] is None else each['at']}</td><td>"
            + "; ".join(
                f"{html.escape(came['place'])} {html.escape(came['became'])} at {came['at']}"
                for came in each["came"]
            )
            + "</td></tr>"
            for each in shown[:20]
        )
        parts.append(
            f"<h3>{html.escape(name)} (the first {min(20, len(shown))})</h3><div class=wide><table>"
            f"<tr><th>record</th><th>source</th><th>written at, s</th><th>came out</th></tr>"
            f"{rows}</table></div>"
        )
    return "".join(parts)


_WIDTH: Final = 1000.0
_LEFT: Final = 64.0
_PANEL: Final = 120.0
_GAP: Final = 34.0
_LABELS: Final = 64.0


def _plot(report: Mapping[str, Any]) -> str:
    """Three panels over one time axis (rate, lag, memory), with the faults as bands across."""
    timeline = report["timeline"]
    memory = [
        (at, sum(workers.values()) / len(workers))
        for at, workers in report["memory"]
        if at >= 0 and workers
    ]
    end: float = max(
        [1.0, *(point[0] for point in timeline), *(f["until"] for f in report["faults"])]
    )
    panels = [
        ("came out, records/s", [(at, rate) for at, rate, _ in timeline], "rate"),
        ("accepted and not out, records", [(at, lag) for at, _, lag in timeline], "lag"),
        ("memory of a worker, MB", memory, "memory"),
    ]
    height = _LABELS + len(panels) * (_PANEL + _GAP) + 10

    def x(at: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 10) * min(max(at, 0), end) / end

    parts = [
        f'<div class="wide"><svg viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img"'
        ' aria-label="Rate, lag and memory over time, with the faults">'
    ]
    bottom = _LABELS + len(panels) * (_PANEL + _GAP) - _GAP
    free = [-1.0] * 4
    for fault in report["faults"]:
        left, right = x(fault["at"]), max(x(fault["until"]), x(fault["at"]) + 2)
        # A label goes into the first row in which the last one ends before it.
        row = next((each for each, used in enumerate(free) if used < left), len(free) - 1)
        free[row] = left + 7 * len(fault["name"]) + 6
        title = html.escape(f"{fault['name']} at {fault['at']:.1f} s: {fault['detail']}")
        parts.append(
            f'<g class="fault"><title>{title}</title><rect x="{left:.1f}" y="{14 + 13 * row}"'
            f' width="{right - left:.1f}" height="{bottom - 14 - 13 * row:.1f}"/>'
            f'<text x="{left + 2:.1f}" y="{12 + 13 * row}">{html.escape(fault["name"])}</text></g>'
        )
    for number, (title, points, name) in enumerate(panels):
        top = _LABELS + number * (_PANEL + _GAP)
        most = max([value for _, value in points], default=0) or 1
        path = " ".join(
            f"{'L' if position else 'M'}{x(at):.1f} {top + _PANEL * (1 - value / most):.1f}"
            for position, (at, value) in enumerate(points)
        )
        parts.append(
            f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{top + _PANEL}"'
            f' y2="{top + _PANEL}"/><line class="grid" x1="{_LEFT}" x2="{_WIDTH - 10}"'
            f' y1="{top}" y2="{top}"/>'
            f'<text class="scale" x="{_LEFT - 6}" y="{top + 4}">{most:,.0f}</text>'
            f'<text class="scale" x="{_LEFT - 6}" y="{top + _PANEL + 4}">0</text>'
            f'<text class="title" x="{_LEFT}" y="{top - 5}">{title}</text>'
            + (f'<path class="{name}" d="{path}"/>' if path else "")
        )
    step = next(each for each in (5, 10, 15, 30, 60, 120, 300, 600, 3600) if end / each <= 14)
    parts += [
        f'<text class="tick" x="{x(at):.1f}" y="{bottom + 16:.1f}">{at} s</text>'
        for at in range(0, int(end) + 1, step)
    ]
    parts.append("</svg></div>")
    return "".join(parts)


_STYLE: Final = """<style>
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5d6778; --line: #d5dae2;
  --paper: #fff; --card: #f4f6f9; --bad: #b3261e; --good: #1b6e3c; --band: #e8710a;
  --rate: #1a63b8; --lag: #8a3ab9; --memory: #0b7a75; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa5b8; --line: #39424f;
  --paper: #14181f; --card: #1f2630; --bad: #ff8a80; --good: #7bd49a; --band: #ff9d45;
  --rate: #6fb1ff; --lag: #d49bff; --memory: #5fd4cd; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 24px; margin: 0 0 8px; } h2 { font-size: 18px; margin: 32px 0 8px; }
h3 { font-size: 15px; margin: 16px 0 4px; }
.verdict { font-weight: 600; } .verdict.good { color: var(--good); }
.verdict.bad, .tiles .bad b { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 8px; }
.tiles div { background: var(--card); border-radius: 8px; padding: 10px 12px; }
.tiles b { display: block; font-size: 22px; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--soft); }
.wide { overflow-x: auto; } svg { width: 100%; min-width: 640px; display: block; }
table { border-collapse: collapse; width: 100%; } th { color: var(--soft); font-weight: 500; }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } td { font-variant-numeric: tabular-nums; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
svg .title { font-size: 12px; fill: var(--ink); } svg .scale { text-anchor: end; }
svg .tick { text-anchor: middle; } svg .axis { stroke: var(--soft); }
svg .grid { stroke: var(--line); stroke-dasharray: 3 3; }
svg path { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
svg .rate { stroke: var(--rate); } svg .lag { stroke: var(--lag); }
svg .memory { stroke: var(--memory); }
svg .fault rect { fill: var(--band); opacity: .22; } svg .fault text { fill: var(--band); }
</style>"""

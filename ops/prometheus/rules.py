"""The recording rules and alerts, as data; `python -m ops.prometheus.build` writes them.

Two objectives, each 99% over 30 days: *freshness*, articles are enriched within the setting
`fresh_within` of their push; *completeness*, articles become events and not dead letters. Their
alerts are of the multi-window, multi-burn-rate kind (The Site Reliability Workbook, chapter 5): a
long window says that it matters, a short one that it still goes on.

An article that waits is late before it is finished, and a stage that is down finishes none: so
what is overdue in any stage's input counts as late too, as long as it waits.
"""

from dataclasses import dataclass
from typing import Any, Final

from agents.pipeline import PIPELINE
from streams.metrics import (
    CIRCUIT,
    COVERAGE,
    CPU_SECONDS,
    DEAD_LETTERS,
    END_TO_END_SECONDS,
    ENTITIES,
    LAG_RECORDS,
    LAG_SECONDS,
    NEAR_DUPLICATES,
    OVERDUE_RECORDS,
    POOL_RESTARTS,
    PROCESSES,
    QUALITY,
    READY,
    RECORDS,
    WORK_SECONDS,
    Metric,
)
from streams.settings import Settings

OBJECTIVE: Final = 0.99
# Below so many articles a share says nothing: one late article at night is not worth a call.
FEW: Final = 10
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR
FIRST, LAST = PIPELINE[0].name, PIPELINE[-1].name
RUNBOOKS: Final = "ops/runbooks"

Rule = dict[str, Any]


@dataclass(frozen=True)
class Burn:
    """How fast the error budget of 30 days burns (1 uses it up in 30 days), over two windows, in
    seconds."""

    rate: float
    long: int
    short: int


FAST: Final = Burn(14.4, HOUR, 5 * MINUTE)
STEADY: Final = Burn(6, 6 * HOUR, 30 * MINUTE)
SLOW: Final = Burn(1, 3 * DAY, 6 * HOUR)
BURNS: Final = (FAST, STEADY, SLOW)
WINDOWS: Final = sorted({window for burn in BURNS for window in (burn.long, burn.short)})


@dataclass(frozen=True)
class Clock:
    """What durations come to. `pace` 60 makes an hour a minute, for tests that cannot wait;
    `fresh_within` is in seconds, one of the buckets of END_TO_END_SECONDS."""

    pace: float = 1.0
    fresh_within: float = Settings.model_fields["fresh_within"].default
    interval: float = 15.0

    def span(self, seconds: float) -> str:
        """The duration as Prometheus writes it, such as `5m`."""
        milliseconds = max(1, round(seconds / self.pace * 1000))
        for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", 1)):
            if milliseconds % (size * 1000) == 0:
                return f"{milliseconds // (size * 1000)}{unit}"
        return f"{milliseconds}ms"


REAL: Final = Clock()


def window_name(seconds: int) -> str:
    """A window in a rule's name: the same whatever the clock's pace."""
    return REAL.span(seconds)


def groups(clock: Clock = REAL) -> dict[str, Any]:
    """The rule file, with durations by `clock`."""
    return {
        "groups": [
            {"name": name, "interval": f"{clock.interval:g}s", "rules": rules}
            for name, rules in (
                ("babelwire-state", _state(clock)),
                ("babelwire-objectives", _objectives(clock)),
                ("babelwire-alerts", alerts(clock)),
            )
        ]
    }


def _state(clock: Clock) -> list[Rule]:
    """What dashboards and alerts share. Worker and live page both measure a partition's lag."""
    five, hour, day = clock.span(5 * MINUTE), clock.span(HOUR), clock.span(DAY)

    def by_partition(metric: Metric) -> str:
        return f"sum by (stage) (max by (stage, partition) ({metric.name}))"

    rules = [
        _record(f"stage:{LAG_RECORDS.name}:sum", by_partition(LAG_RECORDS)),
        _record(f"stage:{LAG_SECONDS.name}:max", f"max by (stage) ({LAG_SECONDS.name})"),
        _record(f"stage:{OVERDUE_RECORDS.name}:sum", by_partition(OVERDUE_RECORDS)),
        _record("stage:babelwire_records:rate5m", f"sum by (stage) (rate({RECORDS.name}[{five}]))"),
        _record(
            "stage:babelwire_busy:ratio_rate5m",
            f"sum by (stage) (rate({WORK_SECONDS.name}_sum[{five}]))"
            f" / sum by (stage) ({PROCESSES.name})",
        ),
        _record(
            "stage_language:babelwire_cpu_seconds_per_thousand:ratio_rate1h",
            f"1000 * sum by (stage, language) (rate({CPU_SECONDS.name}[{hour}]))"
            f' / sum by (stage, language) (rate({RECORDS.name}{{outcome="processed"}}[{hour}]))',
        ),
        _record(
            "babelwire_near_duplicates:ratio_rate1h",
            f"sum(rate({NEAR_DUPLICATES.name}[{hour}]))"
            f' / sum(rate({RECORDS.name}{{stage="{FIRST}", outcome="processed"}}[{hour}]))',
        ),
    ]
    for metric, label, name, window in (
        (COVERAGE, "language", "1h", hour),
        (COVERAGE, "language", "1d", day),
        (QUALITY, "language", "1h", hour),
        (ENTITIES, "type", "1h", hour),
    ):
        mean = " / ".join(
            f"sum by ({label}) (rate({metric.name}_{part}[{window}]))" for part in ("sum", "count")
        )
        rules.append(_record(f"{label}:{metric.name}:mean{name}", mean))
    return rules


def _objectives(clock: Clock) -> list[Rule]:
    """Bad articles and their share, by objective and window."""
    rules = []
    overdue = _or_none(f"sum(stage:{OVERDUE_RECORDS.name}:sum)")
    within = f'le="{clock.fresh_within:.1f}"'
    for seconds in WINDOWS:
        name, window = window_name(seconds), clock.span(seconds)
        enriched, fresh, dead = (
            _or_none(f"sum(increase({series}[{window}]))")
            for series in (
                f'{END_TO_END_SECONDS.name}_count{{stage="{LAST}"}}',
                f'{END_TO_END_SECONDS.name}_bucket{{stage="{LAST}", {within}}}',
                DEAD_LETTERS.name,
            )
        )
        late = f"{enriched} - {fresh} + {overdue}"
        for objective, bad, all_ in (
            ("freshness", late, f"{enriched} + {overdue}"),
            ("completeness", dead, f"{enriched} + {dead}"),
        ):
            rules.append(_record(f"objective:babelwire_bad:increase{name}", bad, objective))
            share = f"({bad}) / ({all_})"
            rules.append(_record(f"objective:babelwire_bad:ratio_increase{name}", share, objective))
    return rules


def alerts(clock: Clock = REAL) -> list[Rule]:
    """Every alert. `page` wakes somebody; `ticket` waits for the morning."""
    minutes = {number: clock.span(number * MINUTE) for number in (2, 5, 10, 15, 30)}
    down = " or ".join(f'absent({READY.name}{{stage="{stage.name}"}})' for stage in PIPELINE)
    unmeasured = " or ".join(
        f'absent({LAG_SECONDS.name}{{stage="{stage.name}"}})' for stage in PIPELINE
    )
    oldest = f"max by (stage, partition) ({LAG_SECONDS.name})"
    growing = f"max by (stage, partition) (deriv({LAG_SECONDS.name}[{minutes[10]}]))"
    pushed = f'increase({RECORDS.name}{{stage="{FIRST}"}}'
    return [
        _alert(
            "BabelwireArticlesLate",
            f"{_burns('freshness', FAST)} or {_burns('freshness', STEADY)}",
            minutes[2],
            "page",
            "{{ $value | humanizePercentage }} of the articles are not enriched within"
            f" {clock.fresh_within:g} s of their push",
        ),
        _alert(
            "BabelwireFreshnessBudget",
            _burns("freshness", SLOW),
            minutes[30],
            "ticket",
            "{{ $value | humanizePercentage }} of the articles of three days were late: more than"
            " the objective allows",
        ),
        _alert(
            "BabelwireArticlesRefused",
            f"{_burns('completeness', FAST)} or {_burns('completeness', STEADY)}",
            minutes[2],
            "page",
            "{{ $value | humanizePercentage }} of the articles end as dead letters",
        ),
        _alert(
            "BabelwireCompletenessBudget",
            _burns("completeness", SLOW),
            minutes[30],
            "ticket",
            "{{ $value | humanizePercentage }} of the articles of three days ended as dead letters:"
            " more than the objective allows",
        ),
        _alert(
            "BabelwireStageDown",
            f"max by (stage) ({READY.name}) == 0 or {down}",
            minutes[2],
            "page",
            "No worker of {{ $labels.stage }} is ready: nothing passes it",
        ),
        _alert(
            "BabelwireStuck",
            f"{oldest} > {10 * MINUTE / clock.pace:g} and {growing} > 0.95",
            minutes[5],
            "page",
            "The oldest record of {{ $labels.stage }}, partition {{ $labels.partition }}, has not"
            " moved for {{ $value | humanizeDuration }}",
        ),
        _alert(
            "BabelwireLagUnmeasured",
            unmeasured,
            minutes[5],
            "ticket",
            "Nobody measures how far {{ $labels.stage }} is behind: neither its workers nor the"
            " live page are scraped",
        ),
        _alert(
            "BabelwireRestarting",
            "sum by (stage)"
            f' (changes(process_start_time_seconds{{job="babelwire"}}[{minutes[30]}])) > 2',
            "0s",
            "ticket",
            "Workers of {{ $labels.stage }} started {{ $value }} times again in half an hour",
        ),
        _alert(
            "BabelwireLanguageProcessesDying",
            f"sum by (stage) (increase({POOL_RESTARTS.name}[{minutes[30]}])) > 5",
            "0s",
            "ticket",
            "{{ $value | humanize }} language processes of {{ $labels.stage }} crashed or ran out"
            " of time in half an hour",
        ),
        _alert(
            "BabelwireEngineUnavailable",
            f"max by (stage) ({CIRCUIT.name}) > 0",
            minutes[5],
            "ticket",
            "The engine of {{ $labels.stage }} is unavailable; the stage pauses and skips nothing",
        ),
        _alert(
            "BabelwireSaturated",
            f"stage:babelwire_busy:ratio_rate5m > 0.9 and stage:{LAG_SECONDS.name}:max"
            f" > {clock.fresh_within:g}",
            minutes[30],
            "ticket",
            "{{ $labels.stage }} is busy {{ $value | humanizePercentage }} of the time and falls"
            " behind",
        ),
        _alert(
            "BabelwireCoverageDropped",
            f"language:{COVERAGE.name}:mean1h < 0.8 * language:{COVERAGE.name}:mean1d"
            f" and sum by (language) (increase({COVERAGE.name}_count[{clock.span(HOUR)}]))"
            f" > {FEW}",
            minutes[15],
            "ticket",
            "Only {{ $value | humanizePercentage }} of what comes in {{ $labels.language }} is"
            " translated, much less than over the day",
        ),
        _alert(
            "BabelwireNoArticles",
            f"sum({pushed}[{clock.span(3 * HOUR)}])) == 0"
            f" and sum({pushed}[{clock.span(DAY)}])) > 0",
            minutes[5],
            "ticket",
            "No article was pushed for three hours, though some were within a day",
        ),
    ]


def _burns(objective: str, burn: Burn) -> str:
    share = f"{burn.rate * (1 - OBJECTIVE):g}"
    long, short = window_name(burn.long), window_name(burn.short)
    chosen = f'{{objective="{objective}"}}'
    return (
        f"(objective:babelwire_bad:ratio_increase{long}{chosen} > {share}"
        f" and objective:babelwire_bad:ratio_increase{short}{chosen} > {share}"
        f" and objective:babelwire_bad:increase{long}{chosen} >= {FEW})"
    )


def _or_none(expression: str) -> str:
    """A sum over no series is nothing at all, and would make nothing of what is added to it."""
    return f"({expression} or vector(0))"


def _record(name: str, expression: str, objective: str | None = None) -> Rule:
    labels = {"labels": {"objective": objective}} if objective else {}
    return {"record": name, "expr": expression, **labels}


def _alert(name: str, expression: str, lasting: str, severity: str, summary: str) -> Rule:
    return {
        "alert": name,
        "expr": expression,
        "for": lasting,
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "runbook_url": f"{RUNBOOKS}/{name}.md"},
    }

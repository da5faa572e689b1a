"""The chaos harness's report says what happened, and does not say well where something broke."""

import dataclasses
import xml.etree.ElementTree as ET

import orjson
import pytest

from ops.chaos import report
from ops.chaos.checker import Accepted, Outcome, Verdict, judge
from ops.chaos.experiment import Happened, Observed, Options
from ops.chaos.records import OUTPUT

MACHINE = {"cores": 2, "processor": "a <fast> one", "memory_gib": 24, "python": "3.11", "load": 0.1}
FIELDS = ("messages", "lost", "doubled", "reordered", "lag", "max_stall_s", "rss_mb", "faults")


def run() -> Observed:
    accepted = [Accepted(f"k:{n}", "k", "raw", 0, n, 1000.0 + n) for n in range(60)]
    # Nothing comes out for five seconds after the worker was killed.
    outcomes = [
        Outcome(record.id, OUTPUT, "normalized", 0, n, record.at + (5 if 20 <= n < 25 else 0.1))
        for n, record in enumerate(accepted)
    ]
    return Observed(
        Options(messages=60, workers=1, faults=("kill", "term", "disk"), seed=1),
        began=1000.0,
        ended=1065.0,
        faults=[
            Happened("kill", 1019.5, 1019.5, "synthetic/0"),
            Happened("term", 1040.0, 1040.4, "synthetic/0", drain_seconds=0.4),
        ],
        skipped={"disk": "mount: not <permitted>"},
        memory=[(1000.0 + at, {"synthetic/0": 150.0}) for at in range(65)],
        accepted=accepted,
        outcomes=outcomes,
        aborted={"k:99"},
        verdict=judge(accepted, outcomes, {"k:99"}),
    )


def test_a_good_run_is_summed_up_with_its_stalls_by_fault() -> None:
    seen = run()
    figures = report.summary(seen)
    assert report.kept(seen)
    assert tuple(figures)[: len(FIELDS)] == FIELDS
    assert (figures["messages"], figures["lost"], figures["rss_mb"]) == (60, 0, 150)
    assert figures["faults"]["kill"]["times"] == 1
    assert 4.5 < figures["faults"]["kill"]["max_stall_s"] < 6
    assert figures["faults"]["term"] == {"times": 1, "max_stall_s": 0.0, "max_drain_s": 0.4}
    assert figures["faults"]["disk"] == {"skipped": "mount: not <permitted>"}
    assert figures["max_stall_s"] == figures["faults"]["kill"]["max_stall_s"]


@pytest.mark.parametrize("broken", [field.name for field in dataclasses.fields(Verdict)])
def test_a_run_with_anything_broken_does_not_count_as_kept(broken: str) -> None:
    seen = run()
    seen.verdict = Verdict(**{broken: ("k:3",)})
    assert not report.kept(seen)
    told = report.as_json(seen, MACHINE)
    assert told["broken"][broken][0]["source"] == "raw/0@3"
    assert "exactly once" not in report.page(told)


def test_a_run_that_ends_with_lag_does_not_count_as_kept() -> None:
    seen = run()
    seen.lag = 3
    assert not report.kept(seen)
    assert "3 behind at the end" in report.page(report.as_json(seen, MACHINE))


def test_the_report_is_plain_json_and_its_page_needs_nothing_else() -> None:
    told = orjson.loads(orjson.dumps(report.as_json(run(), MACHINE)))
    page = report.page(told)
    assert "Every record came out exactly once" in page
    assert "a &lt;fast&gt; one" in page
    assert "not &lt;permitted&gt;" in page
    assert "src=" not in page
    assert "href=" not in page
    svg = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + len("</svg>")])
    labels = [text.text for text in svg.iter("text")]
    assert "kill" in labels
    assert "term" in labels
    assert len(list(svg.iter("path"))) == 3

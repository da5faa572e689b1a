"""The bench: its workload, its arithmetic, its tables."""

import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from ops.bench import __main__ as bench
from ops.bench import capacity, report
from ops.bench.__main__ import main
from ops.bench.capacity import Costs
from ops.bench.phases import slope
from ops.bench.report import RESULTS
from ops.bench.workload import EVEN, MIX, MIXED, Workload


def test_no_sentence_of_a_workload_comes_twice_and_languages_have_their_shares() -> None:
    articles = Workload(None).articles(200, EVEN)
    lines = [line for article in articles for line in article.body.splitlines() if line]
    assert len(set(lines)) == len(lines)
    for language, share in MIX.items():
        assert sum(each.language == language for each in articles) == share * len(articles)


def test_the_same_seed_makes_the_same_workload() -> None:
    assert Workload(None, 3).articles(5, MIXED) == Workload(None, 3).articles(5, MIXED)
    assert Workload(None, 3).articles(5, MIXED) != Workload(None, 4).articles(5, MIXED)


def test_lengths_are_as_stated() -> None:
    for article in Workload(None).articles(20, EVEN):
        assert EVEN.median <= len(article.body) < EVEN.median + 450
    drawn = sorted(MIXED.draw(random.Random(at)) for at in range(999))
    assert drawn[0] >= MIXED.shortest
    assert drawn[-1] <= MIXED.longest
    assert abs(drawn[len(drawn) // 2] / MIXED.median - 1) < 0.1


def test_the_sentences_of_the_corpora_come_first_where_there_are_any(tmp_path: Path) -> None:
    folder = tmp_path / "mt" / "spa-eng"
    folder.mkdir(parents=True)
    sentence = "Una frase que solo está en este corpus, de longitud suficiente."
    (folder / "newstest2013.spa").write_text(f"{sentence}\ncorta\n", encoding="utf-8")
    workload = Workload(tmp_path)
    assert workload.article(EVEN, "es").body.startswith(sentence)
    assert sentence not in workload.article(EVEN, "es").body
    assert "es 1" in workload.origin


def test_a_steady_growth_is_seen_and_a_flat_line_is_flat() -> None:
    growing = slope([(at, 100 + at / 100) for at in range(0, 10_000, 50)])
    assert (growing["mb_per_1000"], growing["error"]) == (10.0, 0.0)
    wobbling = slope([(at, 100 + at % 3) for at in range(0, 10_000, 50)])
    assert abs(wobbling["mb_per_1000"]) < 3 * wobbling["error"]


COSTS = Costs({"translation": {"it": 0.2, "en": 0.0}, "tagging": {"it": 0.03, "en": 0.02}}, 0.025)


def test_a_plan_has_the_cores_that_the_busiest_hour_needs() -> None:
    # 2,500 characters cost .6 s; 86,400 articles a day are one a second, three in the peak.
    needed = capacity.plan(COSTS, 86_400, {"it": 1.0}, 2_500, utilisation=0.6)
    assert needed.cores == 3
    assert needed.processes == {"translation": 3, "tagging": 1}
    assert needed.workers == {"translation": 1, "tagging": 1}
    assert needed.partitions == 6
    assert round(needed.core_hours) == round(1e6 * 0.6 / 3600)


@pytest.mark.parametrize("articles", [1_000, 100_000, 3_000_000, 20_000_000])
def test_every_worker_of_the_largest_stage_has_as_many_partitions_as_the_next(
    articles: int,
) -> None:
    needed = capacity.plan(COSTS, articles, {"it": 0.5, "en": 0.5}, 2_500)
    most = max(needed.workers.values())
    assert needed.partitions % most == 0
    assert needed.partitions >= 2 * most
    assert needed.cores >= sum(needed.processes.values()) * 0.5


def test_the_stored_result_says_what_it_was_measured_on_and_gives_every_table() -> None:
    stored: dict[str, Any] = orjson.loads(RESULTS.read_bytes())
    assert stored["machine"]["cores"] > 0
    assert 0 < stored["pipeline_over_bare"] <= 1.2
    assert stored == report.summed_up(stored)
    titles = " ".join(sheet.title for sheet in report.sheets(stored))
    for words in ("Throughput", "Push to enriched", "empty step", "Workers", "Memory", "Capacity"):
        assert words in titles


def test_a_measurement_that_nobody_knows_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as usage:
        main(["--only", "speed"])
    assert usage.value.code == 2
    assert "nothing is called speed; there is bare, stages" in capsys.readouterr().err


def test_parts_are_recorded_only_beside_those_of_the_same_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {"cores": 64, "processor": "another", "memory_gib": 512, "python": "3.11.2"}
    recorded = tmp_path / "results.json"
    recorded.write_bytes(orjson.dumps({"machine": other}))
    monkeypatch.setattr(bench, "RESULTS", recorded)
    with pytest.raises(SystemExit) as usage:
        main(["--only", "scaling", "--record"])
    assert usage.value.code == 2
    assert "is of another machine" in capsys.readouterr().err
    assert orjson.loads(recorded.read_bytes()) == {"machine": other}


def test_each_part_of_a_result_says_how_busy_the_machine_was_before() -> None:
    stored: dict[str, Any] = orjson.loads(RESULTS.read_bytes())
    assert "load" not in stored["machine"]
    for name in ("bare", "stages", "pipeline", "empty_step", "scaling", "memory"):
        assert name in report.loads(stored)

"""Metrics stay within their budget of series, and measures are recorded as what they are."""

import itertools

from streams.metrics import (
    CPU_SECONDS,
    DEAD_LETTERS,
    ENTITIES,
    LABELS,
    METRICS,
    NEAR_DUPLICATES,
    PAGE_METRICS,
    PUBLICATION_AGE_SECONDS,
    RECENT_SIGHTINGS,
    WORKER_METRICS,
    Count,
    Level,
    Metric,
    Metrics,
    Sample,
    Sighting,
    Spread,
    StageMetrics,
)

# What Prometheus keeps in memory is series: 30 workers stay under 30,000.
WORKER_BUDGET = 1_000
PAGE_BUDGET = 200


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """A series' value; None where there is none."""
    return metrics.registry.get_sample_value(name, labels)


def series(metrics: Metrics) -> int:
    """The series that are there, those of the process left out."""
    return sum(
        len(family.samples)
        for family in metrics.registry.collect()
        if family.name.startswith("babelwire_")
    )


def test_a_worker_that_meets_every_language_and_reason_stays_within_its_budget() -> None:
    metrics = StageMetrics("tagging")
    for metric in WORKER_METRICS:
        for labels in every(metric):
            match metric:
                case Count():
                    metrics.count(metric, 1, **labels)
                case Level():
                    metrics.set(metric, 1, **labels)
                case Spread():
                    metrics.observe(metric, 1, **labels)
    assert series(metrics) == sum(metric.series for metric in WORKER_METRICS)
    assert series(metrics) <= WORKER_BUDGET
    most = LABELS["stage"].size
    assert sum(metric.series * most for metric in PAGE_METRICS) <= PAGE_BUDGET


def every(metric: Metric) -> list[dict[str, str]]:
    """All combinations of label values, and one value of each label that nobody foresaw."""
    names = [name for name in metric.labels if name != "stage"]
    values = [
        (*label.values, "surprise") if label.values else [str(each) for each in range(label.most)]
        for label in (LABELS[name] for name in names)
    ]
    return [dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*values)]


def test_names_are_unique_and_histograms_have_room_at_the_top() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        if isinstance(metric, Spread):
            assert list(metric.buckets) == sorted(set(metric.buckets)), metric.name


def test_a_language_that_has_no_series_of_its_own_counts_as_other() -> None:
    metrics = StageMetrics("translation")
    metrics.count(CPU_SECONDS, 2, language="tlh")
    metrics.count(CPU_SECONDS, 3, language="eo")
    name = CPU_SECONDS.name
    assert value(metrics, name, stage="translation", language="other") == 5


def test_the_first_dead_letter_of_a_reason_is_an_increase() -> None:
    metrics = StageMetrics("tagging")
    assert value(metrics, DEAD_LETTERS.name, stage="tagging", reason="crashed") == 0


def test_what_a_message_says_of_itself_is_recorded_when_it_is_committed() -> None:
    metrics = StageMetrics("tagging")
    measures = [
        Sample(ENTITIES, 3, (("type", "PER"),)),
        Sample(PUBLICATION_AGE_SECONDS, 1_000.0, (("precision", "time"),)),
        Sample(PUBLICATION_AGE_SECONDS, 9_000.0, (("precision", "time"),)),
    ]
    metrics.record(measures, now=4_600.0)
    per = {"stage": "tagging", "type": "PER"}
    assert value(metrics, f"{ENTITIES.name}_sum", **per) == 3
    aged = {"stage": "tagging", "precision": "time"}
    # What is dated tomorrow is not younger than new.
    assert value(metrics, f"{PUBLICATION_AGE_SECONDS.name}_sum", **aged) == 3_600
    assert value(metrics, f"{PUBLICATION_AGE_SECONDS.name}_count", **aged) == 2


def test_a_copy_is_the_same_text_under_another_id() -> None:
    metrics = StageMetrics("normalization")

    def copies() -> float | None:
        return value(metrics, NEAR_DUPLICATES.name, stage="normalization")

    metrics.record([Sighting(NEAR_DUPLICATES, 0xF0F0_0000_0000_1234, "article")], 0)
    # Told again under its own id, as after a replay.
    metrics.record([Sighting(NEAR_DUPLICATES, 0xF0F0_0000_0000_1234, "article")], 0)
    assert copies() == 0
    # Three bits apart, then sixteen.
    metrics.record([Sighting(NEAR_DUPLICATES, 0xF0F0_0000_0000_1233, "another")], 0)
    assert copies() == 1
    metrics.record([Sighting(NEAR_DUPLICATES, 0xF0F0_FFFF_0000_1234, "a third")], 0)
    assert copies() == 1


def test_sightings_are_forgotten_before_they_fill_the_memory() -> None:
    metrics = StageMetrics("normalization")
    for number in range(RECENT_SIGHTINGS + 10):
        metrics.record([Sighting(NEAR_DUPLICATES, number << 20, "same")], 0)
    assert len(metrics._seen[NEAR_DUPLICATES.name]) == RECENT_SIGHTINGS

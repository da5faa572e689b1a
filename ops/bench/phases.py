"""The measurements, each by itself: what it does is in its docstring, what it found is a dict of
plain numbers. Times are in seconds, lengths in characters of source text, costs in milliseconds of
processor time per article unless the name says otherwise."""

import asyncio
import math
import time
from dataclasses import dataclass, replace
from statistics import linear_regression, mean, median, quantiles
from typing import Any, Final

from agents.pipeline import PIPELINE
from ops.bench import engines, floor, others
from ops.bench.engines import Spent
from ops.bench.flow import WINDOW, Flow, Sent, open_flow
from ops.bench.site import Site, brokers_of_ours, site
from ops.bench.workload import EVEN, MIXED, SHORT, Workload
from ops.chaos import step, supervised, targets, throughput
from ops.chaos.experiment import Say
from ops.chaos.throughput import Crowd, Variant
from schemas import RawArticle

PLAIN: Final = "ops.bench.plain"
EMPTY_STEP: Final = (
    *throughput.VARIANTS,
    Variant("Quix Streams at-least-once", others.QUIX, ((others.GUARANTEE, "at-least-once"),)),
    Variant("Quix Streams exactly-once", others.QUIX, ((others.GUARANTEE, "exactly-once"),)),
)
TRICKLE: Final = (
    throughput.VARIANTS[0],
    Variant("plain aiokafka exactly-once", floor.NAME),
    Variant("stock Faust at-least-once", targets.STOCK_FAUST),
)
# Articles a second that two cores translate.
TRICKLE_PER_SECOND: Final = 4.0
WAIT_MS: Final = 20.0
SCALED: Final = (1, 2, 3, 4)
# A multiple of every number of workers, so that none has more partitions than another.
SCALED_PARTITIONS: Final = 12
LOOK_SECONDS: Final = 2.0
SAY_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Plan:
    """How much to measure. `seconds` is the length of each timed stretch under load, `articles`
    how many the engines get without Kafka, `soak` how many go through for the memory, `records`
    how many for each empty or waiting step; `loads` are shares of what the pipeline can do, at each
    of which at least `fewest` articles are pushed, so that a percentile means something; `warm` are
    let through before, since models and compiled patterns come with the first of a language;
    `copies` are made of so many articles; `window` are on their way when it is kept busy."""

    seconds: float = 60.0
    articles: int = 120
    soak: int = 2_000
    records: int = 20_000
    cores: int = 2
    loads: tuple[float, ...] = (0.25, 0.5, 0.75, 0.95)
    fewest: int = 40
    warm: int = 40
    copies: int = 24
    window: int = WINDOW


def bare(workload: Workload, plan: Plan, say: Say) -> dict[str, Any]:
    """(a) The engines alone, one process per core, all at once."""
    say(f"bare engines on {plan.cores} cores: {plan.articles} articles")
    spent = engines.on_all_cores(engines.bare, workload.articles(plan.articles, MIXED), plan.cores)
    return _spent(spent, plan.cores) | {
        "cpu_ms_per_1000_characters": {
            language: round(
                1e6
                * sum(each.get(language, 0.0) for each in spent.cpu.values())
                / spent.characters[language],
                1,
            )
            for language in sorted(spent.characters)
        }
    }


def stages(workload: Workload, plan: Plan, say: Say) -> dict[str, Any]:
    """(b) Each stage's work without Kafka, one process per core, all at once."""
    say(f"the stages' work on {plan.cores} cores: {plan.articles} articles")
    spent = engines.on_all_cores(
        engines.stages, workload.articles(plan.articles, MIXED), plan.cores
    )
    return _spent(spent, plan.cores) | {
        "cpu_ms_per_1000_characters": {
            stage.name: {
                language: round(
                    1e6 * spent.cpu[stage.name][language] / spent.characters[language], 2
                )
                for language in sorted(spent.characters)
            }
            for stage in PIPELINE
        }
    }


def _spent(spent: Spent, cores: int) -> dict[str, Any]:
    return {
        "articles": spent.articles,
        "mean_characters": round(spent.characters.total() / spent.articles),
        "characters_per_s": round(spent.rate),
        "characters_per_s_per_core": round(spent.rate / cores),
        "cpu_ms": {what: round(1000 * spent.per_article(what), 2) for what in spent.cpu},
    }


async def pipeline(workload: Workload, plan: Plan, say: Say) -> dict[str, Any]:
    """(b), (c), (e) The whole pipeline on Kafka: its start, what it can do, how long articles take
    under part of that load, and what copies of articles cost."""
    async with brokers_of_ours(say) as (brokers, folder):
        async with site(brokers, folder, "pipeline") as place, open_flow(place.settings) as flow:
            found: dict[str, Any] = {"start": await _start(place, flow, workload, say)}
            say(f"the whole pipeline, kept busy for {plan.seconds:.0f} s")
            found["whole"] = await _busy(place, flow, workload, plan)
            found["latency"] = []
            per_second = found["whole"]["characters_per_s"] / _mean_characters()
            for load in plan.loads:
                found["latency"].append(await _latency(flow, workload, load, per_second, plan, say))
            found["copies"] = await _copies(place, flow, workload, plan.copies, say)
        say(f"the same work in a plain aiokafka loop, kept busy for {plan.seconds:.0f} s")
        async with site(brokers, folder, "plain") as place, open_flow(place.settings) as flow:
            place.crew.start([f"{PLAIN}/{slot}" for slot in range(plan.cores)])
            found["plain"] = await _busy(place, flow, workload, plan)
    return found


def _mean_characters() -> float:
    # Of a workload of its own, so that none of the corpora's sentences is used up for it.
    return mean(len(article.body) for article in Workload(None).articles(200, EVEN))


async def _start(place: Site, flow: Flow, workload: Workload, say: Say) -> dict[str, Any]:
    """An article waits already, as one does when workers are added or restarted."""
    say("start, with an article waiting")
    began = time.monotonic()
    sent = await flow.push(workload.article(EVEN, "it"))
    ready = await place.start()
    await flow.all_through()
    assert sent.seen is not None
    first = sent.seen - began
    return {
        "all_ready_s": round(ready, 2),
        "ready_s": {name: round(value, 2) for name, value in place.ready.items()},
        "first_event_s": round(first, 2),
    }


async def _busy(place: Site, flow: Flow, workload: Workload, plan: Plan) -> dict[str, Any]:
    def article() -> RawArticle:
        return workload.article(MIXED)

    before = flow.seen
    await flow.keep_busy(article, lambda: flow.seen - before >= plan.warm, plan.window)
    cpu, began = place.cpu(), time.monotonic()
    articles, characters = flow.seen, flow.characters
    await flow.keep_busy(article, lambda: time.monotonic() - began >= plan.seconds, plan.window)
    took = time.monotonic() - began
    after, articles = place.cpu(), flow.seen - articles
    characters = flow.characters - characters
    await flow.all_through()
    return {
        "articles": articles,
        "mean_characters": round(characters / articles),
        "articles_per_s": round(articles / took, 2),
        "characters_per_s": round(characters / took),
        "cpu_ms": {
            what: round(1000 * (after[what] - cpu[what]) / articles, 2) for what in sorted(after)
        },
    }


async def _latency(
    flow: Flow, workload: Workload, load: float, per_second: float, plan: Plan, say: Say
) -> dict[str, Any]:
    rate = load * per_second
    number = max(plan.fewest, math.ceil(rate * plan.seconds))
    say(f"{number} articles of 2,500 characters at {load:.0%} of that, {rate:.2f} a second")
    sent = await flow.arrive(workload.articles(number, EVEN), rate)
    return {"load": load, "per_s": round(rate, 2), "articles": number} | _percentiles(sent)


def _percentiles(sent: list[Sent]) -> dict[str, float]:
    cuts = quantiles((each.latency for each in sent), n=100, method="inclusive")
    return {f"p{each}": round(cuts[each - 1], 3) for each in (50, 95, 99)} | {
        "max": round(max(each.latency for each in sent), 3)
    }


async def _copies(
    place: Site, flow: Flow, workload: Workload, number: int, say: Say
) -> dict[str, Any]:
    """The same text from another paper at another address, and with one sentence that is new."""
    say(f"{number} articles, then copies of them from other papers")
    firsts = [workload.article(EVEN, ("it", "fr")[at % 2]) for at in range(number)]
    news = [workload.article(SHORT, ("it", "fr")[at % 2]).body for at in range(number)]
    spent = []
    for batch in (
        firsts,
        [_copy(article, "copy", article.body) for article in firsts],
        [
            _copy(article, "edited", f"{new}\n\n{article.body}")
            for article, new in zip(firsts, news, strict=True)
        ],
    ):
        before = place.cpu()
        for article in batch:
            await flow.push(article)
        await flow.all_through()
        after = place.cpu()
        spent.append(
            {
                stage.name: after[f"work {stage.name}/0"] - before[f"work {stage.name}/0"]
                for stage in PIPELINE
            }
        )
    first, copied, edited = spent
    return {
        "articles": number,
        "translation_first_ms": round(1000 * first["translation"] / number, 1),
        "translation_copy_ms": round(1000 * copied["translation"] / number, 1),
        "translation_share": round(copied["translation"] / first["translation"], 4),
        "translation_share_with_a_new_sentence": round(
            edited["translation"] / first["translation"], 4
        ),
        "all_stages_share": round(sum(copied.values()) / sum(first.values()), 4),
    }


def _copy(article: RawArticle, paper: str, body: str) -> RawArticle:
    return article.model_copy(
        update={"source": paper, "url": f"{article.url}/{paper}", "body": body}
    )


async def empty_step(plan: Plan, say: Say) -> dict[str, Any]:
    """(d) Records a second of one worker whose step does nothing, babelwire's beside others'."""
    python = await asyncio.to_thread(others.quix_python, say)
    found: dict[str, Any] = {}
    async with brokers_of_ours(say) as (brokers, folder):
        for number, variant in enumerate(EMPTY_STEP):
            records = plan.records
            if variant.stage == others.QUIX:
                # It is through with fewer before anybody has looked twice.
                records *= 4
                told = (*variant.settings, (supervised.OTHER_PYTHON, str(python)))
                variant = replace(variant, settings=told)
            rate, cost = await throughput.one(variant, f"empty-{number}", records, folder, brokers)
            say(f"{variant.name}: {rate:,.0f} records/s, {cost:.2f} CPU s per 1,000")
            found[variant.name] = {"records_per_s": round(rate), "cpu_s_per_1000": round(cost, 2)}
    return found


async def trickle(plan: Plan, say: Say) -> dict[str, Any]:
    """(d) What one stage's delivery costs when records come as slowly as language work lets them:
    babelwire's beside the least that its client library can do."""
    found: dict[str, Any] = {"per_s": TRICKLE_PER_SECOND}
    async with brokers_of_ours(say) as (brokers, folder):
        for number, variant in enumerate(TRICKLE):
            idle, record = await throughput.trickle(
                variant,
                f"trickle-{number}",
                TRICKLE_PER_SECOND,
                plan.seconds / 2,
                folder,
                brokers,
            )
            say(f"{variant.name}: idle {idle:.1f} CPU ms/s, {record:.2f} CPU ms a record")
            found[variant.name] = {
                "idle_ms_per_s": round(idle, 2),
                "ms_per_record": round(record, 2),
            }
    return found


async def scaling(plan: Plan, say: Say) -> dict[str, Any]:
    """(g) Workers of a stage whose work waits instead of computing, since more workers than cores
    cannot compute more: what is measured is what Kafka's groups and our delivery make of them."""
    found: dict[str, Any] = {"wait_ms": WAIT_MS, "partitions": SCALED_PARTITIONS, "workers": {}}
    per_worker = max(200, plan.records // 20)
    async with brokers_of_ours(say) as (brokers, folder):
        for workers in SCALED:
            crowd = Crowd(workers, SCALED_PARTITIONS, WAIT_MS)
            rate, _ = await throughput.one(
                Variant("waiting", step.NAME),
                f"waiting-{workers}",
                per_worker * workers,
                folder,
                brokers,
                crowd,
            )
            found["workers"][workers] = round(rate, 1)
            say(f"{workers} workers, each record waits {WAIT_MS:g} ms: {rate:.1f} records/s")
    alone = found["workers"][SCALED[0]]
    found["efficiency"] = {
        workers: round(rate / (workers * alone), 3) for workers, rate in found["workers"].items()
    }
    return found


async def memory(workload: Workload, plan: Plan, say: Say) -> dict[str, Any]:
    """(f) Memory of each worker, its language processes and their programs, while many short
    articles go through: the slope after the first fifth, with its standard error."""
    say(f"memory over {plan.soak:,} articles of {SHORT}")
    looks: list[tuple[int, dict[str, float]]] = []
    async with (
        brokers_of_ours(say) as (brokers, folder),
        site(brokers, folder, "soak") as place,
        open_flow(place.settings) as flow,
    ):
        await place.start()
        began = time.monotonic()
        looking = asyncio.create_task(_look(place, flow, looks, say))
        await flow.keep_busy(lambda: workload.article(SHORT), lambda: flow.seen >= plan.soak)
        await flow.all_through()
        looking.cancel()
        took = time.monotonic() - began
    return {"articles": plan.soak, "articles_per_s": round(plan.soak / took, 1)} | {
        name: slope([(seen, each[name]) for seen, each in looks if seen > plan.soak / 5])
        for name in looks[-1][1]
    }


async def _look(
    place: Site, flow: Flow, looks: list[tuple[int, dict[str, float]]], say: Say
) -> None:
    told = time.monotonic()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        looks.append((flow.seen, await asyncio.to_thread(place.crew.memory)))
        if time.monotonic() - told > SAY_SECONDS:
            told = time.monotonic()
            say(f"  {flow.seen:,} articles, {sum(looks[-1][1].values()):,.0f} MB")


def slope(points: list[tuple[int, float]]) -> dict[str, float]:
    """The line through (articles, MB): MB more per 1,000 articles, the standard error of that, and
    the median MB.

    >>> slope([(0, 100.0), (1000, 101.0), (2000, 102.0)])["mb_per_1000"]
    1.0
    """
    articles = [float(seen) for seen, _ in points]
    megabytes = [value for _, value in points]
    line = linear_regression(articles, megabytes)
    rest = [
        value - line.intercept - line.slope * seen
        for seen, value in zip(articles, megabytes, strict=True)
    ]
    spread = sum((seen - mean(articles)) ** 2 for seen in articles)
    error = math.sqrt(sum(each**2 for each in rest) / max(1, len(points) - 2) / spread)
    return {
        "mb": round(median(megabytes), 1),
        "mb_per_1000": round(1000 * line.slope, 3),
        "error": round(1000 * error, 3),
    }

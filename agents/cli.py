"""The `babelwire` command: reads settings, wires the parts together, talks to people.

Exit codes: 0 done, 1 some input failed (each named on stderr), 2 wrong usage.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeVar

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agents import cards, work
from agents.explain import explained
from agents.feeds import FeedError, read_feed
from agents.inputs import Hints, Input, articles_in, articles_of, files_of
from agents.pipeline import PIPELINE
from agents.push import Push, PushedEntries, Receipt, progress_bar
from schemas import (
    REASONS,
    EnrichedEvent,
    MessageError,
    NormalizedArticle,
    TranslatedArticle,
    Unprocessable,
    decode,
    encode,
)
from schemas.base import Message
from streams import acls, clients, dead_letters, embedded, logs, probe, reading, supervisor
from streams import backfill as backfills
from streams.settings import SECRETS, Settings
from streams.stage import Stage
from streams.times import moment
from streams.topics import DEAD_LETTERS, ENRICHED, TOPICS

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Raw articles in many languages in, one Kafka stream of clean English events out.",
)
kafka = typer.Typer(no_args_is_help=True, help="The embedded broker: a real, one-node Kafka.")
topics = typer.Typer(no_args_is_help=True, help="The pipeline's topics.")
letters = typer.Typer(
    no_args_is_help=True, help="Records that could not be processed: look at them, replay them."
)
models = typer.Typer(
    no_args_is_help=True, help="Direct translation models: better than the offline default."
)
app.add_typer(kafka, name="kafka")
app.add_typer(models, name="models")
app.add_typer(letters, name="dead-letters")
app.add_typer(topics, name="topics")

out: Final = Console(highlight=False)
err: Final = Console(stderr=True, highlight=False)

Paths = Annotated[
    list[Path], typer.Argument(help="Files or folders; `-` is standard input.", allow_dash=True)
]
Source = Annotated[str | None, typer.Option(help="Who published it, where the input is silent.")]
LanguageHint = Annotated[str | None, typer.Option("--language", help="ISO 639-1 code, as a hint.")]
Url = Annotated[str | None, typer.Option(help="Address of the article (for one file).")]

T = TypeVar("T")


@app.callback()
def configure(
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Overrides a setting; repeatable."),
    ] = None,
    brokers: Annotated[
        str | None, typer.Option(help="Short for --set bootstrap_servers=HOST:PORT,…")
    ] = None,
) -> None:
    """Flags become environment variables, so that the processes we start see them too."""
    chosen = [*(set_ or []), *([f"bootstrap_servers={brokers}"] if brokers else [])]
    for item in chosen:
        name, equals, value = item.partition("=")
        if name in SECRETS:
            _usage(
                f"--set {name}=…: everybody on this machine can read a command line; put the"
                f" secret into the environment variable BABELWIRE_{name.upper()} or into a file"
                + (" (setting sasl_password_file)" if name == "sasl_password" else "")
            )
        if not equals or name not in Settings.model_fields:
            known = ", ".join(sorted(Settings.model_fields.keys() - SECRETS))
            # The value is not repeated: the name may be that of a secret, misspelt.
            _usage(f"--set {name}: expected NAME=VALUE with one of {known}")
        os.environ[f"BABELWIRE_{name.upper()}"] = value


@app.command("doctor")
def doctor_() -> None:
    """What is installed, which engine serves which language, what is missing and how to get it.

    Example: `babelwire doctor`
    """
    # The models' libraries take a second to import; no other command needs them in this process.
    from agents import doctor

    settings = _settings()
    marks = {"there": "[green]✓[/]", "optional": "[yellow]○[/]", "missing": "[red]✗[/]"}
    healthy = True
    for section in doctor.sections(settings):
        table = Table(title=section.title, title_justify="left", title_style="bold")
        for heading in section.headings:
            table.add_column(heading, overflow="fold")
        for row in section.rows:
            healthy &= row.state != "missing"
            table.add_row(marks[row.state], *row.cells)
        out.print(table)
    out.print("✓ there   ○ would make it better   ✗ needed and missing", style="dim")
    raise typer.Exit(0 if healthy else 1)


@kafka.command("start")
def kafka_start(
    port: Annotated[int, typer.Option(help="Port for clients, on loopback.")] = 9092,
) -> None:
    """Start the embedded broker and create the topics; data is kept between starts.

    Example: `babelwire kafka start`
    """
    settings = _settings()
    try:
        jars = embedded.fetch_jars(settings, _say)
        broker = embedded.start(settings.state_dir, jars=jars, port=port, report=_say)
    except embedded.EmbeddedKafkaError as fault:
        _fail(str(fault))
    local = settings.model_copy(update={"bootstrap_servers": broker.bootstrap})
    _run(clients.create_topics(local))
    if broker.bootstrap != settings.bootstrap_servers:
        _say(f"tell the other commands: export BABELWIRE_BOOTSTRAP_SERVERS={broker.bootstrap}")


@kafka.command("stop")
def kafka_stop() -> None:
    """Stop the embedded broker; its data stays.

    Example: `babelwire kafka stop`
    """
    try:
        was_running = embedded.stop(_settings().state_dir)
    except embedded.EmbeddedKafkaError as fault:
        _fail(str(fault))
    _say("Kafka has stopped" if was_running else "Kafka was not running")


@kafka.command("status")
def kafka_status() -> None:
    """Is the embedded broker running, and where?

    Example: `babelwire kafka status`
    """
    broker = embedded.status(_settings().state_dir)
    if broker is None:
        _fail("Kafka is not running; start it with `babelwire kafka start`")
    out.print(f"Kafka runs at {broker.bootstrap} (pid {broker.pid}, log {broker.log})")


@topics.command("create")
def topics_create() -> None:
    """Create the topics that do not exist yet.

    Example: `babelwire topics create`
    """
    settings = _settings()
    created = _run(clients.create_topics(settings))
    for name in created:
        _say(f"created {name}")
    if not created:
        _say("all topics exist")


@topics.command("show")
def topics_show() -> None:
    """The topics in flow order: what they carry, and how.

    Example: `babelwire topics show`
    """
    settings = _settings()
    present = _run(clients.existing_topics(settings))
    table = Table()
    for heading in ("topic", "there", "message"):
        table.add_column(heading, no_wrap=True)
    for heading in ("key", "partitions", "kept"):
        table.add_column(heading)
    for topic in TOPICS:
        name = topic.full_name(settings.topic_prefix)
        schema = topic.schema.__name__ if topic.schema else "any bytes"
        table.add_row(
            name,
            "yes" if name in present else "[red]no[/red]",
            schema,
            topic.key,
            str(topic.partitions),
            f"{topic.retention_ms // 86_400_000} d",
        )
    out.print(table)


@topics.command("acls")
def topics_acls(
    stage: Annotated[str | None, typer.Option(help="Only those of this stage.")] = None,
    principal: Annotated[
        str | None,
        typer.Option(help="Who runs the stages; default: User:<prefix>.<stage> for each."),
    ] = None,
    arguments: Annotated[
        bool, typer.Option("--arguments", help="As arguments of kafka-acls.sh, one ACL a line.")
    ] = False,
) -> None:
    """What each stage must be allowed on a broker with ACLs; it needs nothing else.

    Example: `babelwire topics acls --arguments | xargs -L1 kafka-acls.sh --bootstrap-server HOST`
    """
    settings = _settings()
    chosen = [each for each in PIPELINE if stage in (None, each.name)]
    if not chosen:
        _usage(_no_stage(stage))
    for each in chosen:
        needed = acls.needed(each, settings.topic_prefix, principal)
        if arguments:
            for acl in needed:
                print(acl.arguments)  # noqa: T201
            continue
        table = Table("may", "resource", "name", title=needed[0].principal, title_justify="left")
        for acl in needed:
            table.add_row(acl.operation, acl.resource, acl.name + ("*" if acl.prefixed else ""))
        out.print(table)


@app.command()
def worker(
    stage: Annotated[str, typer.Argument(help=", ".join(stage.name for stage in PIPELINE))],
    slot: Annotated[int, typer.Option(help="Number of this worker within its stage.")] = 0,
) -> None:
    """Run one stage in the foreground; containers run this.

    Example: `babelwire worker translation`
    """
    names = [each.name for each in PIPELINE]
    if stage not in names:
        _usage(_no_stage(stage))
    settings = _settings()
    work.main(stage, settings, slot)


@app.command()
def run(
    workers_: Annotated[
        list[str] | None,
        typer.Option("--workers", metavar="STAGE=N", help="Workers of a stage; repeatable."),
    ] = None,
) -> None:
    """Run all stages, each worker in a process of its own; restart those that die.

    Example: `babelwire run --workers translation=2`
    """
    settings = _settings()
    numbers = {stage.name: 1 for stage in PIPELINE}
    for item in workers_ or []:
        name, _, number = item.partition("=")
        if name not in numbers or not number.isdigit() or not 1 <= int(number) <= 9:
            _usage(f"--workers {item}: expected STAGE=N with N from 1 to 9, {', '.join(numbers)}")
        numbers[name] = int(number)
    logs.configure(settings)
    programs = [
        supervisor.Program(f"{name}/{slot}", supervisor.worker_command(name, slot))
        for name, number in numbers.items()
        for slot in range(number)
    ]
    asyncio.run(_supervise(programs, settings))


async def _supervise(programs: list[supervisor.Program], settings: Settings) -> None:
    creating = asyncio.create_task(_create_topics(settings))
    try:
        await supervisor.supervise(programs, settings)
    finally:
        creating.cancel()


async def _create_topics(settings: Settings) -> None:
    try:
        await clients.create_topics_in_time(settings, _say)
    except clients.AccessRefused as fault:
        _complain(f"cannot create topics: {fault}")


@app.command()
def page(
    port: Annotated[int | None, typer.Option(help="Short for --set page_port=PORT.")] = None,
) -> None:
    """Serve the live page: the flow, the latest articles, the dead letters and their replay.

    Example: `babelwire page`
    """
    settings = _settings()
    if port is not None:
        settings = settings.model_copy(update={"page_port": port})
    logs.configure(settings)

    def ready(address: str) -> None:
        _say(f"the live page is at {address}")

    # Here, because a web server is of use to this command alone.
    from agents.page import server

    try:
        asyncio.run(server.serve(settings, PIPELINE, ready))
    except server.PortTaken as fault:
        _fail(str(fault))


@app.command()
def push(
    paths: Annotated[list[Path] | None, typer.Argument(allow_dash=True)] = None,
    feeds: Annotated[
        list[str] | None,
        typer.Option("--feed", metavar="FILE|URL", help="RSS, Atom or JSON Feed; repeatable."),
    ] = None,
    source: Source = None,
    language: LanguageHint = None,
    url: Url = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Send each file's bytes as one record, unchecked.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Receipts as JSON lines.")] = False,
) -> None:
    """Push articles (.txt .html .json .jsonl, folders, standard input) to the raw topic.

    Prints a receipt for each: topic, partition, offset and the article_id it will have.
    Of a feed, only the entries go that are new or have changed since it was pushed before.

    Example: `babelwire push --source "Il Foglio di Prova" articles/`
    Example: `babelwire push --feed https://example.org/feed.xml`
    """
    if not paths and not feeds:
        _usage("push needs files, folders, `-` or --feed")
    settings = _settings()
    hints = Hints(source=source, language=language, url=url)
    sender = Push(settings, PIPELINE[0])
    refused = 0

    def receipts(receipt: Receipt) -> None:
        nonlocal refused
        if receipt.error:
            refused += 1
            _complain(f"{receipt.name}: {receipt.error}")
        elif json:
            print(orjson.dumps(receipt.as_dict()).decode(), flush=True)  # noqa: T201
        else:
            out.print(receipt.line(), soft_wrap=True, markup=False)

    if as_is:
        _run(sender.send_bytes(files_of(paths or []), receipts))
    elif paths:
        _run(sender.send(_inputs(paths, hints), receipts, total=len(files_of(paths))))
    for where in feeds or []:
        try:
            feed = read_feed(where, settings.state_dir, hints)
        except FeedError as fault:
            refused += 1
            _complain(str(fault))
            continue
        fresh = f"{len(feed.fresh)} of {len(feed.entries)} entries are new"
        _say(f"{where}: {fresh if feed.entries else 'nothing new'}")
        sent = PushedEntries(feed, receipts)
        try:
            _run(sender.send(sent.inputs(), sent.report, total=len(feed.fresh)))
        finally:
            sent.remember()
    raise typer.Exit(1 if refused else 0)


@app.command()
def tail(
    topic: Annotated[str, typer.Option(help="Name without prefix, such as `normalized`.")] = (
        ENRICHED.name
    ),
    json: Annotated[bool, typer.Option("--json", help="Records as JSON lines.")] = False,
    since: Annotated[
        str | None,
        typer.Option(help="How far back: 30s, 15m, 1h, 2d, or a date (UTC); default: from now on."),
    ] = None,
    language: Annotated[str | None, typer.Option(help="Only articles in this language.")] = None,
    limit: Annotated[int | None, typer.Option(help="Stop after so many.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop at the present end.")] = False,
) -> None:
    """Show events as they arrive, as cards or as JSON lines.

    Example: `babelwire tail --since 1h --language it`
    """
    settings = _settings()
    names = {each.name: each for each in TOPICS}
    if topic not in names:
        _usage(f"no topic is called {topic!r}; there are {', '.join(names)}")
    begin = _moment("--since", since)
    try:
        _run(_tail(settings, names[topic].name, json, begin, language, limit, once))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _tail(
    settings: Settings,
    topic: str,
    json: bool,
    since: float | None,
    language: str | None,
    limit: int | None,
    once: bool,
) -> None:
    shown = 0
    name = f"{settings.topic_prefix}.{topic}"
    async for record in reading.follow(settings, name, since, stop_at_end=once):
        if not json and topic == ENRICHED.name:
            try:
                event = decode(EnrichedEvent, record.value)
            except MessageError as fault:
                _complain(f"{name}/{record.partition}@{record.offset}: {fault.error}")
                continue
            if language and event.language.code != language:
                continue
            out.print(cards.card(event))
        else:
            line = _json_line(record, topic)
            if language and reading.language_of(record.value) != language:
                continue
            print(line, flush=True)  # noqa: T201
        shown += 1
        if limit is not None and shown >= limit:
            return


def _json_line(record: Any, topic: str) -> str:
    if topic != "dead-letters":
        return (record.value or b"null").decode("utf-8", "replace")
    letter = reading.letter_of(record)
    return orjson.dumps(
        {
            "partition": record.partition,
            "offset": record.offset,
            "dead_letter": letter.model_dump() if letter else None,
            "value": None if record.value is None else record.value.decode("utf-8", "replace"),
        }
    ).decode()


@app.command()
def status(
    json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Per stage: rate, lag in records and seconds, circuit breaker, dead letters by reason.

    The circuit breaker is known of the workers on this machine only.

    Example: `babelwire status`
    """
    settings = _settings()
    found = _run(reading.status(settings, PIPELINE))
    circuits = _run(probe.circuits(settings, PIPELINE))
    told = {name: state.name.lower().replace("_", "-") for name, state in circuits.items()}
    if json:
        stages = {each.stage: {**vars(each), "circuit": told.get(each.stage)} for each in found}
        print(orjson.dumps(stages).decode())  # noqa: T201
        return
    table = Table()
    for heading in ("stage", "per minute", "lag", "oldest", "circuit"):
        table.add_column(heading, no_wrap=True)
    table.add_column("dead letters")
    for each in found:
        dead = ", ".join(f"{reason} {count}" for reason, count in sorted(each.dead_letters.items()))
        table.add_row(
            each.stage,
            str(each.per_minute),
            str(each.lag_records),
            cards.duration(each.lag_seconds) if each.lag_records else "-",
            told.get(each.stage, "no worker here"),
            dead or "none",
        )
    out.print(table)


OfStage = Annotated[str | None, typer.Option(help="Only those that this stage refused.")]
OfReason = Annotated[str | None, typer.Option(help="Only those with this reason code.")]
OfSource = Annotated[str | None, typer.Option(help="Only those of this source.")]
InLanguage = Annotated[str | None, typer.Option(help="Only those that say they are in it.")]
SinceWhen = Annotated[
    str | None, typer.Option(help="Only the last 30s, 15m, 1h, 2d, or from a date (UTC) on.")
]
UntilWhen = Annotated[
    str | None, typer.Option(help="Only what is older than 30s, 15m, 1h, 2d, or than a date (UTC).")
]


def _wanted(
    stage: str | None,
    reason: str | None,
    source: str | None,
    language: str | None,
    since: str | None,
    until: str | None,
) -> dead_letters.Filter:
    if stage is not None and stage not in [each.name for each in PIPELINE]:
        _usage(_no_stage(stage))
    if reason is not None and reason not in REASONS:
        _usage(f"no reason is called {reason!r}; there are {', '.join(REASONS)}")
    return dead_letters.Filter(
        stage,
        reason,
        source,
        language,
        _moment("--since", since) or 0.0,
        _moment("--until", until),
    )


def _looking_through(
    settings: Settings, since: float, work: Callable[[dead_letters.Scanned], Coroutine[Any, Any, T]]
) -> T:
    """Runs a look through the dead letters with a progress bar."""
    topic = DEAD_LETTERS.full_name(settings.topic_prefix)

    async def look() -> T:
        with progress_bar() as progress:
            total = await reading.size(settings, topic, since)
            task = progress.add_task("looking through the dead letters", total=total)
            return await work(lambda: progress.advance(task))

    return _run(look())


@letters.command("list")
def letters_list(
    stage: OfStage = None,
    reason: OfReason = None,
    source: OfSource = None,
    language: InLanguage = None,
    since: SinceWhen = None,
    until: UntilWhen = None,
    samples: Annotated[int, typer.Option(help="So many of each kind, the newest.", min=0)] = 1,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per kind.")] = False,
) -> None:
    """Counts by stage and reason, with the newest of each as samples.

    Example: `babelwire dead-letters list --since 1d --language it --samples 3`
    """
    settings = _settings()
    wanted = _wanted(stage, reason, source, language, since, until)
    groups = _looking_through(
        settings,
        wanted.since,
        lambda scanned: dead_letters.summary(settings, wanted, samples, scanned),
    )
    if json:
        for group in groups:
            print(orjson.dumps(group).decode())  # noqa: T201
        return
    now = time.time()
    table = Table("stage", "reason", "count", "place", "age", "error")
    for group in groups:
        kind = [group.stage, group.reason, str(group.count)]
        for sample in group.samples or [{}]:
            age = now - datetime.fromisoformat(sample["written_at"]).timestamp() if sample else 0.0
            told = [sample["place"], cards.duration(age), escape(sample["error"])] if sample else []
            table.add_row(*kind, *told)
            kind = ["", "", ""]
    out.print(table if groups else "no dead letters")


@letters.command("show")
def letters_show(
    place: Annotated[str, typer.Argument(help="As `list` gives it, such as 3@17.")],
) -> None:
    """One dead letter: why, where and when it failed, and the record as it came.

    Example: `babelwire dead-letters show 3@17`
    """
    partition, _, offset = place.partition("@")
    if not (partition.isdigit() and offset.isdigit()):
        _usage(f"{place!r} is no place; expected partition@offset as `list` gives it, such as 3@17")
    found = _run(dead_letters.at(_settings(), int(partition), int(offset)))
    if found is None:
        _fail(f"no dead letter at {place}; `babelwire dead-letters list` shows what there is")
    told = found.about() | {"age": cards.duration(time.time() - found.written_at)}
    for name, value in told.items():
        out.print(f"{name:>17}  {'-' if value is None else value}", markup=False, soft_wrap=True)
    _write(found.record.value or b"")


@letters.command("replay")
def letters_replay(
    stage: OfStage = None,
    reason: OfReason = None,
    source: OfSource = None,
    language: InLanguage = None,
    since: SinceWhen = None,
    until: UntilWhen = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    rate: Annotated[float, typer.Option(help="Records per second at the most.", min=0.1)] = 50.0,
) -> None:
    """Send dead letters back to the stage that refused them, for instance after a fix.

    A record that fails again is replayed three times at the most.

    Example: `babelwire dead-letters replay --reason too_large --dry-run`
    """
    settings = _settings()
    wanted = _wanted(stage, reason, source, language, since, until)
    plan = _looking_through(
        settings, wanted.since, lambda scanned: dead_letters.plan(settings, wanted, scanned)
    )
    if plan.worn:
        _say(f"{plan.worn} were replayed {dead_letters.MOST_REPLAYS} times already; left alone")
    if plan.replaced:
        _say(f"{plan.replaced} failed again when replayed; their newer letters stand for them")
    if dry_run:
        _say(f"would replay {len(plan.places)} records")
        return
    failed = 0

    def report(found: dead_letters.Found, error: str | None) -> None:
        nonlocal failed
        progress.advance(task)
        if error:
            failed += 1
            _complain(f"{found.place}: not replayed: {error}")

    with progress_bar() as progress:
        task = progress.add_task("replaying", total=len(plan.places))
        sent = _run(dead_letters.replay(settings, wanted, plan.places, rate, report))
    _say(f"replayed {sent} records")
    raise typer.Exit(1 if failed else 0)


@app.command()
def backfill(
    stage: Annotated[
        str, typer.Option(help=f"Whose work to do again: {', '.join(s.name for s in PIPELINE)}.")
    ],
    where: Annotated[
        str | None,
        typer.Option(
            help="Which articles, by their newest event: version<1.2.0, language=it, source=NAME,"
            " since=2d, joined with `and`; default: version older than the installed one."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    rate: Annotated[float, typer.Option(help="Articles per second at the most.", min=0.01)] = 10.0,
    limit: Annotated[int | None, typer.Option(help="So many articles at the most.", min=1)] = None,
    max_lag: Annotated[
        int,
        typer.Option(help="Wait while this or a later stage is so many records behind.", min=1),
    ] = 20,
) -> None:
    """Do a stage's work again for articles whose newest event an older version of it made.

    They take the ordinary way through the pipeline, and live articles go first. May be repeated:
    what is done no longer matches.

    Example: `babelwire backfill --stage translation --where 'version<1.2.0 and language=it'`
    """
    settings = _settings()
    chosen = next((each for each in PIPELINE if each.name == stage), None)
    if chosen is None:
        _usage(_no_stage(stage))
    try:
        wanted = backfills.parse(where or f"version<{chosen.version}", time.time())
    except backfills.WhereError as fault:
        _usage(f"--where: {fault}")
    task = backfills.Backfill(settings, PIPELINE, chosen, wanted)
    raise typer.Exit(_run(_backfill(settings, task, chosen, dry_run, rate, limit, max_lag)))


async def _backfill(
    settings: Settings,
    task: backfills.Backfill,
    stage: Stage,
    dry_run: bool,
    rate: float,
    limit: int | None,
    max_lag: int,
) -> int:
    with progress_bar() as bar:
        total = await reading.size(settings, task.events_topic, 0.0)
        looking = bar.add_task("looking through the events", total=total)
        scan = await task.scan(limit, lambda: bar.advance(looking))
    with progress_bar() as bar:
        looking = bar.add_task("looking for the articles", total=None)
        located = await task.locate(scan, lambda: bar.advance(looking))
    for (version, language), count in sorted(scan.counts().items()):
        _say(f"{count} in {language}, made by {stage.name} {version}")
    if scan.unreadable:
        _say(f"{scan.unreadable} records of {task.events_topic} are no events; left alone")
    if located.gone:
        _say(f"{located.gone} are gone from {located.topic} and cannot be done again")
    if (stage.name, stage.version) in {(stage.name, version) for version, _ in scan.counts()}:
        _say(f"some were made by the installed version {stage.version}: they will match again")
    if dry_run:
        _say(f"would send {len(located.places)} articles to {stage.name}")
        return 0

    def report(progress: backfills.Progress) -> None:
        words = f"to {stage.name}"
        if progress.held_by:
            words = f"held back: {progress.held_by[0]} is {progress.held_by[1]} records behind"
        done = progress.sent + progress.newer + progress.unreadable
        bar.update(sending, completed=done, description=words)

    with progress_bar() as bar:
        sending = bar.add_task("", total=len(located.places))
        progress = await task.send(scan, located, rate, max_lag, report)
    for fault in progress.faults:
        _complain(fault)
    _say(
        f"sent {progress.sent} articles to {stage.name}"
        + (f"; {progress.newer} have something newer and were left alone" * bool(progress.newer))
    )
    return 1 if progress.unreadable else 0


@app.command()
def enrich(
    paths: Paths, source: Source = None, language: LanguageHint = None, url: Url = None
) -> None:
    """The three steps in this process, without Kafka: articles in, enriched JSON lines out.

    Example: `babelwire enrich article.txt | jq .translation.text`
    """
    settings = _settings()
    steps = [stage.load(settings) for stage in PIPELINE]
    failed = 0
    for item in _inputs(paths, Hints(source, language, url)):
        if item.article is None:
            failed += 1
            _complain(f"{item.name}: {item.error}")
            continue
        result: Message = item.article
        try:
            for step in steps:
                result = step(result)
        except Unprocessable as verdict:
            failed += 1
            _complain(f"{item.name}: {verdict.reason}: {verdict.error}")
        else:
            _write(encode(result))
    raise typer.Exit(1 if failed else 0)


@app.command()
def normalize(
    paths: Annotated[list[Path] | None, typer.Argument(allow_dash=True)] = None,
    source: Source = None,
    language: LanguageHint = None,
    url: Url = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each article with what goes marked in colour.")
    ] = False,
) -> None:
    """Raw articles of any kind in, normalized JSON lines out.

    Example: `babelwire normalize article.html`
    """
    work = PIPELINE[0].load(_settings())
    failed = 0
    for item in _inputs(paths or [Path("-")], Hints(source, language, url)):
        try:
            if item.article is None:
                raise MessageError("wrong_shape", item.error or "no article")
            article = work(item.article)
            if explain:
                out.rule(item.name, style="dim")
                out.print(explained(item.article, article))
            else:
                _write(encode(article))
        except (MessageError, Unprocessable) as verdict:
            failed += 1
            _complain(f"{item.name}: {verdict.reason}: {verdict.error}")
    raise typer.Exit(1 if failed else 0)


@app.command()
def translate(
    lines: Annotated[
        bool, typer.Option("--lines", help="Plain lines in, plain lines out.")
    ] = False,
    language: Annotated[str | None, typer.Option(help="Of the lines, with --lines.")] = None,
) -> None:
    """Normalized JSON lines in, translated JSON lines out.

    Example: `babelwire translate --lines --language it < italian.txt`
    """
    settings = _settings()
    if not lines:
        _filter(PIPELINE[1], NormalizedArticle, settings)
    from agents.translation.lines import translate_lines

    code, given = _needed(language), _stdin_lines()
    for at in range(0, len(given), 50):
        for line in translate_lines(settings, code, given[at : at + 50]):
            _write(line.encode())


@models.command("list")
def models_list(
    published: Annotated[
        bool, typer.Option("--published", help="Also what can be fetched (asks the network).")
    ] = False,
) -> None:
    """The direct models on this machine, each checked against its checksums.

    Example: `babelwire models list --published`
    """
    from agents.translation import models as direct
    from agents.translation.neural import ModelError

    settings = _settings()
    table = Table("language", "version", "MB", "state", "where")
    damaged = False
    found = direct.held(direct.folder_of(settings))
    for model in found:
        damaged |= bool(model.fault)
        table.add_row(
            model.language,
            model.version,
            f"{model.size / 1e6:.0f}",
            escape(model.fault) or "whole",
            str(model.folder),
        )
    if published:
        try:
            there = direct.published(direct.records())
        except ModelError as fault:
            _fail(str(fault))
        for language in sorted(there.keys() - {model.language for model in found}):
            table.add_row(language, there[language].version, "", "can be fetched", "")
    out.print(table)
    if not table.row_count:
        _say("no model has been fetched; `babelwire models fetch it fr es` brings some")
    raise typer.Exit(1 if damaged else 0)


@models.command("fetch")
def models_fetch(
    languages: Annotated[list[str], typer.Argument(help="ISO 639-1 codes, such as it fr es.")],
    records: Annotated[
        str | None, typer.Option(help="Address of the list of models; default: Mozilla's.")
    ] = None,
    files: Annotated[
        str | None, typer.Option(help="Address that the files lie under; default: Mozilla's.")
    ] = None,
) -> None:
    """Fetch direct models into English (needs a network once); goes on where it stopped.

    Example: `babelwire models fetch it fr es`
    """
    from agents.translation import models as direct
    from agents.translation.neural import ModelError

    folder = direct.folder_of(_settings())
    failed = False
    try:
        there = direct.published(direct.records(records))
    except ModelError as fault:
        _fail(str(fault))
    for language in languages:
        if language not in there:
            failed = True
            _complain(f"{language}: no model into English; there are {', '.join(sorted(there))}")
            continue
        with progress_bar() as bar:
            task = bar.add_task(language)

            def report(name: str, have: int, total: int, bar: Any = bar, task: Any = task) -> None:
                bar.update(task, description=name, completed=have, total=total or None)

            try:
                place = direct.fetch(there[language], folder, report, files or direct.ATTACHMENTS)
            except (ModelError, OSError) as fault:
                failed = True
                _complain(f"{language}: {fault}")
                continue
        _say(f"{language}: version {there[language].version} in {place}")
    raise typer.Exit(1 if failed else 0)


@app.command()
def tag(
    lines: Annotated[bool, typer.Option("--lines", help="Plain lines in, JSON lists out.")] = False,
    language: Annotated[str | None, typer.Option(help="Of the lines, with --lines.")] = None,
) -> None:
    """Translated JSON lines in, enriched JSON lines out.

    With --lines: plain lines in, for each one a JSON list of {text, type, start, end} out.

    Example: `babelwire tag --lines --language fr < french.txt`
    """
    settings = _settings()
    if not lines:
        _filter(PIPELINE[2], TranslatedArticle, settings)
    from agents.tagging.lines import tag_lines

    for found in tag_lines(settings, _needed(language), _stdin_lines()):
        _write(orjson.dumps(found))


def _filter(stage: Stage, model: type[Message], settings: Settings) -> NoReturn:
    work = stage.load(settings)
    failed = 0
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            _write(encode(work(decode(model, line))))
        except (MessageError, Unprocessable) as verdict:
            failed += 1
            _complain(f"line {number}: {verdict.reason}: {verdict.error}")
    raise typer.Exit(1 if failed else 0)


def _stdin_lines() -> list[str]:
    # Only "\n" ends a line: splitlines() would also split at form feeds and other marks in text.
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _needed(language: str | None) -> str:
    if language is None:
        _usage("--lines needs --language, such as --language it")
    return language


def _inputs(paths: Iterable[Path], hints: Hints) -> Iterator[Input]:
    for path in files_of(list(paths)):
        if str(path) == "-":
            yield from articles_in(sys.stdin.buffer.read(), "standard input", "", hints)
        else:
            yield from articles_of(path, hints)


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as fault:
        faults = [
            ": ".join((*map(str, error["loc"]), error["msg"].removeprefix("Value error, ")))
            for error in fault.errors(include_input=False)
        ]
        _usage("settings: " + "; ".join(faults))


def _no_stage(name: str | None) -> str:
    return f"no stage is called {name!r}; there are {', '.join(each.name for each in PIPELINE)}"


def _moment(option: str, text: str | None) -> float | None:
    """Seconds since the epoch of a time that is so long ago (`15m`) or a date; None for None."""
    if text is None:
        return None
    try:
        return moment(text, time.time())
    except ValueError as fault:
        _usage(f"{option} {text}: {fault}")


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (clients.BrokerUnreachable, clients.TopicMissing, clients.AccessRefused) as fault:
        _fail(str(fault))


def _say(words: str) -> None:
    err.print(words, markup=False, soft_wrap=True)


def _complain(words: str) -> None:
    err.print(f"✗ {words}", style="red", markup=False, soft_wrap=True)


def _fail(words: str) -> NoReturn:
    _complain(words)
    raise typer.Exit(1)


def _usage(words: str) -> NoReturn:
    _complain(words)
    raise typer.Exit(2)


def main() -> None:
    """The console script."""
    try:
        app()
    except BrokenPipeError:
        # The reader (head, jq) has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()

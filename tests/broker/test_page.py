"""The live page in a real Chromium, on a real broker; the events are put on the topic directly."""

import asyncio
import itertools
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from agents.page import server
from ops.chromium import chromium
from ops.demo import answers
from schemas import DeadLetter, EnrichedEvent, encode
from streams import clients, embedded
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, ENRICHED, RAW
from tests.broker.harness import Desk, apart, free_port, open_desk, served, until

EXAMPLE = Path(__file__).parents[1] / "unit/schemas/examples/1.0/enriched.json"
HOSTILE = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 2'>",
    "<svg onload=window.ran=3>",
    "</p></article></main><iframe srcdoc='<script>parent.ran = 4</script>'></iframe>",
    "{{constructor.constructor('window.ran = 5')()}} ${window.ran = 6}",
    "&lt;b&gt;\u202eereht\u202c \U0001f600 " + "W" * 300,
)
numbers = itertools.count(1)


def event(text: str, language: str = "it", source: str = "desk", **fields: Any) -> dict[str, Any]:
    """An enriched event with one paragraph, whose first word is an organisation, `Org<n>`."""
    number = next(numbers)
    name = f"Org{number}"
    whole = f"{name} {text}"
    english = f"{name} says: {text}"
    quote = {"start": 0, "end": len(name), "text": name}
    shaped = {
        **orjson.loads(EXAMPLE.read_bytes()),
        "article_id": f"{number:064x}",
        "event_id": f"00000000-0000-5000-8000-{number:012d}",
        "source": source,
        "url": f"https://example.org/{number}",
        "title": None,
        "byline": None,
        "language": {"code": language, "confidence": 1.0},
        "text": whole,
        "paragraphs": [{"start": 0, "end": len(whole)}],
        "sentences": [{"start": 0, "end": len(whole)}],
        "removed": [{"kind": "advertising", "text": text, "start": 0, "rule": "line"}],
        "translation": {
            "language": "en",
            "title": f"{name} headline",
            "text": english,
            "paragraphs": [{"start": 0, "end": len(english)}],
            "coverage": 1.0,
            "quality": 0.5,
            "sentences": [
                {
                    "source": {"start": 0, "end": len(whole)},
                    "target": {"start": 0, "end": len(english)},
                    "engine": "apertium",
                    "route": "it>pt>en",
                    "notes": ["guard: retried"],
                }
            ],
        },
        "entities": [
            {
                "id": f"org:org{number}",
                "name": name,
                "type": "ORG",
                "wikidata": None,
                "salience": 1.0,
                "mentions": [{"field": "text", "source": quote, "target": quote, "score": 1.0}],
            }
        ],
        "about": {"entities": [], "place": None},
        **fields,
    }
    # Held to the schema, so that no test shows what no stage could write.
    return dict(orjson.loads(encode(EnrichedEvent.model_validate(shaped))))


def publish(desk: Desk, events: list[dict[str, Any]]) -> None:
    """Puts events on the enriched topic."""
    write(desk, ENRICHED.name, [(orjson.dumps(each), []) for each in events])


def write(desk: Desk, topic: str, records: list[tuple[bytes, list[tuple[str, bytes]]]]) -> None:
    async def send() -> None:
        async with clients.producer(desk.settings) as producer:
            for number, (value, headers) in enumerate(records):
                await producer.send(
                    desk.topic(topic), value, key=str(number).encode(), headers=headers
                )
            await producer.flush()

    apart(send())


def dead_letter(desk: Desk, error: str) -> tuple[bytes, list[tuple[str, bytes]]]:
    letter = DeadLetter(
        stage="normalization",
        stage_version="1.0.0",
        reason="not_json",
        error=error,
        attempts=1,
        source_topic=desk.topic(RAW.name),
        source_partition=0,
        source_offset=7,
        failed_at="2026-01-02T03:04:05.678+00:00",
    )
    return b"{broken " + error.encode(), letter.to_headers()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@contextmanager
def opened(
    browser: Browser, address: str, phone: bool = False, dark: bool = False
) -> Iterator[Page]:
    """The page in the browser. What goes wrong in it, or calls another host, fails the test."""
    size = {"width": 390, "height": 844} if phone else {"width": 1400, "height": 1000}
    context = browser.new_context(
        viewport=size,  # type: ignore[arg-type]
        color_scheme="dark" if dark else "light",
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda fault: wrong.append(str(fault)))
    page.on("console", lambda line: wrong.append(line.text) if "Security" in line.text else None)
    page.on("dialog", lambda dialog: _refuse(dialog, wrong))
    page.on(
        "request",
        lambda request: None if request.url.startswith(address) else wrong.append(request.url),
    )
    page.goto(address)
    expect(page.locator("#link")).to_have_attribute("data-state", "live", timeout=10_000)
    try:
        yield page
    finally:
        context.close()
    assert wrong == []


def _refuse(dialog: Dialog, wrong: list[str]) -> None:
    wrong.append(f"dialog {dialog.message}")
    dialog.dismiss()


def cards(page: Page) -> list[str]:
    """Headlines from the top."""
    return [words.strip() for words in page.locator(".card h3").all_inner_texts()]


def test_hostile_articles_are_shown_as_text_and_never_run(desk: Desk, browser: Browser) -> None:
    hostile = [
        event(
            text,
            source=text[:70],
            url="javascript:window.ran=7",
            byline=text,
            translation={**event(text)["translation"], "title": text},
            entities=[],
            published_at={"value": text, "precision": "day", "from": "text"},
        )
        for text in HOSTILE
    ]
    publish(desk, hostile)
    write(desk, DEAD_LETTERS.name, [dead_letter(desk, text) for text in HOSTILE])
    with served(desk) as address, opened(browser, address) as page:
        expect(page.locator(".card")).to_have_count(len(HOSTILE))
        for card in page.locator(".card").all():
            card.locator(".how summary").click()
            card.locator(".removed summary").click()
        expect(page.locator(".letter")).to_have_count(len(HOSTILE))
        shown = page.locator("#feed").inner_text()
        for text in HOSTILE:
            assert text.split("\u202e")[0] in shown
        assert page.evaluate("window.ran") is None
        assert page.locator("#feed script, #feed img, #feed iframe, #feed svg").count() == 0
        assert page.locator(".card a").count() == 0
        # Even markup that got in could not run.
        blocked = page.evaluate(
            "() => { try { document.body.innerHTML = '<b>x</b>'; return false }"
            " catch (fault) { return fault instanceof TypeError } }"
        )
        assert blocked


def test_source_and_english_stand_side_by_side_and_mentions_light_up_in_both(
    desk: Desk, browser: Browser
) -> None:
    publish(desk, [event("ha presentato un bilancio", source="Il Foglio di Prova")])
    with served(desk) as address, opened(browser, address) as page:
        card = page.locator(".card")
        source = card.locator(".text.source")
        english = card.locator(".text.target")
        expect(source).to_contain_text("ha presentato un bilancio")
        left, right = source.bounding_box(), english.bounding_box()
        assert left and right and left["x"] + left["width"] <= right["x"] + 20
        assert abs(left["y"] - right["y"]) < 2
        assert source.get_attribute("lang") == "it"
        english.locator("mark").hover()
        expect(source.locator("mark.lit")).to_have_count(1)
        expect(english.locator("mark.lit")).to_have_count(1)
        page.mouse.move(0, 0)
        expect(card.locator("mark.lit")).to_have_count(0)
        card.locator(".how summary").click()
        expect(card.locator(".sentences")).to_contain_text("it>pt>en")
        expect(card.locator(".sentences")).to_contain_text("guard: retried")
        card.locator(".removed summary").click()
        expect(card.locator(".removed-list")).to_contain_text("rule line")


def test_filters_choose_by_language_entity_and_source(desk: Desk, browser: Browser) -> None:
    french = event("a parlé", language="fr", source="Le Matin")
    italian = event("ha parlato", source="Il Giorno")
    publish(desk, [french, italian])
    name = french["entities"][0]["name"]
    with served(desk) as address, opened(browser, address) as page:
        expect(page.locator(".card")).to_have_count(2)
        page.select_option("#language", "fr")
        expect(page.locator(".card")).to_have_count(1)
        assert cards(page) == [f"{name} headline"]
        publish(desk, [event("ha detto"), event("a dit", language="fr")])
        expect(page.locator(".card")).to_have_count(2)
        page.click("#clear")
        expect(page.locator(".card")).to_have_count(4)
        page.fill("#source", "il giorno")
        page.press("#source", "Enter")
        expect(page.locator(".card")).to_have_count(1)
        page.click("#clear")
        expect(page.locator(".card")).to_have_count(4)
        page.locator(".chip", has_text=name).click()
        page.locator("button.only").click()
        expect(page.locator(".card")).to_have_count(1)
        assert cards(page) == [f"{name} headline"]


def test_the_page_works_by_keyboard_and_says_what_it_is(desk: Desk, browser: Browser) -> None:
    publish(desk, [event("uno"), event("due"), event("tre")])
    with served(desk) as address, opened(browser, address) as page:
        expect(page.get_by_role("feed", name="Latest articles")).to_be_visible()
        expect(page.get_by_role("article")).to_have_count(3)
        headlines = cards(page)
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(page.get_by_role("article", name=headlines[1])).to_be_focused()
        page.keyboard.press("t")
        expect(page.locator(".card").nth(1).locator(".sentences")).to_be_visible()
        page.keyboard.press("k")
        expect(page.get_by_role("article", name=headlines[0])).to_be_focused()
        # Whoever reads is not pushed about: what is new waits behind a button.
        publish(desk, [event("quattro")])
        more = page.get_by_role("button", name="1 new article")
        expect(more).to_be_visible()
        assert cards(page) == headlines
        more.click()
        expect(page.get_by_role("article")).to_have_count(4)
        expect(page.get_by_role("article").first).to_be_focused()
        page.keyboard.press("h")
        expect(page.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_sticks_out_on_a_phone_and_words_can_be_read(
    desk: Desk, browser: Browser, dark: bool
) -> None:
    publish(desk, [event("parola " * 200 + "x" * 200)])
    write(desk, DEAD_LETTERS.name, [dead_letter(desk, "e" * 300)])
    with served(desk) as address, opened(browser, address, phone=True, dark=dark) as page:
        expect(page.locator(".card")).to_have_count(1)
        expect(page.locator(".letter")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for place in (".card h3", ".kicker", ".error", "#words", ".chip", ".by", ".flag"):
            assert contrast(page, place) >= 4.5, place


def contrast(page: Page, place: str) -> float:
    """Contrast of an element's words against what is behind them (WCAG 2.2, 1.4.3)."""
    found = page.evaluate(
        """(place) => {
            const canvas = document.createElement("canvas").getContext("2d");
            const rgb = (colour) => {
                canvas.clearRect(0, 0, 1, 1);
                canvas.fillStyle = colour;
                canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data];
            };
            let each = document.querySelector(place);
            if (!each) return null;
            const ink = rgb(getComputedStyle(each).color);
            for (; each; each = each.parentElement) {
                const paper = rgb(getComputedStyle(each).backgroundColor);
                if (paper[3] === 255) return [ink, paper];
            }
            return [ink, [255, 255, 255, 255]];
        }""",
        place,
    )
    if found is None:
        return 21.0

    def luminance(colour: list[int]) -> float:
        red, green, blue = (
            share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
            for share in (part / 255 for part in colour[:3])
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(found[0]), luminance(found[1])), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_lost_server_is_shown_and_nothing_is_missed_when_it_is_back(
    desk: Desk, browser: Browser
) -> None:
    publish(desk, [event("prima")])
    with opening(browser, desk) as (page, port):
        expect(page.locator("#link")).to_contain_text("no connection since", timeout=20_000)
        publish(desk, [event("mentre era via") for _ in range(3)])
        with served(desk, port):
            expect(page.locator("#link")).to_have_attribute("data-state", "live", timeout=20_000)
            expect(page.locator(".card")).to_have_count(4)
            assert len(set(cards(page))) == 4


@contextmanager
def opening(browser: Browser, desk: Desk) -> Iterator[tuple[Page, int]]:
    """The page with its first article, and its server gone; with the port that it was on."""
    page = browser.new_page()
    try:
        with served(desk) as address:
            page.goto(address)
            expect(page.locator(".card")).to_have_count(1, timeout=10_000)
        yield page, int(address.rstrip("/").rsplit(":", 1)[1])
    finally:
        page.close()


def test_a_burst_leaves_a_bounded_page_with_the_newest_on_top(desk: Desk, browser: Browser) -> None:
    with served(desk) as address, opened(browser, address) as page:
        publish(desk, [event(f"numero {number}") for number in range(400)])
        last = event("l'ultimo")
        time.sleep(1.0)
        publish(desk, [last])
        expect(page.locator(".card").first).to_contain_text("l'ultimo", timeout=20_000)
        assert page.locator(".card").count() <= 60


def test_a_dead_letter_is_replayed_after_a_question(desk: Desk, browser: Browser) -> None:
    write(desk, DEAD_LETTERS.name, [dead_letter(desk, "line 1 column 2")])
    with served(desk) as address, opened(browser, address) as page:
        letter = page.locator(".letter")
        expect(letter).to_contain_text("not json")
        expect(letter).to_contain_text("line 1 column 2")
        letter.get_by_role("button").click()
        page.get_by_role("button", name="Leave it").click()
        assert desk.count(RAW.name) == 0
        letter.get_by_role("button").click()
        expect(page.get_by_role("dialog")).to_contain_text(desk.topic(RAW.name))
        page.get_by_role("button", name="Replay", exact=True).click()
        expect(letter.get_by_role("button")).to_have_text("Replayed")
    [record] = desk.records(RAW.name)
    assert record.value == b"{broken line 1 column 2"
    assert dict(record.headers)["babelwire-replay-count"] == b"1"


def test_a_replay_is_refused_to_whoever_is_not_the_page(desk: Desk) -> None:
    write(desk, DEAD_LETTERS.name, [dead_letter(desk, "x")])
    with served(desk) as address:
        until(lambda: ask(f"{address}dead-letters")[1]["letters"] != [], 10, "the letter")
        [letter] = ask(f"{address}dead-letters")[1]["letters"]
        with urllib.request.urlopen(address) as response:
            policy = response.headers["Content-Security-Policy"]
            token = response.read().decode().split('babelwire-token" content="')[1].split('"')[0]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        body = {"places": [letter["place"]]}
        replay = f"{address}dead-letters/replay"
        own = {"X-Babelwire-Token": token, "Content-Type": "application/json"}
        for headers in (
            {},
            {"X-Babelwire-Token": "guessed"},
            {**own, "Origin": "http://evil.example"},
            {**own, "Sec-Fetch-Site": "cross-site"},
            {**own, "Host": "evil.example"},
        ):
            assert ask(replay, body, headers)[0] == 403, headers
        assert ask(replay, {"places": "all"}, own)[0] == 400
        assert ask(replay, {"places": ["9@9"]}, own)[0] == 409
        assert desk.count(RAW.name) == 0
        assert ask(replay, body, own) == (200, {"replayed": body["places"], "left": []})
        assert ask(replay, body, own)[0] == 409
        assert ask(address, None, {"Host": "evil.example"})[0] == 403
    assert desk.count(RAW.name) == 1


def ask(
    url: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.loads(refusal.read())


def heard(url: str, number: int, headers: dict[str, str] | None = None) -> list[dict[str, str]]:
    """The first so many article events of a stream, as id and data."""
    found: list[dict[str, str]] = []
    current: dict[str, str] = {}
    request = urllib.request.Request(url, headers=headers or {})
    with urllib.request.urlopen(request, timeout=15) as response:
        while len(found) < number:
            line = response.readline().decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if line:
                current[name] = value
            else:
                if current.get("event") == "article":
                    found.append(current)
                current = {}
    return found


def test_any_program_may_read_the_stream_and_come_back_where_it_was(desk: Desk) -> None:
    publish(desk, [event(f"numero {number}") for number in range(8)])
    with served(desk) as address:
        stream = f"{address}events"
        everything = heard(f"{stream}?newest=8", 8)
        places = [json.loads(each["data"])["place"] for each in everything]
        assert len(set(places)) == 8
        seen = everything[2]["id"]
        # Between partitions there is no order; nothing is left out, and nothing comes twice.
        for again in (
            heard(stream, 5, {"Last-Event-ID": seen}),
            heard(f"{stream}?after={seen}", 5),
        ):
            assert {json.loads(each["data"])["place"] for each in again} == set(places[3:])
        assert ask(f"{stream}?after=x")[0] == 400
        assert ask(f"{stream}?langauge=it")[0] == 400


def test_the_page_exports_lag_of_stages_that_have_no_worker(desk: Desk) -> None:
    desk.produce([(None, b"{}", [])] * 3)
    with served(desk) as address:

        def lagging() -> bool:
            with urllib.request.urlopen(f"{address}metrics", timeout=5) as response:
                lines = response.read().decode().splitlines()
            stage = 'stage="normalization"'
            lags = [line for line in lines if "babelwire_lag_records{" in line and stage in line]
            return sum(float(line.split()[-1]) for line in lags) == 3

        until(lagging, 15, "the lag")
        flow = ask(f"{address}flow")[1]
    assert flow["state"] == "down"
    assert "No worker for normalization, translation and tagging" in flow["words"]


def test_a_reader_that_takes_nothing_is_let_go(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WRITE_SECONDS", 2.0)
    large = event("parola " * 20_000)
    with served(desk) as address:
        host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
        with socket.create_connection((host, int(port))) as sleeper:
            sleeper.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            until(partial(streams_open, address, 1), 10, "the stream")
            publish(desk, [large] * 60)
            until(partial(streams_open, address, 0), 30, "the reader gone")


def streams_open(address: str, number: int) -> bool:
    with urllib.request.urlopen(f"{address}metrics", timeout=5) as response:
        return f"babelwire_page_streams {number}.0" in response.read().decode()


def test_without_a_broker_the_page_says_so_and_stays_up(tmp_path: Path) -> None:
    nowhere = Settings(bootstrap_servers=f"127.0.0.1:{free_port()}", state_dir=tmp_path)
    with served(Desk(nowhere, {}, tmp_path)) as address:

        def told() -> bool:
            flow = ask(f"{address}flow")[1]
            return (flow["broker"], flow["state"]) == (False, "broker")

        until(told, 10, "the state")
        with urllib.request.urlopen(f"{address}events", timeout=15) as stream:
            lines = [stream.readline().decode() for _ in range(9)]
        [trouble] = [line for line in lines if line.startswith('data: {"error"')]
        assert "no Kafka broker answers at" in trouble


def test_a_broker_that_goes_is_missed_and_one_that_comes_back_is_found(
    tmp_path: Path, jars: Path
) -> None:
    state = tmp_path / "kafka"
    broker = apart(asyncio.to_thread(embedded.start, state, jars=jars, port=0))
    port = int(broker.bootstrap.rsplit(":", 1)[1])
    desk = open_desk(broker.bootstrap, tmp_path)
    try:
        with served(desk) as address:

            def answers_now(yes: bool) -> bool:
                return bool(ask(f"{address}flow")[1]["broker"]) is yes

            until(partial(answers_now, True), 20, "the broker seen")
            embedded.stop(state)
            until(partial(answers_now, False), 30, "the broker missed")
            apart(asyncio.to_thread(embedded.start, state, jars=jars, port=port))
            until(partial(answers_now, True), 60, "the broker found")
    finally:
        embedded.stop(state)


def test_the_command_serves_the_page_and_names_a_port_that_is_taken(desk: Desk) -> None:
    with served(desk) as address:
        port = address.rstrip("/").rsplit(":", 1)[1]
        second = desk.run("page", "--port", port, check=False)
    assert second.returncode == 1
    assert b"is another page running?" in second.stderr
    with desk.running("page", "--port", port) as process:
        until(partial(answers, f"{address}healthz"), 30, "the page")
        process.terminate()
        assert process.wait(timeout=10) == 0

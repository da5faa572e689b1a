"""Feeds become raw articles, an entry each, and no entry twice."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from agents.feeds import FeedError, Memory, entries_of, read_feed
from agents.inputs import Hints
from schemas import RawArticle

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>La Gazzetta di prova</title><language>it-IT</language>
<item><title>La biblioteca apre &amp; chiude</title><link>https://gazzetta.example/a</link>
<guid isPermaLink="false">g1</guid><description>In breve.</description>
<content:encoded>
<![CDATA[<p>Le sale restano <b>aperte</b>.</p><script>x()</script>]]></content:encoded>
<pubDate>Tue, 12 Mar 2024 10:45:00 +0100</pubDate><author>ada@gazzetta.example (Ada Bruni)</author>
</item>
<item><title>Senza guid</title><link>https://gazzetta.example/b</link>
<description>Solo un sommario.</description></item>
<item><title>Senza testo</title><guid>g3</guid></item>
</channel></rss>"""
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="fr"><title>Le Journal d'essai</title>
<entry><id>tag:1</id><title>Le musée</title><link href="https://journal.example/m"/>
<updated>2024-03-12T08:00:00Z</updated><author><name>Élise Roy</name></author>
<content type="html">&lt;p&gt;Le musée ouvre.&lt;/p&gt;</content></entry></feed>"""
JSON_FEED = orjson.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "El Diario de prueba",
        "language": "es",
        "items": [
            {
                "id": 7,
                "url": "https://diario.example/7",
                "title": "El tren",
                "content_html": "<p>El tren llega.</p>",
                "date_published": "2024-03-12T10:00:00Z",
                "authors": [{"name": "Pau Vidal"}, {"url": "x"}],
            },
            {"id": "8", "content_text": "Texto plano."},
            "no entry",
        ],
    }
).decode()


def articles(feed: str, hints: Hints | None = None) -> list[RawArticle]:
    entries = entries_of(feed.encode(), "here", hints or Hints())
    return [entry.item.article for entry in entries if entry.item.article]


def test_an_rss_item_becomes_one_article_with_its_whole_content() -> None:
    first, second = articles(RSS)
    assert first.body.strip() == "<p>Le sale restano <b>aperte</b>.</p><script>x()</script>"
    assert first.content_type == "text/html"
    assert (first.title, first.byline) == ("La biblioteca apre & chiude", "Ada Bruni")
    assert (first.url, first.source) == ("https://gazzetta.example/a", "La Gazzetta di prova")
    assert (first.published_at, first.language) == ("Tue, 12 Mar 2024 10:45:00 +0100", "it")
    assert first.extra == {"feed": "here", "entry": "g1"}
    assert second.body == "Solo un sommario."


def test_an_atom_entry_and_a_json_feed_item_say_the_same_things() -> None:
    [atom] = articles(ATOM)
    assert (atom.body, atom.title, atom.byline) == (
        "<p>Le musée ouvre.</p>",
        "Le musée",
        "Élise Roy",
    )
    assert (atom.language, atom.published_at) == ("fr", "2024-03-12T08:00:00Z")
    html, plain = articles(JSON_FEED)
    assert (html.body, html.content_type) == ("<p>El tren llega.</p>", "text/html")
    assert (html.byline, html.source, html.language) == ("Pau Vidal", "El Diario de prueba", "es")
    assert (plain.body, plain.content_type, plain.url) == ("Texto plano.", "text/plain", None)


def test_an_entry_without_text_is_named_and_spoils_no_other() -> None:
    errors = [entry.item for entry in entries_of(RSS.encode(), "here", Hints()) if entry.item.error]
    assert [(item.name, item.error) for item in errors] == [
        ("here g3", "the entry has neither text nor summary")
    ]


def test_hints_win_over_what_the_feed_says_of_itself() -> None:
    assert articles(RSS, Hints(source="desk"))[0].source == "desk"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<html><body>404</body></html>", "is no RSS, Atom or JSON feed"),
        (b"", "is no RSS, Atom or JSON feed"),
        (b'{"a": 1}', "no JSON Feed"),
        (b"{", "is not JSON"),
    ],
)
def test_what_is_no_feed_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(FeedError, match=why):
        entries_of(data, "here", Hints())


def test_a_file_feed_gives_each_entry_once_and_again_when_it_changes(tmp_path: Path) -> None:
    path, state = tmp_path / "feed.xml", tmp_path / "state"
    path.write_text(RSS)
    feed = read_feed(str(path), state, Hints())
    assert len(feed.fresh) == 3
    feed.remember(entry.key for entry in feed.fresh)
    assert read_feed(str(path), state, Hints()).fresh == ()
    path.write_text(RSS.replace("Solo un sommario", "Un altro sommario"))
    [again] = read_feed(str(path), state, Hints()).fresh
    assert again.item.article and again.item.article.body == "Un altro sommario."


def test_an_entry_that_did_not_go_out_comes_again(tmp_path: Path) -> None:
    path, state = tmp_path / "feed.xml", tmp_path / "state"
    path.write_text(RSS)
    feed = read_feed(str(path), state, Hints())
    feed.remember([feed.fresh[0].key])
    assert [entry.key for entry in read_feed(str(path), state, Hints()).fresh] == [
        entry.key for entry in feed.fresh[1:]
    ]


def test_a_damaged_memory_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(RSS)
    memory = Memory.of(tmp_path, str(path)).path
    memory.parent.mkdir()
    memory.write_text("{")
    with pytest.raises(FeedError, match="delete it to push every entry again"):
        read_feed(str(path), tmp_path, Hints())


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"gone\.xml cannot be read: No such file"):
        read_feed(str(tmp_path / "gone.xml"), tmp_path, Hints())


@dataclass
class Site:
    """A feed on loopback that honours conditional requests."""

    url: str = ""
    body: str = RSS
    version: int = 1
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(dict(self.headers))
            tag, day = f'"v{state.version}"', f"Tue, {11 + state.version} Mar 2024 10:00:00 GMT"
            known = self.headers["If-None-Match"] == tag or self.headers["If-Modified-Since"] == day
            body = b"" if known else state.body.encode()
            self.send_response(304 if known else state.status)
            self.send_header("ETag", tag)
            self.send_header("Last-Modified", day)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keeps the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/feed.xml"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_unchanged_feed_is_asked_for_and_not_sent_again(site: Site, tmp_path: Path) -> None:
    feed = read_feed(site.url, tmp_path, Hints())
    assert "If-None-Match" not in site.asked[0]
    feed.remember(entry.key for entry in feed.fresh)
    again = read_feed(site.url, tmp_path, Hints())
    assert again.entries == ()
    assert site.asked[1]["If-None-Match"] == '"v1"'
    assert site.asked[1]["If-Modified-Since"] == "Tue, 12 Mar 2024 10:00:00 GMT"
    again.remember([])
    assert read_feed(site.url, tmp_path, Hints()).entries == ()


def test_a_changed_feed_gives_only_its_new_entries(site: Site, tmp_path: Path) -> None:
    feed = read_feed(site.url, tmp_path, Hints())
    feed.remember(entry.key for entry in feed.fresh)
    site.version = 2
    site.body = RSS.replace(
        "<item>",
        "<item><title>Nuovo</title><guid>g0</guid>"
        "<description>Testo nuovo.</description></item><item>",
        1,
    )
    again = read_feed(site.url, tmp_path, Hints())
    assert len(again.entries) == 4
    assert [entry.item.article.body for entry in again.fresh if entry.item.article] == [
        "Testo nuovo."
    ]


def test_a_feed_of_which_not_all_went_out_is_fetched_whole_again(
    site: Site, tmp_path: Path
) -> None:
    feed = read_feed(site.url, tmp_path, Hints())
    feed.remember([feed.fresh[0].key])
    assert len(read_feed(site.url, tmp_path, Hints()).fresh) == 2
    assert "If-None-Match" not in site.asked[1]


def test_a_server_that_refuses_or_is_away_is_named(site: Site, tmp_path: Path) -> None:
    site.status = 404
    with pytest.raises(FeedError, match=r"feed\.xml answered 404"):
        read_feed(site.url, tmp_path, Hints())
    with pytest.raises(FeedError, match="cannot be fetched"):
        read_feed("http://127.0.0.1:9/feed", tmp_path, Hints())

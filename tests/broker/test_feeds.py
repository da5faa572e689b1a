"""`push --feed` on the real broker: an entry goes out once."""

from pathlib import Path

import orjson

from tests.broker.harness import Desk

ITEM = "<item><title>Titolo {0}</title><guid>g{0}</guid><description>{1}</description></item>"
TEXT = "La biblioteca di Matera apre di notte per gli studenti che preparano gli esami."


def feed(*numbers: int) -> str:
    items = "".join(ITEM.format(number, f"{TEXT} {number}.") for number in numbers)
    return f'<rss version="2.0"><channel><title>Prova</title>{items}</channel></rss>'


def test_each_entry_of_a_feed_is_pushed_once(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(feed(1, 2))
    first = desk.run("push", "--json", "--feed", str(path))
    assert len(first.stdout.splitlines()) == 2
    path.write_text(feed(3, 1, 2))
    second = desk.run("push", "--json", "--feed", str(path))
    [receipt] = [orjson.loads(line) for line in second.stdout.splitlines()]
    assert receipt["name"].endswith("feed.xml g3")
    assert receipt["article_id"]
    assert b"1 of 3 entries are new" in second.stderr

"""Pictures for the README: `make screenshots`, into docs/screenshots.

Starts what `make demo KEEP=1` starts, keeps pushing our samples for some minutes with a burst in
between, and photographs the live page and what Prometheus recorded. Prometheus' numbers are drawn
here, since its own pages are not on every machine.
"""

import shutil
import sys
import tempfile
import time
from html import escape
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from agents.inputs import Hints, articles_of
from ops import demo
from ops.chromium import chromium
from ops.prometheus.programs import Prometheus
from schemas import encode
from streams.metrics import DEAD_LETTERS, END_TO_END_SECONDS, LAG_SECONDS, RECORDS

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "screenshots"
ROUNDS: Final = 14
ROUND_SECONDS: Final = 4.0
BURSTS: Final = (5, 6)
BURST: Final = 6
GRAPHS: Final = {
    "Records finished per second, by stage": f"sum by (stage) (rate({RECORDS.name}[30s]))",
    "Waiting, records": "stage:babelwire_lag_records:sum",
    "Waiting, age of the oldest (s)": f"stage:{LAG_SECONDS.name}:max",
    "Push to enriched, 95 of 100 within (s)": "histogram_quantile(0.95, sum by (le)"
    f' (rate({END_TO_END_SECONDS.name}_bucket{{stage="tagging"}}[30s])))',
    "Busy share": "stage:babelwire_busy:ratio_rate5m",
    "Dead letters, by stage": f"sum by (stage) ({DEAD_LETTERS.name})",
}
COLOURS: Final = ("#0f5c6e", "#b3261e", "#9a5b00", "#8a2f7c", "#1e7a4c", "#0b62a8")


def main() -> int:
    """Makes the pictures; returns the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="babelwire-screenshots-"))
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with (
            demo.started(folder) as place,
            demo.page_of(place) as served,
            demo.prometheus_of(place) as watching,
            chromium() as browser,
        ):
            began = time.monotonic()
            demo.step("pushing samples for a while")
            _push_for_a_while(place)
            demo.step(f"taking pictures into {FOLDER.name}/")
            _of_page(browser, served.address)
            _of_prometheus(browser, watching, time.monotonic() - began)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _push_for_a_while(place: demo.Place) -> None:
    demo.babelwire(place, "push", "--as-is", str(demo.SAMPLES / "10-broken.record"))
    articles = [
        item.article
        for path in sorted(demo.SAMPLES.glob("0*"))
        for item in articles_of(path, Hints(source="Agenzia di Prova", language=None, url=None))
        if item.article is not None
    ]
    for number in range(ROUNDS):
        lines = [
            encode(
                article.model_copy(update={"url": f"https://example.org/{number}/{copy}/{each}"})
            )
            for copy in range(BURST if number in BURSTS else 1)
            for each, article in enumerate(articles)
        ]
        file = place.log.parent / "round.jsonl"
        file.write_bytes(b"\n".join(lines))
        demo.babelwire(place, "push", str(file), quiet=True)
        time.sleep(ROUND_SECONDS)


def _of_page(browser: Browser, address: str) -> None:
    for name, width, height, scheme in (
        ("light", 1440, 1180, "light"),
        ("dark", 1440, 1180, "dark"),
        ("phone", 390, 1500, "light"),
    ):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto(address)
        page.locator(".card").first.wait_for()
        page.wait_for_timeout(5_000)
        if name == "dark":
            _open_card(page)
        page.screenshot(path=FOLDER / f"{name}.png")
        context.close()


def _open_card(page: Page) -> None:
    """The newest translated article, with one entity lit and the sentences open."""
    card = page.locator(".card:has(.text.source)").first
    card.locator(".chip").first.click()
    card.locator(".how summary").click()
    card.evaluate("card => window.scrollTo(0, card.getBoundingClientRect().top + scrollY - 90)")
    page.wait_for_timeout(300)


def _of_prometheus(browser: Browser, watching: Prometheus, seconds: float) -> None:
    drawn = [
        _graph(title, watching.query_range(expression, seconds, 5.0), seconds)
        for title, expression in GRAPHS.items()
    ]
    page = browser.new_page(viewport={"width": 1200, "height": 760})
    page.set_content(
        "<style>body{margin:18px;font:13px 'DejaVu Sans',sans-serif;background:#fff;color:#1d2327;"
        "display:grid;grid-template-columns:repeat(3,1fr);gap:18px}figure{margin:0}"
        "figcaption{font-weight:600;margin-bottom:6px}svg{width:100%;height:250px;"
        "border:1px solid #dcd8ce;border-radius:10px}text{font-size:11px;fill:#5c666d}"
        "p{margin:4px 0 0;display:flex;flex-wrap:wrap;gap:2px 12px}</style>" + "".join(drawn)
    )
    page.screenshot(path=FOLDER / "prometheus.png")
    page.close()


def _graph(title: str, result: list[dict[str, Any]], seconds: float) -> str:
    """One graph as SVG: the series of a range query."""
    lines = [
        (
            " ".join(each["metric"].get(name, "") for name in ("stage", "reason")).strip() or "all",
            [(float(at), float(value)) for at, value in each["values"] if value != "NaN"],
        )
        for each in result
    ]
    points = [point for _, line in lines for point in line]
    highest = max((value for _, value in points), default=1.0) or 1.0
    end = max((at for at, _ in points), default=time.time())
    curves = legend = ""
    for number, (name, line) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        places = " ".join(
            f"{360 - 350 * (end - at) / seconds:.1f},{232 - 210 * value / highest:.1f}"
            for at, value in line
        )
        curves += f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'
        legend += f'<span style="color:{colour}">{escape(name)}</span>'
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 370 250" preserveAspectRatio="none">{curves}'
        f'<text x="6" y="14">{highest:.3g}</text><text x="6" y="246">0</text></svg>'
        f"<p>{legend}</p></figure>"
    )


if __name__ == "__main__":
    sys.exit(main())

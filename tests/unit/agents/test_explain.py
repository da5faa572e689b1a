"""`normalize --explain` shows the raw body with what goes marked in place."""

from io import StringIO
from pathlib import Path

from rich.console import Console
from typer.testing import CliRunner

from agents.cli import app
from agents.explain import explained
from agents.normalization.agent import load
from schemas import RawArticle
from streams.settings import Settings

BODY = (
    "Pubblicità\n\nIl comune di Lucca ha aperto ieri una ciclabile di nove chilometri, che segue "
    "le mura e arriva alla stazione.\n\nLeggi anche: Le mura\n\nDi Ada Bruni"
)


def shown(body: str, **console: object) -> str:
    raw = RawArticle(body=body, source="prova")
    terminal = Console(width=200, record=True, file=StringIO(), force_terminal=True)
    terminal.print(explained(raw, load(Settings())(raw)))
    return terminal.export_text(styles=bool(console))


def test_each_removed_piece_is_named_where_it_stood() -> None:
    lines = [line.rstrip() for line in shown(BODY).splitlines() if line.strip()]
    assert lines[0] == "Pubblicità ⟨advert, advert:alone⟩"
    assert lines[1].startswith("Il comune di Lucca")
    assert lines[2] == "Leggi anche: Le mura ⟨related, related:lead⟩"
    assert lines[3] == "Di Ada Bruni ⟨byline, byline-line⟩"
    assert "byline     Ada Bruni" in lines
    assert "removed    3 pieces" in lines


def test_removed_pieces_are_struck_through_in_colour_and_kept_text_is_plain() -> None:
    marked = shown(BODY, styles=True)
    assert "\x1b[9;31mPubblicità" in marked
    assert "\nIl comune di Lucca" in marked


def test_square_brackets_in_an_article_are_text_not_markup() -> None:
    assert "[bold] e [/x]" in shown(BODY.replace("le mura e", "le mura [bold] e [/x]", 1))


def test_the_command_explains_each_input_and_names_those_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(BODY)
    (tmp_path / "b.txt").write_text("Pubblicità")
    done = CliRunner().invoke(app, ["normalize", "--explain", str(tmp_path)])
    assert done.exit_code == 1
    assert "⟨advert, advert:alone⟩" in done.output
    assert "no_article" in done.output

"""House rules: what they do, what is refused, and that changes take effect."""

import logging
import os
from pathlib import Path

import pytest

from agents.tagging.agent import STAGE, load
from agents.tagging.house import House, found_in
from agents.tagging.lines import tag_lines
from agents.tagging.rules import COLUMNS, RuleError, our_rules, parse_rules
from streams.settings import Settings
from tests.unit.test_tagging_article import article

HEAD = "\t".join(COLUMNS) + "\n"


def folder(tmp_path: Path, **tables: str) -> Path:
    """A folder with a table of rules for each language."""
    for language, rows in tables.items():
        (tmp_path / f"{language}.tsv").write_text(HEAD + rows, encoding="utf-8")
    return tmp_path


def found(rules_dir: Path, line: str, language: str = "it") -> list[tuple[str, str, str]]:
    return found_in(line, language, House(Settings(rules_dir=rules_dir)).names())


def test_what_is_allowed_is_found_with_an_id_of_its_own(tmp_path: Path) -> None:
    rules = folder(tmp_path, it="allow\tla Pergola\tLOC\t\t\tIeri la Pergola era piena.\n")
    assert ("la Pergola", "LOC", "loc:la-pergola") in found(rules, "Si va a la Pergola.")


def test_a_rule_of_one_language_leaves_the_others_alone(tmp_path: Path) -> None:
    rules = folder(tmp_path, it="allow\tZefira\tORG\torg:zefira\tZefira SpA\tOggi Zefira apre.\n")
    assert found(rules, "Oggi Zefira chiude.") == [("Zefira", "ORG", "org:zefira")]
    assert found(rules, "Zefira ferme.", "fr") == []


def test_what_is_denied_is_no_name_even_where_the_table_has_it(tmp_path: Path) -> None:
    rules = folder(tmp_path, any="deny\tNetflix\t\t\t\tOggi Netflix apre.\n")
    assert found(rules, "Oggi Netflix chiude, OpenAI apre.") == [("OpenAI", "ORG", "org:openai")]


def test_an_alias_has_the_id_of_the_thing_it_stands_for(tmp_path: Path) -> None:
    rules = folder(tmp_path, it="alias\til Lingotto\t\torg:fiat\t\tLo dice il Lingotto oggi.\n")
    assert found(rules, "Domani il Lingotto parla.") == [("il Lingotto", "ORG", "org:fiat")]


def test_an_alias_does_not_make_a_doubtful_name_certain(tmp_path: Path) -> None:
    rules = folder(
        tmp_path, it="alias\tCasa Zuckerberg\t\torg:meta\t\tOggi Casa Zuckerberg tace.\n"
    )
    assert found(rules, "Meta raggiunta.") == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("permit\tX\tORG\t\t\tX.", "allow, deny or alias"),
        ("deny\t\t\t\t\t.", "no surface"),
        ("deny\tX\t\t\t\tnothing", "letter for letter"),
        ("allow\tX\tCOMPANY\t\t\tX.", "PER, ORG"),
        ("alias\tX\t\t\t\tX.", "the id it stands for"),
        ("allow\tX\tORG\tper:x\t\tX.", "begin with its type"),
    ],
)
def test_a_line_that_is_no_rule_is_refused_with_its_place(row: str, fault: str) -> None:
    with pytest.raises(RuleError, match=rf"mine\.tsv:3: .*{fault}"):
        list(parse_rules(f"# ours\n{HEAD}{row}\n", "it", "mine.tsv"))


def test_a_rule_that_does_not_show_in_its_case_is_refused(tmp_path: Path) -> None:
    rules = folder(tmp_path, it="alias\tOpenAI\t\torg:zefira\t\tOggi @OpenAI apre.\n")
    with pytest.raises(RuleError, match=r"it\.tsv:2: the case of 'OpenAI' has no org:zefira"):
        House(Settings(rules_dir=rules))


def test_rules_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    rows = "allow\tZefira\tORG\t\t\tOggi Zefira apre.\ndeny\tZefira\t\t\t\tOggi Zefira apre.\n"
    with pytest.raises(RuleError, match="Zefira"):
        House(Settings(rules_dir=folder(tmp_path, it=rows)))


@pytest.mark.parametrize("name", ["absent", "italian.tsv"])
def test_a_folder_that_cannot_be_used_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "italian.tsv").write_text(HEAD, encoding="utf-8")
    with pytest.raises(RuleError, match=name):
        House(Settings(rules_dir=tmp_path / "absent" if name == "absent" else tmp_path))


def test_our_own_rules_stand_their_cases() -> None:
    assert {rule.kind for rule in our_rules()} == {"allow", "deny", "alias"}
    assert House(Settings()).fingerprint == ""


def test_a_changed_table_is_in_force_at_once_and_a_broken_one_never(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = folder(tmp_path, it="deny\tNetflix\t\t\t\tOggi Netflix apre.\n")
    house = House(Settings(rules_dir=rules))
    assert house.names().is_denied("netflix", "it")

    folder(tmp_path, it="deny\tSpotify\t\t\t\tOggi Spotify apre.\n")
    later(rules / "it.tsv", 1)
    first = house.fingerprint
    assert not house.names().is_denied("Netflix", "it")
    assert house.names().is_denied("Spotify", "it")
    assert house.fingerprint != first

    folder(tmp_path, it="nonsense\n")
    later(rules / "it.tsv", 2)
    with caplog.at_level(logging.WARNING):
        assert house.names().is_denied("Spotify", "it")
    assert "it.tsv:2" in caplog.text


def later(path: Path, seconds: int) -> None:
    """Makes the file look changed on a file system with coarse times."""
    stamp = path.stat().st_mtime + seconds
    os.utime(path, (stamp, stamp))


def test_events_made_under_other_rules_have_other_ids_and_say_so(tmp_path: Path) -> None:
    given = article(("Oggi Netflix apre.", "Today Netflix opens."))
    plain = load(Settings())(given)
    rules = folder(tmp_path, any="deny\tNetflix\t\t\t\tOggi Netflix apre.\n")
    house = load(Settings(rules_dir=rules))(given)
    assert plain.versions["tagging"] == STAGE.version
    assert house.versions["tagging"].startswith(f"{STAGE.version}+house.")
    assert house.event_id != plain.event_id
    assert house.entities == []


def test_lines_follow_the_rules_too(tmp_path: Path) -> None:
    rules = folder(tmp_path, it="allow\tZefira\tORG\t\t\tOggi Zefira apre.\n")
    settings = Settings(rules_dir=rules, spacy_models={"it": "absent"})
    assert list(tag_lines(settings, "it", ["Zefira"])) == [
        [{"text": "Zefira", "type": "ORG", "start": 0, "end": 6}]
    ]

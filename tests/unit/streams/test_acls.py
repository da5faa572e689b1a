"""What each stage needs of a broker with ACLs, as data."""

from agents.pipeline import PIPELINE
from streams.acls import needed


def test_a_stage_reads_one_topic_and_writes_two_and_owns_its_group_and_transactions() -> None:
    translation = PIPELINE[1]
    assert [acl.arguments for acl in needed(translation, "desk")] == [
        "--add --allow-principal User:desk.translation --operation Read --topic desk.normalized",
        "--add --allow-principal User:desk.translation --operation Read --group desk.translation",
        "--add --allow-principal User:desk.translation --operation Write --topic desk.translated",
        "--add --allow-principal User:desk.translation --operation Write --topic desk.dead-letters",
        "--add --allow-principal User:desk.translation --operation Write"
        " --transactional-id desk.translation. --resource-pattern-type prefixed",
    ]


def test_the_principal_may_be_another() -> None:
    assert {acl.principal for acl in needed(PIPELINE[0], "desk", "User:x")} == {"User:x"}


def test_what_one_stage_owns_is_no_prefix_of_what_another_owns() -> None:
    owned = [acl.name for stage in PIPELINE for acl in needed(stage, "desk") if acl.prefixed]
    assert not any(a.startswith(b) for a in owned for b in owned if a != b)

"""The checked-in contracts are those that the schemas give."""

import orjson

from ops.contracts import FOLDER, contracts
from streams.topics import TOPICS


def test_the_checked_in_contracts_are_current() -> None:
    on_disk = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    assert on_disk == contracts(), "run python -m ops.contracts"


def test_the_asyncapi_file_names_every_topic_and_both_ends_of_every_stage() -> None:
    api = orjson.loads(contracts()["asyncapi.json"])
    assert [each["address"] for each in api["channels"].values()] == [
        topic.full_name("babelwire") for topic in TOPICS
    ]
    assert set(api["operations"]) == {
        f"{stage}-{verb}"
        for stage in ("normalization", "translation", "tagging")
        for verb in ("reads", "writes")
    }


def test_a_writer_promises_every_field_of_the_enriched_event() -> None:
    schema = orjson.loads(contracts()["enriched.schema.json"])
    assert set(schema["required"]) == set(schema["properties"])

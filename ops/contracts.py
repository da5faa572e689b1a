"""Generates the published contracts from the schemas: JSON Schema per topic, and one AsyncAPI file.

python -m ops.contracts          writes schemas/contracts/
python -m ops.contracts --check  exits 1 when what is there is not current
"""

import sys
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from agents.pipeline import PIPELINE
from schemas import DeadLetter
from schemas.base import SCHEMA_VERSION, Message
from schemas.dead_letter import HEADER_PREFIX
from streams.settings import Settings
from streams.topics import TOPICS, Topic

FOLDER: Final = Path(__file__).resolve().parents[1] / "schemas" / "contracts"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def contracts() -> dict[str, bytes]:
    """File name to content of every contract."""
    files = {
        f"{topic.name}.schema.json": _json(_schema(topic.schema))
        for topic in TOPICS
        if topic.schema
    }
    files["dead-letters.headers.schema.json"] = _json(_dead_letter_headers())
    files["asyncapi.json"] = _json(_asyncapi())
    return files


def _schema(model: type[Message]) -> dict[str, Any]:
    # The mode in which every field is required says what our writers promise; RawArticle is the
    # one message that others write, so there the optional fields stay optional.
    mode: Literal["validation", "serialization"]
    mode = "validation" if _is_raw(model) else "serialization"
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True, mode=mode)}


def _is_raw(model: type[Message]) -> bool:
    return any(topic.public and topic.schema is model for topic in TOPICS)


def _dead_letter_headers() -> dict[str, Any]:
    schema = DeadLetter.model_json_schema(mode="serialization")
    rename = {name: HEADER_PREFIX + name.replace("_", "-") for name in schema["properties"]}
    return {
        "$schema": DIALECT,
        "title": "DeadLetterHeaders",
        "description": schema["description"],
        "type": "object",
        "properties": {rename[name]: each for name, each in schema["properties"].items()},
        "required": [rename[name] for name in schema["required"]],
    }


def _asyncapi() -> dict[str, Any]:
    prefix = Settings.model_fields["topic_prefix"].default
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "babelwire",
            "version": SCHEMA_VERSION,
            "description": "Raw articles in many languages in, clean English events out.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, prefix) for topic in TOPICS},
        "operations": {
            f"{stage.name}-{verb}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic.name}"},
            }
            for stage in PIPELINE
            for verb, action, topic in (
                ("reads", "receive", stage.reads),
                ("writes", "send", stage.writes),
            )
        },
    }


def _channel(topic: Topic, prefix: str) -> dict[str, Any]:
    message: dict[str, Any] = {"name": topic.name, "contentType": "application/json"}
    if topic.schema is None:
        message["headers"] = {"$ref": "./dead-letters.headers.schema.json"}
        message["payload"] = {"description": "The failed record's value, untouched."}
    else:
        message["payload"] = {"$ref": f"./{topic.name}.schema.json"}
    return {
        "address": topic.full_name(prefix),
        "description": f"Key: {topic.key}.",
        "messages": {topic.name: message},
        "bindings": {"kafka": {"partitions": topic.partitions, "bindingVersion": "0.5.0"}},
    }


def _json(data: dict[str, Any]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_INDENT_2) + b"\n"


def main(arguments: list[str]) -> int:
    """Writes or checks the files; returns the exit code."""
    stale = [
        name
        for name, content in contracts().items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_bytes() != content
    ]
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"{name} is not current; run python -m ops.contracts\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name, content in contracts().items():
        (FOLDER / name).write_bytes(content)
    sys.stderr.write(f"wrote {len(stale)} changed files to {FOLDER}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

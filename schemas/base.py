"""What every message shares: strictness, spans, and the way to bytes and back."""

from typing import Literal, Self, TypeVar, get_args

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

SCHEMA_VERSION = "1.1"

Reason = Literal[
    "null_value",
    "not_utf8",
    "not_json",
    "wrong_shape",
    "too_large",
    "empty_body",
    "no_article",
    "hostile_markup",
    "crashed",
    "timed_out",
    "failed",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


class Message(BaseModel):
    """Base of all messages and their parts.

    A reader accepts unknown fields (a newer writer may have added some); a writer emits none,
    because only declared fields are ever dumped.
    """

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        json_schema_serialization_defaults_required=True,
    )


class Span(Message):
    """A half-open range `[start, end)` in Unicode code points of the field that the owner names."""

    start: int
    end: int

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0 <= self.start < self.end:
            raise ValueError(f"span [{self.start}, {self.end}) is empty, reversed or negative")
        return self


class Quote(Span):
    """A span together with the text it covers; `field[start:end] == text` always holds."""

    text: str


class MessageError(ValueError):
    """Bytes that are not the message they should be. `reason` is a dead-letter reason code."""

    def __init__(self, reason: Reason, error: str) -> None:
        super().__init__(error)
        self.reason = reason
        self.error = error


M = TypeVar("M", bound=Message)


def decode(model: type[M], data: bytes | None) -> M:
    """Reads one record's value as `model`.

    Raises MessageError with reason `null_value`, `not_utf8`, `not_json` or `wrong_shape`, and a
    message that names the field and the fault but never quotes article text.
    """
    if data is None:
        raise MessageError("null_value", "the record has no value; send a JSON object")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise MessageError(
            "not_utf8",
            f"byte {fault.start} is not valid UTF-8; re-encode the record as UTF-8 JSON",
        ) from None
    try:
        loaded = orjson.loads(data)
    except orjson.JSONDecodeError as fault:
        raise MessageError(
            "not_json", f"line {fault.lineno} column {fault.colno}: {fault.msg}"
        ) from None
    if not isinstance(loaded, dict):
        raise MessageError(
            "wrong_shape", f"expected a JSON object, got {type(loaded).__name__} at the top level"
        )
    try:
        return model.model_validate(loaded)
    except ValidationError as fault:
        raise MessageError("wrong_shape", _explain(fault)) from None


def encode(message: Message) -> bytes:
    """The message as UTF-8 JSON in declaration order: equal messages give equal bytes."""
    return orjson.dumps(message.model_dump(by_alias=True))


def require_quote(field: str, whole: str, quote: Quote) -> None:
    """Raises ValueError unless `quote` covers exactly its own text in `whole`."""
    if whole[quote.start : quote.end] != quote.text:
        raise ValueError(f"{field}[{quote.start}:{quote.end}] is not the quoted text")


def require_inside(field: str, whole: str, span: Span) -> None:
    """Raises ValueError when `span` reaches past the end of `whole`."""
    if span.end > len(whole):
        raise ValueError(f"span [{span.start}, {span.end}) ends after {field} ({len(whole)} long)")


def _explain(fault: ValidationError) -> str:
    parts = []
    for error in fault.errors(include_input=False, include_url=False)[:3]:
        where = ".".join(str(step) for step in error["loc"]) or "message"
        parts.append(f"{where}: {error['msg']}")
    more = fault.error_count() - len(parts)
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")

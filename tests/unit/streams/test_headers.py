"""Record headers: CloudEvents, trace context, and the time the raw record was written."""

import re

from streams.headers import RAW_TIMESTAMP, child_traceparent, of_event, raw_timestamp

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_an_event_carries_the_cloudevents_attributes_and_the_raw_time() -> None:
    headers = dict(of_event("tagging", "babelwire.enriched", "e-1", [], 1700000000.5, 1700000001.0))
    assert headers["ce_id"] == b"e-1"
    assert headers["ce_type"] == b"babelwire.enriched.v1"
    assert headers["ce_source"] == b"/babelwire/tagging"
    assert headers["ce_time"] == b"2023-11-14T22:13:21.000+00:00"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["content-type"] == b"application/json"
    assert headers[RAW_TIMESTAMP] == b"1700000000500"


def test_a_trace_goes_on_with_a_span_of_its_own() -> None:
    child = child_traceparent([("traceparent", PARENT)])
    assert child.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert "b7ad6b7169203331" not in child


def test_an_invalid_trace_is_replaced_by_a_new_one() -> None:
    for broken in (b"", b"\xff", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01", PARENT + b"x"):
        fresh = child_traceparent([("traceparent", broken)])
        assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", fresh)
        assert "0" * 32 not in fresh


def test_the_raw_time_comes_from_the_header_and_else_from_the_record() -> None:
    assert raw_timestamp([(RAW_TIMESTAMP, b"1500")], 99.0) == 1.5
    assert raw_timestamp([(RAW_TIMESTAMP, b"soon")], 99.0) == 99.0
    assert raw_timestamp([], 99.0) == 99.0

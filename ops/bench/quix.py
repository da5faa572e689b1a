"""The empty step as a Quix Streams application: `python -m ops.bench.quix SLOT`.

Runs by an interpreter of its own (see `others.py`), since Quix Streams wants an older pydantic than
we do. What a user would write from its documentation; at-least-once, or exactly-once where
GUARANTEE says so.
"""

import os

from quixstreams import Application

from ops.bench import others
from ops.chaos.step import STAGE, load
from streams.settings import Settings
from streams.stage import Produced, attempt


def main() -> None:
    """Runs until SIGTERM."""
    settings = Settings()
    work = load(settings)
    application = Application(
        broker_address=settings.bootstrap_servers,
        consumer_group=f"{settings.topic_prefix}.{__spec__.name}",
        auto_offset_reset="earliest",
        auto_create_topics=False,
        processing_guarantee=os.environ.get(others.GUARANTEE, "at-least-once"),
        commit_interval=0.5,
        loglevel="WARNING",
    )
    source = application.topic(
        STAGE.reads.full_name(settings.topic_prefix),
        key_deserializer="bytes",
        value_deserializer="bytes",
    )
    sink = application.topic(
        STAGE.writes.full_name(settings.topic_prefix),
        key_serializer="bytes",
        value_serializer="bytes",
    )

    def step(value: bytes) -> bytes:
        outcome = attempt(STAGE, work, value, settings.max_record_bytes)
        if not isinstance(outcome, Produced):
            raise RuntimeError("the empty step fails on nothing that the bench writes")
        return outcome.value

    application.dataframe(source).apply(step).to_topic(sink)
    application.run()


if __name__ == "__main__":
    main()

"""What a stage is: a name, the topic it reads, the topic it writes, and its work.

Work is a plain function from one message to the next. It knows nothing of Kafka, has no clock and
no side effects, and raises `Unprocessable` for input that no retry will help. This file turns it
into a function from bytes to a `Outcome` value, which is what runs in the language processes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.settings import Settings
from streams.topics import Topic

Work = Callable[[Any], Any]


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline, as data.

    `load` is called once in each language process and once per `babelwire enrich`; it loads the
    models and returns the work, from an instance of `reads.schema` to one of `writes.schema`.
    It must be a module-level function, so that it can be sent to another process by name.
    `version` is the version of what the work does; change it when outputs change.
    """

    name: str
    version: str
    reads: Topic
    writes: Topic
    load: Callable[[Settings], Work]

"""Times as people write them."""

import re
from datetime import UTC, datetime
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def moment(text: str, now: float) -> float:
    """When `text` means, in seconds since the epoch: so long before `now` (`30s`, `15m`, `1h`,
    `2d`), or an ISO date with or without time, in UTC unless it says otherwise.

    Raises ValueError with what was expected.

    >>> moment("2m", 1_000.0), moment("1970-01-02", 0.0), moment("1970-01-01T01:00+01:00", 0.0)
    (880.0, 86400.0, 0.0)
    """
    ago = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if ago:
        return now - float(ago[1]) * _UNITS[ago[2]]
    try:
        date = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(
            "expected a number and s, m, h or d, such as 15m, or a date such as 2026-05-01"
        ) from None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()

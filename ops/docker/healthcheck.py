"""Whether the worker in this container is alive: exit code 0 if its `/healthz` says so.

A container runs one worker, and which stage's port that is follows from its command; asking all
three is simpler than to work it out. Needs nothing but Python, since it runs every few seconds.
"""

import os
import sys
import urllib.request

METRICS_PORT = int(os.environ.get("BABELWIRE_METRICS_PORT", "9110"))
PORTS = (METRICS_PORT, METRICS_PORT + 10, METRICS_PORT + 20)


def alive(port: int) -> bool:
    """Whether a worker on `port` answers 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if any(alive(port) for port in PORTS) else 1)

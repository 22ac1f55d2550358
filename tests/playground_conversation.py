"""Talking to a network playground as the page does."""

import contextlib
import time


def ask(playground, **request):
    """Send a request; returns the reply and its buffers."""
    sent = []
    with listening(playground, sent):
        full = {"type": "request", "client": "test", "sequence": 1, "revision": playground._revision}
        playground._handle_custom_msg({**full, **request}, [])
    return [(content, buffers) for content, buffers in sent if content["type"] == "reply"][-1]


@contextlib.contextmanager
def listening(playground, sent):
    """Within, what the playground sends is put into the list ``sent`` as (content, buffers)."""
    playground.send = lambda content, buffers=None: sent.append((content, buffers))
    try:
        yield
    finally:
        del playground.send


def wait_for(condition, seconds=20):
    """Wait until ``condition()`` holds; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)

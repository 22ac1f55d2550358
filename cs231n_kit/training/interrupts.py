"""Keep Ctrl-C from separating what belongs together."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def interrupts_wait():
    """Within, Ctrl-C takes effect at the end of the block. Only the main thread is ever interrupted."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    waiting = []
    signal.signal(signal.SIGINT, lambda *signal_and_frame: waiting.append(signal_and_frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if waiting:
            handler(*waiting[0])

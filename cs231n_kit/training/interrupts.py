"""Ctrl-C: what it must not separate, and what to say after it."""

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


def how_to_go_on(trainer, checkpoint=None) -> str:
    """What an interrupted training leaves, and what to call next; ``checkpoint`` is the file that keeps it, if any."""
    text = (
        f"Stopped after {trainer.step_count:,} updates, in epoch {min(trainer.epoch + 1, trainer.epochs)} of "
        f"{trainer.epochs}. The network holds the weights of the last update. "
    )
    if checkpoint:
        text += f"{checkpoint} keeps the training: to go on from here, run the same code again."
    else:
        text += (
            'To go on from here, call fit with the same data again; to keep it for later, trainer.save("training.npz").'
        )
    if trainer.best is not None:
        best = trainer.history.epoch_in_words(trainer.history.best_epoch)
        text += f" The best weights so far, of {best}, come back with trainer.restore_best()."
    return text

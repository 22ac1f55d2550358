"""Run a student's classifier so that neither its prints nor its errors disturb the notebook."""

import contextlib
import io
import linecache
import sys
import sysconfig
import threading
from pathlib import Path

PRINTED_CHARACTERS = 2000  # of what a classifier prints, the end is kept


def describe_exception(error):
    """An exception in words.

    Returns:
        ``{"type", "message", "function", "line", "source"}``; the last three say where the deepest line
        lies that is neither ours nor a library's, and are empty when there is none.
    """
    function, line, source = "", 0, ""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if not _is_library(code.co_filename):
            function, line = code.co_name, trace.tb_lineno
            source = linecache.getline(code.co_filename, line).strip()[:200]
        trace = trace.tb_next
    message = str(error)[:600] or "no message"
    return {"type": type(error).__name__, "message": message, "function": function, "line": line, "source": source}


_LIBRARY_FOLDERS = tuple(
    {str(Path(path)) for path in (*sysconfig.get_paths().values(), Path(__file__).parents[1]) if path}
    - {sysconfig.get_path("data"), sysconfig.get_path("scripts")}
)


def _is_library(filename):
    return filename.startswith(_LIBRARY_FOLDERS) or filename.startswith("<frozen")


class _ThreadTap(io.TextIOBase):
    """A text stream that keeps what one thread writes and passes on what every other thread writes.

    JupyterLab may run a widget's callback beside a running cell; that cell's prints must stay its own.
    """

    def __init__(self, stream, kept):
        self.stream, self.kept, self.thread = stream, kept, threading.get_ident()

    def write(self, text):
        if threading.get_ident() != self.thread:
            return self.stream.write(text)
        self.kept.append(text[-PRINTED_CHARACTERS:])
        del self.kept[:-PRINTED_CHARACTERS]
        return len(text)

    def flush(self):
        if threading.get_ident() != self.thread:
            self.stream.flush()


@contextlib.contextmanager
def printing_kept():
    """Keep what this thread prints and warns; yields a function that returns the end of it."""
    kept = []
    out, err = _ThreadTap(sys.stdout, kept), _ThreadTap(sys.stderr, kept)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        yield lambda: "".join(kept)[-PRINTED_CHARACTERS:]

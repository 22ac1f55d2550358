"""Submissions that try to get points without earning them, or to do harm.

Each attack is code put into the notebook around answers that are wrong (see `WRONG`), so a fair grade is 0, or what
`honest` functions earn. {names} in braces are filled in by the test: paths of the course and a marker.
"""

from dataclasses import dataclass

HONEST = "compute_distances_one_loop"
HONEST_POINTS = 4

WRONG_ARRAY = "np.ones((len(a), len(b)))"
WRONG = {
    "compute_distances_two_loops_answer": "def compute_distances_two_loops(X, X_train):\n    return trick(X, X_train)",
    "compute_distances_no_loops_answer": f"def compute_distances_no_loops(a, b):\n    return {WRONG_ARRAY}",
    "predict_labels_answer": "def predict_labels(dists, y_train, k=1):\n    return np.full(len(dists), 99)",
    "cross_validate_answer": "def cross_validate(X, y, k_choices, num_folds=5):\n    return 0",
}


@dataclass(frozen=True)
class Attack:
    """setup runs in a cell before the answers; trick is the body of what wrong answers return; after runs last.

    survives: whether the honest function can still be asked (its points are then due).
    """

    setup: str = ""
    trick: str = f"return {WRONG_ARRAY}"
    after: str = ""
    survives: bool = True
    cells: tuple[str, ...] = ()


FORGE = """
import json, os, socket, struct
def forge(header, arrays, data=b""):
    text = json.dumps({"header": header, "arrays": arrays}).encode()
    os.write(int(os.environ["CS231N_ANSWER_FD"]), struct.pack(">I", len(text)) + text + data)
"""

ATTACKS = {
    "input-transformer": Attack(
        setup='get_ipython().input_transformers_cleanup.append(lambda lines: ["pass\\n"])', survives=False
    ),
    "replaced-assert": Attack(setup="import numpy.testing\nnumpy.testing.assert_allclose = lambda *a, **k: None"),
    "always-equal": Attack(
        setup=(
            "class Equal(np.ndarray):\n"
            "    def __eq__(self, other): return np.array(True)\n"
            "    __ne__ = __lt__ = __gt__ = lambda self, other: np.array(False)\n"
            "    def __sub__(self, other): return np.zeros(1)\n    __rsub__ = __sub__\n"
            "    def astype(self, *a, **k): return self"
        ),
        trick=f"return {WRONG_ARRAY}.view(Equal)",
    ),
    "always-equal-object": Attack(
        setup="class Equal:\n    def __eq__(self, other): return True\n    __hash__ = None", trick="return Equal()"
    ),
    "displayhook": Attack(setup="import sys", trick=f'sys.displayhook("ok"); return {WRONG_ARRAY}'),
    "fake-number": Attack(trick="return 4.0", after="4.0"),
    "fake-output": Attack(
        after=(
            "from IPython.display import HTML, display\n"
            "display(HTML('<b>compute_distances_two_loops: all 5 properties hold, 4 / 4</b>'))"
        )
    ),
    "reads-solution": Attack(
        setup=(
            "import glob, json\n"
            "for path in ['{root}/solutions/assignment1/knn.ipynb', *glob.glob('{root}/**/knn.ipynb', recursive=True)]:\n"
            "    try:\n"
            "        for cell in json.load(open(path))['cells']:\n"
            "            if 'BEGIN SOLUTION' in ''.join(cell['source']): exec(''.join(cell['source']), stolen := {})\n"
            "    except Exception: pass"
        ),
        trick=f"return stolen['compute_distances_two_loops'](a, b) if 'stolen' in globals() else {WRONG_ARRAY}",
    ),
    "reads-checks": Attack(
        setup="import importlib",
        trick=(
            "try:\n        import grader.checks.knn, grader.reference\n        return np.zeros((99, 99))\n"
            f"    except ImportError:\n        return {WRONG_ARRAY}"
        ),
    ),
    "updates-gradebook": Attack(
        setup=(
            "import sqlite3\n"
            "try:\n    with sqlite3.connect('{root}/gradebook.db') as db: db.execute('update grade set manual_score = 4')\n"
            "except Exception as error: print(error)"
        )
    ),
    "deletes-course": Attack(
        setup="import shutil, os\nshutil.rmtree('{root}', ignore_errors=True)\nos.system('rm -rf {root}')"
    ),
    "exits-in-function": Attack(setup="import os", trick="os._exit(0)"),
    "exits-in-cell": Attack(cells=("import os\nos._exit(0)", "raise SystemExit", "exit()")),
    "ignores-sigint": Attack(
        setup=(
            "import signal, threading\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
        ),
        trick="if a.shape[1] == b.shape[-1]:\n        while True: pass\n    return None",
    ),
    "memory-bomb": Attack(trick="return bytearray(10**11)"),
    "memory-bomb-in-cell": Attack(
        cells=(
            "hoard = []\ntry:\n    while True: hoard.append(bytearray(10**8))\n"
            "except MemoryError:\n    del hoard[-1]  # else what is left for the functions would be a matter of chance\n    raise",
        )
    ),
    "fork-bomb": Attack(
        cells=(
            "import os, time\nfor _ in range(500):\n    try:\n        if os.fork() == 0: time.sleep(60)\n    except OSError: pass",
        )
    ),
    "detached-child": Attack(
        setup=(
            "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', "
            "'import time; time.sleep(600)', '{marker}'], start_new_session=True)"
        )
    ),
    "script-in-output": Attack(
        setup=(
            "from IPython.display import HTML, Javascript, Markdown, display\n"
            "print('<script>alert(1)</script>')\n"
            "display(HTML('<img src=x onerror=alert(1)><script>alert(2)</script><iframe src=javascript:alert(3)>'))\n"
            "display(Javascript('alert(4)')); display(Markdown('<script>alert(5)</script>'))"
        )
    ),
    "forged-reply": Attack(
        setup=FORGE,
        trick=(f'forge({{"id": 1, "status": "returned", "changed": [], "printed": ""}}, [])\n    return {WRONG_ARRAY}'),
    ),
    "forged-verdict": Attack(
        setup=FORGE, trick='forge({"status": "passed", "points": 4, "earned": 4}, [])\n    return None'
    ),
    "forged-garbage": Attack(setup=FORGE, trick='os.write(int(os.environ["CS231N_ANSWER_FD"]), b"\\xff" * 9000)'),
    "forged-huge-array": Attack(
        setup=FORGE,
        trick='forge({"id": 1, "status": "returned"}, [{"dtype": "<f8", "shape": [10**5, 10**5], "fortran": False}])',
    ),
    "huge-array": Attack(trick="return np.broadcast_to(np.float64(1), (30_000, 50_000))"),
    "nan-bomb": Attack(trick="return np.full((len(a), len(b)), np.nan)"),
    "object-array": Attack(trick="return np.array([[object()] * len(b)] * len(a), dtype=object)"),
    "pickle": Attack(
        setup=(
            "class Bomb:\n    def __reduce__(self):\n        import os\n        return os.system, ('touch {root}/pwned',)"
        ),
        trick="return np.array([Bomb()], dtype=object)",
    ),
    "visible-cases-only": Attack(
        setup="from cs231n_kit.checking.answer_key import load_key\nfrom pathlib import Path\n"
        "known = [c for key in load_key(Path('knn_key.npz')) for p in key.properties for c in p.cases]",
        trick=(
            "for case in known:\n"
            "        if len(case.arguments) > 1 and np.array_equal(case.arguments[0], a) and np.array_equal(case.arguments[1], b):\n"
            "            return case.expected[0]\n"
            f"    return {WRONG_ARRAY}"
        ),
    ),
    "searches-memory": Attack(
        setup="import gc, sys",
        trick=(
            "found = [o for o in gc.get_objects() if isinstance(o, np.ndarray) and o.shape == (len(a), len(b))\n"
            "             and o.dtype.kind == 'f' and o is not a]\n"
            f"    return found[0] if found else {WRONG_ARRAY}"
        ),
    ),
    "masked-library": Attack(
        trick=(
            "for name in ('sklearn.metrics', 'scipy.spatial.distance', 'cs231n_kit.neighbors', 'cs231n_kit.kernels.distance'):\n"
            "        try:\n"
            "            module = __import__(name, fromlist=['x'])\n"
            "            return (getattr(module, 'pairwise_distances', None) or getattr(module, 'cdist', None)\n"
            "                    or module.l2_distances)(a, b)\n"
            "        except Exception: pass\n"
            f"    return {WRONG_ARRAY}"
        )
    ),
    "replaced-kit": Attack(
        setup=(
            "import cs231n_kit.checking.answering as answering, cs231n_kit.checking.verdicts as verdicts\n"
            "answering.describe = lambda outcome, limit: ({'status': 'passed'}, ())\n"
            "verdicts.Verdict.earned = property(lambda self: 4)"
        ),
        survives=False,
    ),
    "network": Attack(
        setup=(
            "import socket\ntry:\n    socket.create_connection(('127.0.0.1', {port}), 2).sendall(b'leak')\n"
            "except OSError as error: print(error)"
        )
    ),
    "floods-output": Attack(cells=("for _ in range(20_000): print('x' * 1000)",)),
    "slow-drip": Attack(
        setup=FORGE + "import time",
        trick=(
            'fd = int(os.environ["CS231N_ANSWER_FD"])\n    os.write(fd, struct.pack(">I", 60_000))\n'
            "    while a.shape[1] == b.shape[-1]:\n        os.write(fd, b' ')\n        time.sleep(0.5)"
        ),
    ),
    "writes-metadata": Attack(after="# the test gives this notebook's cells other points and grade_ids"),
}

"""What sandboxed code can see of the file system, as bubblewrap options."""

import glob
import importlib.machinery
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

KNOWN_AS = {"sklearn": "scikit-learn", "skimage": "scikit-image", "torch": "PyTorch", "cv2": "OpenCV"}
IMPORTED_BY_OTHERS = ("scipy.spatial", "scipy.spatial.distance")  # by scipy.stats, whose mode counts votes
IMPORT_FAILS = "raise ImportError({words!r}, name={name!r})\n"
CALLS_FAIL = """\
class _Refusal:
    def __call__(self, *arguments, **options):
        raise ImportError({words!r}, name={name!r})

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Refusal()
"""
HOME = "/home/student"
WORK = f"{HOME}/assignment"
PARTS_OF_A_PREFIX = ("bin", "lib", "lib64", "share", "pyvenv.cfg")  # not all of it: it may be the course folder
PASSWD = f"student:x:1000:1000:student:{HOME}:/bin/sh\n"
ETC = {
    "passwd": PASSWD,
    "group": "student:x:1000:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


@dataclass
class Mounts:
    """Collects mounts in any order; `options` gives them parents first, so that each lands on its parent.

    `source` turns a host path into the path bubblewrap shall use; `data` turns text into an open descriptor.
    """

    source: Callable[[str], str]
    data: Callable[[str], int]
    by_place: dict[str, list[str]] = field(default_factory=dict)
    sealed: list[str] = field(default_factory=list)

    def add(self, place: str | Path, *options: str) -> None:
        self.by_place[os.path.normpath(place)] = list(options)

    def show(self, path: str | Path, place: str | Path | None = None) -> None:
        """Read only, at `place`; else where it really lies, with a link from `path` if that is another name.

        One mount for each file: were it shown under two names, one of them would escape a mask.
        """
        real = os.path.realpath(path)
        place = os.path.normpath(place or real)
        self.add(place, "--ro-bind", self.source(real), place)
        if place == real and not self.shows(link := os.path.abspath(path)):
            self.add(link, "--symlink", real, link)

    def text(self, place: str | Path, text: str) -> None:
        self.add(place, "--ro-bind-data", str(self.data(text)), str(place))

    def scratch(self, place: str, size: int) -> None:
        self.add(place, "--perms", "0700", "--size", str(size), "--tmpfs", place)

    def cover(self, folder: str | Path) -> None:
        """An empty folder in place of this one."""
        self.add(folder, "--size", "65536", "--tmpfs", str(folder))
        self.sealed.append(str(folder))

    def shows(self, path: str) -> bool:
        """Whether `path` lies in something shown."""
        parents = [str(parent) for parent in (Path(path), *Path(path).parents)]
        return any(self.by_place.get(parent, [""])[0] == "--ro-bind" for parent in parents)

    def options(self) -> list[str]:
        places = sorted(self.by_place, key=lambda place: len(Path(place).parts))
        options = [option for place in places for option in self.by_place[place]]
        return options + [option for place in [*self.sealed, "/"] for option in ("--remount-ro", place)]


def system(mounts: Mounts, scratch: int) -> None:
    """The C library and tools, a made-up /etc, and size-limited scratch space."""
    mounts.show("/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if os.path.islink(f"/{name}"):
            mounts.add(f"/{name}", "--symlink", os.readlink(f"/{name}"), f"/{name}")
        elif os.path.isdir(f"/{name}"):
            mounts.show(f"/{name}", f"/{name}")
    for path in ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives", "/etc/fonts"):
        if os.path.exists(path):
            mounts.show(path, path)
    for name, text in ETC.items():
        mounts.text(f"/etc/{name}", text)
    mounts.add("/proc", "--proc", "/proc")
    mounts.add("/dev", "--dev", "/dev")
    mounts.sealed.append("/dev")
    mounts.scratch("/dev/shm", scratch // 4)
    mounts.scratch("/tmp", scratch // 2)
    mounts.scratch(HOME, scratch)
    mounts.add(WORK, "--dir", WORK)


def python(mounts: Mounts) -> None:
    """This interpreter, its environment and `cs231n_kit`; neither the grader nor anybody else's packages."""
    for prefix in {sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix}:
        for name in PARTS_OF_A_PREFIX:
            path = os.path.join(prefix, name)
            if os.path.exists(path) and not _within("/usr", path):
                mounts.show(path)
    searched = _searched()
    for folder in searched:
        if not mounts.shows(os.path.realpath(folder)):
            mounts.show(folder)
    for prefix in {sys.base_prefix, "/usr", "/usr/local"}:
        for pattern in ("lib*/python3*/site-packages", "lib*/python3*/dist-packages"):
            for folder in glob.glob(os.path.join(prefix, pattern)):
                if os.path.realpath(folder) not in map(os.path.realpath, searched):
                    mounts.cover(os.path.realpath(folder))  # else a module masked here could be read from there
    mounts.show(kit())


def kit() -> str:
    """The folder of `cs231n_kit`, which an editable installation keeps beside the solutions."""
    spec = importlib.machinery.PathFinder.find_spec("cs231n_kit")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("cs231n_kit is not installed in this environment", name="cs231n_kit")
    return os.path.abspath(next(iter(spec.submodule_search_locations)))


def is_installed() -> bool:
    """Whether `cs231n_kit` lies among the installed packages, not in a source tree."""
    return os.path.realpath(os.path.dirname(kit())) in map(os.path.realpath, _searched())


def _searched() -> list[str]:
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder)]


def _within(folder: str, path: str) -> bool:
    return all(Path(kind(path)).is_relative_to(folder) for kind in (os.path.abspath, os.path.realpath))


def hide(mounts: Mounts, paths: Iterable[str | Path]) -> None:
    """Cover `paths` (folders) where something shown would show them."""
    for path in map(os.path.realpath, paths):
        if os.path.isdir(path) and mounts.shows(path) and path not in mounts.by_place:
            mounts.cover(path)


def mask(mounts: Mounts, modules: Iterable[str]) -> None:
    """Put a module that raises ImportError in place of each of `modules`, compiled copies included.

    Those in IMPORTED_BY_OTHERS can still be imported; what they offer raises ImportError when it is called. Of a
    package among them the modules in it stay, unless they are named too.
    """
    searched = [*_searched(), sysconfig.get_path("stdlib"), os.path.dirname(kit())]
    for name in modules:
        text = (CALLS_FAIL if name in IMPORTED_BY_OTHERS else IMPORT_FAILS).format(words=refusal(name), name=name)
        for folder in set(map(os.path.realpath, searched)):
            path = os.path.join(folder, *name.split("."))
            if os.path.isdir(path):
                mounts.cover(f"{path}/__pycache__" if name in IMPORTED_BY_OTHERS else path)
                mounts.text(f"{path}/__init__.py", text)
            files = [path + suffix for suffix in importlib.machinery.all_suffixes()]
            for file in filter(os.path.isfile, files):
                mounts.text(file, text)
                if os.path.isdir(cache := os.path.join(os.path.dirname(path), "__pycache__")):
                    mounts.cover(cache)


def refusal(module: str) -> str:
    name = KNOWN_AS.get(module, module)
    return f"{name} is not available while grading: this exercise asks you to write it with NumPy"

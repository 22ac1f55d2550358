"""Downloads from a local server that misbehaves in the ways of real ones."""

import contextlib
import errno
import gzip
import hashlib
import io
import shutil
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cs231n_kit import datasets
from cs231n_kit.datasets import DatasetError, fetching, registry
from cs231n_kit.datasets.fetching import fetch
from cs231n_kit.datasets.registry import Download, Entry

CONTENT = bytes(i * 7 % 251 for i in range(300_000))


class Handler(BaseHTTPRequestHandler):
    """The first part of the path says how to behave."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        _, behaviour, *_ = self.path.split("/")
        count = sum(path == self.path for path, _ in self.server.requests)
        content = self.server.content
        if behaviour == "missing":
            return self.send_error(404)
        if behaviour == "wrong":
            content = b"<html>Please log in to the campus network</html>".ljust(len(content))
        if behaviour == "longer":
            content += b"more" * 100_000
        if behaviour == "busy" and count < 3:
            return self.send_error(503)
        if behaviour == "endless":
            return self.reply_without_end()
        if behaviour == "silent":
            return self.reply(200, content, 0)
        start = 0
        if (wanted := self.headers.get("Range")) and behaviour != "norange":
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if behaviour == "elsewhere" and count == 2:
                start -= 1
            if start >= len(content) or behaviour == "refuses":
                return self.send_error(416)
        cuts = behaviour in ("cut", "norange", "elsewhere", "changed") and count <= 2
        if behaviour == "changed" and count == 2:
            content = content[::-1]
        self.reply(206 if start else 200, content, len(content[start:]) // 2 if cuts else None, start)

    def reply(self, status, content, cut_after=None, start=0):
        body = content[start:]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        self.wfile.write(body[:cut_after])
        self.close_connection = True

    def reply_without_end(self, at_most=40_000_000):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):  # the client hangs up
            while self.server.sent < at_most:
                self.server.sent += self.wfile.write(bytes(1 << 16))

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.content, server.sent = [], CONTENT, 0
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def get(server, tmp_path):
    """Downloads with the given behaviours, one address each, and returns the target's path."""

    def get(*behaviours):
        target = tmp_path / "data" / "file.bin"
        urls = [f"{server.url}/{behaviour}/file.bin" for behaviour in behaviours]
        fetch(urls, target, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), pause=0)
        return target

    return get


def left_over(tmp_path):
    return sorted(path.name for path in (tmp_path / "data").iterdir() if path.suffix != ".lock")


def test_a_plain_download(get, tmp_path, capsys):
    assert get("good").read_bytes() == CONTENT
    assert left_over(tmp_path) == ["file.bin"]
    assert "file.bin: 100%" in capsys.readouterr().err


def test_a_cut_connection_is_resumed_where_it_broke(get, server):
    assert get("cut").read_bytes() == CONTENT
    first, *resumed = (int((wanted or "bytes=0-")[6:-1]) for _, wanted in server.requests)
    assert first == 0 and len(resumed) == 2
    for place, broke_at in zip(resumed, (150_000, 225_000), strict=True):
        assert broke_at - 2 * fetching.CHUNK < place <= broke_at


def test_a_download_that_was_given_up_is_resumed_the_next_time(get, server, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "file.bin.part").write_bytes(CONTENT[:1000])
    assert get("good").read_bytes() == CONTENT
    assert server.requests[0][1] == "bytes=1000-"


@pytest.mark.parametrize("behaviour", ["norange", "elsewhere", "refuses", "busy"])
def test_servers_that_cannot_resume_or_are_busy(get, behaviour, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file.bin.part").write_bytes(CONTENT[:1000])
    assert get(behaviour).read_bytes() == CONTENT
    assert left_over(tmp_path) == ["file.bin"]


@pytest.mark.parametrize("behaviour", ["wrong", "longer", "changed"])
def test_a_wrong_file_is_deleted(get, behaviour, tmp_path):
    with pytest.raises(DatasetError, match=r"serves another file than the expected one .* it was deleted") as caught:
        get(behaviour)
    assert f"/{behaviour}/file.bin" in str(caught.value)
    assert left_over(tmp_path) == []


def test_a_file_without_end_is_hung_up_on(get, server):
    with pytest.raises(DatasetError, match="serves another file"):
        get("endless")
    assert server.sent < 40_000_000


def test_a_part_of_something_else_is_no_beginning(get, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file.bin.part").write_bytes(b"x" * len(CONTENT))
    with pytest.raises(DatasetError, match="it was deleted"):
        get("good")
    assert get("good").read_bytes() == CONTENT


def test_a_missing_file_names_its_address_and_asks_only_once(get, server, tmp_path):
    with pytest.raises(DatasetError, match=r"/missing/file.bin: the server answers 404 Not Found"):
        get("missing")
    assert len(server.requests) == 1
    assert left_over(tmp_path) == []


def test_the_next_address_takes_over(get):
    assert get("missing", "wrong", "good").read_bytes() == CONTENT


def test_a_server_that_sends_nothing_is_given_up(get, server):
    with pytest.raises(DatasetError, match=r"silent/file.bin"):
        get("silent")
    assert len(server.requests) == fetching.ATTEMPTS_WITHOUT_PROGRESS


def test_no_server_at_all(tmp_path):
    with pytest.raises(DatasetError, match=r"127.0.0.1:9/x: no connection"):
        fetch(["http://127.0.0.1:9/x"], tmp_path / "x", 10, "00", pause=0)


def test_a_file_that_is_there_is_not_downloaded_again(get, server):
    get("good")
    get("good")
    assert len(server.requests) == 1


def test_a_file_put_there_by_hand_must_be_the_right_one_and_is_not_deleted(get, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file.bin").write_bytes(b"something else")
    with pytest.raises(DatasetError, match=r"file.bin is not the official file.*Move it away"):
        get("good")
    assert left_over(tmp_path) == ["file.bin"]


def test_two_downloads_at_once_fetch_one_file(get, server, tmp_path):
    threads = [threading.Thread(target=get, args=("cut",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "data" / "file.bin").read_bytes() == CONTENT
    assert len(server.requests) == 3


def test_a_disk_without_room_is_noticed_before_the_download(get, server, monkeypatch):
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(DatasetError, match=r"The disk is full: file.bin needs .* MB in .*data\.\nFree some space"):
        get("good")
    assert server.requests == []


def test_a_disk_that_fills_up_keeps_the_part(get, tmp_path, monkeypatch):
    class FullDisk(io.FileIO):
        def write(self, chunk):
            if self.tell() > 100_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(chunk)

    with monkeypatch.context() as patch:
        patch.setattr(fetching.Path, "open", lambda path, mode="r": FullDisk(path, mode.replace("b", "")))
        with pytest.raises(DatasetError, match="The disk is full"):
            get("good")
    assert left_over(tmp_path) == ["file.bin.part"]
    assert get("good").read_bytes() == CONTENT


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match=r"(?s)Cannot write x to .*CS231N_DATA"):
        fetch(["http://127.0.0.1:9/x"], tmp_path / "file" / "x", 10, "00", pause=0)


@pytest.fixture
def tiny_cifar10(generated_cifar10, server, monkeypatch):
    """The registry with one data set, "cifar10", whose archive the local server has. Call it with a behaviour."""

    def register(behaviour="good", change=lambda tar: None):
        folder = generated_cifar10 / "cifar-10-batches-py"
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for path in sorted(folder.iterdir()):
                tar.add(path, f"cifar-10-batches-py/{path.name}")
            change(tar)
        server.content = buffer.getvalue()
        sha256 = hashlib.sha256(server.content).hexdigest()
        archive = Download("cifar.tar.gz", (f"{server.url}/{behaviour}/cifar.tar.gz",), len(server.content), sha256)
        files = {
            path.name: "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())
        }
        entry = Entry(
            "cifar10", "CIFAR-10", "", "https://example.org/cifar", "", "cifar-10-batches-py", (archive,), files
        )
        monkeypatch.setattr(registry, "registry", lambda: {"cifar10": entry})

    return register


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_load_downloads_verifies_unpacks_and_says_so(tiny_cifar10, tmp_path, capsys, server):
    tiny_cifar10("cut")
    data = datasets.load("cifar10", folder=tmp_path)
    assert "official files, checksums verified; 240 / 60 / 100" in data.source
    assert names(tmp_path) == ["cifar-10-batches-py"], "the archive is not kept"
    assert "Downloading CIFAR-10" in capsys.readouterr().out
    asked = len(server.requests)
    datasets.load("cifar10", folder=tmp_path)
    assert datasets.download("cifar10", tmp_path) == tmp_path / "cifar-10-batches-py"
    assert len(server.requests) == asked


def test_a_vanished_archive_names_the_address_and_the_way_by_hand(tiny_cifar10, tmp_path, server):
    tiny_cifar10("missing")
    with pytest.raises(DatasetError) as caught:
        datasets.load("cifar10", folder=tmp_path)
    message = str(caught.value)
    for part in (f"{server.url}/missing/cifar.tar.gz", "404", "by hand", "https://example.org/cifar", str(tmp_path)):
        assert part in message


def test_an_archive_put_there_by_hand_is_used(tiny_cifar10, tmp_path, server):
    tiny_cifar10("missing")
    (tmp_path / "cifar.tar.gz").write_bytes(server.content)
    assert "checksums verified" in datasets.load("cifar10", folder=tmp_path).source
    assert server.requests == []


def test_only_the_expected_files_leave_the_archive(tiny_cifar10, tmp_path):
    def add_evil(tar):
        for name in ("../evil", "cifar-10-batches-py/extra", "/tmp/evil-absolute"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"evil"))

    tiny_cifar10("good", add_evil)
    root = tmp_path / "inner"
    datasets.load("cifar10", folder=root)
    assert names(tmp_path) == ["inner"] and names(root) == ["cifar-10-batches-py"]
    assert len(names(root / "cifar-10-batches-py")) == 7


def test_an_expected_name_that_leads_outside_is_refused(tiny_cifar10, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")

    def add_link(tar):
        member = tarfile.TarInfo("cifar-10-batches-py/test_batch")  # the later one of two members counts
        member.type, member.linkname = tarfile.SYMTYPE, str(outside)
        tar.addfile(member)

    tiny_cifar10("good", add_link)
    with pytest.raises(DatasetError, match="could not be unpacked"):
        datasets.load("cifar10", folder=tmp_path / "inner")
    assert outside.read_bytes() == b"secret"
    assert names(tmp_path / "inner") == ["cifar.tar.gz"], "nothing half unpacked is left"


def test_an_unpacking_that_is_cut_short_leaves_no_data_set(tiny_cifar10, tmp_path, monkeypatch):
    tiny_cifar10("good")
    copy, count = shutil.copyfileobj, iter(range(100))

    def disk_full(*arguments, **options):
        if next(count) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", disk_full)
        with pytest.raises(DatasetError, match=r"could not be unpacked .*No space left on device"):
            datasets.load("cifar10", folder=tmp_path)
    assert names(tmp_path) == ["cifar.tar.gz"]
    datasets.load("cifar10", folder=tmp_path)  # goes on with the archive that is there


def test_several_files_each_with_its_checksum(server, tmp_path, monkeypatch):
    server.content = gzip.compress(b"not images")
    sha256 = hashlib.sha256(server.content).hexdigest()
    downloads = tuple(
        Download(name, (f"{server.url}/good/{name}",), len(server.content), sha256) for name in ("a.gz", "b.gz")
    )
    files = {name: f"sha256:{sha256}" for name in ("a.gz", "b.gz")}
    entry = Entry("fashion_mnist", "Two files", "", "", "", "two", downloads, files)
    monkeypatch.setattr(registry, "registry", lambda: {"fashion_mnist": entry})
    assert datasets.download("fashion_mnist", tmp_path) == tmp_path / "two"
    assert names(tmp_path / "two") == ["a.gz", "b.gz"]

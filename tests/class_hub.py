"""A JupyterHub for a class, as docs/jupyterhub has it, on free ports of this machine alone, and its users over HTTP."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import private_machine
import psutil
import pytest
import requests

from cs231n_kit import doctor

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "docs" / "jupyterhub" / "jupyterhub_config.py"
PROXY = "configurable-http-proxy@4.6.3"
PASSWORD = "for this test alone"
OVERRIDES = """
load_subconfig({example!r})

c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_ip, c.JupyterHub.hub_port = "127.0.0.1", {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = {password!r}
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.cookie_secret_file = {cookie!r}
c.Spawner.env_keep = {keep!r}
"""
ONE_USER = """
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r}
"""
KEPT = ["PATH", "PYTHONPATH", "CS231N_DATA", "OPENBLAS_THREAD_TIMEOUT", "GOMP_SPINCOUNT", "LANG", "LC_ALL"]


def install_proxy(cache: Path) -> list[str]:
    """The command of configurable-http-proxy, which npm installs into `cache` once."""
    script = cache / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.fail(f"no npm for JupyterHub's proxy; run: {doctor.npm_command()}")
    if not script.is_file():
        command = ["npm", "install", "--prefix", str(cache), "--no-audit", "--no-fund", "--no-save", PROXY]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0 and script.is_file(), f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return ["node", str(script)]


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Hub:
    """A running hub. accounts: {user: uid}; url: where users log in."""

    def __init__(self, folder: Path, accounts: dict[str, int], proxy: list[str], environment: dict[str, str]):
        self.folder, self.accounts = folder, accounts
        port, hub_port, proxy_port = free_ports(3)
        self.url = f"http://127.0.0.1:{port}"
        self.separate = all(uid != os.getuid() for uid in accounts.values())
        config = OVERRIDES if self.separate else OVERRIDES + ONE_USER
        (folder / "config.py").write_text(
            config.format(
                example=str(EXAMPLE), port=port, hub_port=hub_port, proxy_port=proxy_port, proxy=proxy, keep=KEPT,
                password=PASSWORD, cookie=str(folder / "cookie_secret"), homes=str(folder / "homes" / "{username}"),
            )
        )  # fmt: skip
        command = [sys.executable, "-m", "jupyterhub", "-f", str(folder / "config.py")]
        if self.separate:
            homes = {name: (uid, folder / "homes" / name) for name, uid in accounts.items()}
            readable = [Path(sys.base_prefix), Path(sys.prefix), ROOT, Path(os.environ["CS231N_DATA"])]
            command = private_machine.command_line(homes, readable, command)
        self.log = folder / "hub.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait(self, seconds: int = 90) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/hub/api/", timeout=10).ok:
                    return
            time.sleep(0.1)
        pytest.fail(f"JupyterHub did not start:\n{self.log.read_text()[-4000:]}")

    def close(self) -> tuple[list[psutil.Process], list[psutil.Process]]:
        """End all of it. Returns what ran until then, and what of it had to be killed one by one."""
        hub = psutil.Process(self.process.pid)
        family = hub.children(recursive=True)
        if self.separate:  # with its first process a namespace of processes ends, whatever is in it
            hub.kill()
        else:
            hub.terminate()
        _, stubborn = psutil.wait_procs([*family, hub], timeout=20)
        for process in stubborn:
            process.kill()
        self.process.wait(20)
        return family, stubborn

    def as_user(self, name: str):
        """A function that runs a command with this user's rights, as in a terminal of his."""
        uid = self.accounts[name]

        def run(*command) -> subprocess.CompletedProcess:
            return subprocess.run(
                list(map(str, command)), user=uid, group=uid, extra_groups=[], cwd="/", capture_output=True, text=True
            )

        return run

    def log_in(self, user: str) -> "User":
        return User(self, user)


class User:
    """A user who logs in and starts a server."""

    def __init__(self, hub: Hub, name: str):
        self.hub, self.name = hub, name
        self.base = f"{hub.url}/user/{name}"
        self.session = requests.Session()
        form = self.session.get(f"{hub.url}/hub/login", timeout=30)
        token = re.search(r'name="_xsrf" value="([^"]+)"', form.text)[1]
        data = {"username": name, "password": PASSWORD, "_xsrf": token}
        answer = self.session.post(f"{hub.url}/hub/login?next=/hub/home", data=data, timeout=30)
        assert answer.ok, f"{name} could not log in: {answer.status_code}\n{hub.log.read_text()[-3000:]}"
        self._start()

    def _start(self) -> None:
        self.session.get(f"{self.hub.url}/hub/spawn/{self.name}", timeout=90)
        progress = f"{self.hub.url}/hub/api/users/{self.name}/server/progress"
        token = next((c.value for c in self.session.cookies if c.name == "_xsrf" and c.path == "/hub/"), "")
        with self.session.get(progress, stream=True, timeout=90, params={"_xsrf": token}) as events:
            told = [line for line in events.iter_lines(decode_unicode=True) if line]
        assert told and '"ready": true' in told[-1], f"{told}\n{self.hub.log.read_text()[-4000:]}"
        assert self.get("lab").ok, "the hub tells the server who comes"
        assert "started" in self.get("api/status").json()

    def get(self, path: str, **options) -> requests.Response:
        return self.session.get(f"{self.base}/{path}", timeout=60, **options)

    def send(self, method: str, path: str, **options) -> requests.Response:
        cookies = {cookie.path: cookie.value for cookie in self.session.cookies if cookie.name == "_xsrf"}
        headers = {"X-XSRFToken": cookies.get(f"/user/{self.name}/", "")}
        return self.session.request(method, f"{self.base}/{path}", headers=headers, timeout=180, **options)

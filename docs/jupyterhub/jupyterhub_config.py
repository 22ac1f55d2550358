"""JupyterHub for a class: students fetch, hand in and read their feedback in JupyterLab, instructors grade there.

Copy this folder to the machine (/etc/jupyterhub, say) and change what stands below "The class"; then, as root:

    pip install jupyterhub && npm install -g configurable-http-proxy
    cs231n start /home/teacher/cs231n --instructor       # as the user teacher, with that folder's rights 0700
    jupyterhub -f /etc/jupyterhub/jupyterhub_config.py

Instructors arrive in formgrader (release, collect, autograde, feedback), with JupyterLab beside it at /user/NAME/lab;
students in JupyterLab, with Nbgrader > Assignment List in the menu (fetch, submit, fetch feedback).
"""

import os
import pwd
import sys
from pathlib import Path

from cs231n_kit.laboratory import IDLE_THREADS_SLEEP, SETTINGS

c = get_config()  # noqa: F821
HERE = Path(__file__).resolve().parent

# The class. All of them have accounts on this machine; what is set in the environment goes first.
COURSE = Path(os.environ.get("CLASS_COURSE", "/home/teacher/cs231n"))  # where nbgrader_config.py lies
# The first of them owns COURSE. Where there are more, put COURSE outside of their homes, give it to a group of theirs
# (chgrp -R, chmod -R g+rwX and g+s for folders), and set c.CourseDirectory.groupshared = True in nbgrader_config.py.
INSTRUCTORS = os.environ.get("CLASS_INSTRUCTORS", "teacher").split()
STUDENTS = os.environ.get("CLASS_STUDENTS", "").split()  # nobody else may log in; none: everybody with an account
EXCHANGE = Path(os.environ.get("CLASS_EXCHANGE", "/srv/nbgrader/exchange"))
COURSE_ID = "cs231n"  # as in nbgrader_config.py
HOST = os.environ.get("CLASS_HOST", "")  # "https://hub.example.edu", once *.hub.example.edu leads to this machine too

# Who may log in, and how: with the password of the account. For the university's own login see oauthenticator or
# ltiauthenticator; what counts is that names are those of accounts. Two users with one account could read each other.
c.JupyterHub.authenticator_class = "pam"
c.Authenticator.allowed_users = {*INSTRUCTORS, *STUDENTS} if STUDENTS else set()
c.Authenticator.allow_all = not STUDENTS

# Only this machine is listened to: let nginx or Caddy in front speak HTTPS. With a domain for each user no page of
# a student's shares an origin with an instructor's; only then formgrader is shown inside of JupyterLab, as a frame.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.subdomain_host = HOST

# Every user has a process of his own, with his own rights and nobody else's.
c.JupyterHub.spawner_class = "jupyterhub.spawner.LocalProcessSpawner"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.default_url = "/lab"

# Servers and kernels that nobody uses end. What a user may take of memory and processors is limited by systemdspawner
# or dockerspawner in place of the above, or by systemd's user slices; then these two count.
c.Spawner.mem_limit = "8G"
c.Spawner.cpu_limit = 2
ARGUMENTS = ["--MappingKernelManager.cull_idle_timeout=7200", "--ServerApp.shutdown_no_activity_timeout=14400"]
FRAMES = """--ServerApp.tornado_settings={"headers": {"Content-Security-Policy": "frame-ancestors 'self'"}}"""
c.Spawner.args = ARGUMENTS
c.JupyterHub.concurrent_spawn_limit = 10

# nbgrader's exchange. In its first folder everybody may make entries, and nobody may touch those of others (1777);
# the course's belongs to the instructor. nbgrader itself sees to it that nobody else can list what is handed in.
if COURSE.stat().st_mode & 0o007:
    raise SystemExit(f"Others can look into the course's folder, where the solutions are. First: chmod o-rwx {COURSE}")
EXCHANGE.mkdir(parents=True, exist_ok=True)
if os.geteuid() == 0:
    EXCHANGE.chmod(0o1777)
(EXCHANGE / COURSE_ID).mkdir(mode=0o755, exist_ok=True)
if os.geteuid() == 0:
    owner = pwd.getpwnam(INSTRUCTORS[0])
    os.chown(EXCHANGE / COURSE_ID, owner.pw_uid, owner.pw_gid)


def prepare(spawner):
    """Formgrader, on the course's folder, for instructors; for students nbgrader's list of assignments alone.

    Homes are closed: work is not to be copied from one to another.
    """
    if os.geteuid() == 0:
        os.chmod(pwd.getpwnam(spawner.user.name).pw_dir, 0o700)
    if spawner.user.name not in INSTRUCTORS:
        settings = [HERE / "students"]
    elif HOST:
        settings = [COURSE]
        spawner.args = [*ARGUMENTS, FRAMES]
    else:
        settings = [COURSE, HERE / "instructors"]
        spawner.default_url = "/formgrader"
    if spawner.user.name in INSTRUCTORS:
        spawner.notebook_dir = str(COURSE)
    settings += [HERE / "class", SETTINGS]
    spawner.environment = {
        **IDLE_THREADS_SLEEP,
        "CLASS_EXCHANGE": str(EXCHANGE),
        "JUPYTER_CONFIG_PATH": os.pathsep.join(map(str, settings)),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
    }


c.Spawner.pre_spawn_hook = prepare

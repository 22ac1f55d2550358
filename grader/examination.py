"""What `cs231n doctor` says about grading."""

from collections.abc import Iterator

from cs231n_kit.doctor import BROKEN, NOTE, OK, Finding
from cs231n_kit.installation import install_command, is_package


def examine(required: bool) -> Iterator[Finding]:
    """Whether submissions can be graded here; without a sandbox that is BROKEN where it is `required`, else a NOTE."""
    from .sandbox import probe

    reason = probe()
    if reason is None:
        yield Finding("Sandbox", OK, "submissions can be graded safely")
    else:
        mend = "students need none; to grade, use Linux with user namespaces switched on and: "
        mend += install_command("grading") if is_package() else "make install"
        yield Finding("Sandbox", BROKEN if required else NOTE, f"grading will refuse: {reason}", mend)

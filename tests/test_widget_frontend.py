"""The widgets' shared JavaScript: joined into one module, and one name for one thing."""

import re

import pytest

from cs231n_kit.widgets import frontend


def write(folder, **sources):
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source)


def test_modules_are_joined_once_and_after_what_they_import(tmp_path):
    write(
        tmp_path,
        base="export const one = 1;\n",
        left='import { one } from "./base.js";\nexport const left = one;\n',
        right='import {\n  one,\n} from "./base.js";\nexport function right() { return one; }\n',
        view='import { left } from "./left.js";\nimport { right } from "./right.js";\nexport default [left, right];\n',
    )
    assert frontend.module(tmp_path / "view.js").split("\n") == [
        "const one = 1;",
        "",
        "const left = one;",
        "",
        "function right() { return one; }",
        "",
        "export default [left, right];",
        "",
    ]


def test_a_form_of_import_that_cannot_be_joined_is_refused(tmp_path):
    write(tmp_path, base="export default 1;\n", view='import base from "./base.js";\nexport default base;\n')
    with pytest.raises(ValueError, match=r"view\.js: import base from"):
        frontend.module(tmp_path / "view.js")
    write(tmp_path, view='import { one as two } from "./base.js";\nexport default two;\n')
    with pytest.raises(ValueError, match=r"view\.js: import \{ one as two \}"):
        frontend.module(tmp_path / "view.js")


def test_a_top_level_name_used_twice_is_refused(tmp_path):
    write(
        tmp_path,
        base="const size = 1;\n",
        view='import { a } from "./base.js";\nfunction size() {}\nexport default 1;\n',
    )
    with pytest.raises(ValueError, match=r"base\.js and .*view\.js both define size"):
        frontend.module(tmp_path / "view.js")


def test_shared_styles_come_first(tmp_path):
    (tmp_path / "view.css").write_text(".own { color: red }")
    joined = frontend.css(tmp_path / "view.css")
    assert joined.endswith(".own { color: red }")
    assert re.search(r"^\.cs231n-widget \{", joined)

from __future__ import annotations

import subprocess
import sys

import pytest

import regraft


@pytest.mark.parametrize("name", regraft.__all__)
def test_every_public_name_is_there(name: str) -> None:
    value = getattr(regraft, name)
    assert value.__name__ == name
    assert name in dir(regraft)


def test_every_error_is_public() -> None:
    from regraft import errors

    kinds = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, errors.RegraftError)}
    assert kinds <= set(regraft.__all__)


def test_unknown_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="module 'regraft' has no attribute 'nothing'"):
        _ = regraft.nothing  # pyright: ignore[reportAttributeAccessIssue]


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_the_package_brings_nothing() -> None:
    code = "import sys; import regraft; print(*sorted(m for m in sys.modules if m.startswith(('regraft', 'numpy'))))"
    assert python(code) == "regraft regraft.errors"


@pytest.mark.parametrize(
    "first",
    [
        "import regraft.convert, regraft.verify",
        "from regraft.convert import Conversion; from regraft.verify import Oracle",
        "regraft.convert; regraft.verify; import regraft.verify.result",
    ],
)
def test_functions_are_not_hidden_by_the_modules_of_their_names(first: str) -> None:
    code = (
        f"import regraft; {first}; print(regraft.convert.__name__, regraft.verify.__name__, callable(regraft.verify))"
    )
    assert python(code) == "convert verify True"


def test_everything_can_be_used_without_torch() -> None:
    code = (
        "import sys; from regraft import *; print({'torch', 'keras', 'tensorflow'} & sys.modules.keys(), read.__name__)"
    )
    assert python(code) == "set() read"

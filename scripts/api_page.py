"""
Write docs/api.md from the code: every public name of ``regraft``, its signature and its docstring.

    python scripts/api_page.py            writes the page
    python scripts/api_page.py --check    says whether it is up to date
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

import regraft

PAGE = ROOT / "docs" / "api.md"
WIDTH = 100
SECTIONS = ("Args", "Attributes", "Returns", "Raises")
INTRODUCTION = """\
# Python

Written by `scripts/api_page.py` from the code; change it there. CI checks that this page is up to date.

Everything public is a name of the package. `import regraft` is quick: each name brings its modules when it is first used, and
torch comes last. Arrays and shapes that come from a file are in Keras order (`kh kw cin cout`, `batch h w c`); the emitted
module is channels first.

```python
import regraft
from regraft import samples

file = samples.path("digits.h5")  # a model that ships with regraft
print(regraft.inspect(file).kind)
conversion = regraft.convert(file, "converted")
print(conversion.report.verification.status, conversion.report.exit_code)
```

```text
whole model
equal 0
```

The command line does the same and nothing more: [convert](convert.md), [graft](graft.md). To declare layers of your own, see
[layers of your own](custom-layers.md). What else lies in the package may change from one version to the next.
"""


def page() -> str:
    """The whole page."""
    public = {name: getattr(regraft, name) for name in sorted(regraft.__all__, key=str.lower)}
    errors = {n: o for n, o in public.items() if inspect.isclass(o) and issubclass(o, Exception)}
    classes = {n: o for n, o in public.items() if inspect.isclass(o) and n not in errors}
    functions = {n: o for n, o in public.items() if n not in errors and n not in classes}
    parts = [INTRODUCTION, "## Functions\n"]
    parts += [line for name, function in functions.items() for line in function_part(name, function)]
    parts += ["## What they give\n"]
    parts += [line for name, cls in classes.items() for line in class_part(name, cls)]
    parts += [
        "## Errors\n",
        "Each is a `RegraftError`. The message says what, where, what was expected and what to do.\n",
    ]
    parts += [line for name, error in errors.items() for line in error_part(name, error)]
    return "\n".join(parts).rstrip() + "\n"


def function_part(name: str, function: Callable[..., object]) -> Iterator[str]:
    """A function: heading, signature, docstring."""
    yield f"### {name}\n"
    yield f"```text\n{signature(name, function)}\n```\n"
    yield from docstring(function)


def class_part(name: str, cls: type) -> Iterator[str]:
    """A class: heading, docstring, then what else it has; how it is made is not for users."""
    yield f"### {name}\n"
    yield from docstring(cls)
    fields = documented(cls)
    rest = {
        n: o
        for n, o in vars(cls).items()
        if not n.startswith("_") and (isinstance(o, property) or inspect.isfunction(o))
    }
    for other, value in rest.items():
        call = "" if isinstance(value, property) else "()"
        yield f"- `{other}{call}`: {prose(' '.join((inspect.getdoc(value) or '').split()))}"
    undocumented = [n for n in getattr(cls, "__dataclass_fields__", {}) if n not in fields]
    if undocumented:
        yield f"- Also: {', '.join(f'`{n}`' for n in undocumented)}"
    if rest or undocumented:
        yield ""


def error_part(name: str, error: type[Exception]) -> Iterator[str]:
    """An error: what it means, and of what kind it is."""
    yield f"### {name}\n"
    base = error.__mro__[1].__name__
    yield f"A `{base}`.\n"
    yield from docstring(error)


def signature(name: str, function: Callable[..., object]) -> str:
    """The signature, on one line if it fits, else with one parameter a line; long defaults are left out."""
    found = inspect.signature(function)
    parameters = list(found.parameters.values())
    shown: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in shown:
            shown.append("*")
        annotation = parameter.annotation.replace("str | os.PathLike[str]", "str | Path")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        shown.append(f"{parameter.name}: {annotation}{' = ...' if len(default) > 30 else default}")
    returns = f" -> {found.return_annotation}"
    line = f"{name}({', '.join(shown)}){returns}"
    return line if len(line) <= WIDTH else f"{name}(\n" + "".join(f"    {each},\n" for each in shown) + f"){returns}"


def docstring(thing: object) -> Iterator[str]:
    """A docstring of Google's form as Markdown: paragraphs, then each section as a list."""
    text = inspect.getdoc(thing) or ""
    parts = re.split(rf"^({'|'.join(SECTIONS)}):\n", text, flags=re.MULTILINE)
    yield prose(parts[0].strip()) + "\n"
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        yield f"**{title}**\n"
        body_text = textwrap.dedent(body)
        if title == "Returns":
            yield prose(" ".join(body_text.split())) + "\n"
            continue
        yield from (f"- `{name}`: {prose(said)}" for name, said in items(body_text))
        yield ""


def items(text: str) -> list[tuple[str, str]]:
    """The entries of a section: a name, and what is said of it."""
    return [(m[1], " ".join(m[2].split())) for m in re.finditer(r"^(\w+): (.*(?:\n[ \t]+.*)*)", text, re.MULTILINE)]


def documented(cls: type) -> set[str]:
    """The attributes that the docstring names."""
    _, _, attributes = (inspect.getdoc(cls) or "").partition("Attributes:\n")
    return {name for name, _ in items(textwrap.dedent(attributes))}


def prose(text: str) -> str:
    """Docstring text as Markdown."""
    return text.replace("``", "`")


if __name__ == "__main__":
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/api.md is not up to date: run python scripts/api_page.py")

"""
Write docs/schemas/: the JSON Schema of everything that the commands print with --json, from the dataclasses behind it.

    python scripts/schemas.py            writes the schemas
    python scripts/schemas.py --check    says whether they are up to date

A schema's name carries its version: a field that goes away or changes its meaning makes a new one, a field that comes
does not.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src")]

from regraft.cli.main import ERROR_SCHEMA
from regraft.report import Report, compared, grafted, inspection, value, verified

FOLDER = ROOT / "docs" / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
EXIT_CODE = {"type": "integer", "enum": [0, 1, 2, 3], "description": "What the command ends with."}
STATUS = {
    "type": "string",
    "enum": ["equal", "different", "partly verified", "not verified"],
    "description": "The verdict; what was not compared is never called equal.",
}
#: The value behind each command's output, and the modules whose dataclasses it holds.
ROOTS: tuple[tuple[type, bool], ...] = (
    (Report, True),
    (grafted.GraftReport, True),
    (compared.ComparisonReport, True),
    (verified.VerifiedReport, True),
    (inspection.Inspection, False),
)
MODULES = (value, grafted, compared, inspection, verified)


def main() -> int:
    """Write the schemas, or check them."""
    texts = {FOLDER / f"{name}.json": text for name, text in schemas().items()}
    if "--check" in sys.argv[1:]:
        stale = [path.name for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]
        stale += [path.name for path in FOLDER.glob("*.json") if path not in texts]
        print(f"not up to date: {', '.join(stale)}: run python scripts/schemas.py" if stale else "up to date")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return 0


def schemas() -> dict[str, str]:
    """The text of every schema, by the name that its ``schema`` field bears, with a dash for the slash."""
    found: dict[str, str] = {}
    for root, ends in ROOTS:
        schema = schema_of(root, ends=ends)
        found[schema["title"].replace("/", "-")] = json.dumps(schema, indent=1, ensure_ascii=True) + "\n"
    return {**found, ERROR_SCHEMA.replace("/", "-"): json.dumps(error_schema(), indent=1, ensure_ascii=True) + "\n"}


def error_schema() -> dict[str, Any]:
    """The schema of what is printed in place of a report when the input cannot be used."""
    words = {
        "type": "Class of the error in regraft.errors.",
        "message": "For a person.",
        "file": "Of a file: which.",
        "reason": "Of a file: what is wrong with it.",
        "path": "Of a file: where inside; empty if it is about the whole.",
        "hint": "Of a file: what to do; may be empty.",
        "kind": "Of a file that is not Keras': what it is.",
    }
    error = {
        "type": "object",
        "description": "What went wrong.",
        "properties": {name: {"type": ["string", "null"], "description": said} for name, said in words.items()},
        "required": ["message", "type"],
        "additionalProperties": False,
    }
    return {
        "$schema": DRAFT,
        "title": ERROR_SCHEMA,
        "description": "Printed in place of a report when the input cannot be used; the exit code is 2.",
        "type": "object",
        "properties": {
            "schema": {"const": ERROR_SCHEMA, "description": "This schema, with its version."},
            "error": error,
        },
        "required": ["error", "schema"],
        "additionalProperties": False,
    }


def schema_of(root: type, *, ends: bool) -> dict[str, Any]:
    """The schema of a dataclass; ``ends`` if its exit code stands beside its attributes."""
    schema = TypeAdapter(root).json_schema()
    parts = {root.__name__: schema, **schema.get("$defs", {})}
    for name, part in parts.items():
        described(part, dataclass_named(name))
    version = next(field.default for field in dataclasses.fields(root) if field.name == "schema")
    schema["properties"]["schema"] = {"const": version, "description": "This schema, with its version."}
    if ends:
        schema["properties"]["exit_code"] = EXIT_CODE
    if isinstance(getattr(root, "status", None), property):
        schema["properties"]["status"] = STATUS
    for part in parts.values():
        part["additionalProperties"] = False
        part["required"] = sorted(part["properties"])
    return {"$schema": DRAFT, **nullable(schema), "title": version}


def dataclass_named(name: str) -> type:
    """The dataclass that a part of a schema describes."""
    return next(found for module in MODULES if dataclasses.is_dataclass(found := getattr(module, name, None)))  # type: ignore[return-value]


def described(part: dict[str, Any], source: type) -> None:
    """Give a part of a schema the words of its docstring, and no defaults: every field is always there."""
    text = source.__doc__ or ""
    summary, _, rest = text.partition("Attributes:")
    part["description"] = " ".join(summary.split())
    words = {name: " ".join(said.split()) for name, said in re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", rest, re.M)}
    for name, field in part["properties"].items():
        field.pop("default", None)
        field.pop("title", None)
        if name in words:
            field["description"] = words[name]


def nullable(schema: Any) -> Any:
    """Every number may be null: JSON has no NaN and no infinity."""
    if isinstance(schema, dict):
        if schema.get("type") == "number":
            return {**schema, "type": ["number", "null"]}
        return {key: nullable(item) for key, item in schema.items()}
    return [nullable(item) for item in schema] if isinstance(schema, list) else schema


if __name__ == "__main__":
    sys.exit(main())

"""Reports to make pages of: a small one, one of any number of layers, one whose every text is hostile."""

from __future__ import annotations

from regraft.report.value import (
    CandidateRow,
    CheckRow,
    ChoiceRow,
    LayerRow,
    NodeRow,
    Port,
    Report,
    SelfCheckRow,
    Source,
    StatisticRow,
    TransferRow,
    VerificationRow,
)

FILE = "/models/my net.h5"
OUT = "/out dir"


def check(layer: str, error64: float | None = 1e-15, error32: float | None = 2e-7, *, ok: bool = True) -> CheckRow:
    return CheckRow(layer, "Dense", (2, 3), error64, error32, 2.5, ok, "", 1e-10, 3e-6)


def report(names: list[str], *, kind: str = "Dense", recovered: bool = True, failing: str = "") -> Report:
    """A chain of layers: every one checked, with two weights, and an assumed activation; the first one is open."""
    shape = (None, 5, 7, 11)
    nodes = [NodeRow("in_" + names[0], "InputLayer", 0, shape)]
    nodes += [
        NodeRow(n, kind, 0, shape, ((i, 0),), settings=(("activation", "relu"),), label="open" if i == 0 else "assumed")
        for i, n in enumerate(names)
    ]
    checks = [check(n, 0.5 if n == failing else 1e-15, ok=n != failing) for n in names]
    return Report(
        regraft="0.1.0",
        model="net",
        source=Source(FILE, "ab12", 204_800, "keras-2", "2.3.1", "tensorflow", "weights only", "recovered", "layer_names"),
        inputs=(Port("in", shape, (None, 11, 5, 7), "channels first"),),
        outputs=(Port("out", shape, (None, 11, 5, 7), "channels first"),),
        layers=tuple(LayerRow(node.layer, node.type, node.output_shape, 20, node.label) for node in nodes),
        transfers=tuple(
            TransferRow(n, (f"/{n}/{n}/kernel:0",), "cin units -> units cin", (f"{n}.weight",), ((3, 2),), ((2, 3),))
            for n in names
        ),
        variables_stored=3,
        variables_used=2,
        variables_listed=(("/seen/total:0", "a metric"),),
        parameters_filled=2,
        verification=VerificationRow(
            "different" if failing else "equal", layers=tuple(checks), compared=len(checks), total=len(checks),
            first_failure=failing, gates="float64: 1e-10",
        ),
        choices=tuple(
            ChoiceRow(f"{n}.activation", "relu", ("relu", "tanh"), "open" if i == 0 else "assumed", f"habit {i}")
            for i, n in enumerate(names)
        ),
        notes=("a note",),
        caveats=("a caveat",),
        candidates=(CandidateRow(0.75, "", ""), CandidateRow(0.25, "", "", (f"{names[0]}.activation = tanh",)))
        if recovered
        else (),
        statistics=SelfCheckRow(
            "all fit", tuple(StatisticRow(n, 0.1, "fits", "", 2, ((0.1, 0.2, 0.5), (-1.0, -0.9, 0.25))) for n in names)
        ),
        graph=tuple(nodes),
        command=("regraft", "convert", FILE, "-o", OUT),
        files={"model.py": f"{OUT}/model.py", "report.html": f"{OUT}/report.html"},
    )  # fmt: skip


def chain(count: int) -> list[str]:
    """Names of so many layers, three of which make a block."""
    return [f"block_{i // 3}_part{i % 3}" for i in range(count)]

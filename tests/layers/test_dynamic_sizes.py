"""Maps whose size is only known when the model runs: the emitted helpers can be compiled and exported."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.layers.maps import noise, old_file
from tests.twin import converted, loaded

SAME = {"padding": "same", "strides": [2, 2]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    arrays = {"kernel": noise(3, 3, 3, 4), "bias": noise(4)}
    entries = [
        ("Conv2D", {"name": "conv", "filters": 4, "kernel_size": [3, 3], **SAME}, arrays),
        ("MaxPooling2D", {"name": "largest", "pool_size": [3, 3], **SAME}, {}),
        ("AveragePooling2D", {"name": "mean", "pool_size": [3, 3], **SAME}, {}),
        ("UpSampling2D", {"name": "corners", "size": [2, 2], "interpolation": "bilinear"}, {}),
    ]
    module = converted(old_file(tmp_path_factory.mktemp("m") / "m.h5", (None, None, 3), entries, version="2.3.1"))
    assert all(name in module.source for name in ("pad_same(", "avg_pool_same(", "upsample_corners("))
    return loaded(module, "float32").requires_grad_(False)


SIZES = [(1, 36, 49), (3, 37, 50), (2, 61, 48)]


@pytest.mark.slow
def test_one_exported_program_serves_all_sizes(model: Any) -> None:
    sizes = {0: torch.export.Dim("batch"), 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    program = torch.export.export(model, (torch.zeros(2, 3, 40, 41),), dynamic_shapes=(sizes,)).module()
    for batch, height, width in SIZES:
        x = torch.from_numpy(noise(batch, 3, height, width))
        assert torch.equal(program(x), model(x))


@pytest.mark.slow
def test_it_compiles_without_a_break(model: Any) -> None:
    compiled = torch.compile(model, backend="eager", fullgraph=True, dynamic=True)
    for batch, height, width in SIZES:
        x = torch.from_numpy(noise(batch, 3, height, width))
        assert torch.equal(compiled(x), model(x))


def test_it_runs_in_float64_too(model: Any) -> None:
    x = torch.from_numpy(noise(2, 3, 20, 21))
    wide = model.double()(x.double())
    model.float()
    assert wide.dtype == torch.float64
    assert (wide - model(x)).abs().max() < 1e-5

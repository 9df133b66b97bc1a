"""What stands for a layer that cannot be converted."""

import torch
from torch import Tensor, nn


class Placeholder(nn.Module):
    """A layer that could not be converted. It keeps the layer's weights; write its ``forward`` to complete the model."""

    def __init__(self, keras_class: str, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.keras_class = keras_class
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def forward(self, *inputs: Tensor) -> Tensor:
        raise NotImplementedError(
            f"the Keras layer {self.keras_class} has no PyTorch form: write it here, or in a file for --custom"
        )

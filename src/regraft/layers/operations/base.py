"""
How an operation is declared: one line in the table of its family.

An operation is a layer without variables whose arguments may be numbers. Keras 3 writes it as a node of its own
(``keras.src.ops``), tf.keras as a ``TFOpLambda`` that names a function of TensorFlow, TensorFlow 2.0 to 2.3 as a
``TensorFlowOpLayer`` that holds a node of its graph. All three are read into the same operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, cast

from regraft.blueprint import Setting, Shape
from regraft.errors import UnknownLayerError, quote
from regraft.layers.base import Layer
from regraft.layers.form import Arranged, Arrival, Site
from regraft.layers.operations.operands import Given, Kind, Operand, bound, promoted
from regraft.layers.order import AxisOrder
from regraft.layers.version import KerasVersion

Cls = TypeVar("Cls", bound="Operation")
#: Where functions are that Keras 3 does not have.
TENSORFLOW_ONLY = "tensorflow"


class Operation(Layer, abstract=True):
    """Base of every operation. A family states shapes and axis orders, a row of its table the PyTorch expression."""

    takes_trainable: ClassVar = False
    masks: ClassVar = "drop"
    call_arguments: ClassVar[tuple[str, ...]] = ("x",)
    #: Whether the first argument is a list of tensors.
    listed: ClassVar[bool] = False
    #: Whether the first argument may be a constant, and whether there may be arguments of other names.
    constant_first: ClassVar[bool] = False
    open_arguments: ClassVar[bool] = False
    #: Functions of TensorFlow that mean the same, and nodes of its graphs: ``math.reduce_mean(x, axis, keepdims)``.
    functions: ClassVar[tuple[str, ...]] = ()
    nodes: ClassVar[tuple[str, ...]] = ()
    #: What the result holds; ``same``: what the arguments hold.
    gives: ClassVar[str] = "same"

    # ---- for families

    def result(self, given: Given) -> Any:
        """The shape of the result in Keras order, or of each; called with known ranks only."""
        raise NotImplementedError

    def accept(self, given: Given) -> None:
        """
        Say whether the arguments of a call are those of the operation, its first one a tensor or a list with one.

        Raises:
            UnknownLayerError: With the reason.
        """
        unknown = [name for name in given if name not in self.call_arguments and not self.open_arguments]
        if unknown:
            raise UnknownLayerError(f"the argument {quote(unknown[0])} is not known")
        if not self.constant_first:
            first = given.get(self.call_arguments[0] if self.call_arguments else "0")
            items = cast("tuple[Any, ...]", first) if isinstance(first, tuple) and self.listed else (first,)
            if not any(isinstance(item, Operand) for item in items):
                raise UnknownLayerError(f"expected a tensor first, found {quote(first)}")
        self.check(given)

    def check(self, given: Given) -> None:
        """
        Say whether the arguments can be converted; shapes are not known yet.

        Raises:
            UnknownLayerError: With the reason.
        """
        del given

    @classmethod
    def from_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Arguments of the TensorFlow function, under Keras' names, as Keras has them."""
        return values

    @classmethod
    def to_tensorflow(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The inverse."""
        return values

    @classmethod
    def read_arguments(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Arguments of a call in our form; what has none is left as it is, for ``check`` to refuse."""
        return values

    @classmethod
    def write_arguments(cls, values: dict[str, Any], *, modern: bool) -> dict[str, Any]:
        """Arguments of a call in the form of Keras 3 or tf.keras."""
        del modern
        return values

    # ---- as a layer

    def caveats(self, version: KerasVersion) -> tuple[str, ...]:
        if version.major >= 3 and self.keras_module == TENSORFLOW_ONLY:
            return (f"Keras 3 has no operation like TensorFlow's {self.functions[0].partition('(')[0]}",)
        if version.major < 3 and not self.functions:
            return (f"tf.keras has no function for the operation {self.keras_class} of Keras 3",)
        return ()

    def given(self, arguments: Mapping[str, Setting], shapes: tuple[Shape, ...]) -> Given:
        """The arguments of a call by name."""
        return bound(self.call_arguments, arguments, shapes, listed=self.listed)

    def at(self, site: Site) -> Given:
        """The arguments at one call, with axis orders and kinds."""
        kinds = cast("tuple[Kind, ...]", site.kinds)
        return bound(self.call_arguments, site.arguments, site.inputs, site.orders, kinds, listed=self.listed)

    def arriving(self, arrival: Arrival) -> Given:
        """The arguments as they arrive, before their orders are settled."""
        return bound(self.call_arguments, arrival.arguments, arrival.shapes, arrival.orders, listed=self.listed)

    def call_shape(self, arguments: Mapping[str, Setting], inputs: tuple[Shape, ...]) -> Any:
        return None if any(shape is None for shape in inputs) else self.result(self.given(arguments, inputs))

    def shape(self, inputs: tuple[Shape, ...]) -> Any:
        return self.call_shape({}, inputs)

    def call_kind(self, arguments: Mapping[str, Setting], kinds: tuple[str, ...]) -> str | tuple[str, ...]:
        return promoted(cast("tuple[Kind, ...]", kinds)) if self.gives == "same" else self.gives

    def arrange(self, arrival: Arrival) -> Arranged:
        """Everything in the order of Keras; the ranks of the results follow from their shapes."""
        inputs = tuple(AxisOrder.keras(len(order.axes)) for order in arrival.orders)
        return Arranged(inputs, self.keras_orders(arrival))

    def keras_orders(self, arrival: Arrival) -> tuple[AxisOrder, ...]:
        """The results in the order of Keras."""
        try:
            shape = self.call_shape(arrival.arguments, arrival.shapes)
        except (TypeError, IndexError, ValueError):
            shape = None
        count = self.output_count() or arrival.outputs
        shapes = (shape,) if self.output_count() == 1 else cast("tuple[Shape, ...]", shape or (None,) * count)
        return tuple(AxisOrder.keras(len(s or ())) for s in shapes[:count])

    @property
    def passes_order(self) -> bool:
        """Only elementwise families pass on what order is wanted."""
        return False


def declare(family: type[Cls], name: str, module: str, pytorch: str, **facts: Any) -> type[Cls]:
    """
    One operation: a class of its family, in the catalogue under ``<name>Operation``.

    Args:
        family: The class it derives from.
        name: Keras' class name.
        module: File in ``keras/src/ops`` that has it, or ``tensorflow`` where only TensorFlow has it.
        pytorch: What it becomes, for the docs.
        facts: Class attributes.
    """
    source = f"keras/src/ops/{module}.py" if module != TENSORFLOW_ONLY else "tensorflow"
    doc = f"{(family.__doc__ or '').strip().splitlines()[0]} Keras: ``{source}``; PyTorch: ``{pytorch}``."
    where = f"keras.src.ops.{module}" if module != TENSORFLOW_ONLY else TENSORFLOW_ONLY
    body = {"__doc__": doc, "__module__": family.__module__, "keras_module": where, "keras_class": name, **facts}
    return cast("type[Cls]", type(f"{name}Operation", (family,), body))


def signatures(text: str, arguments: str) -> tuple[str, ...]:
    """
    Signatures from a cell of a table; a bare name takes the usual arguments of its family.

    >>> signatures("math.add | add_n(inputs=x1)", "x=x1, y=x2")
    ('math.add(x=x1, y=x2)', 'add_n(inputs=x1)')
    """
    cells = [cell.strip() for cell in text.split("|") if cell.strip()]
    return tuple(cell if "(" in cell else f"{cell}({arguments})" for cell in cells)

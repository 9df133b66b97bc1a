"""
The shapes that each layer type stores, as a table: a list of arrays is read against it.

A form lists its arrays in the order of ``get_weights()``, each as its role and its axes: ``kernel kh kw cin cout``. An
axis is a number, a name (equal names have equal lengths), ``4*u`` or ``cin*mult``. Sources: ``build`` of the classes
under ``keras/src/layers`` (3.15) and ``keras/layers/recurrent.py`` (1.2.2).

``prior`` is minus the logarithm of how often a layer with variables has this form, in nats. It leans on 116 published
models and 14 of keras.applications, each counted once: Dense 31 %, Conv2D 17 %, LSTM 12 %, BatchNormalization 10 %,
Bidirectional 8 %, Embedding 6 %, Conv1D 6 %, SimpleRNN 5 %, SeparableConv2D 3 %, GRU 2 %, the others less. So small a
collection says little of rare forms: those were moved towards each other by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from regraft.recover.grouping.vectors import ROLES

Link = Literal["mixes", "keeps", "starts"]
Value = str | int | bool | tuple["str | int", ...]


@dataclass(frozen=True, eq=False)
class Form:
    """
    One way in which a layer type stores its variables.

    Attributes:
        type: In the catalogue.
        arrays: Role and axes of each array.
        settings: What the axes say of the settings; a text is an axis, or a product of axes.
        prior: In nats.
        link: ``mixes``: axis ``cin`` runs along the channels that arrive; ``keeps``: axis ``c`` is as long as they are
            and stays; ``starts``: integers arrive, no channels.
        out: Channels that leave, likeliest first, each with a cost in nats.
        rank: Spatial axes of the maps it works on; None for any.
        wraps: Type of the layer inside, whose settings these are.
        keras_1: Written by Keras 1 alone.
        roles: Of each array.
        axes: Of each array.
        judged: The roles of arrays whose values tell something, ``bias`` of ``forward/bias``; else empty.
    """

    type: str
    arrays: tuple[str, ...]
    settings: Mapping[str, Value]
    prior: float
    link: Link = "mixes"
    out: tuple[tuple[str, float], ...] = (("cout", 0.0),)
    rank: int | None = None
    wraps: str = ""
    keras_1: bool = False
    roles: tuple[str, ...] = field(init=False)
    axes: tuple[tuple[str, ...], ...] = field(init=False)
    judged: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        words = [array.split() for array in self.arrays]
        object.__setattr__(self, "roles", tuple(word[0] for word in words))
        object.__setattr__(self, "axes", tuple(tuple(word[1:]) for word in words))
        ends = (role.rpartition("/")[2] for role in self.roles)
        object.__setattr__(self, "judged", tuple(end if end in ROLES else "" for end in ends))

    def without(self, role: str, cost: float, **settings: Value) -> Form:
        """The form without the arrays of one role (in all parts of a wrapper), so much rarer."""
        kept = tuple(array for array in self.arrays if array.split()[0].rpartition("/")[2] != role)
        return replace(self, arrays=kept, prior=self.prior + cost, settings={**self.settings, **settings})


SPATIAL = {1: ("kw",), 2: ("kh", "kw"), 3: ("kd", "kh", "kw")}
KEPT = (("c", 0.0),)


def _convolutions() -> list[Form]:
    found: list[Form] = []
    common = {1: (2.2, 3.0, 4.5, 5.0), 2: (1.4, 2.4, 3.5, 3.5), 3: (4.5, 9.0, 9.0, 6.0)}
    for rank, names in SPATIAL.items():
        axes, ones = " ".join(names), " ".join("1" for _ in names)
        plain, separable, depthwise, transposed = common[rank]
        size: dict[str, Value] = {"kernel_size": names, "use_bias": True}
        forms = [
            Form(f"Conv{rank}D", (f"kernel {axes} cin cout", "bias cout"), {"filters": "cout", **size}, plain),
            Form(
                f"Conv{rank}DTranspose",
                (f"kernel {axes} cout cin", "bias cout"),
                {"filters": "cout", **size},
                transposed,
            ),
        ]
        if rank < 3:
            forms += [
                Form(
                    f"SeparableConv{rank}D",
                    (f"depthwise_kernel {axes} cin mult", f"pointwise_kernel {ones} cin*mult cout", "bias cout"),
                    {"filters": "cout", "depth_multiplier": "mult", **size},
                    separable,
                ),
                Form(
                    f"DepthwiseConv{rank}D",
                    (f"kernel {axes} cin mult", "bias cin*mult"),
                    {"depth_multiplier": "mult", **size},
                    depthwise,
                    out=(("cin*mult", 0.0),),
                ),
            ]
        if rank < 3:
            # Keras 1: channels first for Theano's order of axes, and sequences as maps of width 1.
            old = f"kernel cout cin {axes}" if rank == 2 else "kernel kw 1 cin cout"
            forms.append(replace(forms[0], arrays=(old, "bias cout"), prior=plain + 2.5, keras_1=True))
        for form in forms:
            found += [replace(form, rank=rank), replace(form.without("bias", 0.7, use_bias=False), rank=rank)]
    return found


def _recurrent() -> list[Form]:
    """Recurrent layers and their Bidirectional forms, with and without biases."""
    once: list[Form] = []
    for kind, gates, prior in (("LSTM", 4, 2.2), ("GRU", 3, 3.2), ("SimpleRNN", 1, 3.7)):
        g = f"{gates}*u" if gates > 1 else "u"
        arrays = (f"kernel cin {g}", f"recurrent_kernel u {g}")
        units: dict[str, Value] = {"units": "u", "use_bias": True}
        reset = {"reset_after": False} if kind == "GRU" else {}
        whole = Form(kind, (*arrays, f"gate_bias {g}"), {**units, **reset}, prior, out=(("u", 0.0),), rank=1)
        once += [whole, whole.without("gate_bias", 3.0, use_bias=False)]
        if kind == "GRU":
            after: dict[str, Value] = {**units, "reset_after": True}
            once.append(replace(whole, arrays=(*arrays, f"gate_bias 2 {g}"), settings=after))
        if gates > 1:
            cudnn = (*arrays, f"gate_bias {2 * gates}*u")
            once.append(Form(f"CuDNN{kind}", cudnn, {"units": "u"}, 5.0, out=(("u", 0.0),), rank=1))
    once += [
        Form(
            "LSTM",
            tuple(_gates("icfo")),
            {"units": "u", "use_bias": True},
            4.0,
            out=(("u", 0.0),),
            rank=1,
            keras_1=True,
        ),
        Form(
            "GRU",
            tuple(_gates("zrh")),
            {"units": "u", "use_bias": True, "reset_after": False},
            5.0,
            out=(("u", 0.0),),
            rank=1,
            keras_1=True,
        ),
    ]
    return once + [_bidirectional(form) for form in once if not form.type.startswith("CuDNN")]


def _gates(gates: str) -> list[str]:
    """Keras 1: three arrays a gate."""
    return [array for g in gates for array in (f"kernel_{g} cin u", f"recurrent_kernel_{g} u u", f"gate_bias_{g} u")]


def _bidirectional(form: Form) -> Form:
    arrays = tuple(f"{part}/{array}" for part in ("forward", "backward") for array in form.arrays)
    return replace(
        form,
        type="Bidirectional",
        arrays=arrays,
        wraps=form.type,
        prior=form.prior + 0.6,
        out=(("2*u", 0.0), ("u", 2.5)),
    )


def _normalizations() -> list[Form]:
    bn = Form(
        "BatchNormalization",
        ("gamma c", "beta c", "moving_mean c", "moving_variance c"),
        {"scale": True, "center": True},
        1.4,
        "keeps",
        KEPT,
    )
    layer = Form("LayerNormalization", ("gamma c", "beta c"), {"scale": True, "center": True}, 3.5, "keeps", KEPT)
    found = [
        bn,
        bn.without("gamma", 2.5, scale=False),
        bn.without("beta", 4.0, center=False),
        bn.without("gamma", 3.0, scale=False).without("beta", 1.0, center=False),
        layer,
        layer.without("beta", 4.0, center=False),
        layer.without("gamma", 4.0, scale=False),
        replace(layer, type="GroupNormalization", prior=5.0),
        Form("RMSNormalization", ("scale c",), {}, 6.0, "keeps", KEPT),
        Form("LayerScale", ("layer_scale c",), {"projection_dim": "c"}, 6.5, "keeps", KEPT),
        Form("Normalization", ("mean c", "variance c", "count"), {}, 4.5, "keeps", KEPT),
        Form("Normalization", ("mean", "variance", "count"), {}, 5.0, "starts", ()),
    ]
    for rank, names in SPATIAL.items():
        axes = [f"m{n}" for n in names]
        along: tuple[int, ...] = tuple(range(1, rank + 2))
        arrays = (f"gamma {' '.join(axes)} c", f"beta {' '.join(axes)} c")
        found.append(Form("LayerNormalization", arrays, {"axis": along}, 8.0, "keeps", KEPT, rank=rank))
        found.append(Form("PReLU", (f"alpha {' '.join(axes)} c",), {"shared_axes": ()}, 5.0, "keeps", KEPT, rank=rank))
        shared: tuple[int, ...] = tuple(range(1, rank + 1))
        ones = " ".join("1" for _ in names)
        found.append(Form("PReLU", (f"alpha {ones} c",), {"shared_axes": shared}, 4.5, "keeps", KEPT, rank=rank))
    found.append(Form("PReLU", ("alpha c",), {"shared_axes": ()}, 5.0, "keeps", KEPT, rank=0))
    return found


def _attention() -> list[Form]:
    parts = ("query", "key", "value")
    kernels = {
        p: f"{p}/kernel {'cin' if p == 'query' else f'd{p}'} heads {'v' if p == 'value' else 'k'}" for p in parts
    }
    arrays: list[str] = []
    for p in parts:
        arrays += [kernels[p], f"{p}/bias heads {'v' if p == 'value' else 'k'}"]
    whole = Form(
        "MultiHeadAttention",
        (*arrays, "attention_output/kernel heads v cout", "attention_output/bias cout"),
        {"num_heads": "heads", "key_dim": "k", "value_dim": "v", "use_bias": True},
        3.5,
    )
    return [whole, whole.without("bias", 3.0, use_bias=False)]


def _others() -> list[Form]:
    dense = Form("Dense", ("kernel cin cout", "bias cout"), {"units": "cout", "use_bias": True}, 1.0)
    lstm_2d = Form(
        "ConvLSTM2D",
        ("kernel kh kw cin 4*cout", "recurrent_kernel kh kw cout 4*cout", "bias 4*cout"),
        {"filters": "cout", "kernel_size": ("kh", "kw"), "use_bias": True},
        5.0,
        rank=2,
    )
    return [
        dense,
        dense.without("bias", 2.5, use_bias=False),
        lstm_2d,
        lstm_2d.without("bias", 3.0, use_bias=False),
        Form("Embedding", ("embeddings vocabulary embed",), {"input_dim": "vocabulary", "output_dim": "embed"}, 2.7,
             "starts", (("embed", 0.0),)),
        Form("EinsumDense", ("kernel cin heads k", "bias heads k"), {}, 6.0, out=(("heads*k", 0.0),)),
        Form("EinsumDense", ("kernel heads k cout", "bias cout"), {}, 6.5),
    ]  # fmt: skip


#: Every form, in no particular order.
FORMS: tuple[Form, ...] = (*_others(), *_convolutions(), *_recurrent(), *_normalizations(), *_attention())

"""
What people write when nothing says otherwise: shares of values, counted in public Keras code.

Source: 1,427 Python files and notebooks with Keras layers in 39 public repositories (teaching material, examples of Keras,
research code, application collections), parsed, not run; equal files counted once, test suites left out; 1,541 networks
whose layers could be followed. Each repository counts for at most 30 cases a row, so that one author does not decide it.
``count`` is the number of cases. Rows with a count of 0 are judgement. A value that was seen never keeps a small share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

#: Share of a value that no case had.
RARE = 0.002


@dataclass(frozen=True)
class Convention:
    """
    How often each value of a setting is written.

    Attributes:
        shares: By value; those that are missing have ``RARE``. They need not add up to 1.
        count: Cases seen.
        what: The cases, in words.
    """

    shares: Mapping[str, float]
    count: int
    what: str

    def cost(self, value: str) -> float:
        """Minus the logarithm of a value's share, in nats."""
        return -log(max(self.shares.get(value, 0.0), RARE))

    def evidence(self, value: str) -> str:
        """The reason for a value, in words."""
        share = self.shares.get(value, 0.0)
        if not self.count:
            return f"assumed for {self.what}"
        if share < 0.005:
            return f"hardly ever seen for {self.what} ({self.count:,} cases of public Keras code)"
        return f"{share:.0%} of {self.count:,} cases of public Keras code: {self.what}"


#: The function that most hidden layers of a network share, by what the network is made of. Networks without any function
#: are twice as frequent in code as among 70 trained ones of the corpus (5), and tanh is rarer (4 of them): in between.
HABITS: Mapping[str, Convention] = {
    "conv": Convention(
        {
            "relu": 0.83,
            "linear": 0.07,
            "leaky 0.2": 0.02,
            "leaky 0.3": 0.02,
            "elu": 0.012,
            "tanh": 0.012,
            "sigmoid": 0.008,
            "silu": 0.006,
            "selu": 0.004,
        },
        414,
        "hidden layers of a network with convolutions",
    ),
    "rnn": Convention(
        {"relu": 0.85, "linear": 0.09, "tanh": 0.03, "silu": 0.01, "sigmoid": 0.01},
        152,
        "hidden layers beside recurrent ones",
    ),
    "embedding": Convention(
        {"relu": 0.91, "linear": 0.04, "tanh": 0.02, "sigmoid": 0.01},
        44,
        "hidden layers of a network that embeds words",
    ),
    "dense": Convention(
        {"relu": 0.73, "linear": 0.10, "tanh": 0.06, "sigmoid": 0.03, "selu": 0.013, "elu": 0.01, "silu": 0.004},
        606,
        "hidden layers of a network of dense layers",
    ),
}
#: Functions a hidden layer may have, those of the habits first; names as in the catalogue, ``leaky`` with its slope.
FUNCTIONS = (
    "relu", "linear", "tanh", "sigmoid", "elu", "selu", "leaky 0.2", "leaky 0.3", "silu", "gelu", "leaky 0.1", "softplus",
    "relu6", "leaky 0.01", "softmax", "hard_sigmoid", "softsign", "exponential", "mish",
)  # fmt: skip
#: One layer against the habit of its network: 3,343 hidden layers of networks that mostly use relu.
SAME_AS_HABIT = 0.955
DEVIATION = Convention(
    {"linear": 0.036, "sigmoid": 0.004, "tanh": 0.003, "softmax": 0.002, "relu": 0.01},
    3343,
    "hidden layers that differ from the others of their network",
)
#: Networks with convolutions and dense layers in which both have the same function: 231 of 284.
SAME_IN_BOTH = 0.85
#: Activation layers seen on their own stand for a function: nobody adds one to do nothing.
EXPLICIT_LINEAR = 0.004
#: ``conv -> BatchNorm -> activation`` against ``conv with activation -> BatchNorm``: 183 against 18 cases.
NORM_FIRST = 0.88
#: Where a layer enters a sum: 8 linear, 7 relu where no activation follows the sum; behind one that has, linear.
BEFORE_SUM = 0.55
BEFORE_ACTIVATED_SUM = 0.93
#: The dense layer before a reshape to a map: 11 linear, 11 relu of 26.
BEFORE_RESHAPE = 0.43
#: A layer that a placeholder, a scalar product or a difference takes: 31 of 31 of those followed were linear.
BEFORE_OPERATION = 0.85
GATES = Convention(
    {"sigmoid": 0.70, "linear": 0.12, "relu": 0.05, "softmax": 0.05, "tanh": 0.04, "hard_sigmoid": 0.03},
    0,
    "a factor of a product",
)

#: Last Dense layers by units and kind of network; ``linear`` includes those whose loss takes logits.
HEADS: Mapping[str, Convention] = {
    "1 conv": Convention(
        {"sigmoid": 0.62, "linear": 0.29, "tanh": 0.06, "relu": 0.02}, 122, "one output behind convolutions"
    ),
    "1 dense": Convention(
        {"linear": 0.69, "sigmoid": 0.29, "relu": 0.01, "tanh": 0.01}, 338, "one output of a dense network"
    ),
    "1 embedding": Convention(
        {"sigmoid": 0.95, "linear": 0.04, "tanh": 0.005}, 64, "one output of a network that embeds words"
    ),
    "1 rnn": Convention(
        {"linear": 0.75, "sigmoid": 0.18, "relu": 0.05, "tanh": 0.01}, 124, "one output of a recurrent network"
    ),
    "2": Convention({"softmax": 0.52, "linear": 0.32, "sigmoid": 0.13, "tanh": 0.02}, 23, "two outputs"),
    "few dense": Convention(
        {"softmax": 0.70, "linear": 0.25, "sigmoid": 0.02, "relu": 0.01, "tanh": 0.01},
        65,
        "3 to 9 outputs of a dense network",
    ),
    "few": Convention({"softmax": 0.92, "linear": 0.05, "sigmoid": 0.02, "tanh": 0.005}, 56, "3 to 9 outputs"),
    "many": Convention(
        {"softmax": 0.77, "sigmoid": 0.13, "linear": 0.08, "relu": 0.01, "tanh": 0.01}, 350, "10 outputs or more"
    ),
    "code": Convention(
        {"sigmoid": 0.48, "linear": 0.36, "tanh": 0.08, "softmax": 0.05, "relu": 0.02}, 0, "as many outputs as inputs"
    ),
    "map 1": Convention({"sigmoid": 0.73, "linear": 0.12, "tanh": 0.08, "relu": 0.05}, 26, "maps of one channel"),
    "map generated": Convention({"tanh": 0.70, "sigmoid": 0.22, "linear": 0.06}, 0, "images made from a vector"),
    "map 3": Convention(
        {"sigmoid": 0.40, "linear": 0.22, "tanh": 0.18, "softmax": 0.12, "relu": 0.06}, 0, "maps of three channels"
    ),
    "map": Convention(
        {"softmax": 0.45, "sigmoid": 0.27, "linear": 0.16, "tanh": 0.06, "relu": 0.04}, 15, "maps of several channels"
    ),
    "features": Convention(
        {"linear": 0.52, "relu": 0.40, "tanh": 0.03, "sigmoid": 0.03},
        0,
        "a convolution that ends a network without returning to the size of its input",
    ),
    "several 1": Convention(
        {"linear": 0.62, "sigmoid": 0.20, "tanh": 0.14, "relu": 0.02}, 43, "one of several outputs, of one unit"
    ),
    "several 4": Convention(
        {"linear": 0.55, "softmax": 0.37, "sigmoid": 0.06}, 0, "one of several outputs, of four units as a box has"
    ),
    "several": Convention(
        {"softmax": 0.58, "linear": 0.34, "sigmoid": 0.05, "tanh": 0.02}, 29, "one of several outputs"
    ),
    "alone 1": Convention({"linear": 0.69, "sigmoid": 0.28, "relu": 0.02}, 60, "one output of a single layer"),
    "alone": Convention({"linear": 0.48, "softmax": 0.38, "relu": 0.07, "sigmoid": 0.05}, 31, "a single layer"),
}

RECURRENT = Convention(
    {"tanh": 0.80, "relu": 0.17, "sigmoid": 0.01, "linear": 0.006, "softsign": 0.003}, 406, "recurrent layers"
)
#: ``recurrent_activation`` was never given in 335 layers; the corpus of real files agrees, but for files written to test it.
GATED_DEFAULT, GATED_OTHER = 0.97, 0.02
BACKWARDS = Convention({"false": 0.99, "true": 0.01}, 411, "recurrent layers that are not in a Bidirectional")
MERGE_MODES = Convention({"concat": 0.95, "sum": 0.04, "ave": 0.005, "mul": 0.005}, 57, "Bidirectional layers")
SUMMED_MODES = Convention({"sum": 0.80, "ave": 0.10, "mul": 0.10}, 3, "Bidirectional layers that do not concatenate")

BATCH_NORM_EPSILON = Convention(
    {
        "default": 0.88,
        "1.001e-05": 0.04,
        "1e-05": 0.035,
        "1.1e-05": 0.03,
        "0.0001": 0.004,
        "1e-06": 0.003,
        "2e-05": 0.003,
    },
    609,
    "BatchNormalization layers",
)
#: Defaults of Keras 1: 1e-6 before 1.0.8, 1e-5 before 1.2, 1e-3 since; weights were mostly saved by the last ones.
BATCH_NORM_EPSILON_1 = Convention(
    {"0.001": 0.60, "1e-05": 0.20, "1e-06": 0.15}, 0, "BatchNormalization layers of a Keras 1 that is not stated"
)
LAYER_NORM_EPSILON = Convention(
    {"default": 0.55, "1e-06": 0.38, "1e-05": 0.04, "1e-12": 0.02}, 14, "LayerNormalization layers"
)
GROUPS = Convention(
    {"default": 0.40, "8": 0.15, "16": 0.15, "4": 0.08, "2": 0.05, "1": 0.05}, 0, "GroupNormalization layers"
)
LEAKY_SLOPES = Convention({"0.2": 0.47, "0.3": 0.42, "0.1": 0.07, "0.01": 0.03, "0.05": 0.005}, 62, "LeakyReLU layers")
RELU_LIMITS = Convention({"none": 0.86, "6.0": 0.13}, 246, "ReLU layers; 6 in networks for phones")
#: Where AlphaDropout stands, made for selu alone; and in networks that pool by average between layers, as LeNet does.
SELF_NORMALISING = {"selu": 0.92}
AVERAGING = {"relu": 0.52, "tanh": 0.30, "sigmoid": 0.06, "linear": 0.06}
#: Since TensorFlow 2 losses take logits, and its tutorials leave softmax and sigmoid out.
LOGITS = 0.13
#: ReLU layers of networks with depthwise convolutions: 37 of the 246 end at 6, all of them there.
CAPPED = {"relu": 0.50, "relu6": 0.30}
ELU_ALPHAS = Convention({"1.0": 0.97, "0.1": 0.005, "0.5": 0.005}, 11, "ELU layers")
SOFTMAX_AXES = Convention({"-1": 0.96, "1": 0.02, "-2": 0.01}, 10, "Softmax layers")
MASK_ZERO = Convention({"false": 0.79, "true": 0.21}, 89, "Embedding layers before recurrent ones")
MASK_VALUES = Convention(
    {
        "0.0": 0.80,
        "-1.0": 0.09,
        "-10.0": 0.02,
        "-99.0": 0.02,
        "-999.0": 0.02,
        "-9999.0": 0.005,
        "1.0": 0.005,
        "2.0": 0.004,
        "99.0": 0.004,
        "999.0": 0.004,
    },
    0,
    "Masking layers",
)
INTERPOLATIONS = Convention({"nearest": 0.85, "bilinear": 0.14, "bicubic": 0.003}, 46, "UpSampling2D layers")
RESCALINGS = Convention({"1/255": 0.72, "1/127.5 - 1": 0.22, "1/128 - 1": 0.01, "255": 0.01}, 22, "Rescaling layers")

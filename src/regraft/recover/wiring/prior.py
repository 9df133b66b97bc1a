"""
What Keras programs usually look like, as costs in nats: the only place where wiring uses convention.

The figures are rounded logarithms of how often a thing occurs in the 38 graphs of ``keras.applications`` 3.15 and in
published models with functional graphs (U-Nets, residual networks, multi-head recurrent networks); only their order
of size matters. Facts (channels, ranks, the order of the file) are never traded against them.
"""

from __future__ import annotations

from dataclasses import dataclass

#: An open place that takes the first tensor that fits it, and one that lets it pass, going back from the outputs.
TAKEN, PASSED = 0.2, 1.5
#: A place of which it is not known that the tensor fits it: that it takes it all the same, and that it does not.
UNSURE, PASSED_UNSURE = 0.5, 0.2
#: The same for a further tensor of a merge, which may come from far away; of a sum, which may come from further still.
JOINED, SKIPPED, SKIPPED_BY_SUM = 0.5, 1.2, 0.6
#: An identity that ends in a sum and starts in the middle of a chain, instead of where the last merge or pool ended.
INSIDE = 1.5
#: What it costs on average that a tensor has one consumer more, and beyond that if it is a merge far behind.
DUE, DUE_SKIP = 1.0, 1.0
#: A way from one tensor to several places that looks unlike all others in the graph.
NEW_FORK = 2.0
#: A tensor in the middle of convolution, normalisation and activation that something else uses too.
UNFINISHED = 4.0
#: A convolution without anything behind it that goes into two sums.
TWO_SUMS = 3.0
#: The same where the merge has its own normalisation behind it: networks that normalise before they convolve add and
#: join what is raw; and what is normalised there all the same.
RAW_IDENTITY, NORMED_IDENTITY = 1.0, 1.5
#: A convolution between normalisation and activation that something else uses.
BEFORE_ACTIVATION = 3.0
#: An identity that starts behind normalisation and activation of a sum, instead of at the sum.
BEHIND_PREACTIVATION = 2.5
#: A sum of a tensor and a linear function of it, which one linear function could replace; a join of both.
LINEAR_DETOUR, LINEAR_DETOUR_JOINED = 4.0, 2.0
#: Two ways from a tensor to a merge with different numbers of pools: impossible but for pools of stride 1, or made
#: up for by strides.
MISMATCH, STRIDES = 3.5, 0.4
#: Two activations or two normalisations in a row, and dropout after dropout.
TWICE = 3.0
#: A convolution that passes a normalisation of its size by.
BARE = 2.5
#: A normalisation that passes an activation by; an activation of a join, which others do branch by branch.
INACTIVE, ACTIVATED_JOIN = 2.0, 1.5
#: The k-th convolution followed by another than the k-th normalisation, where there are as many of each.
MISPAIRED = 2.0
#: An identity around something that begins a block of the same name: ``block4_relu`` before ``block4_conv``.
INSIDE_NAMED = 1.5
#: A border of zeros before a kernel of size 1.
USELESS_BORDER = 3.0
#: An identity in a sum or product that is longer than this many layers costs the logarithm of what is beyond.
USUAL_LENGTH = 12
#: Pooled, flattened or reshaped tensors are made for one use.
FORK = {"GlobalPooling": 4.0, "Flatten": 2.5, "Reshape": 3.0, "Padding": 3.0, "Pooling": 0.4, "Dropout": 0.3}
#: A pool whose output is joined with something far behind: skips start before the pool.
POOLED_SKIP = 1.5
#: A branch that ends with an activation in a sum with one that ends with a convolution.
UNLIKE_TERMS = 1.5
#: Identities around blocks, in a list that names no sums and shows none by its channels: by the shape of the blocks.
IDENTITIES = {"plain": 3.0, "bottleneck": 1.0, "inverted": 0.0, "": 4.0}
#: Blocks of no published shape; none with identities in a network whose other blocks of that length have shortcuts.
ODD_BLOCK, NO_IDENTITIES = 2.0, 4.0
#: A chain where channels ask for more.
CHAIN_INSTEAD = 3.0
#: A layer first in a list without order that the input does not fit; that takes what another makes; a Dense before all else.
NO_START, MADE_START, LATE_START = 6.0, 1.0, 3.0
#: In such a list, a layer behind one of another width: such as an earlier one makes, or none; behind a Flatten; maps
#: behind a vector; maps behind maps of another rank.
OTHER_WIDTH, UNMADE_WIDTH, FLATTENED, UNFLATTENED, OTHER_RANK = 4.0, 6.0, 1.0, 4.0, 3.0
#: In such a list, what a layer takes: a sum of the last tensor and one that something else took already; an earlier
#: tensor in place of the last; a join with an earlier one; what a kernel of size 1 makes as wide as the last tensor; the
#: last alone, though another of its width waits.
STREAM_SUM, STREAM_BRANCH, STREAM_JOIN, SHORTCUT, PASSED_OPEN = 1.0, 2.0, 1.0, 0.5, 3.0
#: There, what nothing takes in the end; a tensor without statistics before a layer that has them; a usual misfit.
LEFT_OPEN, UNTOLD, USUAL_MISFIT = 3.0, 3.0, 0.1
#: What it is worth that the norms of the weights on both sides of all channels have the same order.
NORMS_AGREE = 4.0
#: An arithmetic operation of one tensor and a constant.
CONSTANT_TERM = 2.0
#: Inputs of a sum or product beyond the second, and of a join beyond the second.
THIRD_TERM, THIRD_JOINED = 3.0, -0.4
#: A further tensor of a join that comes from far away.
LATE_JOINED = 1.5
#: A second output of the model, and each further one.
SECOND_OUTPUT, FURTHER_OUTPUT = 3.0, 1.0
#: An input that nothing takes, so that it leaves the model as it came.
INPUT_LEAVES = 12.0
#: A recurrent layer that is given its initial states, and what it costs on average that they have to come from somewhere.
INITIAL_STATES, DUE_STATE = 2.5, 0.3
#: A layer that is called twice, in two branches that end in one merge.
SHARED = 5.0
#: A Dot of more than one number: attention, where similarities are usual.
LONG_PRODUCT = 2.0
#: A flattened tensor that goes into several merges, as vectors of users and things do in recommenders.
VECTOR_SHARED = 0.5
#: A Flatten of what is a vector already.
USELESS_FLATTEN = 3.0
#: An input of integers that something else takes too.
SHARED_INTEGERS = 4.0
#: A layer that was made before what it takes.
MADE_BEFORE = 5.0
#: A join along an axis other than the last.
OTHER_AXIS = 4.0
#: An embedding of something that is computed.
COMPUTED_INTEGERS = 4.0
#: A product or sum that repeats a tensor along an axis.
BROADCAST = 1.5
#: An entry that no layer of the file stands for.
UNLISTED_INPUT = 3.0
#: A place for a tensor of a size that no layer before makes, so that it must be the model's input or computed oddly.
NO_SOURCE = 6.0
#: An edge against the facts.
CONTRADICTION = 15.0
#: A layer without a type that is what its name's first guess says, and each later guess.
GUESS = 0.5
#: A join that is not written as the others are: ``[skip, new]`` beside ``[new, skip]``.
UNLIKE_JOIN = 1.0


@dataclass(frozen=True)
class Limits:
    """
    How far the search goes.

    Attributes:
        width: Hypotheses kept after every layer.
        alike: Of those that differ only in what is settled, so many.
        reach: Those that cost this many nats more than the best are dropped.
        subsets: Sets of consumers tried for one layer in one hypothesis.
        drafts: Hypotheses that are handed on.
        outputs: Outputs of a model at most.
    """

    width: int = 32
    alike: int = 2
    reach: float = 9.0
    subsets: int = 24
    drafts: int = 10
    outputs: int = 64

"""
Names as words, and how alike two names are.

What Keras and PyTorch call the same thing differs in small ways (``layer_._0`` and ``layer.0``, ``query`` and ``q_proj``):
words are compared by their meaning, numbers by their value. Two names with other numbers are never alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: One written form for what has several; a form of two words is told as two.
MEANINGS = {
    "q": "query", "k": "key", "v": "value", "o": "output", "out": "output", "attn": "attention", "mha": "attention",
    "emb": "embedding", "embed": "embedding", "proj": "projection", "lin": "linear", "ln": "layer norm",
    "layernorm": "layer norm", "layernormalization": "layer norm", "normalization": "norm", "bn": "batch norm",
    "batchnorm": "batch norm", "gn": "group norm", "groupnorm": "group norm", "ffn": "feed forward",
    "ff": "feed forward", "feedforward": "feed forward", "conv": "convolution", "enc": "encoder", "dec": "decoder",
    "pos": "position", "tok": "token", "wte": "word token embedding", "wpe": "word position embedding",
    "sa": "self attention", "cls": "class", "selfattention": "self attention", "h": "layer", "block": "layer",
    "wq": "query", "wk": "key", "wv": "value", "wo": "output", "normalisation": "norm",
}  # fmt: skip
#: ``conv2d``, ``Conv1D``: the rank is no number of a layer.
_RANK = re.compile(r"(?<=[a-z])[123][dD](?![a-z])")
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
#: What a short form counts.
ABBREVIATED = 0.7
#: Words that Keras counts by itself, layer by layer of a class: such a number is not one that a person gave.
COUNTED = frozenset("dense convolution embedding norm normalization attention lstm gru rnn dropout activation".split())


@dataclass(frozen=True)
class Number:
    """
    A number in a name.

    Attributes:
        value: Counted from 0.
        shifted: Whether the name counts from 1.
        siblings: All numbers at its place, all names of a side taken together.
    """

    value: int
    shifted: bool = False
    siblings: frozenset[int] = frozenset()

    def same(self, other: Number) -> bool:
        """Whether two numbers mean one place: where only one side counts from 1, both must count as far."""
        far = self.shifted == other.shifted or len(self.siblings) == len(other.siblings)
        return self.value == other.value and far


Word = str | Number
Words = tuple[Word, ...]


def words_of(parts: Iterable[str]) -> Words:
    """
    The words of a name.

    Args:
        parts: The name from the model down to the layer, one part a level.

    >>> words_of(["encoder", "layer_._0", "LayerNorm"])
    ('encoder', 'layer', Number(value=0, shifted=False, siblings=frozenset()), 'layer', 'norm')
    """
    found: list[Word] = []
    for part in parts:
        for text in _WORD.findall(_RANK.sub("", part)):
            if text.isdigit():
                found.append(Number(int(text)))
            else:
                found += meaning(text.lower()).split()
    return tuple(found)


def meaning(word: str) -> str:
    """
    The form of a word that all its forms have.

    >>> meaning("blocks"), meaning("attn"), meaning("embeddings")
    ('layer', 'attention', 'embedding')
    """
    single = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
    return MEANINGS.get(word, MEANINGS.get(single, single))


def counted(names: Sequence[Words]) -> list[Words]:
    """
    The names of one side with every number counted from 0, where all numbers at its place count from 1.

    A name that ends in front of the number (``dense`` beside ``dense_1``) is the first one, so that nothing is shifted.
    """
    taken: dict[Words, set[int]] = {}
    bare = set(map(flat, names))
    for name in names:
        for i, word in enumerate(name):
            if isinstance(word, Number):
                taken.setdefault(flat(name[:i]), set()).add(word.value)
    found: list[Words] = []
    for name in names:
        whole: list[Word] = []
        for i, word in enumerate(name):
            if isinstance(word, Number):
                place = flat(name[:i])
                seen = taken[place] | ({0} if place in bare else set())
                shift = min(seen) == 1
                siblings = frozenset(number - shift for number in seen)
                whole.append(Number(word.value - shift, shift, siblings))
            else:
                whole.append(word)
        found.append(tuple(whole))
    return found


def flat(words: Words) -> Words:
    """A name whose last words count, and of whose numbers the values."""
    return tuple(Number(word.value) if isinstance(word, Number) else word for word in words)


def numbers_agree(one: Words, other: Words) -> bool:
    """
    Whether the numbers of two names are the same, from the outside in.

    A name may have further ones behind (``fc1``), and such as are alone at their place (the ``0`` of a wrapper).

    >>> numbers_agree(words_of(["layer_1", "dense"]), words_of(["layers", "1", "fc2"]))
    True
    >>> numbers_agree(words_of(["layer_2", "dense"]), words_of(["layers", "1", "fc2"]))
    False
    """
    here, there = by_word(one), by_word(other)
    alone = [word for word in here if len(here[word]) != len(there.get(word, ()))]
    return all(
        counts(one, i, other, j) is not False
        for word in here
        if word not in alone
        for i, j in zip(here[word], there[word], strict=True)
    ) and (
        not alone
        or begins(one, other, numbers(one), numbers(other))
        or begins(one, other, telling(one), telling(other))
    )


def by_word(words: Words) -> dict[Word, list[int]]:
    """Where the numbers of a name are, by the word that they count."""
    found: dict[Word, list[int]] = {}
    for i in numbers(words):
        found.setdefault(next((word for word in reversed(words[:i]) if isinstance(word, str)), ""), []).append(i)
    return found


def numbers(words: Words) -> list[int]:
    """Where the numbers of a name are."""
    return [i for i, word in enumerate(words) if isinstance(word, Number)]


def telling(words: Words) -> list[int]:
    """Where the numbers are that tell one name from another."""
    found = numbers(words)
    return [i for i in found if len(siblings(words[i])) != 1]


def siblings(word: Word) -> frozenset[int]:
    """All numbers at the place of a number."""
    return word.siblings if isinstance(word, Number) else frozenset()


def begins(one: Words, other: Words, here: Sequence[int], there: Sequence[int]) -> bool:
    """Whether the numbers of one name at some places begin as those of another do."""
    return all(counts(one, i, other, j) is not False for i, j in zip(here, there, strict=False))


def counts(one: Words, i: int, other: Words, j: int) -> bool | None:
    """
    Whether two numbers are the same; None if they count different things.

    They count the same thing if the words in front of them mean the same, or else if exactly the same numbers are there
    on both sides, and it was not Keras that counted its layers by class.
    """
    a, b = one[i], other[j]
    assert isinstance(a, Number)
    assert isinstance(b, Number)

    before, also = (one[i - 1] if i else ""), (other[j - 1] if j else "")
    if isinstance(before, str) and isinstance(also, str) and match(before, also):
        return a.same(b)
    if a.siblings != b.siblings or before in COUNTED or also in COUNTED:
        return None
    return a.same(b)


def alike(one: Words, other: Words) -> float:
    """
    How much of two names is common, in order: 1 if they are the same, 0 if nothing is, or if their numbers differ.

    >>> alike(words_of(["encoder", "query"]), words_of(["encoder", "q_proj"]))
    0.8
    """
    if not one or not other:
        return float(one == other)
    if not numbers_agree(one, other):
        return 0.0
    if not common(texts(one), texts(other)):
        return 0.0  # numbers alone say nothing
    return 2 * common(one, other) / (len(one) + len(other))


def texts(words: Words) -> Words:
    """The words of a name without its numbers."""
    return tuple(word for word in words if isinstance(word, str))


def common(one: Words, other: Words) -> float:
    """How many words two names have in common, in order."""
    above = [0.0] * (len(other) + 1)
    for i, word in enumerate(one):
        row = [0.0]
        for j, counterpart in enumerate(other):
            if isinstance(word, str) and isinstance(counterpart, str):
                same = match(word, counterpart)
            else:
                same = float(
                    isinstance(word, Number) and isinstance(counterpart, Number) and bool(counts(one, i, other, j))
                )
            row.append(max(above[j + 1], row[j], above[j] + same))
        above = row
    return above[-1]


def match(one: str, other: str) -> float:
    """
    How well two words mean the same: 1, less for a short form, 0 for different words.

    >>> match("transform", "transformer"), match("pre", "projection")
    (0.7, 0.0)
    """
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=len)
    return ABBREVIATED if len(short) > 2 and long.startswith(short) else 0.0

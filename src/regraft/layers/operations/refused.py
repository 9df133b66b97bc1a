"""Operations that are known and not converted, with the reason that the report shows."""

from __future__ import annotations

RANDOM_SIGNS = "its result is settled up to signs and order only, which differ between libraries"
FUNCTIONS = "it takes Python functions, whose code is never run"
SIZES = "the size of its result depends on the values"
COMPLEX = "it works with complex numbers"

#: Functions of TensorFlow that a file of tf.keras names, and why they are not converted.
REFUSED_FUNCTIONS: dict[str, str] = {
    "einsum": "the file of tf.keras holds its equation and not its tensors",
    **dict.fromkeys(
        ("map_fn", "vectorized_map", "while_loop", "cond", "scan", "foldl", "foldr", "py_function"), FUNCTIONS
    ),
    **dict.fromkeys(("boolean_mask", "unique", "compat.v1.boolean_mask", "compat.v1.where"), SIZES),
}

#: Keras' class name, and why.
REFUSED: dict[str, str] = {
    **dict.fromkeys(("Eig", "Eigh", "SVD", "Qr"), RANDOM_SIGNS),
    **dict.fromkeys(
        ("Map", "Scan", "AssociativeScan", "WhileLoop", "ForiLoop", "Cond", "Switch", "VectorizedMap", "JVP"), FUNCTIONS
    ),
    **dict.fromkeys(("Nonzero", "Unique", "Bincount", "Histogram"), SIZES),
    **dict.fromkeys(
        (
            "Angle",
            "Conj",
            "Conjugate",
            "FFT",
            "FFT2",
            "IFFT2",
            "RFFT",
            "IRFFT",
            "Imag",
            "Polar",
            "Real",
            "ViewAsComplex",
            "ViewAsReal",
        ),
        COMPLEX,
    ),
    "CTCDecode": "its search breaks ties in an order of its own",
    "EmptyLike": "its values are whatever lies in memory",
    "ElasticTransform": "it draws random numbers",
}

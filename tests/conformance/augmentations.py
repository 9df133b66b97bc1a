"""Arguments of the augmentation layers, which have no settings of their own in the catalogue: Keras' are kept as they are."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.conformance.settings import Scene, Strategy

FACTOR = st.integers(1, 7).map(lambda n: n / 8)
SEED = st.none() | st.integers(0, 99)
MODE = st.sampled_from(["reflect", "wrap", "constant", "nearest"])
INTERPOLATION = st.sampled_from(["nearest", "bilinear"])
RANGE = st.sampled_from([(0, 255), (0, 1), (-1, 1)])


def given(**arguments: Strategy) -> Strategy:
    """Some arguments and a seed."""
    return st.fixed_dictionaries({**arguments, "seed": SEED})


#: Constructor arguments by class.
ARGUMENTS: dict[str, Strategy] = {
    "AugMix": given(num_chains=st.integers(1, 4), factor=FACTOR, value_range=RANGE),
    "CutMix": given(factor=FACTOR),
    "Equalization": st.fixed_dictionaries({"bins": st.sampled_from([16, 256]), "value_range": RANGE}),
    "MixUp": given(alpha=FACTOR),
    "Pipeline": st.lists(
        st.sampled_from(["RandomFlip", "RandomInvert", "RandomGrayscale"]), min_size=1, max_size=3
    ).map(
        lambda names: {
            "layers": [
                {"module": "keras.layers", "class_name": name, "config": {"name": f"step_{i}"}, "registered_name": None}
                for i, name in enumerate(names)
            ]
        }
    ),
    "RandAugment": given(num_ops=st.integers(1, 3), factor=FACTOR),
    "RandomBrightness": given(factor=FACTOR, value_range=RANGE),
    "RandomColorDegeneration": given(factor=FACTOR, value_range=RANGE),
    "RandomColorJitter": given(brightness_factor=FACTOR, hue_factor=FACTOR, value_range=RANGE),
    "RandomContrast": given(factor=FACTOR),
    "RandomElasticTransform": given(factor=FACTOR, scale=FACTOR, fill_mode=MODE),
    "RandomErasing": given(factor=FACTOR),
    "RandomFlip": given(mode=st.sampled_from(["horizontal", "vertical", "horizontal_and_vertical"])),
    "RandomGaussianBlur": given(factor=FACTOR, kernel_size=st.sampled_from([3, 5])),
    "RandomGrayscale": given(factor=FACTOR),
    "RandomHeight": given(factor=FACTOR, interpolation=INTERPOLATION),
    "RandomHue": given(factor=FACTOR, value_range=RANGE),
    "RandomInvert": given(factor=FACTOR, value_range=RANGE),
    "RandomPerspective": given(factor=FACTOR, scale=FACTOR),
    "RandomPosterization": given(factor=st.integers(1, 8)),
    "RandomRotation": given(factor=FACTOR, fill_mode=MODE, interpolation=INTERPOLATION),
    "RandomSaturation": given(factor=FACTOR),
    "RandomSharpness": given(factor=FACTOR),
    "RandomShear": given(x_factor=FACTOR, y_factor=FACTOR),
    "RandomTranslation": given(height_factor=FACTOR, width_factor=FACTOR, fill_mode=MODE),
    "RandomWidth": given(factor=FACTOR, interpolation=INTERPOLATION),
    "RandomZoom": given(height_factor=FACTOR, width_factor=st.none() | FACTOR),
    "Solarization": given(addition_factor=FACTOR, threshold_factor=FACTOR),
}


def arguments(scene: Scene) -> Strategy:
    """What a class takes; one that is not in the table is made with its defaults."""
    return ARGUMENTS.get(scene.cls.__name__, st.just({}))

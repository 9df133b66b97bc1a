"""Every mistake that is put into the modules of ``benchmarks/blind``."""

from __future__ import annotations

from benchmarks.blind.convnet_edits import CONVNET
from benchmarks.blind.encoder_edits import ENCODER
from benchmarks.blind.mistake import Mistake
from benchmarks.blind.nhwc_edits import NHWC
from benchmarks.blind.series_edits import SERIES
from benchmarks.blind.siamese_edits import SIAMESE
from benchmarks.blind.speech_edits import SPEECH
from benchmarks.blind.unet_edits import UNET
from benchmarks.blind.words_edits import WORDS

MISTAKES: tuple[Mistake, ...] = (*CONVNET, *UNET, *SPEECH, *WORDS, *SERIES, *ENCODER, *SIAMESE, *NHWC)

__all__ = ["MISTAKES", "Mistake"]

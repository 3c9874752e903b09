"""What `emit` and `video_emit` may return, as types."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..outputs import AdditionalOutputs, CloseStream

Samples: TypeAlias = NDArray[np.int16] | NDArray[np.float32]
Sound: TypeAlias = tuple[int, Samples] | tuple[int, Samples, Literal["mono", "stereo"]]
Picture: TypeAlias = NDArray[np.uint8]
Beside: TypeAlias = AdditionalOutputs | CloseStream

AudioEmitType: TypeAlias = Sound | Beside | tuple[Sound, Beside] | None
VideoEmitType: TypeAlias = Picture | Beside | tuple[Picture, Beside] | None

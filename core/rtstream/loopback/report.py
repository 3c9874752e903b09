"""The verdict on each way that a recording took, and the report on all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rtstream.errors import NoMediaOut
from rtstream.loopback.beside import as_json
from rtstream.loopback.compare import audio_likeness, is_silent, video_likeness
from rtstream.loopback.expected import Expected, disappointment
from rtstream.loopback.plan import SOUND_ONLY
from rtstream.loopback.result import Result
from rtstream.loopback.turns import Turn
from rtstream.options import Mode

Verdict = Literal["pass", "fail", "silent"]

SCHEMA_VERSION = 1
ALIKE = 0.7  # the least likeness to direct: codecs stay above 0.95, other speech of the same voice below 0.5
MOST_LOST = 0.1  # of the frames: more is more than a jitter buffer's or a slow machine's share


@dataclass(frozen=True)
class Row:
    """What is told of one way. Times are in milliseconds where the name says so, else in seconds.

    Attributes:
        via: the way.
        seconds_in, seconds_out: of media sent and come back.
        first_audio_ms: from the first sound sent to the first sound back, None when none came;
            on WebRTC it holds the caller's own jitter buffer of 80 ms.
        first_picture_ms: the same for pictures.
        gap_p95_ms, gap_max_ms: by how much a frame kept one waiting beyond what the one before it
            lasted; None with fewer than 20 frames.
        frames: how many came back. `late`: of them, those that came more than 60 ms after their time.
        dropped: frames lost on the way or thrown away by the server.
        likeness: to what came back directly, 0 to 1; None without that. `exact`: the same samples.
        level: RMS of the sound that came back, 0 to 1.
        took: real seconds from beginning to end.
        errors: as dictionaries with `code`, `what`, `why` and `fix`.
        turns: those of the caller, if the handler takes turns (`Turn`).
        outputs: what the handler gave beside its media (`AdditionalOutputs`), the arguments of each; what
            is not JSON is shown as Python shows it. Empty when the stream is on another machine.
        verdict: "pass", "fail" or "silent". `why`: in words, empty for "pass".
    """

    via: str
    seconds_in: float
    seconds_out: float
    first_audio_ms: float | None
    first_picture_ms: float | None
    gap_p95_ms: float | None
    gap_max_ms: float | None
    frames: int
    late: int
    dropped: int
    likeness: float | None
    exact: bool
    level: float
    took: float
    errors: list[dict[str, Any]]
    turns: list[Turn] = field(default_factory=list)
    outputs: list[list[Any]] = field(default_factory=list)
    verdict: Verdict = "pass"
    why: str = ""


@dataclass(frozen=True)
class Report:
    """What came of sending a recording through a stream, all ways.

    Attributes:
        file: the recording. `target`: the handler or the address, as a person named it.
        mode: of the stream.
        results: one for each way, with the media in it.
        rows: one for each way, with the verdict.
        files: where what came back was written, one for each way; empty when it was not asked for.
    """

    file: str
    target: str
    mode: Mode
    results: list[Result]
    rows: list[Row]
    files: list[Path] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: all pass; that of the first error; 1: a way was refused by a check; 6: nothing came back."""
        errors = [error for result in self.results for error in result.errors]
        if errors:
            return min(errors, key=lambda error: _SEVERITY.index(error.exit_code)).exit_code
        verdicts = {row.verdict for row in self.rows}
        if "fail" in verdicts:
            return 1
        return NoMediaOut.exit_code if "silent" in verdicts else 0

    def as_dict(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "file": self.file,
            "target": self.target,
            "mode": self.mode,
            "rows": [asdict(row) for row in self.rows],
            "files": [str(path) for path in self.files],
            "exit_code": self.exit_code,
        }


_SEVERITY = (3, 2, 4, 5, 1, 6)  # exit codes: whose error counts when there are several


def judged(
    results: list[Result], mode: Mode, expected: Expected | None = None, *, compare: bool = True
) -> list[Row]:
    """The rows of a report; what went directly, if anything did, is what the others are compared with."""
    expected = expected or Expected()
    direct = next((result for result in results if result.via == "direct" and not result.errors), None)
    direct = direct if compare else None
    return [_judge(result, None if result is direct else direct, mode, expected) for result in results]


def _judge(result: Result, direct: Result | None, mode: Mode, expected: Expected) -> Row:
    likeness = _likeness(result, direct) if direct is not None and mode != "send" else None
    row = Row(
        via=result.via,
        seconds_in=round(result.seconds_in, 3),
        seconds_out=round(result.seconds_out, 3),
        first_audio_ms=_rounded(result.first_audio_ms),
        first_picture_ms=_rounded(result.first_picture_ms),
        gap_p95_ms=_rounded(1000 * float(np.quantile(result.gaps, 0.95))) if len(result.gaps) >= 20 else None,
        gap_max_ms=_rounded(1000 * max(result.gaps)) if len(result.gaps) >= 20 else None,
        frames=result.frames,
        late=result.late,
        dropped=result.dropped,
        likeness=None if likeness is None else round(likeness, 3),
        exact=likeness == 1.0,
        level=round(result.level, 5),
        took=round(result.took, 3),
        errors=[error.as_dict() for error in result.errors],
        turns=result.turns,
        outputs=[[as_json(value) for value in output.args] for output in result.outputs],
    )
    verdict, why = _verdict(result, likeness, mode, expected)
    if verdict == "pass" and (why := disappointment(result, mode, expected)):
        verdict = "fail"
    return replace(row, verdict=verdict, why=why)


def _verdict(result: Result, likeness: float | None, mode: Mode, expected: Expected) -> tuple[Verdict, str]:
    if result.errors:
        return "fail", _told(result)
    if result.breaches:
        return "fail", f"the server {result.breaches[0]}"
    if mode == "send":
        return ("fail", "nothing reached the handler") if result.heard == 0 else ("pass", "")
    if silence := _silence(result):
        return ("pass", "") if expected.silence and result.heard != 0 else ("silent", silence)
    if result.dropped > MOST_LOST * max(result.frames, 1) and not result.video:
        return "fail", f"{result.dropped} frames were lost: the handler or the machine is too slow"
    if likeness is not None and likeness < ALIKE:
        return "fail", f"it is unlike what came directly ({likeness:.2f} of 1, {ALIKE} is enough)"
    return "pass", ""


def _told(result: Result) -> str:
    more = f" (and {result.failures - 1} more)" if result.failures > 1 else ""
    return f"{result.errors[0].what}{more}"


def _silence(result: Result) -> str:
    """Why nothing can be heard or seen; empty when something can."""
    if result.video:
        return ""
    if result.audio is None:
        may_be = ": the handler gives nothing, or it answers turns and heard no speech"
        return f"nothing came back{'' if result.turns else may_be}"
    if not is_silent(result.audio):
        return ""
    return f"what came back is silent{', as was what was sent' if result.said_nothing else ''}"


def _likeness(result: Result, direct: Result) -> float | None:
    """To what came directly: of the sound or of the pictures, whichever is less."""
    values: list[float] = []
    if direct.unbroken is not None and not is_silent(direct.unbroken):
        values.append(
            audio_likeness(result.unbroken, direct.unbroken) if result.unbroken is not None else 0.0
        )
    if direct.video and result.via not in SOUND_ONLY:
        values.append(video_likeness(result.video, direct.video))
    return min(values, default=None)


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 1)

"""Live transcripts: what you say is written down while you say it, and once more when you pause."""

from collections import deque
from queue import Queue

import numpy as np

from rtstream import AdditionalOutputs, StreamHandler, get_stt_model

LOUD, PAUSE = 500, 0.5  # a sample above 500 is speech; half a second without one ends an utterance

stt = get_stt_model("pocketsphinx")


class Transcriber(StreamHandler):
    """Gives `{"partial": text}` with each new word, and `{"final": text}` at the end of an utterance."""

    def __init__(self) -> None:
        super().__init__(input_sample_rate=16000)
        self.ear, self.said = stt.stream(), Queue()
        self.lately = deque(maxlen=15)  # 0.3 s, so that nothing of the first word is lost
        self.quiet = PAUSE

    def receive(self, audio: tuple[int, np.ndarray]) -> None:
        rate, samples = audio
        self.lately.append(samples)
        speaking, text = self.quiet < PAUSE, self.ear.partial
        self.quiet = 0.0 if np.abs(samples).max() > LOUD else self.quiet + samples.size / rate
        if self.quiet < PAUSE:
            heard = samples if speaking else np.concatenate(self.lately, axis=1)
            if self.ear.feed((rate, heard)) != text:
                self.said.put({"partial": self.ear.partial})
        elif speaking:
            self.said.put({"final": self.ear.final()})

    def emit(self) -> AdditionalOutputs:
        return AdditionalOutputs(self.said.get())

    def shutdown(self) -> None:
        self.ear.close()

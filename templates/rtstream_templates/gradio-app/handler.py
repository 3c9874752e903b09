"""A voice changer with a Gradio page: a slider goes in, a number comes out."""

import gradio as gr
import numpy as np

from rtstream import AdditionalOutputs, Stream


def robot(audio: tuple[int, np.ndarray], pitch: float) -> tuple:
    """Answer 20 ms of sound with a robot's, and with its loudness in percent beside it.

    `pitch` is what the slider says: how often a second the sound swells and fades.
    """
    rate, samples = audio
    beat = np.sin(2 * np.pi * pitch * np.arange(samples.shape[-1]) / rate)
    changed = samples * beat
    loudness = round(100 * np.abs(changed).max() / 32768)
    return (rate, changed.astype(np.int16)), AdditionalOutputs(loudness)


stream = Stream(
    robot,
    modality="audio",
    mode="send-receive",
    concurrency_limit=10,
    additional_inputs=[gr.Slider(50, 400, value=100, step=50, label="Pitch")],
    additional_outputs=[gr.Number(label="Loudness in percent")],
    additional_outputs_handler=lambda before, now: now,
    ui_args={"title": "Robot", "subtitle": "Speak, and hear a robot say it."},
)

if __name__ == "__main__":
    stream.ui.launch()

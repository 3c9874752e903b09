from __future__ import annotations

import os
import wave
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from rtstream.errors import MediaFileError
from rtstream.media import writing
from rtstream.media.files import SUFFIXES_AUDIO, SUFFIXES_VIDEO, Clip, ClipWriter
from rtstream.media.frames import AudioFrame, VideoFrame
from tests.unit.signals import joined, pieces, pitch, sound

BLUE, GREEN, RED = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def picture(color: tuple[int, int, int], size: tuple[int, int] = (96, 128)) -> VideoFrame:
    return VideoFrame(np.full((*size, 3), color, np.uint8))


def write_sound(path: Path, frame: AudioFrame, **options: Any) -> Path:
    with ClipWriter(path, **options) as writer:
        for piece in pieces(frame):
            writer.audio(piece)
    return path


def write_video(path: Path, size: tuple[int, int] = (96, 128), with_sound: bool = True) -> Path:
    """Two seconds: blue and then red, under a tone."""
    with ClipWriter(path, fps=25, audio=with_sound) as writer:
        for count in range(50):
            writer.video(picture(BLUE if count < 25 else RED, size), at=count / 25)
            if with_sound:
                writer.audio(sound(450, 0.04, 24000))
    return path


@pytest.mark.parametrize("suffix", SUFFIXES_AUDIO)
@pytest.mark.parametrize("rate", [8000, 24000, 44100, 48000])
def test_sound_comes_back_from_every_format_with_its_length_and_pitch(
    tmp_path: Path, suffix: str, rate: int
) -> None:
    clip = Clip.open(write_sound(tmp_path / f"tone{suffix}", sound(440, 1, rate)))
    heard = clip.audio()
    assert (clip.has_audio, clip.has_video, clip.channels) == (True, False, 1)
    assert (clip.fps, clip.size) == (0, (0, 0))
    assert clip.rate == heard.rate == (48000 if suffix in (".ogg", ".opus") else rate)
    assert clip.duration == pytest.approx(1, abs=0.06)
    assert heard.duration == pytest.approx(1, abs=0.06)
    assert pitch(heard.samples[0], heard.rate) == pytest.approx(440, abs=1)
    assert 14000 < np.abs(heard.samples.astype(int)).max() < 19000


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_formats_without_loss_keep_every_sample(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(5).integers(-32768, 32768, (2, 5000)).astype(np.int16)
    path = write_sound(tmp_path / f"noise{suffix}", AudioFrame(noise, 24000), channels=2)
    clip = Clip.open(path)
    assert clip.channels == 2
    assert np.array_equal(clip.audio(channels=2).samples, noise)
    assert np.array_equal(clip.audio().samples[0], noise.sum(axis=0, dtype=int) // 2)


@pytest.mark.parametrize("suffix", SUFFIXES_VIDEO)
@pytest.mark.parametrize("size", [(96, 128), (97, 129)])
@pytest.mark.parametrize("with_sound", [True, False])
def test_pictures_come_back_from_every_format_with_their_times_and_colours(
    tmp_path: Path, suffix: str, size: tuple[int, int], with_sound: bool
) -> None:
    clip = Clip.open(write_video(tmp_path / f"clip{suffix}", size, with_sound))
    assert (clip.has_audio, clip.has_video) == (with_sound, True)
    assert clip.size == (size[1] + size[1] % 2, size[0] + size[0] % 2)
    assert clip.fps == pytest.approx(25, abs=0.1)
    assert clip.duration == pytest.approx(2, abs=0.06)
    seen = list(clip.video_frames())
    assert [at for at, _ in seen] == pytest.approx([count / 25 for count in range(50)], abs=0.002)
    for (_, frame), color in ((seen[10], BLUE), (seen[-10], RED)):
        assert np.allclose(frame.pixels.mean(axis=(0, 1)), color, atol=12)
    if with_sound:
        heard = clip.audio(16000)
        assert heard.duration == pytest.approx(2, abs=0.06)
        assert pitch(heard.samples[0], 16000) == pytest.approx(450, abs=1)


def test_a_real_voice_can_be_read_at_any_rate(speech: Path) -> None:
    clip = Clip.open(speech)
    assert clip.audio(8000).duration == pytest.approx(clip.duration, abs=0.01)
    assert clip.audio(48000).duration == pytest.approx(clip.duration, abs=0.01)


@pytest.mark.parametrize("rate", [None, 8000, 48000])
def test_pieces_are_exact_and_the_last_is_filled_with_silence(tmp_path: Path, rate: int | None) -> None:
    clip = Clip.open(write_sound(tmp_path / "tone.wav", sound(440, 1.005, 16000)))
    frames = list(clip.audio_frames(rate))
    assert {frame.samples.shape for frame in frames} == {(1, (rate or 16000) // 50)}
    assert len(frames) == 51
    whole = clip.audio(rate).samples
    assert np.array_equal(joined(list(frames))[:, : whole.shape[1]], whole)
    assert not frames[-1].samples[:, -10:].any()


def test_reading_piece_by_piece_does_not_read_the_whole_file_first(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "tone.wav", sound(440, 30, 16000))
    frames = Clip.open(path).audio_frames(seconds=0.05, channels=2)
    assert next(frames).samples.shape == (2, 800)
    path.write_bytes(path.read_bytes()[:44] + bytes(960000))  # silence over the rest of the tone
    assert not list(frames)[-1].samples.any()


def test_sound_that_starts_after_the_pictures_is_preceded_by_silence(tmp_path: Path) -> None:
    path = tmp_path / "late.mp4"
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        tone = container.add_stream("aac", rate=48000)
        tone.layout = "mono"
        for count in range(25):
            shown = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="bgr24")
            shown.pts, shown.time_base = count, Fraction(1, 25)
            container.mux(pictures.encode(shown))
        heard = av.AudioFrame.from_ndarray(sound(440, 0.5, 48000).samples, format="s16", layout="mono")
        heard.sample_rate, heard.pts, heard.time_base = 48000, 24000, Fraction(1, 48000)
        container.mux(tone.encode(heard))
        container.mux([*tone.encode(None), *pictures.encode(None)])
    samples = Clip.open(path).audio().samples[0]
    assert not samples[:22000].any()
    assert np.abs(samples[26000:40000]).max() > 10000


def test_a_recording_of_a_browser_that_does_not_say_its_length_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "browser.webm"
    with av.open(str(path), "w", options={"live": "1"}) as container:
        tone = container.add_stream("libopus", rate=48000)
        tone.layout = "mono"
        for count, piece in enumerate(pieces(sound(440, 1.5, 48000))):
            frame = av.AudioFrame.from_ndarray(piece.samples, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, 960 * count, Fraction(1, 48000)
            container.mux(tone.encode(frame))
        container.mux(tone.encode(None))
    with av.open(str(path)) as container:
        assert container.duration is None  # else this test proves nothing
    assert Clip.open(path).duration == pytest.approx(1.5, abs=0.06)


def test_the_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        tone = container.add_stream("libmp3lame", rate=48000)
        tone.layout = "mono"
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "rgb24"
        cover.disposition = Disposition.attached_pic
        art = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        art.pts = 0
        container.mux([*cover.encode(art), *cover.encode(None)])
        frame = av.AudioFrame.from_ndarray(sound(440, 1, 48000).samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux([*tone.encode(frame), *tone.encode(None)])
    clip = Clip.open(path)
    assert (clip.has_audio, clip.has_video) == (True, False)
    assert clip.audio().duration == pytest.approx(1, abs=0.06)


def test_a_file_with_a_damaged_middle_is_read_past_the_damage(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "tone.flac", sound(440, 2, 48000))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(data)
    heard = Clip.open(path).audio()
    assert 1.5 < heard.duration < 2.1
    assert pitch(heard.samples[0, -24000:], 48000) == pytest.approx(440, abs=2)


def test_a_name_with_a_colon_is_a_file_and_no_protocol(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "12:30.wav", sound(440, 0.1, 8000))
    assert Clip.open(path).rate == 8000


def test_a_path_may_be_text_and_its_suffix_in_capitals(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "TONE.WAV", sound(440, 0.1, 8000))
    assert Clip.open(str(path)).path == path


def empty_wav(path: Path) -> None:
    with av.open(str(path), "w") as container:
        container.add_stream("pcm_s16le", rate=8000)
        container.start_encoding()


def wav_of_rate(rate: int, path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, rate, 0, "NONE", ""))
        file.writeframes(bytes(20))


def subtitles(path: Path) -> None:
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHallo\n")


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        ("gone.wav", lambda path: None, "there is no file"),
        ("folder.wav", Path.mkdir, "is a folder"),
        ("empty.wav", Path.touch, "it has 0 bytes"),
        ("pipe.wav", os.mkfifo, "is a pipe or a device"),
        ("letter.txt", lambda path: path.write_text("Dear reader,\n" * 50), "is no media file, but a text"),
        ("slow.wav", partial(wav_of_rate, 1), "has 1 samples a second"),
        ("fast.wav", partial(wav_of_rate, 2**31 - 1), "2,147,483,647 samples"),
        ("letter.wav", lambda path: path.write_text("Dear reader,\n" * 50), "is no media file"),
        ("noise.mp3", lambda path: path.write_bytes(np.random.default_rng(2).bytes(20000)), "no media file"),
        ("subtitles.srt", subtitles, "neither sound nor pictures"),
        ("silence.wav", empty_wav, "lasts 0 seconds"),
    ],
)
def test_what_cannot_be_read_is_named_with_a_reason_and_a_way_out(
    tmp_path: Path, name: str, make: Any, said: str
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(MediaFileError, match=said) as refused:
        Clip.open(path)
    assert str(path) in refused.value.what
    assert refused.value.why and refused.value.fix
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("name", ["x" * 300 + ".wav", "file.wav/inside.wav"])
def test_a_path_that_the_system_cannot_follow_is_reported_in_its_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.wav").touch()
    with pytest.raises(MediaFileError, match="cannot be read") as refused:
        Clip.open(tmp_path / name)
    assert refused.value.why


def test_a_file_that_may_not_be_read_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(name: str) -> None:
        raise av.error.PermissionError(13, "Permission denied", name)

    path = write_sound(tmp_path / "tone.wav", sound(440, 0.1, 8000))
    monkeypatch.setattr(av, "open", refused)  # root may read everything
    with pytest.raises(MediaFileError, match="cannot be read") as told:
        Clip.open(path)
    assert told.value.why == "Permission denied"


def test_sound_of_a_silent_film_and_pictures_of_a_song_are_refused(tmp_path: Path) -> None:
    song = Clip.open(write_sound(tmp_path / "song.wav", sound(440, 0.1, 8000)))
    film = Clip.open(write_video(tmp_path / "film.webm", with_sound=False))
    with pytest.raises(MediaFileError, match="has no pictures"):
        next(song.video_frames())
    with pytest.raises(MediaFileError, match="has no sound"):
        film.audio()


def test_a_file_that_went_away_after_it_was_opened_is_reported(tmp_path: Path) -> None:
    clip = Clip.open(write_sound(tmp_path / "song.wav", sound(440, 0.1, 8000)))
    clip.path.unlink()
    with pytest.raises(MediaFileError, match=r"song\.wav"):
        clip.audio()


def test_the_same_frames_give_the_same_bytes_and_a_bare_header(tmp_path: Path) -> None:
    one = write_sound(tmp_path / "one.wav", sound(440, 1, 24000)).read_bytes()
    two = write_sound(tmp_path / "two.wav", sound(440, 1, 24000)).read_bytes()
    assert one == two
    assert len(one) == 44 + 2 * 24000
    assert one[36:40] == b"data"


def test_silence_fills_the_time_up_to_where_a_piece_belongs(tmp_path: Path) -> None:
    path = tmp_path / "reply.wav"
    with ClipWriter(path, rate=48000) as writer:
        writer.audio(sound(440, 0.1, 24000), at=0.5)
        writer.audio(sound(440, 0.1, 24000), at=0.55)  # too early: it follows the one before
        writer.audio(sound(440, 0.1, 16000), at=1.0)
        writer.audio(sound(440, 0.1, 24000))
    samples = Clip.open(path).audio().samples[0]
    loud = [np.abs(samples[start : start + 4800]).max() > 10000 for start in range(0, 57600, 4800)]
    assert samples.size == 57600
    assert loud == [False] * 5 + [True] * 2 + [False] * 3 + [True] * 2


def test_sound_before_the_first_picture_waits_for_it_and_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with ClipWriter(path) as writer:
        for _ in range(50):
            writer.audio(sound(440, 0.02, 16000))
        for count in range(10):
            writer.video(picture(GREEN), at=1 + count / 30)
    clip = Clip.open(path)
    assert (clip.has_audio, clip.has_video, clip.rate) == (True, True, 16000)
    assert clip.audio().duration == pytest.approx(1, abs=0.06)
    assert next(clip.video_frames())[0] == pytest.approx(1, abs=0.01)


def test_a_video_file_that_got_only_one_kind_holds_only_that(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "heard.webm") as writer:
        writer.audio(sound(440, 1, 24000))
    with ClipWriter(tmp_path / "seen.mp4") as writer:
        for count in range(10):
            writer.video(picture(GREEN), at=count / 30)
    heard, seen = Clip.open(tmp_path / "heard.webm"), Clip.open(tmp_path / "seen.mp4")
    assert (heard.has_audio, heard.has_video) == (True, False)
    assert (seen.has_audio, seen.has_video) == (False, True)


def test_pictures_of_one_moment_and_of_another_size_do_not_stop_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "clip.webm"
    with ClipWriter(path, audio=False) as writer:
        writer.video(picture(GREEN), at=0)
        writer.video(picture(GREEN), at=0)
        writer.video(picture(RED, (300, 200)), at=0.5)
        writer.video(picture(RED), at=0.4)
    times, frames = zip(*Clip.open(path).video_frames(), strict=True)
    assert list(times) == pytest.approx([0, 0.001, 0.5, 0.501])
    assert {frame.pixels.shape for frame in frames} == {(96, 128, 3)}


def test_the_last_picture_stands_for_one_frame(tmp_path: Path) -> None:
    for suffix in SUFFIXES_VIDEO:
        path = tmp_path / f"one{suffix}"
        with ClipWriter(path, fps=5, audio=False) as writer:
            writer.video(picture(GREEN), at=0)
        assert Clip.open(path).duration == pytest.approx(0.2, abs=0.01)


def test_a_writer_that_got_nothing_leaves_no_file(tmp_path: Path) -> None:
    for suffix in SUFFIXES_AUDIO + SUFFIXES_VIDEO:
        with ClipWriter(tmp_path / f"nothing{suffix}"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_before_an_error_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    with pytest.raises(KeyError), ClipWriter(path) as writer:
        writer.audio(sound(440, 0.5, 8000))
        raise KeyError
    assert Clip.open(path).duration == pytest.approx(0.5)


def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    writer = ClipWriter(tmp_path / "tone.wav")
    writer.audio(sound(440, 0.5, 8000))
    writer.close()
    writer.close()
    assert Clip.open(writer.path).duration == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["sound.xyz", "sound"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaFileError, match="no suffix that can be written") as refused:
        ClipWriter(tmp_path / name)
    assert all(suffix in refused.value.fix for suffix in SUFFIXES_AUDIO + SUFFIXES_VIDEO)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["missing/tone.wav", "folder.wav"])
def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(MediaFileError, match="cannot be written") as refused:
        ClipWriter(tmp_path / name)
    assert refused.value.why and refused.value.fix


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    (tmp_path / "tone.wav").symlink_to("/dev/full")
    with pytest.raises(MediaFileError, match="cannot be written"):
        write_sound(tmp_path / "tone.wav", sound(440, 5, 48000))


def test_pictures_are_refused_by_a_file_of_sound_and_sound_where_it_was_not_wanted(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "tone.wav") as song, pytest.raises(MediaFileError, match="takes no pictures"):
        song.video(picture(RED), at=0)
    with (
        ClipWriter(tmp_path / "film.mp4", audio=False) as film,
        pytest.raises(MediaFileError, match="takes no sound"),
    ):
        film.audio(sound(440, 0.1, 8000))


def test_an_ffmpeg_without_the_encoder_is_named_with_the_way_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(writing._FORMS, ".ogg", writing._Form("ogg", "nobodys_codec"))
    with pytest.raises(MediaFileError, match="cannot write '.ogg'") as refused:
        write_sound(tmp_path / "tone.ogg", sound(440, 0.1, 48000))
    assert "nobodys_codec" in refused.value.why
    assert "pip install" in refused.value.fix

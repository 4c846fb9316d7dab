from __future__ import annotations

import numpy as np
import pytest

from runtime import Frame, KitError
from runtime.common.opencv import cv2
from runtime.media import fragmented_mp4, h264
from runtime.sinks import open_sink
from runtime.sources import Source, open_source

av = pytest.importorskip("av")


class Fake(Source):
    name = "clip.mp4"
    fps = 4.0

    def __iter__(self):
        return iter(())


def image(blue, green, red):
    return np.full((48, 64, 3), (blue, green, red), np.uint8)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_a_video_that_browsers_play(tmp_path, name):
    path = tmp_path / name
    with open_sink(str(path), Fake()) as sink:
        for index in range(19):
            sink.write(Frame(image(10 * index, 60, 200 - 10 * index), index, index / 4), ())
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        # The matrix of the conversion, without which a player guesses one by the size.
        assert (stream.codec_context.colorspace, stream.codec_context.color_range) == (6, 1)
        assert [packet.is_keyframe for packet in container.demux(stream) if packet.size] == [
            index % 8 == 0 for index in range(19)
        ]
    with open_source(str(path)) as source:
        frames = list(source)
    assert [frame.time for frame in frames] == pytest.approx([index / 4 for index in range(19)])
    for index, frame in enumerate(frames):
        assert frame.image.mean((0, 1)) == pytest.approx([10 * index, 60, 200 - 10 * index], abs=4)


@pytest.mark.parametrize("color", [(255, 255, 255), (128, 128, 128), (40, 200, 90)])
def test_images_and_their_planes_have_the_same_colors(tmp_path, color):
    writer = h264.H264Writer(tmp_path / "a.mp4", 10, (64, 48), timed=True)
    writer.write(image(*color), 0.0)
    writer.write_planes(cv2.cvtColor(image(*color), cv2.COLOR_BGR2YUV_I420), 0.1)
    writer.release()
    with av.open(str(tmp_path / "a.mp4")) as container:
        means = [frame.to_ndarray(format="bgr24").mean((0, 1)) for frame in container.decode(video=0)]
    assert len(means) == 2 and all(mean == pytest.approx(color, abs=2) for mean in means)


def test_fragments_share_the_description_of_the_codec(tmp_path):
    entries = set()
    for count in (1, 5):
        writer = h264.H264Writer(tmp_path / "a.mp4", 10, (64, 48))
        for index in range(count):
            writer.write(image(index, 0, 0))
        writer.release()
        encoded = fragmented_mp4.read(tmp_path / "a.mp4")
        assert len(encoded.samples) == count and encoded.size == (64, 48)
        # The size of the buffer and the rates, which FFmpeg measures, are no part of the decoder's configuration.
        entries.add(encoded.entry[: encoded.entry.index(b"avcC") + 40])
    assert len(entries) == 1


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(KitError, match="FFmpeg cannot write a video"):
        h264.H264Writer(tmp_path / "no" / "a.mp4", 10, (64, 48)).write(image(0, 0, 0))


def test_without_the_library_opencv_encodes(tmp_path, monkeypatch):
    monkeypatch.setattr(h264, "available", lambda: False)
    path = tmp_path / "a.mp4"
    with open_sink(str(path), Fake()) as sink:
        sink.write(Frame(image(0, 0, 0), 0), ())
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"

"""The decoder: the specification's examples, every rule of the bands, and hostile input."""

import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec import nscodec
from pyrdpmux.codec.clear.decoder import Decoder
from pyrdpmux.codec.clear.encoder import Encoder
from pyrdpmux.codec.clear.stream import Subcodec, SubcodecId
from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import encode
from tests.codec import pictures
from tests.codec.clear.samples import message, page
from tests.codec.reference import clear as reference
from tests.codec.reference import libfreerdp, libfreerdp_clear

VECTORS = Path(__file__).parents[4] / "shared/vectors/freerdp/c-arrays"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"{VECTORS} is absent")
needs_libfreerdp = pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")


def example(number: int) -> bytes:
    return (VECTORS / f"TestFreeRDPCodecClear.TEST_CLEAR_EXAMPLE_{number}.bin").read_bytes()


def filler(height: int, columns: int, number: int) -> bytes:
    """A message of one band that enters so many columns, each of another blue."""
    band = (
        b"\0\0"
        + (columns - 1).to_bytes(2, "little")
        + b"\0\0"
        + (height - 1).to_bytes(2, "little")
        + bytes(3)
    )
    bars = b"".join([b"\0\x01" + bytes([x % 251, x // 251 % 256, 0]) for x in range(columns)])
    return message(bands=(band + bars).hex(), number=number)


def filled(height: int, first_number: int) -> tuple[Decoder, reference.Decoder]:
    """Decoders all of whose slots hold columns of one height, ready for a message with that number."""
    decoders = Decoder((first_number - 2) % 256), reference.Decoder((first_number - 2) % 256)
    for index in range(2):
        data = filler(height, 16384, (first_number - 2 + index) % 256)
        decoders[0].decode(data, 16384, height)
        decoders[1].decode(data, 16384, height)
    return decoders


def assert_equal(pixels: Pixels, picture: reference.Picture) -> None:
    height, width = pixels.shape[:2]
    for (x, y), color in picture.items():
        assert tuple(pixels[y, x, :3].tolist()) == color
    assert len(picture) <= width * height


@needs_vectors
class TestExamples:
    def test_2(self) -> None:
        pixels = Decoder(13).decode(example(2), 78, 17)
        assert_equal(pixels, reference.Decoder(13).decode(example(2), 78, 17))
        assert pixels[0, :6, 0].tolist() == [255] * 5 + [0]
        if libfreerdp.library():
            theirs = libfreerdp_clear.Decoder().decode(example(2), 78, 17)
            assert theirs is not None
            assert (theirs[..., :3] == pixels[..., :3]).all()

    @pytest.mark.parametrize(("number", "width", "height", "bars"), [(3, 64, 24, 9), (4, 7, 15, 15)])
    def test_3_and_4(self, number: int, width: int, height: int, bars: int) -> None:
        data = example(number)
        ours, slow = filled(bars, data[1])
        pixels = ours.decode(data, width, height)
        assert_equal(pixels, slow.decode(data, width, height))
        if number == 3:
            # the first column is slot 0x50c5, filled with the column of that number
            slot = 0x50C5 % 16384
            assert pixels[3, 0, :3].tolist() == [slot % 251, slot // 251, 0]
            assert pixels[22, 5].tolist() == [255, 255, 255, 255]
            assert pixels[23, 5].tolist() == [254, 254, 254, 255]
        else:
            assert pixels[10, 0, :3].tolist() == [0xDB, 0x90, 0x3A]
            hit = ours.decode(bytes([3, data[1] + 1, 0x78, 0]), 15, 7)
            assert (hit.reshape(-1) == pixels.reshape(-1)).all()

    def test_1_needs_its_glyph(self) -> None:
        with pytest.raises(DecodeError, match="17 holds nothing, expected 72 pixels"):
            Decoder(195).decode(example(1), 8, 9)


BAND = "00 00 03 00  01 00 04 00  10 20 30"  # x 0 to 3, y 1 to 4, a background


class TestBands:
    def columns(self, bars: str, decoder: Decoder | None = None, number: int = 0) -> list[list[int]]:
        """The blue values of four columns of four pixels."""
        data = message(bands=BAND + bars, number=number)
        pixels = (decoder or Decoder()).decode(data, 5, 6)
        assert (pixels[0, :, :3] == 0).all()
        assert (pixels[:, 4, :3] == 0).all()
        columns: list[list[int]] = pixels[1:5, :4, 0].T.tolist()
        return columns

    def test_every_kind_of_column(self) -> None:
        assert self.columns(
            """
            01 03  aaaaaa bbbbbb    # miss: rows 1 and 2
            00 40  02               # short hit of it: rows 2 and 3
            00 00                   # nothing but background
            01 80                   # hit of the second column
            """
        ) == [[16, 0xAA, 0xBB, 16], [16, 16, 0xAA, 0xBB], [16] * 4, [16, 16, 0xAA, 0xBB]]

    def test_short_bars_take_the_background_of_their_band(self) -> None:
        data = message(
            bands=BAND
            + "0103 aaaaaa bbbbbb  0000  0000  0000"
            + BAND.replace("10 20", "11 22")
            + "004000 004002 0080 0580"
        )
        pixels = Decoder().decode(data, 4, 5)
        assert pixels[1:, :, 0].T.tolist() == [
            [0xAA, 0xBB, 17, 17],
            [17, 17, 0xAA, 0xBB],
            [16, 0xAA, 0xBB, 16],
            [17, 17, 0xAA, 0xBB],
        ]

    def test_hits_mean_the_time_they_stand_at(self) -> None:
        decoder = Decoder()
        self.columns("0001 010000  0001 020000  0001 030000  0001 040000", decoder)
        reset = message(bands=BAND + "0080  0001 090000  0080  0180", number=1, flags=4)
        pixels = decoder.decode(reset, 5, 6)
        assert pixels[1, :4, 0].tolist() == [1, 9, 9, 2]

    @pytest.mark.parametrize(
        ("bands", "path"),
        [
            ("00 00", "xStart"),
            ("00 00 05 00 01 00 04 00 00 00 00", "xEnd"),
            ("01 00 00 00 01 00 04 00 00 00 00", "xEnd"),
            ("00 00 00 00 01 00 06 00 00 00 00", "yEnd"),
            ("00 00 00 00 02 00 01 00 00 00 00", "yEnd"),
            (BAND, "vBarHeader"),
            (BAND + "00", "vBarHeader"),
            (BAND + "01 03 aaaaaa bbbb", "shortVBarPixels"),
            (BAND + "0000 0040", "shortVBarPixels"),
            (BAND + "02 01", "shortVBarYOff"),
            (BAND + "0080 0080 0080 0080", "vBarIndex"),
            (BAND + "0000 0580 0000 0000", "vBarIndex"),
            (BAND + "0080 0000 0000 0000", "vBarIndex"),
            (BAND + "00 40 00  0000 0000 0000", "shortVBar"),
            (BAND + "00 04" + "00" * 12 + "00 40 01 0000 0000", "shortVBar"),
            (BAND + "01 05" + "00" * 12 + "0000 0000 0000", "shortVBar"),
        ],
    )
    def test_refuses(self, bands: str, path: str) -> None:
        with pytest.raises(DecodeError) as caught:
            Decoder().decode(message(bands=bands), 5, 6)
        assert caught.value.path == f"ClearCodec.bandsData.{path}"

    def test_a_hit_of_another_height_is_refused(self) -> None:
        decoder = Decoder()
        self.columns("0000 0000 0000 0000", decoder)
        with pytest.raises(DecodeError, match="the column has 4 pixels, the band 3"):
            decoder.decode(message(bands="00 00 00 00 00 00 02 00 000000 0080", number=1), 5, 6)

    def test_bands_higher_than_52_are_refused(self) -> None:
        with pytest.raises(DecodeError, match="52, expected 0 to 51"):
            Decoder().decode(message(bands="00 00 00 00 00 00 34 00 000000 0000"), 5, 600)


class TestLayers:
    def test_later_layers_lie_above(self) -> None:
        raw = encode(Subcodec(1, 1, 1, 1, SubcodecId.RAW, b"\x07\x08\x09")).hex()
        data = message("010101 19", "0100 0200 0000 0100 000000 0002020202030303 0000", raw)
        assert Decoder().decode(data, 5, 5)[..., 0].tolist()[:2] == [[1, 2, 0, 1, 1], [1, 7, 0, 1, 1]]

    def test_what_no_layer_paints_remains(self) -> None:
        out = np.full((4, 4, 4), 77, np.uint8)
        Decoder().decode(message("010203 05"), 4, 4, out=out)
        assert (out.reshape(-1, 4)[:5] == [1, 2, 3, 255]).all()
        assert (out.reshape(-1, 4)[5:] == 77).all()

    def test_nscodec(self) -> None:
        tile = page("photo", 32, 48)[:, :40]
        data = nscodec.encode_tiles([tile], 2, bottom_up=False)[0]
        whole = message(subcodecs=encode(Subcodec(3, 2, 40, 32, SubcodecId.NSCODEC, data)).hex())
        pixels = Decoder().decode(whole, 50, 40)
        assert (pixels[2:34, 3:43] == nscodec.decode(data, 40, 32, bottom_up=False)).all()
        if libfreerdp.library():
            theirs = libfreerdp_clear.Decoder().decode(whole, 50, 40)
            assert theirs is not None
            assert (theirs[..., :3] == pixels[..., :3]).all()

    @pytest.mark.parametrize(
        "data",
        [
            message("010101 1a"),
            message("010101 00"),
            message("010101 ff ff ff ff ff ff ff"),
            message("010101"),
            message(subcodecs="0000 0000 0600 0100 12000000 00" + "00" * 18),
            message(subcodecs="0100 0000 0500 0100 0f000000 00" + "00" * 15),
            message(subcodecs="0000 0000 0000 0100 00000000 00"),
            message(subcodecs="0000 0000 0100 0100 01000000 03 00"),
            message() + b"\0",
            message(number=1),
        ],
    )
    def test_refuses(self, data: bytes) -> None:
        out = np.full((5, 5, 4), 77, np.uint8)
        with pytest.raises(DecodeError):
            Decoder().decode(data, 5, 5, out=out)
        assert (out == 77).all()

    def test_messages_come_in_order(self) -> None:
        decoder = Decoder(255)
        decoder.decode(message(number=255), 4, 4)
        decoder.decode(message(number=0), 4, 4)
        with pytest.raises(DecodeError, match="0, expected 1"):
            decoder.decode(message(number=0), 4, 4)

    def test_glyphs_are_small(self) -> None:
        data = b"\x01\0\0\0" + bytes(12)
        Decoder().decode(data, 32, 32)
        with pytest.raises(DecodeError):
            Decoder().decode(data, 33, 32)


def decoded(data: bytes, width: int, height: int) -> Pixels:
    return Decoder().decode(data, width, height)


class TestHostileInput:
    def pictures(self) -> list[Pixels]:
        mixed = page("text", 64, 100).copy()
        mixed[40:, 30:60] = pictures.picture(24, 30, "random")
        mixed[:, 70:, 0] = np.random.default_rng(1).integers(0, 9, (64, 30))
        return [mixed, page("gray text", 48, 200), pictures.picture(70, 70, "blocks"), mixed[:20, :40]]

    def test_every_truncation_is_refused(self) -> None:
        for picture in self.pictures():
            data = Encoder().encode_tiles([picture])[0]
            for size in range(0, len(data), 1 + len(data) // 400):
                with pytest.raises(DecodeError):
                    decoded(data[:size], picture.shape[1], picture.shape[0])

    def test_mutations_are_read_as_by_the_reference(self) -> None:
        for picture in self.pictures()[2:]:
            height, width = picture.shape[:2]
            data = Encoder().encode_tiles([picture])[0]
            for changed in pictures.mutations(data, 100):
                found = pictures.attempt(partial(decoded, width=width, height=height), changed)
                try:
                    expected = reference.Decoder().decode(changed, width, height)
                except (ValueError, IndexError):
                    assert found is None
                else:
                    assert found is not None
                    assert_equal(found, expected)

    def test_thousands_of_mutations_are_refused_or_decoded(self) -> None:
        for picture in self.pictures():
            height, width = picture.shape[:2]
            data = Encoder().encode_tiles([picture])[0]
            results = [
                pictures.attempt(partial(decoded, width=width, height=height), changed)
                for changed in pictures.mutations(data, 300, seed=7)
            ]
            assert all(pixels is None or pixels.shape == picture.shape for pixels in results)
            assert any(pixels is None for pixels in results)

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=80))
    def test_any_bytes_as_bands(self, bars: bytes) -> None:
        data = message(bands="00 00 09 00  01 00 04 00  10 20 30" + bars.hex())
        try:
            expected = reference.Decoder().decode(data, 10, 6)
        except ValueError:
            with pytest.raises(DecodeError):
                decoded(data, 10, 6)
        else:
            assert_equal(decoded(data, 10, 6), expected)

    @pytest.mark.parametrize("area", ["00 ff ff ff 00 00 1f 00", "00 fe"])
    def test_areas_of_megapixels_are_counted(self, area: str) -> None:
        data = bytes.fromhex("01 000000" + area)
        one = encode(Subcodec(0, 0, 2000, 1000, SubcodecId.RLEX, data))
        start = time.perf_counter()
        with pytest.raises(DecodeError):
            decoded(message(subcodecs=(one * 5000).hex()), 2000, 1000)
        assert time.perf_counter() - start < 2

    def test_bands_that_cover_each_other_are_counted(self) -> None:
        band = "0000 ff0f 0000 3300 000000" + "0000" + "0080" * 4095
        start = time.perf_counter()
        with pytest.raises(DecodeError, match="4 times"):
            decoded(message(bands=band * 40), 4096, 52)
        assert time.perf_counter() - start < 2

    @pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-1, 4), (65536, 1), (65535, 65535)])
    def test_absurd_sizes(self, width: int, height: int) -> None:
        with pytest.raises(DecodeError):
            decoded(message(), width, height)

"""Synthesized pictures are as hard as what they stand for."""

import zlib

import numpy as np

from bench.glass import pictures


def test_a_photo_does_not_compress_like_text() -> None:
    photo = pictures.photo(1, 128, 256)
    text = pictures.paper().page(1, 128, 256)
    assert len(zlib.compress(photo[..., :3].tobytes())) > 4 * len(zlib.compress(text[..., :3].tobytes()))


def test_photos_of_other_seeds_are_others() -> None:
    assert (pictures.photo(1, 64, 64) != pictures.photo(2, 64, 64)).any(axis=2).mean() > 0.9


def test_a_photo_has_the_size_that_is_asked_for_and_no_alpha() -> None:
    photo = pictures.photo(3, 65, 131)
    assert photo.shape == (65, 131, 4)
    assert (photo[..., 3] == 255).all()


def test_neighbors_in_a_photo_are_alike() -> None:
    photo = pictures.photo(1, 256, 256)[..., :3].astype(int)
    assert np.abs(np.diff(photo, axis=1)).mean() < 6
    assert photo.std() > 20


def test_a_video_has_noise_in_each_frame_and_comes_back_to_its_beginning() -> None:
    loop = pictures.video(1, 96, 128, 12)
    assert len(loop) == 12
    assert all(frame.shape == (96, 128, 4) for frame in loop)
    # The camera stands nearly still between the last frames of a slow turn.
    slow = pictures.video(1, 96, 128, 400)
    difference = slow[1][..., :3].astype(int) - slow[0][..., :3]
    assert 4 < difference.std() < 12
    assert np.abs(slow[-1][..., :3].astype(int) - slow[0][..., :3]).mean() < 10


def test_a_line_of_text_has_the_colors_of_its_font() -> None:
    font = pictures.terminal()
    page = font.page(1, 160, 320)
    assert page.shape == (160, 320, 4)
    assert len(np.unique(page.reshape(-1, 4), axis=0)) > 20
    assert (page[..., :3].max(axis=2) >= 200).any()


def test_a_page_that_is_half_full() -> None:
    page = pictures.paper().page(1, 320, 320, filled=0.5)
    assert (page[160:] == 255).all()
    assert (page[:160] != 255).any()

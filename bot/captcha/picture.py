"""The picture of a code: four large digits, turned only a little, dark on light, with one curve through them."""

from __future__ import annotations

from captcha.image import ImageCaptcha

WIDTH, HEIGHT = 560, 220
SIZES = (130, 140)
INK, PAPER = (25, 35, 70), (250, 250, 245)


class LargeCaptcha(ImageCaptcha):
    """Easier to read than the package's own: an old person's eyes are what it must fit."""

    character_rotate = (-12, 12)
    character_warp_dx = (0.02, 0.08)
    character_warp_dy = (0.02, 0.08)
    word_space_probability = 0.2
    word_offset_dx = 0.05

    def __init__(self) -> None:
        super().__init__(WIDTH, HEIGHT, font_sizes=SIZES)
        self.lookup_table = [min(255, 8 * light) for light in range(256)]  # dark ink stays dark


def paint(signs: str) -> bytes:
    """A PNG that shows these signs and says them nowhere else."""
    return LargeCaptcha().generate(signs, bg_color=PAPER, fg_color=INK).getvalue()

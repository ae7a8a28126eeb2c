"""A QR code in the terminal: the modules found in a picture, and two rows of them in one line of half blocks."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence

Modules = tuple[str, ...]  # rows of "1" (dark) and "0", without the quiet zone

FINDER = ("1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111")
SIZES = range(21, 178, 4)
QUIET = 2  # modules; the standard's four would cost four columns more, and cameras do with two
_BLOCKS = {"00": " ", "10": "▀", "01": "▄", "11": "█"}
_HALF_GREY = 128


def half_blocks(modules: Sequence[str]) -> list[str]:
    """Lines with dark modules as blocks: for dark letters on a light ground."""
    width = len(modules) + 2 * QUIET
    rows = ["0" * width] * QUIET + ["0" * QUIET + row + "0" * QUIET for row in modules] + ["0" * width] * QUIET
    rows += ["0" * width] * (len(rows) % 2)
    return [
        "".join(_BLOCKS[upper + lower] for upper, lower in zip(rows[index], rows[index + 1], strict=True))
        for index in range(0, len(rows), 2)
    ]


def modules_in(picture: bytes) -> Modules | None:
    """The modules of the code in a picture as a program draws it (upright, whole pixels); None where there is none."""
    from PIL import Image

    image = Image.open(io.BytesIO(picture)).convert("L")
    width, height = image.size
    pixels = image.tobytes()

    def dark(x: int, y: int) -> str:
        return "1" if x < width and y < height and pixels[y * width + x] < _HALF_GREY else "0"

    for y in range(height):
        row = pixels[y * width : (y + 1) * width]
        for x, length in _dark_runs(row):
            side = length // 7
            if length % 7 or side < 2 or not _finder(dark, x, y, side):
                continue
            for size in SIZES:
                far = (size - 7) * side
                if _finder(dark, x + far, y, side) and _finder(dark, x, y + far, side):
                    return _sampled(dark, x, y, side, size)
    return None


def modules_of(text: str, mask: int) -> Modules:
    """The modules of a code that says `text`, error correction M, as payment cards have it."""
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0, mask_pattern=mask)
    code.add_data(text)
    code.make(fit=True)
    return tuple("".join("1" if cell else "0" for cell in row) for row in code.get_matrix())


def _dark_runs(row: bytes) -> Iterator[tuple[int, int]]:
    start = None
    for x, value in enumerate(row + b"\xff"):
        if value < _HALF_GREY:
            start = x if start is None else start
        elif start is not None:
            yield start, x - start
            start = None


def _finder(dark: Callable[[int, int], str], x: int, y: int, side: int) -> bool:
    return _sampled(dark, x, y, side, 7) == FINDER


def _sampled(dark: Callable[[int, int], str], x: int, y: int, side: int, size: int) -> Modules:
    middle = side // 2
    return tuple(
        "".join(dark(x + column * side + middle, y + line * side + middle) for column in range(size))
        for line in range(size)
    )

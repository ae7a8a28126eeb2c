"""Where certificates are printed: the one place that loads what draws them, when the first one is wanted.

fpdf2, fontTools and HarfBuzz are 25 MB in every process of a `serve` or a worker, and most of them draw none for hours.
The first certificate of a process waits some tenths of a second for them. What can be wrong with an installation is
looked at when a process starts all the same: the font files here, the seal where it is read (`seal.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import manimgx_fonts_cjk  # type: ignore[import-untyped]
import pylopdf_fonts_zh_cn

from bot.certificate.seal import Seal
from storage.certified import Certificate

if TYPE_CHECKING:
    from bot.certificate.document import CertificatePainter
    from bot.certificate.fonts import FontFiles, SharedFonts


def font_paths() -> tuple[Path, Path]:
    """The files of the main font and of the one for rare characters. Raises FileNotFoundError where one is missing."""
    main = Path(pylopdf_fonts_zh_cn.sans_path())
    rare = Path(str(manimgx_fonts_cjk.__file__)).with_name("NotoSansCJK-VF.otf.ttc")
    for path in (main, rare):
        if not path.is_file():
            raise FileNotFoundError(f"a font of the certificates is not installed: {path.name}")
    return main, rare


class Press:
    """Draws certificates and says which names can be written; `bot.certificate.papers.Paints`. Shared between threads.

    With a seal it signs them. `more` are font files for what the installed two lack. Raises FileNotFoundError where a
    font file is missing.
    """

    def __init__(self, seal: Seal | None = None, more: Sequence[Path] = ()) -> None:
        font_paths()
        self._seal = seal
        self._more = tuple(more)
        self._lock = threading.Lock()
        self._painter: CertificatePainter | None = None

    def can_print(self, text: str) -> bool:
        """Whether a font has every character of it."""
        return self._ready().files.can_print(text)

    def missing_in(self, text: str) -> str:
        """The characters of it that no font has."""
        return self._ready().files.missing_in(text)

    def paint(self, certificate: Certificate) -> bytes:
        """The document. Raises CannotPrint for a name with a character no font has."""
        return self._ready().paint(certificate)

    def pages(self, certificate: Certificate) -> int:
        """On how many pages it stands. Raises CannotPrint."""
        return self._ready().pages(certificate)

    def _ready(self) -> CertificatePainter:
        """What draws; loaded by whoever wants it first."""
        with self._lock:
            if self._painter is None:
                from bot.certificate.document import CertificatePainter

                fonts, files = _fonts(self._more)
                self._painter = CertificatePainter(fonts, files, self._seal)
            return self._painter


@cache
def _fonts(more: tuple[Path, ...]) -> tuple[SharedFonts, FontFiles]:
    """Those of the process: presses come and go with their seals, and what was cut for one is cut for all."""
    from bot.certificate.fonts import FontFiles, SharedFonts

    files = FontFiles(more)
    return SharedFonts(files), files

"""What draws certificates is loaded when the first one is wanted, and never before; what is wrong is told at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.bench.certificate import certificate
from bot.certificate.document import CertificatePainter
from bot.certificate.fonts import FontFiles, SharedFonts
from bot.certificate.press import Press
from bot.certificate.seal import Seal
from tests.bot.seals import PASSWORD, moment_ago, seal_file
from tests.bot.served import ROOT, installed

# Packages that most turns never need: drawing, signing and reading PDF files, schema changes, the other database.
HEAVY = (
    "fpdf",
    "fontTools",
    "uharfbuzz",
    "pyhanko",
    "pyhanko_certvalidator",
    "asn1crypto",
    "pypdfium2",
    "alembic",
    "psycopg",
    "zxingcpp",
)
LOADED = "sorted({name.partition('.')[0] for name in sys.modules} & set(sys.argv[2].split()))"


def loaded(what: str, config: Path | str = "") -> list[str]:
    """Which heavy packages a fresh process has loaded after these statements."""
    code = f"import sys\n{what}\nprint(*{LOADED})"
    done = subprocess.run(
        [sys.executable, "-c", code, str(config), " ".join(HEAVY)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_process_that_serves_loads_nothing_that_draws_signs_or_migrates(tmp_path: Path) -> None:
    with installed(tmp_path) as bot:
        app = "from bot.app import build_served\napp = build_served(sys.argv[1], '{}')"
        assert loaded(app, bot.folder / "bot.toml") == []
        seal_file(tmp_path / "seal.p12", begins=moment_ago(days=1), ends=moment_ago(days=-1))
        bot.write(certificate={"seal": "seal.p12", "seal_password": PASSWORD})
        assert loaded(app, bot.folder / "bot.toml") == []


def test_the_first_certificate_loads_what_draws_it_and_only_a_seal_what_signs() -> None:
    first = "from bot.certificate.press import Press\nPress().can_print('王样三')"
    assert loaded(first) == ["fontTools", "fpdf", "uharfbuzz"]


def test_it_draws_what_a_painter_draws_however_many_want_the_first_one(tmp_path: Path) -> None:
    files = FontFiles()
    seal = Seal.read(seal_file(tmp_path / "seal.p12"), PASSWORD)
    one = certificate(10)
    for press, painter in (
        (Press(), CertificatePainter(SharedFonts(files), files)),
        (Press(seal), CertificatePainter(SharedFonts(files), files, seal)),
    ):
        with ThreadPoolExecutor(4) as threads:
            drawn = set(threads.map(press.paint, [one] * 8))
        assert drawn == {painter.paint(one)}
        assert press.pages(one) == painter.pages(one)
        assert press.can_print("王𠮷䶮𬭎·")
        assert not press.can_print("王\ue000")


def test_a_font_file_that_is_missing_is_told_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = tmp_path / "font.otf"
    with monkeypatch.context() as patched:
        patched.setattr("pylopdf_fonts_zh_cn.sans_path", lambda: nowhere)
        with pytest.raises(FileNotFoundError, match=r"not installed: font\.otf"):
            Press()
    with monkeypatch.context() as patched:
        patched.setattr("manimgx_fonts_cjk.__file__", str(tmp_path / "__init__.py"))
        with pytest.raises(FileNotFoundError, match="not installed: NotoSansCJK"):
            Press()

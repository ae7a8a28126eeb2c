"""The configuration: `bot.toml`, overridden by the environment (`BOT_WECHAT__TOKEN`), checked before anything starts.

Every mistake names the key and says what follows from it. Paths are relative to the configuration file.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from contextvars import ContextVar
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography.x509 import load_pem_x509_certificate
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from bot.certificate.seal import BadSeal, Seal
from bot.pay.key_texts import UnusableKey, private_key_of, public_key_of, serial_of, trimmed
from bot.turns.people_limits import LimitSettings

PLACEHOLDER = re.compile(r"^\s*$|^<.*>$|change[-_ ]?me|placeholder|your[-_ ]|请填写|^x{3,}$|x{8}", re.IGNORECASE)
_FILE: ContextVar[Path | None] = ContextVar("file", default=None)  # a class for each file takes 15 ms to build
# HanaMin (花园明朝, OFL), Debian's package fonts-hanazono: extensions B to F, which GB 18030-2022 asks for.
USUAL_RARE_FONTS = (
    "/usr/share/fonts/truetype/hanazono/HanaMinA.ttf",
    "/usr/share/fonts/truetype/hanazono/HanaMinB.ttf",
)
_PEM = "-----BEGIN "  # what a key's own letters spell by chance says nothing


class BadConfiguration(Exception):
    """One line per mistake: the key, what is wrong, what follows."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


Trimmed = Annotated[str, BeforeValidator(trimmed)]
Serial = Annotated[str, BeforeValidator(serial_of)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Section):
    """`[server]`."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    public_url: str = "http://127.0.0.1:8000"
    threads: Annotated[int, Field(ge=1, le=256)] = 16
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    metrics_token: str = ""


class WeChatSettings(_Section):
    """`[wechat]`."""

    app_id: Trimmed = ""
    secret: Trimmed = ""
    token: Trimmed = ""
    encoding_aes_key: Trimmed = ""
    mode: Literal["safe"] = "safe"
    api_base: str = "https://api.weixin.qq.com"
    notice_template: str = ""


class PaySettings(_Section):
    """`[pay]`."""

    mch_id: Trimmed = ""
    api_v3_key: Trimmed = ""
    serial_no: Serial = ""
    private_key: str = ""
    platform_public_key: str = ""
    platform_public_key_id: Trimmed = ""
    platform_certificates: tuple[str, ...] = ()
    api_base: str = "https://api.mch.weixin.qq.com"
    channel: Literal["jsapi", "native"] = "jsapi"
    expires_minutes: Annotated[int, Field(ge=2, le=120)] = 30


class StorageSettings(_Section):
    """`[storage]`."""

    database: str = "sqlite:///var/bot.db"
    sessions: str = "embedded"
    queue: str = "embedded"
    field_key: str = "var/field.key"
    journal_days: Annotated[int, Field(ge=0, le=400)] = 30


class CertificateSettings(_Section):
    """`[certificate]`."""

    issuer: str = ""
    valid_days: Annotated[int, Field(ge=1, le=90)] = 7
    seal: str = ""
    seal_password: str = ""
    wechat_qr: bool = False
    rare_fonts: tuple[str, ...] = USUAL_RARE_FONTS


class LimitsSettings(_Section):
    """`[limits]`."""

    misses_a_day: Annotated[int, Field(ge=3, le=100)] = 8
    names_for_one: Annotated[int, Field(ge=2, le=20)] = 3
    pause_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    new_people_a_day: Annotated[int, Field(ge=3, le=1000)] = 10
    new_people_a_month: Annotated[int, Field(ge=3, le=10000)] = 30
    misses_before_code: Annotated[int, Field(ge=3, le=1000)] = 10
    open_orders: Annotated[int, Field(ge=1, le=100)] = 5

    @property
    def people(self) -> LimitSettings:
        """What concerns asking about people."""
        names = (field.name for field in fields(LimitSettings))
        return LimitSettings(**{name: getattr(self, name) for name in names})


class AgenciesSettings(_Section):
    """`[agencies]`."""

    export_dir: str = ""


class SandboxSettings(_Section):
    """`[sandbox]`."""

    enabled: bool = False


class ClockSettings(_Section):
    """`[clock]`."""

    timezone: str = "Asia/Shanghai"


class Settings(BaseSettings):
    """Everything that can be set. `read` is the way to one."""

    model_config = SettingsConfigDict(env_prefix="BOT_", env_nested_delimiter="__", extra="forbid", frozen=True)

    server: ServerSettings = ServerSettings()
    wechat: WeChatSettings = WeChatSettings()
    pay: PaySettings = PaySettings()
    storage: StorageSettings = StorageSettings()
    certificate: CertificateSettings = CertificateSettings()
    limits: LimitsSettings = LimitsSettings()
    agencies: AgenciesSettings = AgenciesSettings()
    sandbox: SandboxSettings = SandboxSettings()
    clock: ClockSettings = ClockSettings()

    _folder: Path = PrivateAttr(default=Path())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _FILE.get())

    @property
    def zone(self) -> ZoneInfo:
        """The bureau's timezone."""
        return ZoneInfo(self.clock.timezone)

    @property
    def folder(self) -> Path:
        """Where the configuration file stands."""
        return self._folder

    def path(self, text: str) -> Path:
        """A path of the configuration, absolute."""
        return (self._folder / text).resolve()

    @property
    def database_url(self) -> str:
        """The database's URL, with a relative SQLite path made absolute."""
        scheme, _, rest = self.storage.database.partition(":///")
        if scheme.startswith("sqlite") and rest and not rest.startswith("/"):
            return f"{scheme}:///{self.path(rest)}"
        return self.storage.database

    @property
    def rare_fonts(self) -> tuple[Path, ...]:
        """The font files for rare characters that are there; the usual ones may be missing."""
        paths = map(self.path, self.certificate.rare_fonts)
        return tuple(path for path in paths if path.is_file())

    @property
    def sessions_url(self) -> str:
        """The URL of the SQLite file of embedded conversations, tokens and counters.

        It lies beside a SQLite database (`bot.db`: `bot-sessions.db`) and is another file, because SQLite has one write
        lock for each file: an import that writes the tables for a minute must not stop conversations.
        """
        scheme, _, rest = self.database_url.partition(":///")
        if not scheme.startswith("sqlite") or not rest:
            return f"sqlite:///{self.path('var/sessions.db')}"
        beside = Path(rest.partition("?")[0])
        return f"{scheme}:///{beside.with_name(f'{beside.stem}-sessions.db')}"

    def pem(self, text: str) -> str:
        """A key that is given as PEM or as the path of a PEM file. Raises OSError, UnicodeDecodeError."""
        return text if "-----BEGIN" in text else self.path(text.strip()).read_text("utf-8-sig")

    @property
    def merchant_key(self) -> str:
        """The merchant's private key in PKCS#8. Raises OSError, UnicodeDecodeError, UnusableKey."""
        return private_key_of(self.pem(self.pay.private_key))

    @property
    def platform_key(self) -> str:
        """WeChat Pay's public key. Raises OSError, UnicodeDecodeError, UnusableKey."""
        return public_key_of(self.pem(self.pay.platform_public_key))


def read(config: Path, overrides: dict[str, dict[str, Any]] | None = None) -> Settings:
    """The settings of a file and the environment, with `overrides` above both; raises BadConfiguration."""
    if not config.is_file():
        raise BadConfiguration([f"{config}: there is no such file; copy bot.toml and fill it in"])

    file = _FILE.set(config)
    try:
        settings = Settings(**cast(Any, overrides or {}))
    except ValidationError as error:
        raise BadConfiguration(
            [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)]
        ) from None
    except ValueError as error:  # not TOML
        raise BadConfiguration([f"{config.name}: {error}"]) from None
    finally:
        _FILE.reset(file)
    settings._folder = config.resolve().parent
    return settings


def require_complete(settings: Settings) -> None:
    """Refuse to start on missing or placeholder secrets; raises BadConfiguration naming every key at once."""
    mistakes = [
        *_missing("wechat", settings.wechat, ("app_id", "secret", "token", "encoding_aes_key", "api_base")),
        *_missing(
            "pay",
            settings.pay,
            (
                "mch_id",
                "api_v3_key",
                "serial_no",
                "private_key",
                "platform_public_key",
                "platform_public_key_id",
                "api_base",
            ),
        ),
        *_missing("server", settings.server, ("public_url",)),
    ]
    mistakes += [
        line for line in _malformed(settings) if line.partition(":")[0] not in {m.partition(":")[0] for m in mistakes}
    ]
    if mistakes:
        raise BadConfiguration(mistakes)


def require_safe_address(settings: Settings) -> None:
    """Refuse an unsafe public address before a sandbox writes anything; raises BadConfiguration."""
    if mistakes := _address_mistakes(settings):
        raise BadConfiguration(mistakes)


def _missing(section: str, values: BaseModel, keys: tuple[str, ...]) -> list[str]:
    return [
        f"{section}.{key}: missing or a placeholder; set it in bot.toml or as BOT_{section.upper()}__{key.upper()}"
        for key in keys
        if _is_placeholder(str(getattr(values, key)))
    ]


def _is_placeholder(value: str) -> bool:
    return not value.lstrip().startswith(_PEM) and PLACEHOLDER.search(value) is not None


def _malformed(settings: Settings) -> list[str]:
    mistakes = []
    try:
        if len(base64.b64decode(settings.wechat.encoding_aes_key + "=", validate=True)) != 32:
            raise ValueError
    except (binascii.Error, ValueError):
        mistakes.append("wechat.encoding_aes_key: not the 43 letters of the account's console; no message can be read")
    if len(settings.pay.api_v3_key.encode()) != 32:
        mistakes.append("pay.api_v3_key: must be 32 bytes; no callback could be opened")
    mistakes += _key_mistakes(settings) + _number_mistakes(settings) + _weak_secrets(settings)
    for section, url in (("wechat", settings.wechat.api_base), ("pay", settings.pay.api_base)):
        if not re.fullmatch(r"https?://[^/\s?#]+/?", url):
            mistakes.append(f"{section}.api_base: must be scheme, host and port")
    if not re.fullmatch(r"(?i:https?)://[^\s?#]+", settings.server.public_url):
        mistakes.append("server.public_url: must be an http(s) address; pay links and callbacks are built from it")
    else:
        mistakes += _address_mistakes(settings)
    mistakes += _seal_mistakes(settings)
    mistakes += [
        f"certificate.rare_fonts: there is no file {path}; names that need it could not be printed"
        for path in settings.certificate.rare_fonts
        if path not in USUAL_RARE_FONTS and not settings.path(path).is_file()
    ]
    for key in ("sessions", "queue"):
        value = getattr(settings.storage, key)
        if value != "embedded" and not value.startswith(("redis://", "rediss://", "unix://")):
            mistakes.append(f"storage.{key}: must be embedded or a redis:// URL")
    try:
        settings.zone.key.strip()
    except (ZoneInfoNotFoundError, ValueError):
        mistakes.append("clock.timezone: unknown")
    if not settings.path(settings.storage.field_key).is_file():
        mistakes.append(
            "storage.field_key: the file is missing; without it no name and no ID number can be read. "
            "Make one once and keep a copy of it: head -c 32 /dev/urandom | base64"
        )
    return mistakes


def _key_mistakes(settings: Settings) -> list[str]:
    keys = settings.pay
    mistakes = []
    for key, text, read_key, follows in (
        ("private_key", keys.private_key, private_key_of, "no request could be signed, so nobody could pay"),
        ("platform_public_key", keys.platform_public_key, public_key_of, "no answer could be verified"),
    ):
        try:
            read_key(settings.pem(text))
        except UnusableKey as wrong:
            mistakes.append(f"pay.{key}: {wrong}; {follows}")
        except (OSError, ValueError):
            mistakes.append(f"pay.{key}: neither a PEM text nor a readable file; {follows}")
    for path in keys.platform_certificates:
        try:
            load_pem_x509_certificate(settings.pem(path).encode())
        except (OSError, ValueError):
            mistakes.append(
                f"pay.platform_certificates: {path if 'BEGIN' not in path else 'one text'} is no certificate (PEM); "
                "callbacks signed by it during a change of keys would be refused"
            )
    return mistakes


def _number_mistakes(settings: Settings) -> list[str]:
    pay = settings.pay
    checks = (
        ("wechat.app_id", settings.wechat.app_id, r"wx[0-9a-z]{16}", "wx and 16 letters or figures; no token is given"),
        ("wechat.token", settings.wechat.token, r"[0-9A-Za-z]{3,32}", "3 to 32 letters or figures; no message comes"),
        ("pay.mch_id", pay.mch_id, r"[0-9]{8,10}", "the 8 to 10 figures of 商户号; WeChat Pay refuses every order"),
        ("pay.serial_no", pay.serial_no, r"[0-9A-F]{16,40}", "hexadecimal figures; WeChat Pay refuses every signature"),
        (
            "pay.platform_public_key_id",
            pay.platform_public_key_id,
            r"PUB_KEY_ID_[0-9A-Za-z]+",
            "PUB_KEY_ID_ and its figures; no callback is accepted",
        ),
    )
    return [f"{key}: must be {should_be}" for key, value, shape, should_be in checks if not re.fullmatch(shape, value)]


def _address_mistakes(settings: Settings) -> list[str]:
    """An address of citizens needs TLS; the sandbox, which lets anyone speak for citizens, stays on this machine."""
    address = urlsplit(settings.server.public_url)
    host = address.hostname or ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost" or host.endswith(".localhost")
    if settings.sandbox.enabled and not is_loopback:
        return ["server.public_url: must be a loopback address while sandbox.enabled; others could act as any citizen"]
    if not settings.sandbox.enabled and address.scheme == "http" and not is_loopback:
        return ["server.public_url: must begin with https; pay links and certificates could be read on the way"]
    return []


def _weak_secrets(settings: Settings) -> list[str]:
    """Secrets that can be guessed: of one repeated character, or shorter than what the console gives."""
    secrets = (
        ("wechat.secret", settings.wechat.secret, 16, "others could speak for the account"),
        ("wechat.token", settings.wechat.token, 8, "others could forge citizens' messages"),
        ("wechat.encoding_aes_key", settings.wechat.encoding_aes_key, 43, "others could read and forge messages"),
        ("pay.api_v3_key", settings.pay.api_v3_key, 32, "others could forge payments"),
        ("server.metrics_token", settings.server.metrics_token, 16, "others could read the figures"),
    )
    return [
        f"{key}: too easy to guess, must be at least {least} different enough characters; {follows}"
        for key, value, least, follows in secrets
        if value and (len(value) < least or len(set(value)) < 4)
    ]


def _seal_mistakes(settings: Settings) -> list[str]:
    if not settings.certificate.seal:
        return []
    otherwise = "leave it empty, and certificates are marked 样张"
    now = datetime.now(UTC)
    try:
        seal = Seal.read(settings.path(settings.certificate.seal), settings.certificate.seal_password)
    except BadSeal as wrong:
        return [f"certificate.seal: {wrong}; certificates could not be signed. Mend it, or {otherwise}"]
    if not seal.holds(now):
        return [f"certificate.seal: ended on {seal.last_day}; readers would call it invalid. Renew it, or {otherwise}"]
    if not seal.begun(now):
        return [f"certificate.seal: does not hold yet; readers would call it invalid. Wait, or {otherwise}"]
    return []

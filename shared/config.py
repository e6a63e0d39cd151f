"""The one settings model: `ONEWINDOW_*` variables or a TOML file; a wrong one stops the start by name."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from shared.clock import parse_clock
from shared.complaints import sentence
from shared.errors import Misconfigured

PREFIX = "ONEWINDOW_"
CONFIG = f"{PREFIX}CONFIG"
DATABASE_URL = f"{PREFIX}DATABASE_URL"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseSettings):
    """Every setting, its default and its meaning (`onewindow settings` prints them)."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="监听地址 / address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="端口 / port to listen on")
    data: Path = Field(Path("var"), description="数据文件夹 / folder of the embedded database and files")
    database_url: str | None = Field(None, description="使用已有 PostgreSQL / use this PostgreSQL server instead")
    database_urls: dict[str, str] = Field(
        default_factory=dict,
        description="某个服务自己的数据库 / a service's own database",
    )
    bus: str = Field("embedded", description="embedded 或 kafka://host:port,… / the event bus")
    bus_user: str | None = Field(None, description="Kafka 账号 / account at Kafka (SCRAM-SHA-512)")
    bus_password: SecretStr | None = Field(None, description="Kafka 密码 / its password")
    bus_ca: Path | None = Field(None, description="Kafka 证书的 CA,给出即用 TLS / CA of Kafka's certificates: use TLS")
    keys: Path | None = Field(None, description="密钥文件夹,默认 DATA/keys / folder of keys, made at first start")
    files: Path | None = Field(None, description="文件存放处,默认 DATA/files / folder of uploaded files, sealed")
    file_bytes: int = Field(
        20 * 1024 * 1024,
        ge=1024 * 1024,
        le=200 * 1024 * 1024,
        description="单个文件上限(字节)/ bytes of one file at most",
    )
    scanner: str = Field(
        "", description="查毒:none 或 simulated,默认演示为 simulated、否则 none(标记未查毒)/ who looks for viruses"
    )
    catalog: str = Field("", description="另加的目录文件夹(用冒号分隔)/ further catalogue folders, colon separated")
    calendar: Path | None = Field(
        None,
        description="本地工作日覆盖表(YAML:days: {日期: working 或 rest},如地方节日、临时停办公)/ local days that are worked or not",
    )
    demo: bool = Field(default=False, description="演示模式 / demonstration accounts, people and simulated sources")
    messenger: str = Field("", description="短信等通知的提供方,写作 module:name / provider of messages to people")
    seal: str = Field("", description="电子印章的提供方,写作 module:name / provider of seals under papers")
    oidc_issuer: str | None = Field(None, description="外部身份提供方 / OIDC issuer whose tokens are accepted too")
    oidc_audience: str | None = Field(
        None, validate_default=True, description="其令牌须写明的受众 / audience that its tokens must name"
    )
    oidc_clients: str = Field(
        "", description="可取得令牌的客户端(azp,逗号分隔),默认同受众 / clients that may hold them, comma separated"
    )
    oidc_account_claim: str | None = Field(
        None, description="与账号同名的声明,首次登录即绑定 / claim that names our account, bound at first use"
    )
    oidc_identity_claim: str | None = Field(
        None, description="提供方已核验的身份证号声明(公民) / claim with a citizen's verified identity number"
    )
    auth_url: str | None = Field(
        None, description="access 服务的地址,供分开运行的进程 / where /api/auth answers, for processes apart from it"
    )
    clock: str = Field("system", description="system、fixed:ISO、virtual:ISO[@speed] / business time")
    log_level: str = Field("WARNING", description="日志级别 / DEBUG, INFO, WARNING or ERROR")
    nice: int = Field(
        0, ge=0, le=19, description="本进程让着本机其他进程的程度 / how far this process stands back behind others here"
    )
    pool_size: int = Field(10, ge=2, le=200, description="数据库连接数 / connections of the pool")
    failpoints: str = Field("", description="故障注入点(仅测试)/ failpoints, for tests only: name=action,…")

    @field_validator("clock")
    @classmethod
    def _clock_is_known(cls, value: str) -> str:
        try:
            parse_clock(value)
        except Misconfigured as cause:
            zh, en = (said.partition(": ")[2] for said in (cause.detail_zh, cause.detail_en))
            raise ValueError(f"{zh} / {en}") from cause
        return value

    @field_validator("database_url")
    @classmethod
    def _database_is_postgres(cls, value: str | None) -> str | None:
        return value if value is None else _postgres(DATABASE_URL, value)

    @field_validator("database_urls")
    @classmethod
    def _databases_are_postgres(cls, value: dict[str, str]) -> dict[str, str]:
        return {name: _postgres(f"{DATABASE_URL}_{name.upper()}", url) for name, url in value.items()}

    @model_validator(mode="after")
    def _demonstration_stays_at_home(self) -> Self:
        """Its accounts have a public password."""
        if self.demo and self.host not in LOOPBACK:
            raise _wrong(
                f"{PREFIX}HOST",
                "演示模式只在本机监听,请用 127.0.0.1,或加 --no-demo",
                "a demonstration listens on loopback only: take 127.0.0.1, or --no-demo",
            )
        return self

    @model_validator(mode="after")
    def _nobody_pretends_to_scan(self) -> Self:
        """The simulator knows one test string: outside a demonstration it would call a virus clean."""
        if self.scanner == "simulated" and not self.demo:
            raise _wrong(
                f"{PREFIX}SCANNER",
                "simulated 只用于演示,请用 none",
                "the simulated scanner is for the demonstration only: take none",
            )
        return self

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer_is_reached_safely(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "")
        if value is None or parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
            return value
        raise ValueError("应为 https:// 地址 / must be an https:// address")

    @field_validator("oidc_audience")
    @classmethod
    def _audience_is_named(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Without one, a token that was made for another system would hold here."""
        if info.data.get("oidc_issuer") is not None and not value:
            raise ValueError("设置 OIDC_ISSUER 时须写明 / needed with OIDC_ISSUER")
        return value

    @property
    def oidc_client_set(self) -> frozenset[str]:
        """The clients that may hold the issuer's tokens."""
        given = {client.strip() for client in self.oidc_clients.split(",") if client.strip()}
        return frozenset(given or {self.oidc_audience or ""})

    @field_validator("bus")
    @classmethod
    def _bus_is_known(cls, value: str) -> str:
        if value == "embedded" or value.startswith("kafka://"):
            return value
        raise ValueError("应为 embedded 或 kafka://host:port,… / must be embedded or kafka://host:port,…")

    @field_validator("scanner")
    @classmethod
    def _scanner_is_known(cls, value: str) -> str:
        if value in {"", "none", "simulated"}:
            return value
        raise ValueError("应为 none 或 simulated / must be none or simulated")

    @field_validator("log_level")
    @classmethod
    def _level_is_known(cls, value: str) -> str:
        if value.upper() in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            return value.upper()
        raise ValueError("应为 DEBUG、INFO、WARNING 或 ERROR / must be DEBUG, INFO, WARNING or ERROR")

    @property
    def key_folder(self) -> Path:
        """Where the keys lie."""
        return self.keys or self.data / "keys"

    @property
    def file_folder(self) -> Path:
        """Where uploaded files lie."""
        return self.files or self.data / "files"

    @property
    def scans_by_simulation(self) -> bool:
        """Whether the simulator looks for viruses."""
        return self.scanner == "simulated" or (self.demo and not self.scanner)

    @property
    def catalog_folders(self) -> list[Path]:
        """Catalogue folders beside the project's own."""
        return [Path(p) for p in self.catalog.split(":") if p]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line first, then the environment, then the TOML file that `ONEWINDOW_CONFIG` names."""
        path = os.environ.get(f"{PREFIX}CONFIG")
        toml = (TomlConfigSettingsSource(settings_cls, Path(path)),) if path else ()
        own = (OwnDatabases(settings_cls, os.environ), *(OwnDatabases(settings_cls, t.toml_data) for t in toml))
        return (init_settings, env_settings, *own, *toml)


class OwnDatabases(PydanticBaseSettingsSource):
    """`DATABASE_URL_<SERVICE>` of the environment, or `database_url_<service>` of the file, as one field."""

    def __init__(self, settings_cls: type[BaseSettings], given: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        names = {name: name.upper().removeprefix(PREFIX) for name in given}
        mark = f"{DATABASE_URL}_".removeprefix(PREFIX)
        self._urls = {n.removeprefix(mark).lower(): given[name] for name, n in names.items() if n.startswith(mark)}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Nothing a field by itself."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The one field, if any service has a database of its own."""
        return {"database_urls": self._urls} if self._urls else {}


def load_settings(**overrides: Any) -> Settings:
    """The settings in force; raises `Misconfigured` naming the wrong one and what would be right."""
    _no_unknown_names()
    _no_unknown_in_file()
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})
    except ValidationError as cause:
        told = [_told(error) for error in cause.errors(include_url=False, include_input=False)]
        names, zh, en = ([part[n] for part in told] for n in range(3))
        raise Misconfigured(", ".join(names), ";".join(zh), "; ".join(en)) from cause


def _postgres(setting: str, url: str) -> str:
    if url.startswith(("postgresql://", "postgres://")):
        return url
    raise _wrong(setting, "应为 postgresql://… 地址", "must be an address that begins with postgresql://")


def _wrong(setting: str, zh: str, en: str) -> PydanticCustomError:
    """What is wrong with a setting that is not the field under validation, or not that alone."""
    return PydanticCustomError("setting", "{zh} / {en}", {"name": setting, "zh": zh, "en": en})


def _told(error: Mapping[str, Any]) -> tuple[str, str, str]:
    """The setting's name, and what would be right in either language."""
    if error["type"] == "setting":
        ctx = error["ctx"]
        return ctx["name"], ctx["zh"], ctx["en"]
    zh, _, en = sentence(error).partition(" / ")
    return f"{PREFIX}{'_'.join(map(str, error['loc'])).upper()}", zh, en or zh


def _no_unknown_names() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {f"{PREFIX}{n}" for n in OUTSIDE}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known and not name.startswith(f"{DATABASE_URL}_"):
            raise Misconfigured(name, "没有这个设置,见 onewindow settings", "no such setting, see `onewindow settings`")


def _no_unknown_in_file() -> None:
    """The file must be there, be TOML, and hold settings alone."""
    path = os.environ.get(CONFIG)
    if not path:
        return
    try:
        given = tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as cause:
        raise Misconfigured(
            CONFIG, f"读不了 {path}({cause.strerror})", f"cannot read {path} ({cause.strerror})"
        ) from cause
    except ValueError as cause:
        raise Misconfigured(CONFIG, f"{path} 不是有效的 TOML:{cause}", f"{path} is not valid TOML: {cause}") from cause
    for name in given:
        if name not in Settings.model_fields and not name.startswith("database_url_"):
            raise Misconfigured(
                CONFIG,
                f"{path} 中的 {name} 不是设置;文件中用小写、不带前缀,如 port",
                f"{path}: {name} is no setting; in a file names are small and without the prefix, as port",
            )


OUTSIDE = ("CONFIG", "URL", "TOKEN", "TEST_STRICT", "ROUNDS", "SEED")
"""Names under the prefix that are not the platform's own settings: the client's and the tests'."""

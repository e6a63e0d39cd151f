"""The one settings model: `ONEWINDOW_*` variables or a TOML file; a wrong one stops the start by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from shared.clock import parse_clock
from shared.errors import Misconfigured

PREFIX = "ONEWINDOW_"
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
        description="某个服务自己的数据库,写作 DATABASE_URL_<SERVICE> / a service's own database",
    )
    bus: str = Field("embedded", description="embedded 或 kafka://host:port,… / the event bus")
    bus_user: str | None = Field(None, description="Kafka 账号 / account at Kafka (SCRAM-SHA-512)")
    bus_password: SecretStr | None = Field(None, description="Kafka 密码 / its password")
    bus_ca: Path | None = Field(None, description="Kafka 证书的 CA,给出即用 TLS / CA of Kafka's certificates: use TLS")
    keys: Path | None = Field(None, description="密钥文件夹,默认 DATA/keys / folder of keys, made at first start")
    files: Path | None = Field(None, description="文件存放处 / where files lie")
    catalog: str = Field("", description="另加的目录文件夹(用冒号分隔)/ further catalogue folders, colon separated")
    demo: bool = Field(default=False, description="演示模式 / demonstration accounts, people and simulated sources")
    messenger: str = Field("", description="短信等通知的提供方,写作 module:name / provider of messages to people")
    seal: str = Field("", description="电子印章的提供方,写作 module:name / provider of seals under papers")
    oidc_issuer: str | None = Field(None, description="外部身份提供方 / OIDC issuer")
    clock: str = Field("system", description="system、fixed:ISO、virtual:ISO[@speed] / business time")
    log_level: str = Field("WARNING", description="日志级别 / DEBUG, INFO, WARNING or ERROR")
    pool_size: int = Field(10, ge=2, le=200, description="数据库连接数 / connections of the pool")
    failpoints: str = Field("", description="故障注入点(仅测试)/ failpoints, for tests only: name=action,…")

    @field_validator("clock")
    @classmethod
    def _clock_is_known(cls, value: str) -> str:
        try:
            parse_clock(value)
        except Misconfigured as cause:
            raise ValueError(cause.detail_en) from cause
        return value

    @model_validator(mode="after")
    def _demonstration_stays_at_home(self) -> Self:
        """Its accounts have a public password."""
        if self.demo and self.host not in LOOPBACK:
            raise ValueError(
                "演示模式只在本机监听,请用 127.0.0.1 或 --no-demo / a demonstration listens on loopback only"
            )
        return self

    @field_validator("bus")
    @classmethod
    def _bus_is_known(cls, value: str) -> str:
        if value == "embedded" or value.startswith("kafka://"):
            return value
        raise ValueError("应为 embedded 或 kafka://host:port,… / must be embedded or kafka://host:port,…")

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
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})
    except ValidationError as cause:
        names = [f"{PREFIX}{'_'.join(map(str, e['loc'])).upper() or 'HOST'}" for e in cause.errors()]
        said = "; ".join(str(e["msg"]) for e in cause.errors())
        raise Misconfigured(", ".join(names), f"设置有误:{said}", f"wrong setting: {said}") from cause


def _no_unknown_names() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {f"{PREFIX}{n}" for n in OUTSIDE}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known and not name.startswith(f"{DATABASE_URL}_"):
            raise Misconfigured(name, "没有这个设置,见 onewindow settings", "no such setting, see `onewindow settings`")


OUTSIDE = ("CONFIG", "URL", "TOKEN", "TEST_STRICT", "ROUNDS", "SEED")
"""Names under the prefix that are not the platform's own settings: the client's and the tests'."""

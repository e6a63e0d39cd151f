"""What is wrong with a command line, in Chinese and English: the library that reads it speaks English alone."""

from __future__ import annotations

import re
from typing import Final

import typer

from shared.errors import OneWindowError

_SAID: Final = (
    (re.compile(r"No such command '(.+?)'\.(?: Did you mean (.+)\?)?"), "没有命令 {0}", ",是否要用 {1}"),
    (re.compile(r"No such option: (\S+)(?: \(Possible options: (.+)\))?"), "没有选项 {0}", ",是否要用 {1}"),
    (re.compile(r"Missing command"), "请写明子命令", ""),
    (re.compile(r"Missing argument '(.+?)'"), "缺少参数 {0}", ""),
    (re.compile(r"Missing option '(.+?)'"), "缺少选项 {0}", ""),
    (re.compile(r"Missing parameter:? '?(.+?)'?$"), "缺少参数 {0}", ""),
    (re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)"), "多出的参数:{0}", ""),
    (re.compile(r"Option '(.+?)' requires"), "选项 {0} 后须有取值", ""),
    (re.compile(r"Option '(.+?)' does not take a value"), "选项 {0} 不带取值", ""),
    (re.compile(r"Argument '(.+?)' takes (\d+) values"), "参数 {0} 须有", " {1} 个取值"),
    (re.compile(r"Invalid value for '(.+?)': Input should be a valid integer"), "{0} 应为整数", ""),
    (re.compile(r"Invalid value for '(.+?)'"), "{0} 的取值不对", ""),
)
"""What the library says, and the same in Chinese; the second part where it names what may have been meant."""


def usage_error(cause: typer.TyperException) -> OneWindowError:
    """The same in both languages, with where to look."""
    said = cause.format_message()
    where = getattr(getattr(cause, "ctx", None), "command_path", "onewindow")
    return OneWindowError(f"{_in_chinese(said)};用法见 {where} --help", f"{said.rstrip('.')}; see `{where} --help`")


def _in_chinese(said: str) -> str:
    for pattern, zh, meant in _SAID:
        if match := pattern.match(said):
            return (zh + (meant if match.groups() and match[match.re.groups] and meant else "")).format(*match.groups())
    return "命令用法不对"


def is_help(cause: typer.TyperException) -> bool:
    """Whether nothing was asked for: what is said is the help itself."""
    return cause.format_message().startswith("Usage:")

"""What `onewindow demo` and `onewindow up --first-family` run."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from demo import story_bereavement, story_household
from demo.client import Client, Problem
from demo.passing import passing_platform
from demo.screen import Screen
from demo.welcome import welcome
from shared.config import PREFIX
from shared.errors import Misconfigured, OneWindowError

if TYPE_CHECKING:
    from shared.config import Settings

STORIES: Mapping[str, Callable[[Client, Screen, int], bool]] = {
    "bereavement": story_bereavement.play,
    "household": story_household.play,
}
MOST = 1_000_000


def target(settings: Settings) -> tuple[str, str | None]:
    """Where the platform is expected, and the token to use: `ONEWINDOW_URL`, `ONEWINDOW_TOKEN`."""
    url = os.environ.get(f"{PREFIX}URL") or f"http://{settings.host}:{settings.port}"
    return url, os.environ.get(f"{PREFIX}TOKEN") or None


def run(story: str | None, seed: int | None, url: str, token: str | None) -> int:
    """Plays a story (the first by default) on the platform at `url`, or on one started for it; 0 when it ended well, else 1.

    `Misconfigured` for a story that does not exist.
    """
    story = story or next(iter(STORIES))
    if story not in STORIES:
        known = "、".join(STORIES)
        raise Misconfigured("--story", f"没有这个故事,可用:{known}", f"no such story; there are: {', '.join(STORIES)}")
    screen = Screen()
    chosen = seed if seed is not None else secrets.randbelow(MOST)
    screen.say(f"家庭编号 --seed {chosen}(同样的数字,同样的一家人 / the same family again)")
    with Client(url, token) as client:
        if client.alive():
            return _play(client, screen, story, chosen)
    screen.say(
        f"{url} 没有应答,在临时文件夹里启动一个平台 …", f"{url} does not answer: starting one, to be removed after"
    )
    with passing_platform() as at, Client(at) as client:
        return _play(client, screen, story, chosen)


def first_family(url: str) -> int:
    """One invented family handled live, then the addresses and accounts; 0 when it ended well."""
    screen = Screen()
    with Client(url) as client:
        code = _play(client, screen, "bereavement", secrets.randbelow(MOST))
    welcome(url, screen)
    return code


def _play(client: Client, screen: Screen, story: str, seed: int) -> int:
    try:
        screen.matters = _matters(client)
        ended_well = STORIES[story](client, screen, seed)
    except Problem as refusal:
        screen.say(f"✗ {refusal.detail_zh}")
        if refusal.code == "DUPLICATE_APPLICATION":
            screen.say("这一家已经办过,请换一个 --seed", "this family has been handled: take another --seed")
        return 1
    except OneWindowError as cause:
        screen.say(f"✗ {cause.detail_zh}", cause.detail_en)
        return 1
    if not ended_well:
        screen.say("✗ 有事项没有办成", "some item did not end well")
    return 0 if ended_well else 1


def _matters(client: Client) -> dict[str, str]:
    """The names of all matters by code, those of a bundle in its order first."""
    listing = client.get("/api/catalogue")
    names = {m["code"]: m["name"] for m in listing["matters"]}
    bundled = [code for bundle in listing["bundles"] for code in bundle["matters"]]
    return {code: names[code] for code in (*bundled, *names)}

"""`/docs`: the OpenAPI document as a page that loads nothing but this platform's own: its network may have no other.

Whoever opens the platform's bare address in a browser is led there, until it has pages for people.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

PATH: Final = "/docs"
_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b1b1b;background:#fff}
h2{margin-top:2rem;border-bottom:1px solid #bbb}details{border:1px solid #ddd;border-radius:4px;margin:.4rem 0}
summary{padding:.5rem;cursor:pointer;overflow-wrap:anywhere}summary b{display:inline-block;min-width:4.5rem}
.inside{padding:0 1rem 1rem}pre{background:#f5f5f5;padding:.7rem;overflow:auto;font-size:13px}
"""
_SCRIPT: Final = """
const put=(to,tag,text)=>{const e=document.createElement(tag);if(text)e.textContent=text;to.append(e);return e};
const json=(to,value)=>put(to,'pre',JSON.stringify(value,null,2));
const show=(api)=>{
  const main=document.querySelector('main');main.replaceChildren();
  put(main,'h1',api.info.title+' '+api.info.version);
  for(const said of (api.info.description||'').split('\\n\\n'))put(main,'p',said);
  const groups=new Map();
  for(const [path,item] of Object.entries(api.paths))for(const [method,call] of Object.entries(item)){
    const tag=(call.tags||['-'])[0];if(!groups.has(tag))groups.set(tag,[]);groups.get(tag).push([method,path,call]);
  }
  for(const [tag,calls] of groups){
    put(main,'h2',tag);
    for(const [method,path,call] of calls){
      const box=put(main,'details'),head=put(box,'summary');
      put(head,'b',method.toUpperCase());head.append(' '+path);
      box.addEventListener('toggle',()=>{
        if(box.querySelector('.inside'))return;
        const inside=put(box,'div');inside.className='inside';
        put(inside,'p',call.description||call.summary);
        for(const name of ['parameters','requestBody','responses'])if(call[name]){put(inside,'h4',name);json(inside,call[name])}
      });
    }
  }
  put(main,'h2','schemas');
  for(const [name,schema] of Object.entries((api.components||{}).schemas||{})){
    const box=put(main,'details');put(box,'summary',name);
    const inside=put(box,'div');inside.className='inside';json(inside,schema);
  }
};
fetch('/openapi.json').then((answer)=>answer.json()).then(show);
"""
_PAGE: Final = f"""<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>OneWindow 一窗通 · API</title>
<style>{_STYLE}</style>
</head>
<body>
<main><p>正在读取 / reading <a href="/openapi.json">/openapi.json</a> …</p></main>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def install(app: FastAPI) -> None:
    """Puts our page where the framework's own stands, which would be fetched from hosts outside."""
    routes = app.router.routes
    routes[:] = [r for r in routes if not str(getattr(r, "path", "")).startswith(PATH)]
    policy = _policy()

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(_PAGE, headers={"content-security-policy": policy})

    async def front(_: Request) -> RedirectResponse:
        return RedirectResponse(PATH)

    app.add_route(PATH, page, include_in_schema=False)
    app.add_route("/", front, include_in_schema=False)


def _policy() -> str:
    """Nothing from outside, and of what stands in the page only these two texts."""
    script, style = (b64encode(sha256(text.encode()).digest()).decode() for text in (_SCRIPT, _STYLE))
    return (
        f"default-src 'none'; connect-src 'self'; script-src 'sha256-{script}'; style-src 'sha256-{style}';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

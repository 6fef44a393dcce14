"""What a page must be for every eye, hand and ear: measured in the browser, as it stands there.

Each `…(page)` returns what is wrong, a list of plain values that is empty where all is well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text("utf-8")
FOLDED = {"width": 320, "height": 640}
"""A small telephone, and a desk's screen of 1280 pixels at 400 % (WCAG 1.4.10)."""
DESK = {"width": 1280, "height": 900}

MORE_RULES = ("target-size", "table-fake-caption", "td-has-header")
"""Rules that axe leaves off: one of WCAG 2.2 and two that are young. Its best practices are on by themselves.
`p-as-heading` stays off: it takes a telephone number in bold for a heading."""
_RUN = """([more, colours]) => axe.run({resultTypes: ['violations'], rules: {'color-contrast': {enabled: colours},
    ...Object.fromEntries(more.map(id => [id, {enabled: true}]))}})
  .then(found => found.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 160)]))"""
_COLOURS = """() => axe.run({resultTypes: ['violations'], runOnly: {type: 'rule', values: ['color-contrast']}})
  .then(found => found.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 160)]))"""

_TOOLS = """() => { window.looks = (() => {
  const told = e => e.outerHTML.replace(/\\s+/g, ' ').slice(0, 110);
  const readers = '.vh, .skip, .steps li > *, option, script, style, noscript';
  const seen = e => e.checkVisibility({visibilityProperty: true}) && e.getBoundingClientRect().width > 1;
  const hidden = e => { const at = e.closest(readers); return at !== null && at.getBoundingClientRect().width <= 1
    || e.closest('.skip, option, script, style, noscript') !== null; };
  // A line of text by the size of its letters: what a font leaves free above and below them may lie over others.
  const lines = (node, size) => { const range = document.createRange(); range.selectNodeContents(node);
    return [...range.getClientRects()].filter(r => r.width > 1).map(r => {
      const middle = (r.top + r.bottom) / 2;
      return {left: r.left, right: r.right, top: middle - size / 2, bottom: middle + size / 2}; }); };
  const texts = () => { const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (walker.nextNode()) { const node = walker.currentNode, e = node.parentElement;
      if (!node.data.trim() || !seen(e) || hidden(e)) continue;
      const size = parseFloat(getComputedStyle(e).fontSize) * 0.9;
      for (const line of lines(node, size)) found.push({e, ...line}); }
    return found; };
  const boxes = () => [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
    .filter(e => seen(e) && !hidden(e)).map(e => ({e, ...e.getBoundingClientRect().toJSON()}));
  const wide = () => (document.documentElement.scrollWidth > innerWidth ? ['the page'] : []).concat(
    [...document.body.querySelectorAll('*')].filter(e => { const r = e.getBoundingClientRect();
      return r.width > 1 && r.height > 1 && (r.left < -1 || r.right > innerWidth + 1)
        && !e.matches('.skip, option') && !hidden(e); }).map(told));
  // A full-width blank at the end of a line hangs over its edge; nothing of it is seen.
  const hangs = e => /\u3000/.test(e.textContent) ? parseFloat(getComputedStyle(e).fontSize) + 1 : 0;
  const cut = () => texts().filter(({e, left, right, top, bottom}) => {
    const more = 1 + hangs(e);
    for (let at = e; at && at !== document.body; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.display === 'inline') continue;
      const r = at.getBoundingClientRect();
      const framed = style.overflow !== 'visible' || style.borderTopWidth !== '0px' || at.matches('button, a');
      const outside = left < r.left - 1 || right > r.right + more || top < r.top - 1 || bottom > r.bottom + 1;
      if (framed && outside) return true;
    } return false; }).map(({e}) => told(e))
    .concat(boxes().filter(({e}) => e.matches('select, [type=file]') && e.scrollWidth > e.clientWidth + 1
      || e.matches('input:not([type=checkbox], [type=radio])')
        && parseFloat(getComputedStyle(e).fontSize) > e.clientHeight).map(({e}) => told(e)));
  const over = () => { const all = [...texts(), ...boxes()].sort((a, b) => a.top - b.top), found = [];
    all.forEach((a, i) => { for (const b of all.slice(i + 1)) {
      if (b.top > a.bottom) break;
      if (a.e === b.e || a.e.contains(b.e) && a.e.matches('select')) continue;
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left), y = Math.min(a.bottom, b.bottom) - b.top;
      if (x > 2 && y > 2) found.push(told(a.e) + ' || ' + told(b.e)); } });
    return found; };
  // What is read next stands lower, or beside to the right; up again only in another column.
  const order = () => { const places = [...document.body.querySelectorAll('*')].filter(e => seen(e) && !hidden(e)
      && (e.matches('input:not([type=hidden], [type=radio], [type=checkbox]), select, textarea')
        || [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())))
      .map(e => ({e, ...e.getBoundingClientRect().toJSON()}));
    return places.slice(1).flatMap((b, i) => { const a = places[i];
      const back = b.bottom <= a.top + 1 && b.left < a.right - 1 && b.right > a.left + 1;
      let both = a.e; while (!both.contains(b.e)) both = both.parentElement;
      const shared = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      const left = b.right <= a.left + 1 && shared > Math.min(a.height, b.height) / 2
        && getComputedStyle(both).display !== 'grid';
      return back || left ? [told(a.e) + ' -> ' + told(b.e)] : []; }); };
  const hit = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
  const small = least => [...document.querySelectorAll(hit)]
    .filter(e => e.checkVisibility() && !e.closest('.vh, .skip') && !e.matches('.vh'))
    .filter(e => !(e.matches('a') && getComputedStyle(e).display === 'inline'))
    .map(e => [(e.closest('.choice') ?? e).getBoundingClientRect(), e])
    .filter(([r]) => r.width > 1 && (r.height < least || r.width < 24)).map(([, e]) => told(e));
  return {wide, cut, over, order, small};
})(); }"""

_SPACED = """() => { const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
      word-spacing: 0.16em !important }
    p { margin-bottom: 2em !important }`);
  document.adoptedStyleSheets = [sheet]; }"""
_LARGE = """() => { const sheet = new CSSStyleSheet(); sheet.replaceSync('html { font-size: 200% !important }');
  document.adoptedStyleSheets = [sheet]; }"""
_PLAIN = "() => { document.adoptedStyleSheets = []; }"


def axe(page: Page, *, colours: bool = True) -> list[Any]:
    """All that axe finds: WCAG A and AA, best practices, and the rules above. Looking at the colours takes half of the
    time, and they are the same on all pages of a kind."""
    _with_axe(page)
    return list(page.evaluate(_RUN, [MORE_RULES, colours]))


def contrast(page: Page) -> list[Any]:
    """What of it depends on the colours alone."""
    _with_axe(page)
    return list(page.evaluate(_COLOURS))


def _with_axe(page: Page) -> None:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)


def measured(page: Page, *names: str) -> list[str]:
    """Of 'wide' (runs off the screen), 'cut' (text outside its frame), 'over' (text on text or on a control) and
    'order' (what is read next stands before): what is there."""
    _with_tools(page)
    found = _measured(page, names)
    if found:  # a page may still be settling after its size changed; what is wrong with it stays
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found = _measured(page, names)
    return found


def _measured(page: Page, names: tuple[str, ...]) -> list[str]:
    return list(page.evaluate("names => names.flatMap(n => window.looks[n]().map(each => n + ': ' + each))", names))


def small(page: Page, least: int) -> list[str]:
    """Targets lower than `least` pixels or narrower than 24 (WCAG 2.5.8). Links in a line of text are excepted, a
    choice is hit by its label, and what is one pixel wide is for readers and shows itself to the keyboard."""
    _with_tools(page)
    return list(page.evaluate("least => window.looks.small(least)", least))


def _with_tools(page: Page) -> None:
    if not page.evaluate("() => 'looks' in window"):
        page.evaluate(_TOOLS)


LAYOUT = ("wide", "cut", "over")


@contextmanager
def spaced(page: Page) -> Iterator[None]:
    """With the spacing of text that a reader may ask for (WCAG 1.4.12)."""
    page.evaluate(_SPACED)
    try:
        yield
    finally:
        page.evaluate(_PLAIN)


@contextmanager
def large(page: Page) -> Iterator[None]:
    """With letters twice as large and nothing else (WCAG 1.4.4)."""
    page.evaluate(_LARGE)
    try:
        yield
    finally:
        page.evaluate(_PLAIN)


@contextmanager
def forced_colours(page: Page) -> Iterator[None]:
    """With the few colours that somebody has chosen for all sites."""
    page.emulate_media(forced_colors="active")
    try:
        yield
    finally:
        page.emulate_media(forced_colors="none")


@contextmanager
def at(page: Page, size: dict[str, int]) -> Iterator[None]:
    before = page.viewport_size
    page.set_viewport_size(size)  # type: ignore[arg-type]  # a dict is a ViewportSize
    try:
        yield
    finally:
        page.set_viewport_size(before)  # type: ignore[arg-type]

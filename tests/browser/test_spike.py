from tests.procedures.conftest import *  # noqa
from tests.browser.visit import Visit
from procedures.library import load_library
import time, cProfile, pstats

def test_it(visit):
    visit.open(f"/procedures/juminhyo-utsushi")
    visit.press("申請を始める")
    visit.type("acting","self")
    r=visit.go("次へ進む"); print(r.status, r.url, r.request.post_data)
    print(visit.path, visit.text()[:300], visit.page.content()[:0])
    def timed(name, f, n=10):
        t=time.time()
        for _ in range(n): f()
        print(name, round((time.time()-t)/n*1000,1))
    p=visit.page
    timed("names", visit.names)
    c=visit.control("applicant.name.family")
    timed("kind", lambda: c.first.evaluate("e=>e.type"))
    timed("fill", lambda: c.fill("x"))
    timed("blur", lambda: c.evaluate("e=>e.blur()"))
    timed("settle", visit.settle)
    visit.go("前へ戻る")
    def pick():
        visit._pick("acting","proxy"); visit._pick("acting","self")
    timed("pick2", pick)
    i=p.locator('label[for="f-acting-2"]'); j=p.locator('label[for="f-acting"]')
    def pick():
        i.click(); visit.settle(); j.click(); visit.settle()
    timed("click2", pick)
    timed("press", lambda: visit.page.get_by_role("button", name="次へ進む").count())

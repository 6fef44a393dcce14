from tests.procedures.conftest import *  # noqa
from tests.browser.visit import Visit
from procedures.library import load_library
import time,pytest

@pytest.mark.parametrize("script",[True,False])
def test_it(browse,script):
    lib = load_library()
    visit=browse(script=script)
    for slug, n in (("juminhyo-utsushi",1),("inu-toroku",1),("jido-teate-nintei-seikyu",1)):
        t=time.time()
        d = next(d for d in lib.declarations.values() if d.slug==slug)
        case=[c for c in d.cases if "errors" not in c["expect"]][n]
        visit.open(f"/procedures/{slug}")
        visit.go("申請を始める")
        visit.fill(case["answers"], case.get("attachments"))
        print(slug, visit.path, time.time()-t)

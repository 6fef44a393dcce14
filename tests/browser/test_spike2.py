import time
from procedures.library import load_library
def test_it(visit):
    d = next(d for d in load_library().declarations.values() if d.slug=="jido-teate-nintei-seikyu")
    case=[c for c in d.cases if "errors" not in c["expect"]][1]
    visit.open(f"/procedures/{d.slug}")
    visit.go("申請を始める")
    visit.fill(case["answers"], case.get("attachments"))

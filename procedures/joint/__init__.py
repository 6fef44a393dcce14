"""One interview for several applications; see `turns`. Pure. This is the whole door."""

from procedures.joint.bringing import Filled, brought, taken_in
from procedures.joint.facts import APPLICANT, KINS, Key
from procedures.joint.known import FAMILY, Fact, State
from procedures.joint.places import Place
from procedures.joint.saying import Answer, Same, apply, guided, pointer, told
from procedures.joint.turns import Ask, Joint, Query, Saved, Turn

__all__ = [
    "APPLICANT",
    "FAMILY",
    "KINS",
    "Answer",
    "Ask",
    "Fact",
    "Filled",
    "Joint",
    "Key",
    "Place",
    "Query",
    "Same",
    "Saved",
    "State",
    "Turn",
    "apply",
    "brought",
    "guided",
    "pointer",
    "taken_in",
    "told",
]

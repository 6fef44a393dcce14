"""A family that moves in: a husband, who comes to the counter, his wife, two children and a dog; seven applications."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

Raw = dict[str, Any]
TODAY: Final = date(2026, 11, 20)


def _name(given: str, kana: str) -> Raw:
    return {"family": "見本", "given": given, "family_kana": "ミホン", "given_kana": kana}


TARO, HANAKO, UMI, SORA = _name("太郎", "タロウ"), _name("花子", "ハナコ"), _name("海", "ウミ"), _name("空", "ソラ")
NEW: Final[Raw] = {
    "postal_code": "037-0001",
    "prefecture": "02",
    "city": "五所川原市",
    "town": "字見本町",
    "street": "41-1",
    "building": "見本ハイツ101",
}
OLD: Final[Raw] = {
    "postal_code": "030-0801",
    "prefecture": "02",
    "city": "青森市",
    "town": "新町",
    "street": "1-2-3",
    "building": "新町マンション502",
}
NUMBER: Final = "123456789018"
HIMSELF: Final[Raw] = {"name": TARO, "birthdate": "1990-04-01", "phone": "09012345678", "email": "taro@example.jp"}
HERSELF: Final[Raw] = {"name": HANAKO, "birthdate": "1991-05-02"}
ELDER: Final[Raw] = {"name": UMI, "birthdate": "2019-06-03"}
YOUNGER: Final[Raw] = {"name": SORA, "birthdate": "2023-07-04"}
ACCOUNT: Final[Raw] = {
    "institution": "bank",
    "bank_name": "見本銀行",
    "branch_name": "五所川原支店",
    "branch_code": "123",
    "type": "ordinary",
    "number": "1234567",
    "holder_kana": "ミホン　タロウ",
}
WORK: Final[Raw] = {"reason": "work", "work_state": "working", "proof": "later"}
JAPANESE: Final[Raw] = {"nationality": "japanese", "has_card": True}
INSURED: Final[Raw] = {"my_number": NUMBER, "card": "yes", "foreign": False}
MOVED: Final = "2026-11-15"
FORMER: Final = "青森県青森市"

APPLICATIONS: Final[dict[str, Raw]] = {
    "tennyu-yoyaku": {
        "acting": "self",
        "applicant": {**HIMSELF, "address": OLD},
        **JAPANESE,
        "moved_out": "paper",
        "moved": True,
        "moved_on": MOVED,
        "new_address": NEW,
        "dwelling": "rent",
        "previous_head": TARO,
        "household": "new",
        "new_head": TARO,
        "with_family": True,
        "family": [
            {**HERSELF, "relation": "妻", **JAPANESE},
            {**ELDER, "relation": "子", **JAPANESE},
            {**YOUNGER, "relation": "子", **JAPANESE, "has_card": False},
        ],
        "comes": "applicant",
        "visit": "2026-12-02T10:00",
    },
    "kokuho-shutoku": {
        "acting": "self",
        "applicant": {**HIMSELF, "address": NEW, "my_number": NUMBER},
        "reason": "move-in",
        "previous_city": FORMER,
        "acquired_on": MOVED,
        "people": [
            {"name": TARO, "birthdate": "1990-04-01", "relation": "本人", **INSURED},
            {**HERSELF, "relation": "妻", **INSURED},
            {**ELDER, "relation": "子", **INSURED},
            {**YOUNGER, "relation": "子", **INSURED},
        ],
        "send_to": "registered",
    },
    "jido-teate-nintei-seikyu": {
        "acting": "self",
        "applicant": {**HIMSELF, "address": NEW, "my_number": NUMBER},
        "occupation": "self-employed",
        "pension": "national",
        "married": True,
        "spouse": {**HERSELF, "my_number": NUMBER, "living": "together"},
        "reason": "move-in",
        "previous_city": FORMER,
        "eligible_on": "2026-11-14",
        "children": [
            {**ELDER, "relation": "child", "living": "together"},
            {**YOUNGER, "relation": "child", "living": "together"},
        ],
        "has_older": False,
        "public_account": False,
        "account": ACCOUNT,
        "consent": True,
    },
    "kodomo-iryohi-nintei": {
        "acting": "self",
        "applicant": {**HIMSELF, "address": NEW, "my_number": NUMBER},
        "reason": "move-in",
        "previous_city": FORMER,
        "eligible_on": MOVED,
        "children": [{**ELDER, "living": "together"}, {**YOUNGER, "living": "together"}],
        "insurance_state": "applying",
        "insurance_plan": "kokuho",
        "other_aid": False,
        "account": ACCOUNT,
        "receive": "post",
        "consent": True,
    },
    "hoiku-shisetsu-riyo": {
        "acting": "self",
        "applicant": {**HIMSELF, "address": NEW},
        "moving_in": False,
        "child": {**YOUNGER, "sex": "male"},
        "certified": "applying",
        "current_care": "parent",
        "start_on": "2027-04-01",
        "hours": "standard",
        "weekend": False,
        "wishes": [{"facility": "f01"}],
        "if_full": "wait",
        "family": "two",
        "guardians": [
            {
                "relation": "father",
                "is_applicant": True,
                **WORK,
                "work_style": "self-employed",
                "workplace": "見本農園",
                "hours_month": 160,
            },
            {
                "relation": "mother",
                "is_applicant": False,
                **HERSELF,
                "living": "together",
                **WORK,
                "work_style": "part-time",
                "workplace": "見本商店",
                "hours_month": 120,
            },
        ],
        "others_at_home": True,
        "household": [{**ELDER, "relation": "sibling", "daily_life": "小学1年"}],
        "siblings_enrolled": False,
        "siblings_applying": False,
        "concern": False,
        "allergy": False,
        "medical_care": False,
        "emergency": {"name": "見本一郎", "relation": "祖父", "phone": "0173000000"},
        "share_consent": True,
    },
    "suido-kaishi": {
        "acting": "self",
        "user_kind": "person",
        "applicant": {"name": TARO, "phone": "09012345678", "email": "taro@example.jp"},
        "from_city": False,
        "place": NEW,
        "place_kind": "apartment",
        "start_on": MOVED,
        "tap": "yes",
        "use": "home",
        "well": False,
        "payment": "slip",
        "bill_to": "place",
    },
    "inu-henko": {
        "kind": "from-outside",
        "applicant": {**HIMSELF, "address": NEW},
        "changed_on": MOVED,
        "old_address": OLD,
        "old_tag": "have",
        "exchange": "counter",
        "dogs": [
            {
                "name": "ポチ",
                "breed": "柴犬",
                "sex": "male",
                "colour": "茶",
                "birthdate": "2020-01-02",
                "number_known": True,
                "registration_number": "第1234号",
                "microchip": False,
            }
        ],
        "kept_at_home": True,
    },
}
"""What the seven forms say when each is filled by itself, on `TODAY`."""

GUIDE: Final[Raw] = {
    "moved_on": MOVED,
    "from": "japan",
    "children": True,
    "ages": ["preschool", "school"],
    "one_parent": False,
    "nursery": True,
    "insurance": "nhi",
    "care": False,
    "disability": False,
    "things": ["water", "dog"],
}
"""What the family said in the interview of the life event, which brought them to these procedures."""
FAMILY: Final[list[Raw]] = [{"kin": "wife"}, {"kin": "child"}, {"kin": "child"}, {"kin": "dog"}]

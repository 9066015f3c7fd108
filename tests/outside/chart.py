"""Every text of a medical answer: drugs, treatments and check-ups, each with the month and the day it stands under."""
import datetime

# Element: (prefix of its texts, how the list is called, members by element without prefix).
DRUG = {
    "DrugC": "code",
    "DrugN": "name",
    "IngreN": "ingredient",
    "Qua1": "quantity",
    "Unit": "unit",
    "UsageN": "usage",
    "SpInst": "instruction",
    "Times": "times",
}
TREATMENT = {"SinInfCd": "code", "SinInfN": "name"}
RESULT = {
    "ItemCode": "code",
    "ItemName": "name",
    "DataValue": "value",
    "DataValueName": "value_name",
    "Unit": "unit",
}
ITEMS = {
    "DrugInf": ("", "drugs", DRUG),
    "ShDrugInf": ("Sh", "drugs", DRUG),
    "CzDrugInf": ("Cz", "drugs", DRUG),
    "MeTrInf": ("", "treatments", TREATMENT),
    "HealthCheckupResultAndQuestionInfo": ("", "checkups", RESULT),
}
PARTS = {
    "MeTrMonthInf": ("MeTrMonth", "medical"),
    "ShPrMonthInf": ("ShPrMonth", "prescribed"),
    "CzDiMonthInf": ("CzDiMonth", "dispensed"),
}
DAYS = {"DiDateInf": "DiDate", "ShPrDateInf": "ShPrDate", "CzDiDateInf": "CzDiDate"}
CHECKUPS = {"SpecificHealthCheckupInfo": "EffectiveTime"}


def above(element, names):
    """The nearest element of these names that the element stands in."""
    return next((found for found in element.iterancestors() if found.tag in names), None)


def date(text):
    try:
        return datetime.datetime.strptime(text[:8], "%Y%m%d").date().isoformat()
    except ValueError:
        return None


def day(element, names):
    group = above(element, names)
    text = None if group is None else group.findtext(names[group.tag])
    return date(text.strip()) if text else None


def texts(element, prefix, members):
    """The first text of each member; all others in their order, under their own names."""
    known, others = dict.fromkeys(members.values()), []
    for leaf in element.iter():
        text = (leaf.text or "").strip()
        if len(leaf) or not text or above(leaf, ITEMS) is not element:
            continue
        member = members.get(leaf.tag.removeprefix(prefix)) if leaf.tag.startswith(prefix) else None
        if member and known[member] is None:
            known[member] = text
        else:
            others.append({"element": leaf.tag, "text": text})
    return known | ({"others": others} if others else {})


def item(element):
    prefix, kind, members = ITEMS[element.tag]
    said = texts(element, prefix, members)
    if kind == "checkups":
        return kind, {"on": day(element, CHECKUPS)} | said
    group = above(element, PARTS)
    name, part = PARTS.get(None if group is None else group.tag, (None, None))
    text = ((group.findtext(name) if name else None) or "").strip()
    place = {"month": f"{text[:4]}-{text[4:]}" if text else None, "on": day(element, DAYS)}
    if kind == "drugs":
        place["part"] = part
    return kind, place | said


def read(body):
    said = {"drugs": [], "treatments": [], "checkups": []}
    for element in body.iter(*ITEMS):
        # Without texts of its own it says nothing.
        if len(element):
            kind, found = item(element)
            said[kind].append(found)
    return said

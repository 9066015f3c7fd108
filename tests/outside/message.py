"""A second reader of the terminal's messages, in another language on another XML library.

message.py FILE…: one JSON value a line for each file: what kind of message it is and what it says. A ZIP is opened;
what is encrypted in it stays shut, since Python's own library knows no AES.
"""
import json
import pathlib
import re
import sys
import zipfile

from lxml import etree

# The two beside it leave nothing behind in the repository.
sys.dont_write_bytecode = True
import chart
import pdf

NAME = re.compile(r"(OQS|YZK|TKK)(si|mu)([a-z]{3})(0[12])(req|res)_", re.IGNORECASE)
OUTCOME = ("SegmentOfResult", "ProcessingResultStatus", "ResultCode")
REASON = ("ErrorCode", "ProcessingResultCode", "ResultCode")


def parse(data):
    # In the field "Shift_JIS" means Microsoft's flavour, which libxml2 knows by its own name only.
    data = re.sub(rb"""encoding=["']Shift_JIS["']""", b'encoding="CP932"', data, count=1)
    if b"<?xml" not in data[:16]:
        # Without a declaration it is UTF-8, or the same flavour where it can't be.
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            data = data.decode("cp932").encode("utf-8")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True)
    root = etree.fromstring(data, parser)
    assert root.tag == "XmlMsg" and not root.getroottree().docinfo.doctype
    [header], [body] = root.findall("MessageHeader"), root.findall("MessageBody")
    return header, body


def said(element, name):
    """The text of the first `name` below `element`; blank is absent."""
    found = element.find(f".//{name}")
    text = "" if found is None else (found.text or "").strip()
    return text or None


def leaves(element):
    pairs = ((child.tag, (child.text or "").strip(" \t\r\n")) for child in element if len(child) == 0)
    return {tag: text for tag, text in pairs if text}


def request(header, body):
    groups = [{"name": child.tag, "fields": leaves(child)} for child in body if len(child)]
    return {"header": leaves(header), "body": leaves(body), "groups": groups}


def envelope(header, body):
    """How an answer went, without looking into its units."""
    frame = etree.fromstring(etree.tostring(body))
    for unit in frame.xpath("//BulkConfirmUnit | //BulkRegistrationUnit"):
        unit.getparent().remove(unit)
    first = lambda names: next((t for n in names for t in (said(header, n), said(frame, n)) if t), None)
    segment, status = first(["SegmentOfResult"]), first(["ProcessingResultStatus"])
    if segment == "2":
        verdict = "working"
    elif segment == "9" or status == "2" or first(["ResultCode"]) not in (None, "1"):
        verdict = "refused"
    else:
        verdict = "done"
    return {
        "verdict": verdict,
        "code": first(REASON) if verdict == "refused" else None,
        "reception_number": first(["ReceptionNumber"]),
        "executed_at": said(header, "ProcessExecutionTime"),
        "institution_code": said(header, "MedicalInstitutionCode"),
    }


# The terminal's own spelling lacks an "i"; some layouts have it.
SPELLINGS = {"StatusOfInfection": "StatusOfInfecton"}


def texts(element):
    return {SPELLINGS.get(tag, tag): text.strip() for tag, text in leaves(element).items() if text.strip()}


def record(element):
    tickets = element.findall("PublicExpenseResultList/MedicalTicketInfo")
    return {"texts": texts(element), "tickets": [texts(ticket) for ticket in tickets]}


def unit(element):
    echo = element.find("QualificationConfirmSearchInfo")
    return {
        "status": said(element, "ProcessingResultStatus"),
        "validity": said(element, "QualificationValidity"),
        "identifier": None if echo is None else said(echo, "ArbitraryIdentifier"),
        "records": [record(found) for found in element.iter("ResultOfQualificationConfirmation")],
    }


def registration(element):
    info = element.find(".//ReferenceNumberRegistrationInfo")
    return {
        "reference_number": None if info is None else said(info, "ReferenceNumber"),
        "number": None if info is None else said(info, "InsuredIdentificationNumber"),
        "registered": said(element, "ProcessingResultStatus") == "1",
    }


def medical(body):
    told = lambda names: {(e.text or "").strip() for e in body.iter(*names)} - {""}
    months = told(["MeTrMonth", "ShPrMonth", "CzDiMonth"])
    days = {day[:8] for day in told(["EffectiveTime"])}
    said = chart.read(body)
    return {
        "months": sorted(months),
        "drugs": len(said["drugs"]),
        "treatments": len(said["treatments"]),
        "checked_on": sorted(days),
        "results": len(said["checkups"]),
        "chart": said,
    }


def unpacked(path, prefix):
    """The one entry that is the answer; None when it is encrypted."""
    with zipfile.ZipFile(path) as pack:
        own = lambda entry: re.split(r"[/\\]", entry.filename)[-1].lower()
        wanted = [e for e in pack.infolist() if own(e).startswith(prefix.lower()) and own(e).endswith(".xml")]
        assert len(wanted) == 1, wanted
        return None if wanted[0].flag_bits & 1 else pack.read(wanted[0])


def answer(data, system, arity, service):
    header, body = parse(data)
    seen = envelope(header, body)
    if system.upper() != "OQS":
        seen["medical"] = medical(body)
    elif service.lower() == "imm" and arity.lower() == "si":
        seen["registration"] = registration(body)
    elif service.lower() == "imm":
        seen["registrations"] = [registration(e) for e in body.iter("BulkRegistrationUnit")]
    elif arity.lower() == "mu":
        seen["units"] = [unit(e) for e in body.iter("BulkConfirmUnit")]
    else:
        seen["unit"] = unit(body)
    return seen


def message(path):
    # A file of another name is an answer about one person.
    named = NAME.match(path.name) or NAME.match("OQSsiquc01res_")
    system, arity, service, phase, direction = named.groups()
    data = path.read_bytes()
    if data.startswith(b"%PDF-"):
        return {"pdf": pdf.look(data)}
    if data.startswith(b"PK"):
        data = unpacked(path, named.group())
        if data is None:
            return {"encrypted": True}
    if direction.lower() == "req":
        return request(*parse(data))
    return answer(data, system, arity, service)


def main():
    for path in map(pathlib.Path, sys.argv[1:]):
        print(json.dumps({"file": path.name} | message(path), ensure_ascii=False), flush=True)


main()

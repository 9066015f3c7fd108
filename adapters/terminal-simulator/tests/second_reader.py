"""A second reader, in another language on another XML library: prints what an answer file says as JSON."""
import json
import sys

from lxml import etree


def text(element, name):
    found = element.find(name)
    return None if found is None else (found.text or "")


def ticket(element):
    return {child.tag: child.text or "" for child in element}


def record(element):
    numbers = {
        name: text(element, name)
        for name in ("InsurerNumber", "InsuredIdentificationNumber", "PublicExpenseNumber", "BeneficiaryNumber")
        if element.find(name) is not None
    }
    return {
        "classification": text(element, "InsuredCardClassification"),
        "name": text(element, "Name"),
        "birth_date": text(element, "Birthdate"),
        "ended_on": text(element, "DisqualificationDate"),
        "reference_number": text(element, "ReferenceNumber"),
        "numbers": numbers,
        "ticket_list": element.find("PublicExpenseResultList") is not None,
        "tickets": [ticket(child) for child in element.iterfind("PublicExpenseResultList/MedicalTicketInfo")],
    }


def main():
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    document = etree.parse(sys.stdin.buffer, parser)
    root = document.getroot()
    assert root.tag == "XmlMsg" and [child.tag for child in root] == ["MessageHeader", "MessageBody"]
    assert not document.docinfo.doctype and not any(element.attrib for element in root.iter())
    header, body = root
    json.dump(
        {
            "encoding": document.docinfo.encoding,
            "header": {child.tag: child.text or "" for child in header},
            "status": text(body, "ProcessingResultStatus"),
            "validity": text(body, "QualificationValidity"),
            "echo": {child.tag: child.text for child in body.iterfind("QualificationConfirmSearchInfo/*")},
            "order": [child.tag for child in root.iter()],
            "records": [record(child) for child in body.iterfind("ResultList/ResultOfQualificationConfirmation")],
        },
        sys.stdout,
    )


main()

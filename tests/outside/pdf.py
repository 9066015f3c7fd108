"""Whether a PDF is whole, as far as it can be told without drawing it."""
import re

PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
TREE = re.compile(rb"/Type\s*/Pages\b.*?/Count\s+(\d+)", re.DOTALL)
START = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")


def look(data):
    """Begins and ends as a PDF, its table stands where the end says, and it holds the pages that its tree counts."""
    start = START.search(data)
    counted = TREE.search(data)
    return {
        "whole": data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF"),
        "table": start is not None and data[int(start[1]) :].startswith(b"xref"),
        "pages": len(PAGE.findall(data)),
        "counted": None if counted is None else int(counted[1]),
    }

"""What `registers init` writes: a header, a page that says what goes into each column, a part of the configuration."""

from __future__ import annotations

import csv
import inspect
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

from compliance.collectors.registers.cells import form_of
from compliance.schemas.evidence import Evidence

MARK = b"\xef\xbb\xbf"  # tells Excel that what follows is UTF-8


def csv_template(kind: type[Evidence]) -> bytes:
    """A register without entries: the header alone."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(kind.model_fields)
    return MARK + text.getvalue().encode()


_HEAD = """# Registers · Registros

**One file is one register; its first line names the columns and stays as it is.** One entry a line. An empty cell means
"not known": it is never a no. Times: 2026-11-26, or 2026-11-26T14:30-06:00. Yes and no: yes, no. Lists: `;` between
items, `[]` for none. Save as CSV UTF-8. `compliance registers check FILE` says what is wrong and where. When nothing
happened, say so each month: `compliance registers nil KIND --by NAME`. Each may also be .json,
.jsonl or .yaml.

**Un archivo es un registro; su primera línea nombra las columnas y no se cambia.** Una entrada por línea. Una celda
vacía significa «no se sabe»: nunca es un no. Fechas: 2026-11-26, o 2026-11-26T14:30-06:00. Sí y no: sí, no. Listas:
`;` entre elementos, `[]` si no hay ninguno. Guarde como CSV UTF-8. `compliance registers check ARCHIVO` dice qué está
mal y dónde. Si no ocurrió nada, dígalo cada mes: `compliance registers nil KIND --by NOMBRE`.
"""


def page(kinds: Sequence[type[Evidence]]) -> str:
    """How the registers of these kinds are written, in Markdown."""
    lines = [_HEAD]
    for kind in kinds:
        lines += [f"## {kind.kind}", "", inspect.getdoc(kind) or "", ""]
        lines += [f"Key · clave: {', '.join(kind.key)}", ""]
        lines += ["| column · columna | needed · necesaria | written as · se escribe | meaning · significado |"]
        lines += ["|---|---|---|---|"]
        personal = kind.personal_columns()
        for name, info in kind.model_fields.items():
            needed = "yes · sí" if info.is_required() or name in kind.key else ""
            mark = " *(personal)*" if name in personal else ""
            cells = (f"`{name}`", needed, form_of(info.rebuild_annotation()), (info.description or "") + mark)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def part(kinds: Sequence[type[Evidence]], folder: Path) -> str:
    """The part of `compliance.toml` that reads these registers; each is a comment until somebody answers for it."""
    place = os.fspath(folder).replace("\\", "\\\\").replace('"', '\\"')
    lines = [
        "# Put this into compliance.toml. A register is read once its lines below are no comments any more;",
        "# what is not named is not promised, and controls that need it say so.",
        "[sources.registers]",
        'collector = "registers"',
        f'folder = "{place}"               # from the folder of compliance.toml, or absolute',
        'owner = "compliance officer"      # role that answers for registers without an owner of their own',
        'time_zone = "UTC"                 # of dates and times without a zone, for instance America/Mexico_City',
    ]
    for kind in kinds:
        lines += ["", f"# {_first_sentence(kind)}", f"# [sources.registers.registers.{kind.kind}]"]
        lines += ['# owner = "name of the person whose returns count"']
    return "\n".join(lines) + "\n"


def _first_sentence(kind: type[Evidence]) -> str:
    text = " ".join((inspect.getdoc(kind) or "").split())
    return re.split(r"(?<=[.;:]) ", text, maxsplit=1)[0].rstrip(".;:")

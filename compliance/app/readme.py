"""README.txt of exports and packages, in English and Spanish: how to check, what an outcome means, what it cannot show.

Plain text of at most 100 columns; no key stands in it, because a key that comes with a package proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compliance.app.package import Package

_PACKAGE_EN = """\
EVIDENCE PACKAGE
{origin}
{size} entries, root {root}
Audits: {audits}

HOW TO CHECK IT

You need Python 3.9 or newer and nothing else: no network, no other package, no trust in who gave you this.

1. Get the public key of the organisation by ANOTHER WAY than this package: its web site, a letter, an earlier
   report. A key that came with the package would prove nothing: whoever forges a package brings his own key.

2. In this folder:

       python3 -I verify.py . --vkey 'KEY'

3. If you hold an older report of the same organisation, take the line "size:root" that is printed in it:

       python3 -I verify.py . --vkey 'KEY' --anchor SIZE:ROOT

   This shows that nothing that stood in the evidence then was removed or changed since.

verify.py is short and meant to be read. If you do not want to run the copy in here, take it from where you trust it.

WHAT THE OUTCOME MEANS (exit code)

  0  Everything was checked and holds: no file was changed, added or removed; every report is the file that was
     recorded when its audit was made; every entry is the one that was signed; every entry that a report cites is there.
  3  What was checked holds, but something could not be checked. Each such thing is named.
  4  Broken. The first file or entry that does not hold is named. Do not rely on the package; keep it as it is.
  2  The command was called wrongly.

WHAT IT CANNOT SHOW

- Whether newer entries exist that were left out, after the last checkpoint that somebody outside holds. Compare with
  anchors and with the line "size:root" of every report that you or others were given.
- Whether somebody who stole the signing key wrote another history. Only anchors and older reports show that.
- Whether the systems that were asked told the truth, or were all of the systems there are. The reports say for every
  source what was read, what could not be read and why; what could not be read never counts as passed.
- Whether the words of a report are right. Its findings stand in cited.ndjson with the entries they rest on: compare.
- Whether the clock of the writer was right. Anchors with a time of their own bound it.
{notes}
WHAT IS IN HERE

{files}
"""
_FILES_EN = {
    "reports": "reports/            working papers and their machine-readable forms, as their audit recorded them",
    "whole": "entries/, tile/     every entry of the ledger, and the hashes of its tree\n"
    "checkpoints.ndjson  what the organisation signed, after every addition",
    "always": "cited.ndjson        the entries of the audits, of their findings, and those that findings rest on\n"
    "proofs/             that each cited entry is in the ledger of the newest checkpoint\n"
    "checkpoint          the newest checkpoint that the organisation signed",
    "stamps": "anchors/*/*.tsr     time stamps of an authority; verify.py does not read the time in them. With its\n"
    "                    certificates in CA, and NOTE, the file of the same name without .tsr, check one by:\n"
    "                    openssl ts -verify -data NOTE -in NOTE.tsr -CAfile CA",
    "attached": "attachments/        documents that manual evidence rests on, named by their SHA-256",
    "disclosed": "disclosed.ndjson    names behind cited entries; {disclosed} of them. The lines only commit to them",
    "end": "manifest.json       every file with its digest; manifest.note is its signature",
}
_NOTES_EN = {
    "cited": "- Only the cited entries: this package leaves out the rest of the ledger, so that nothing can be said of "
    "it\n  beyond its number of entries and its root, and not whether a finding was left out.",
    "impersonal": "- Who the entries are about: names, and the reports that print them, were left out of this package.",
}

_PACKAGE_ES = """\
PAQUETE DE EVIDENCIA
{origin}
{size} asientos, raíz {root}
Auditorías: {audits}

CÓMO COMPROBARLO

Necesita Python 3.9 o posterior y nada más: ni red, ni otros programas, ni confianza en quien se lo entregó.

1. Obtenga la clave pública de la organización por OTRO MEDIO que este paquete: su sitio web, una carta, un informe
   anterior. Una clave que viniera en el paquete no probaría nada: quien falsifica un paquete trae su propia clave.

2. En esta carpeta:

       python3 -I verify.py . --vkey 'CLAVE'

3. Si tiene un informe anterior de la misma organización, tome la línea "tamaño:raíz" impresa en él:

       python3 -I verify.py . --vkey 'CLAVE' --anchor TAMAÑO:RAÍZ

   Así se ve que nada de lo que entonces constaba en la evidencia fue retirado o cambiado después.

verify.py es breve y está hecho para leerse. Si no quiere ejecutar esta copia, obténgalo de donde usted confíe.

QUÉ SIGNIFICA EL RESULTADO (código de salida)

  0  Todo se comprobó y se sostiene: ningún archivo se cambió, agregó o quitó; cada informe es el archivo que se
     registró al hacer su auditoría; cada asiento es el que se firmó; cada asiento que cita un informe está aquí.
  3  Lo comprobado se sostiene, pero algo no pudo comprobarse. Se nombra cada cosa.
  4  Roto. Se nombra el primer archivo o asiento que no se sostiene. No se apoye en el paquete; consérvelo como está.
  2  La orden se escribió mal.

LO QUE NO PUEDE MOSTRAR

- Si existen asientos más nuevos que se dejaron fuera, después del último punto de control que alguien ajeno conserva.
  Compare con los anclajes y con la línea "tamaño:raíz" de cada informe que usted u otros hayan recibido.
- Si alguien que robó la clave de firma escribió otra historia. Solo los anclajes y los informes anteriores lo muestran.
- Si los sistemas consultados dijeron la verdad, o si eran todos los que hay. Los informes dicen de cada fuente qué se
  leyó, qué no se pudo leer y por qué; lo que no se pudo leer nunca cuenta como aprobado.
- Si las palabras de un informe son correctas. Sus hallazgos, y en qué asientos se apoyan, están en cited.ndjson.
- Si el reloj de quien escribió era exacto. Los anclajes con hora propia lo acotan.
{notes}
QUÉ CONTIENE

{files}
"""
_FILES_ES = {
    "reports": "reports/            papeles de trabajo y sus formas para máquinas, como los registró su auditoría",
    "whole": "entries/, tile/     todos los asientos del libro, y los resúmenes criptográficos de su árbol\n"
    "checkpoints.ndjson  lo que la organización firmó, tras cada adición",
    "always": "cited.ndjson        los asientos de las auditorías, de sus hallazgos y en los que estos se apoyan\n"
    "proofs/             que cada asiento citado está en el libro del último punto de control\n"
    "checkpoint          el último punto de control que la organización firmó",
    "stamps": "anchors/*/*.tsr     sellos de tiempo de una autoridad; verify.py no lee la hora que llevan. Con sus\n"
    "                    certificados en CA, y NOTA, el archivo del mismo nombre sin .tsr, uno se comprueba así:\n"
    "                    openssl ts -verify -data NOTA -in NOTA.tsr -CAfile CA",
    "attached": "attachments/        documentos en que se apoya la evidencia manual, nombrados por su SHA-256",
    "disclosed": "disclosed.ndjson    nombres detrás de los asientos citados; {disclosed}. Las líneas solo los "
    "comprometen",
    "end": "manifest.json       cada archivo con su resumen; manifest.note es su firma",
}
_NOTES_ES = {
    "cited": "- Solo los asientos citados: este paquete deja fuera el resto del libro, de modo que de él nada puede "
    "decirse\n  salvo su número de asientos y su raíz, ni si se omitió algún hallazgo.",
    "impersonal": "- De quién tratan los asientos: los nombres, y los informes que los imprimen, no se incluyeron.",
}

_EXPORT = """\
LEDGER EXPORT / EXPORTACIÓN DEL LIBRO

EN  Every entry of a ledger as plain files. `compliance ledger import` makes a ledger file of it, computed anew from
    the lines. Personal content is in it encrypted; its keys are not.
ES  Todos los asientos de un libro en archivos simples. `compliance ledger import` hace con ellos un libro, calculado
    de nuevo desde las líneas. El contenido personal va cifrado; sus claves no están aquí.
"""
_BROKEN = """
THIS LEDGER DOES NOT VERIFY / ESTE LIBRO NO SE SOSTIENE

EN  It was exported as it was, for an investigation. Rely on nothing in it. What was found:
ES  Se exportó tal como estaba, para una investigación. No se apoye en nada de él. Lo que se encontró:

"""


def of_export(problems: Sequence[str]) -> str:
    """README.txt of an export; `problems` are those of a ledger that does not verify."""
    if not problems:
        return _EXPORT
    return _EXPORT + _BROKEN + "".join(f"    {problem}\n" for problem in problems)


def of_package(package: Package) -> str:
    """README.txt of a package, English first."""
    return (
        _filled(_PACKAGE_EN, _FILES_EN, _NOTES_EN, package)
        + "\n" + "-" * 100 + "\n\n"
        + _filled(_PACKAGE_ES, _FILES_ES, _NOTES_ES, package)
    )  # fmt: skip


def _filled(text: str, files: dict[str, str], notes: dict[str, str], package: Package) -> str:
    cited = package.kind == "cited"
    shown = [files["reports"]] if package.reports else []
    shown += ([] if cited else [files["whole"]]) + [files["always"]]
    shown += [files["stamps"]] if package.stamped else []
    shown += [files["attached"]] if package.attached else []
    shown += [files["disclosed"].format(disclosed=package.disclosed)] if package.personal else []
    told = ([notes["cited"]] if cited else []) + ([] if package.personal else [notes["impersonal"]])
    return text.format(
        origin=package.origin,
        size=package.size,
        root=package.root.hex(),
        audits=", ".join(package.audits),
        notes="".join(note + "\n" for note in told),
        files="\n".join([*shown, files["end"]]),
    )

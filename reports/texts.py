"""Every sentence of ours that a reader of a report sees, in English and Spanish. Placeholders are `{name}`."""

# ruff: noqa: E501 -- a sentence stays on one line, as in a table
from __future__ import annotations

from typing import Literal

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")

TEXTS: dict[str, tuple[str, str]] = {
    # cover
    "paper": ("Working paper", "Papel de trabajo"),
    "disclaimer": (
        "Management's evidence, not an auditor's opinion.",
        "Evidencia de la administración, no opinión de auditor.",
    ),
    "organisation": ("Organisation", "Organización"),
    "framework": ("Framework", "Marco"),
    "edition": ("Edition", "Edición"),
    "authority": ("Authority", "Autoridad"),
    "judged_at": ("Moment judged", "Momento evaluado"),
    "generated_at": ("Generated", "Generado"),
    "known": ("Knowledge", "Conocimiento"),
    "known_then": ("as known at that moment", "según lo conocido en ese momento"),
    "known_now": ("as known when generated", "según lo conocido al generarse"),
    "audit_id": ("Audit", "Auditoría"),
    "engine": ("Engine version", "Versión del motor"),
    "language": ("Language", "Idioma"),
    "this_language": ("English", "español"),
    "ledger": ("Ledger", "Libro de evidencia"),
    "origin": ("Origin", "Origen"),
    "size": ("Entries", "Asientos"),
    "root": ("Root (SHA-256)", "Raíz (SHA-256)"),
    "vkey": ("Public key", "Clave pública"),
    "checkpoint": ("Signed checkpoint", "Punto de control firmado"),
    "verified": ("Verified before judging", "Verificado antes de evaluar"),
    "yes": ("yes", "sí"),
    "no": ("no", "no"),
    "lock_store": ("Lock store outside the file", "Registro de control fuera del archivo"),
    "lock_ok": ("agrees", "coincide"),
    "lock_missing": ("missing", "ausente"),
    "anchors": ("Anchors", "Anclajes"),
    "no_anchors": ("none: this paper itself fixes the root above", "ninguno: este documento fija la raíz anterior"),
    "confidential": (
        "Confidential: contains details of security measures.",
        "Confidencial: contiene detalles de medidas de seguridad.",
    ),
    "contents": ("Contents", "Contenido"),
    "page_of": ("of", "de"),
    "notes": ("What the reader must know", "Lo que el lector debe saber"),
    "no_notes": ("The audit recorded nothing unusual.", "La auditoría no registró nada inusual."),
    # verification
    "verify": ("How to verify this paper", "Cómo verificar este documento"),
    "verify_intro": (
        "Nothing here asks for trust in the engine that wrote it. With the ledger, or the evidence package that holds its plain files, anyone can recompute what stands below, without a network.",
        "Nada aquí pide confiar en el motor que lo escribió. Con el libro de evidencia, o con el paquete que contiene sus archivos, cualquiera puede recalcular lo siguiente, sin red.",
    ),
    "verify_step_1": (
        "Compare the root, the number of entries and the public key on the cover with those in your hands from another source: an earlier paper, an anchor, the organisation's published key.",
        "Compare la raíz, el número de asientos y la clave pública de la portada con los que tenga de otra fuente: un documento anterior, un anclaje, la clave publicada por la organización.",
    ),
    "verify_step_2": (
        "Run the verifier on the package or the ledger. It recomputes every entry, every link of the chain and the tree, and checks the signature of the checkpoint.",
        "Ejecute el verificador sobre el paquete o el libro. Recalcula cada asiento, cada eslabón de la cadena y el árbol, y comprueba la firma del punto de control.",
    ),
    "verify_step_3": (
        "Take the files attached to this PDF out and compare their digests with the table below.",
        "Extraiga los archivos adjuntos a este PDF y compare sus resúmenes con la tabla siguiente.",
    ),
    "verify_checked": (
        "The verifier finds a changed, missing, inserted or reordered entry, and a ledger shorter than a checkpoint you hold. It cannot find what was never recorded: for that, read the coverage.",
        "El verificador detecta un asiento alterado, faltante, insertado o reordenado, y un libro más corto que un punto de control que usted tenga. No detecta lo que nunca se registró: para eso, lea la cobertura.",
    ),
    "attached_files": ("Files attached to this PDF", "Archivos adjuntos a este PDF"),
    "file": ("File", "Archivo"),
    "bytes": ("Bytes", "Bytes"),
    # coverage
    "coverage": ("Coverage: what was seen, and what was not", "Cobertura: lo que se vio y lo que no"),
    "coverage_intro": (
        "Every source and kind of evidence that the configuration promises, before any verdict. A collection that did not complete makes the controls that need it unknown; it never counts as an empty answer.",
        "Cada fuente y tipo de evidencia que la configuración promete, antes de cualquier veredicto. Una recolección incompleta deja como indeterminados los controles que la necesitan; nunca cuenta como respuesta vacía.",
    ),
    "coverage_count": (
        "{complete} of {total} collections complete; {rest} not complete.",
        "{complete} de {total} recolecciones completas; {rest} no completas.",
    ),
    "coverage_none": ("No source was configured: nothing was seen.", "No se configuró ninguna fuente: no se vio nada."),
    "source": ("Source", "Fuente"),
    "kind": ("Kind", "Tipo"),
    "outcome": ("Outcome", "Resultado"),
    "rows": ("Rows", "Filas"),
    "rollforward": ("Previous + added − removed", "Previas + altas − bajas"),
    "independent": ("Independent count", "Conteo independiente"),
    "age": ("Age", "Edad"),
    "last_complete": ("Last complete", "Última completa"),
    "attempted": ("Attempted", "Intento"),
    "attempts": ("{n} attempts", "{n} intentos"),
    "affects": ("Controls", "Controles"),
    "happened": ("What happened", "Qué ocurrió"),
    "mend": ("What would mend it", "Qué lo remediaría"),
    "removed_source": ("removed from the configuration", "retirada de la configuración"),
    "not_reconciled": ("does not reconcile", "no concilia"),
    "planned": ("Not evaluated: no collector yet", "Sin evaluar: aún sin recolector"),
    "planned_intro": (
        "{n} controls of this framework wait for evidence that nothing here collects yet. They are counted as not evaluated in every table and never as passed.",
        "{n} controles de este marco esperan evidencia que aún no se recolecta. En cada tabla cuentan como sin evaluar y nunca como cumplidos.",
    ),
    "needs": ("Needs", "Necesita"),
    "from": ("From", "De"),
    # summary
    "summary": ("Summary", "Resumen"),
    "summary_intro": (
        "Every number stands with its total. Failures accepted under a waiver, undecided items and items not evaluated are counted apart; none of them counts as passed.",
        "Cada número va con su total. Las fallas aceptadas por excepción, lo indeterminado y lo no evaluado se cuentan aparte; nada de ello cuenta como cumplido.",
    ),
    "requirements": ("Requirements", "Requisitos"),
    "controls": ("Controls", "Controles"),
    "resources": ("Resources", "Recursos"),
    "by_verdict": ("{what} by verdict", "{what} por veredicto"),
    "n_of": ("{n} of {total}", "{n} de {total}"),
    "verdict": ("Verdict", "Veredicto"),
    "count": ("Count", "Cantidad"),
    "share": ("Share", "Proporción"),
    "failing_controls": ("Controls that fail", "Controles que fallan"),
    "undecided_controls": ("Controls that could not be decided", "Controles que no pudieron decidirse"),
    "no_failing": ("No control of this framework fails.", "Ningún control de este marco falla."),
    "no_undecided": (
        "Every implemented control of this framework was decided.",
        "Todos los controles implementados de este marco se decidieron.",
    ),
    # declarations
    "profile": ("Declared profile and what it switches", "Perfil declarado y lo que activa"),
    "profile_intro": (
        "An item is not applicable by declaration only while the declaration is in date (366 days). A flag that is undeclared or expired counts as on.",
        "Un elemento deja de aplicar por declaración sólo mientras ésta esté vigente (366 días). Una bandera no declarada o vencida cuenta como activa.",
    ),
    "flag": ("Flag", "Bandera"),
    "value": ("Value", "Valor"),
    "on": ("on", "activa"),
    "off": ("off", "inactiva"),
    "declared_by": ("Declared by", "Declarada por"),
    "in_date": ("in date", "vigente"),
    "out_of_date": ("out of date: counts as on", "vencida: cuenta como activa"),
    "undeclared": ("not declared: counts as on", "no declarada: cuenta como activa"),
    "switches": ("Switches", "Activa"),
    "switches_n": ("{r} requirements, {c} controls", "{r} requisitos, {c} controles"),
    "waivers": ("Waivers", "Excepciones"),
    "waivers_intro": (
        "A waiver is a dated acceptance of a failing finding by a second person. It never turns a failure into a pass.",
        "Una excepción es la aceptación con fecha, por una segunda persona, de un hallazgo que falla. Nunca convierte una falla en cumplimiento.",
    ),
    "no_waivers": ("No waiver was recorded.", "No se registró ninguna excepción."),
    "state_in_force": ("in force", "vigente"),
    "state_expired": ("expired", "vencida"),
    "state_refused": ("refused", "rechazada"),
    "state_requested": ("requested", "solicitada"),
    "state_revoked": ("revoked", "revocada"),
    "waiver": ("Waiver", "Excepción"),
    "scope": ("Covers", "Cubre"),
    "any_resource": ("every resource", "todo recurso"),
    "requested_by": ("Requested by", "Solicitó"),
    "approved_by": ("Approved by", "Aprobó"),
    "expires": ("Expires", "Vence"),
    "reason": ("Reason", "Motivo"),
    "state": ("State", "Estado"),
    "compensating": ("Protects meanwhile", "Protección mientras tanto"),
    "nobody": ("nobody", "nadie"),
    "attestations": ("Manual evidence on record", "Evidencia manual registrada"),
    "no_attestations": ("No manual evidence was recorded.", "No se registró evidencia manual."),
    "form": ("Form", "Forma"),
    "statement": ("Statement", "Declaración"),
    "by": ("By", "Por"),
    "reviewed_by": ("Reviewed by", "Revisó"),
    "activity": ("Activity", "Actividad"),
    "entry": ("Entry", "Asiento"),
    "entries": ("Entries", "Asientos"),
    "document": ("Document SHA-256", "SHA-256 del documento"),
    # detail
    "detail": ("Requirements", "Requisitos"),
    "detail_intro": (
        "Titles are in our own words. Each control is described once, on the page named. A direct control can fail its requirement; a supporting one is part of the case and decides nothing alone.",
        "Los títulos son palabras nuestras. Cada control se describe una vez, en la página indicada. Un control directo puede hacer fallar su requisito; uno de apoyo forma parte del caso y no decide por sí solo.",
    ),
    "requirement": ("Requirement", "Requisito"),
    "basis": ("Basis", "Fundamento"),
    "automation": ("Automation", "Automatización"),
    "automation_full": ("systems can show it", "los sistemas pueden mostrarlo"),
    "automation_partial": ("systems and a document", "sistemas y un documento"),
    "automation_none": ("a document only", "sólo un documento"),
    "manual_needed": ("Manual evidence", "Evidencia manual"),
    "direct": ("direct", "directo"),
    "supporting": ("supporting", "de apoyo"),
    "no_result": ("the audit holds no result of it", "la auditoría no contiene su resultado"),
    "no_controls": ("No control bears on it.", "Ningún control le corresponde."),
    "condition": ("Applies if", "Aplica si"),
    "effective": ("Effective", "Vigencia"),
    # controls
    "controls_intro": (
        "Each control asks one question of the evidence. Resources that fail or could not be judged come first.",
        "Cada control hace una pregunta a la evidencia. Primero van los recursos que fallan o no pudieron evaluarse.",
    ),
    "question": ("Question", "Pregunta"),
    "why": ("Why", "Por qué"),
    "version": ("Version", "Versión"),
    "definition": ("Definition SHA-256", "SHA-256 de la definición"),
    "severity": ("Severity", "Severidad"),
    "completeness": ("Evidence", "Evidencia"),
    "complete": ("complete", "completa"),
    "partial": ("partial", "parcial"),
    "none": ("none", "ninguna"),
    "named_by": ("Named by", "Citado por"),
    "evidence_of": ("Rests on", "Se apoya en"),
    "threshold": ("Threshold", "Umbral"),
    "unit": ("Unit", "Unidad"),
    "default": ("Default", "Predeterminado"),
    "origin_of_number": ("Whose number", "De quién es el número"),
    "bound": ("Bound of this framework", "Límite de este marco"),
    "tolerated": (
        "Tolerance: at most {n} % may fail ({source}).",
        "Tolerancia: puede fallar a lo sumo {n} % ({source}).",
    ),
    "population": ("Population", "Población"),
    "no_findings": ("No resource was judged.", "No se evaluó ningún recurso."),
    "resource": ("Resource", "Recurso"),
    "finding": ("Finding", "Hallazgo"),
    "rest_attached": (
        "Printed here: {shown} of {total} resources ({fail} failing, {unknown} unknown among the {left} not printed). All {total} are in the attached file {file}, SHA-256 {sha}.",
        "Impresos aquí: {shown} de {total} recursos ({fail} que fallan y {unknown} indeterminados entre los {left} no impresos). Los {total} están en el archivo adjunto {file}, SHA-256 {sha}.",
    ),
    "requests_attached": (
        "Printed here: {shown} of {total} requests. All are in the attached file {file}, SHA-256 {sha}.",
        "Impresas aquí: {shown} de {total} consultas. Todas están en el archivo adjunto {file}, SHA-256 {sha}.",
    ),
    "remedy": ("Remedy", "Remedio"),
    "limits": ("Limits", "Límites"),
    "gaps": ("Kept from a pass by", "Impidió el cumplimiento"),
    "recorded_reason": ("as recorded", "según el registro"),
    # evidence
    "evidence": ("Evidence index", "Índice de evidencia"),
    "evidence_intro": (
        "Each collection this paper rests on: the entry numbers find it in the ledger, the request can be put to the system again, the digest fixes what was seen.",
        "Cada recolección en que se apoya este documento: los números de asiento la ubican en el libro, la consulta puede repetirse en el sistema y el resumen fija lo que se vio.",
    ),
    "request": ("Request", "Consulta"),
    "no_request": ("no request was recorded", "no se registró consulta"),
    "snapshot": ("Digest of the set", "Resumen del conjunto"),
    "base": ("full set in entry {n}", "conjunto completo en el asiento {n}"),
    "answer": ("answer", "respuesta"),
    # method
    "method": ("Method", "Metodología"),
    "method_rows": ("How a control is decided", "Cómo se decide un control"),
    "method_fresh_title": ("Freshness", "Actualidad"),
    "method_fresh": (
        "Each control names the oldest evidence it accepts. Evidence older than that is treated as missing: the verdict is unknown, with the reason stale.",
        "Cada control indica la evidencia más antigua que acepta. La más antigua se trata como faltante: el veredicto es indeterminado, con el motivo «vencida».",
    ),
    "method_empty_title": ("Empty populations", "Poblaciones vacías"),
    "method_empty": (
        "A population without members is unknown, unless the control says what it means and complete, fresh collections prove that it is empty; for some, a signed statement that there was nothing to report is needed too.",
        "Una población sin miembros es indeterminada, salvo que el control diga qué significa y recolecciones completas y actuales prueben que está vacía; en algunos casos se exige además una declaración firmada de que no hubo nada.",
    ),
    "method_population_title": ("Populations", "Poblaciones"),
    "method_population": (
        "The population comes from an inventory and is joined to the evidence, so that what stopped reporting does not vanish. All members are judged; there is no sampling.",
        "La población proviene de un inventario y se une a la evidencia, de modo que lo que dejó de reportar no desaparece. Se evalúan todos los miembros; no hay muestreo.",
    ),
    "method_waiver_title": ("Accepted failures", "Fallas aceptadas"),
    "method_waiver": (
        "A waiver counts while it is in force: requested by one person, approved by another, not past its date, and naming the control and resource. The finding stays a failure and is shown as accepted.",
        "Una excepción cuenta mientras está vigente: la solicita una persona, la aprueba otra, no ha vencido y nombra el control y el recurso. El hallazgo sigue siendo una falla y se muestra como aceptada.",
    ),
    "method_requirement_title": ("Requirements", "Requisitos"),
    "method_requirement": (
        "A requirement that systems can show wholly is met by its direct controls alone. Where a document is needed too, it must be on record and in date. A requirement without controls waits for manual evidence; it never disappears.",
        "Un requisito que los sistemas pueden mostrar por completo se cumple con sus controles directos. Si también hace falta un documento, debe constar y estar vigente. Un requisito sin controles espera evidencia manual; nunca desaparece.",
    ),
    "method_marks": (
        "Characters that would be invisible, reorder text or that the embedded fonts lack are printed as ⟨U+…⟩; the attached JSON holds them unchanged.",
        "Los caracteres invisibles, que reordenan el texto o que faltan en las fuentes incluidas se imprimen como ⟨U+…⟩; el JSON adjunto los conserva.",
    ),
    "glossary": ("Glossary", "Glosario"),
    # terminal
    "t_not_read": ("not read", "sin leer"),
    "t_waivers": ("waivers", "excepciones"),
    "t_of": ("of", "de"),
    "t_coverage": ("coverage", "cobertura"),
    "t_violations": ("violations at or above", "violaciones de severidad desde"),
    "t_below": ("failures below the threshold", "fallas por debajo del umbral"),
    "t_accepted": ("accepted by waiver", "aceptadas por excepción"),
    "t_known": ("set aside by the baseline", "apartadas por la línea base"),
    "t_undecided": ("undecided", "sin decidir"),
    "t_not_evaluated": ("not evaluated, no collector yet", "sin evaluar, aún sin recolector"),
    "t_exit": ("exit code", "código de salida"),
    "t_baseline_expired": (
        "the baseline is expired or has no readable date: it sets nothing aside",
        "la línea base está vencida o sin fecha legible: no aparta nada",
    ),
    "t_allowed": ("undecided items were allowed (--allow-unknown)", "lo no decidido se permitió (--allow-unknown)"),
    "t_unverified": ("the ledger was NOT verified", "el libro NO se verificó"),
}

STATUS: dict[str, tuple[str, str]] = {
    "fail": ("Fail", "Falla"),
    "waived": ("Fail, accepted", "Falla, aceptada"),
    "unknown": ("Unknown", "Indeterminado"),
    "manual": ("Manual due", "Manual pendiente"),
    "not_evaluated": ("Not evaluated", "Sin evaluar"),
    "pass": ("Pass", "Cumple"),
    "not_applicable": ("Not applicable", "No aplica"),
}

STATUS_MEANING: dict[str, tuple[str, str]] = {
    "fail": (
        "At least one resource fails and nobody accepted it, even if others could not be judged.",
        "Al menos un recurso falla y nadie lo aceptó, aunque otros no pudieran evaluarse.",
    ),
    "waived": (
        "Every failing resource is under a waiver in force. Still a failure.",
        "Todo recurso que falla está bajo una excepción vigente. Sigue siendo una falla.",
    ),
    "unknown": (
        "Evidence is missing, incomplete, too old or does not show what decides.",
        "La evidencia falta, está incompleta, es demasiado antigua o no muestra lo que decide.",
    ),
    "manual": (
        "A document or statement by a person is missing or past its date.",
        "Falta, o está vencido, un documento o declaración de una persona.",
    ),
    "not_evaluated": ("No collector can read what it needs yet.", "Ningún recolector puede leer aún lo que necesita."),
    "pass": (
        "Evidence is complete, fresh and not empty, and every resource conforms.",
        "La evidencia es completa, actual y no vacía, y todos los recursos cumplen.",
    ),
    "not_applicable": (
        "A declaration in date, or complete evidence, shows that it does not apply.",
        "Una declaración vigente, o evidencia completa, muestra que no aplica.",
    ),
}

UNKNOWN: dict[str, tuple[str, str]] = {
    "error": (
        "a needed collection failed, or the control broke an assertion",
        "falló una recolección necesaria o una aserción del control",
    ),
    "no_evidence": (
        "nothing configured answers, or the population is empty",
        "nada configurado responde, o la población está vacía",
    ),
    "stale": ("the newest complete evidence is too old", "la evidencia completa más reciente es demasiado antigua"),
    "unreadable": (
        "for a resource, the evidence lacks what decides",
        "en un recurso, la evidencia no contiene lo que decide",
    ),
    "overdue": ("manual evidence is missing or past its date", "la evidencia manual falta o está vencida"),
    "no_collector": ("no collector reads it yet", "ningún recolector lo lee aún"),
}

REQUIREMENT_CODES: dict[str, tuple[str, str]] = {
    "controls_pass": ("all direct controls pass", "todos los controles directos cumplen"),
    "control_fails": ("a direct control fails", "falla un control directo"),
    "control_unknown": ("a direct control could not be decided", "un control directo no pudo decidirse"),
    "parameter_loosened": (
        "a threshold was set looser than this framework allows",
        "un umbral se fijó más laxo de lo que el marco permite",
    ),
    "manual_missing": ("manual evidence is missing", "falta evidencia manual"),
    "manual_overdue": ("manual evidence is past its date", "la evidencia manual está vencida"),
    "manual_in_date": ("manual evidence is on record and in date", "la evidencia manual consta y está vigente"),
    "controls_and_manual": (
        "controls pass and manual evidence is in date",
        "los controles cumplen y la evidencia manual está vigente",
    ),
    "no_control": (
        "no control bears on it: manual evidence is needed",
        "ningún control le corresponde: requiere evidencia manual",
    ),
    "not_applicable_declared": ("declared not to apply", "declarado como no aplicable"),
    "controls_not_applicable": ("its controls do not apply", "sus controles no aplican"),
}

OUTCOMES: dict[str, tuple[str, str]] = {
    "complete": ("complete", "completa"),
    "denied": ("denied", "denegada"),
    "unreachable": ("unreachable", "inalcanzable"),
    "timeout": ("timed out", "tiempo agotado"),
    "rate_limited": ("rate limited", "limitada por tasa"),
    "absent": ("absent", "ausente"),
    "disabled": ("disabled", "desactivada"),
    "malformed": ("malformed", "malformada"),
    "truncated": ("truncated", "truncada"),
    "never": ("never attempted", "nunca intentada"),
}

SEVERITIES: dict[str, tuple[str, str]] = {
    "critical": ("critical", "crítica"),
    "high": ("high", "alta"),
    "medium": ("medium", "media"),
    "low": ("low", "baja"),
}

FORMS: dict[str, tuple[str, str]] = {
    "document": ("document", "documento"),
    "attestation": ("attestation", "declaración"),
    "sample": ("sample", "muestra"),
    "external_report": ("external report", "informe externo"),
    "contract": ("contract", "contrato"),
    "interview": ("interview", "entrevista"),
    "nil_return": ("nil return", "declaración de nada que reportar"),
}

GLOSSARY: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = (
    (("source", "fuente"), ("one configured system", "un sistema configurado")),
    (("kind", "tipo"), ("one type of evidence, whatever product gave it", "un tipo de evidencia, sin importar qué producto la dio")),
    (("collection", "recolección"), ("one attempt to read one kind from one source", "un intento de leer un tipo de una fuente")),
    (("entry", "asiento"), ("one numbered line of the ledger", "una línea numerada del libro")),
    (("checkpoint", "punto de control"), ("a signed statement: the ledger has so many entries and this root", "una declaración firmada: el libro tiene tantos asientos y esta raíz")),
    (("root", "raíz"), ("one digest that commits to every entry in order", "un resumen que compromete todos los asientos en orden")),
    (("control", "control"), ("one question about the evidence", "una pregunta sobre la evidencia")),
    (("finding", "hallazgo"), ("the verdict about one resource", "el veredicto sobre un recurso")),
    (("waiver", "excepción"), ("a dated, reasoned acceptance of a failure by a second person", "la aceptación razonada y con fecha de una falla por una segunda persona")),
    (("attestation", "declaración"), ("manual evidence by a named person", "evidencia manual de una persona identificada")),
    (("population", "población"), ("all resources that a control asks about", "todos los recursos por los que pregunta un control")),
    (("roll-forward", "conciliación"), ("previous rows + added − removed = rows now", "filas previas + altas − bajas = filas actuales")),
)  # fmt: skip

_TABLES = {
    "status": STATUS,
    "meaning": STATUS_MEANING,
    "unknown": UNKNOWN,
    "code": REQUIREMENT_CODES,
    "outcome": OUTCOMES,
    "severity": SEVERITIES,
    "form": FORMS,
}


def text(key: str, language: Language, **values: object) -> str:
    """The sentence `key`; raises KeyError for one that does not exist, so that a typing error cannot print."""
    found = TEXTS[key][LANGUAGES.index(language)]
    return found.format(**values) if values else found


def word(table: str, key: str, language: Language) -> str:
    """The word for a code, the code itself where we have none."""
    found = _TABLES[table].get(str(key))
    return found[LANGUAGES.index(language)] if found else str(key)

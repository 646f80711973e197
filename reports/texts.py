"""Every sentence of ours that a reader of a report sees, in English and Spanish. Placeholders are `{name}`."""

# ruff: noqa: E501 -- a sentence stays on one line, as in a table
from __future__ import annotations

from typing import Literal

from compliance.reports.requirement_texts import PROBLEMS, REGISTERS, SHARES, STATES
from compliance.reports.requirement_texts import TEXTS as REQUIREMENT_TEXTS

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = ("en", "es")

TEXTS: dict[str, tuple[str, str]] = {
    # cover
    "paper": ("Working paper", "Papel de trabajo"),
    "period": ("Period", "Periodo"),
    "over_period": (
        "over the period {start} to {end} (days of UTC)",
        "sobre el periodo del {start} al {end} (días UTC)",
    ),
    "period_open": (", judged up to {until} UTC: it goes on", ", juzgado hasta {until} UTC: continúa"),
    "period_observed": (
        "{rule}: {observed} of {expected} observed, {conforming} conforming, {needed} needed ({unit})",
        "{rule}: {observed} de {expected} observados, {conforming} conformes, {needed} necesarios ({unit})",
    ),
    "timeline": ("Timeline", "Línea de tiempo"),
    "exceptions": ("Exceptions", "Desviaciones"),
    "exception": (
        "{start} to {end}, {hours} h ({ended}); last seen otherwise: {before}",
        "{start} a {end}, {hours} h ({ended}); visto de otro modo por última vez: {before}",
    ),
    "ended_mended": ("mended", "corregida"),
    "ended_gone": ("the resource is no more", "el recurso ya no existe"),
    "ended_undecided": ("could no longer be told", "ya no pudo determinarse"),
    "ended_redefined": ("another definition judged from then on", "desde entonces juzgó otra definición"),
    "ended_open": ("open", "abierta"),
    "not_in_period": ("not in the period", "no en el periodo"),
    "cause_stopped": ("nothing was tried", "no se intentó"),
    "cause_failed": ("attempts failed", "los intentos fallaron"),
    "cause_not_begun": ("collection had not begun", "la recolección no había comenzado"),
    "cause_removed": (
        "taken out of the configuration, and put back later",
        "retirada de la configuración y repuesta después",
    ),
    "cause_nobody": ("no configured source answers", "ninguna fuente configurada responde"),
    "frozen_population": (
        "{opening} at the beginning + {added} came − {removed} went = {closing} at the end; {members} in all, SHA-256 {sha256}",
        "{opening} al inicio + {added} altas − {removed} bajas = {closing} al final; {members} en total, SHA-256 {sha256}",
    ),
    "definitions": ("Definitions", "Definiciones"),
    "definition_of_day": (
        "from {since}: version {version}, SHA-256 {sha256}…, first used by audit {audit}",
        "desde {since}: versión {version}, SHA-256 {sha256}…, usada por primera vez por la auditoría {audit}",
    ),
    "definition_at_hand": (
        "at hand: version {version}, SHA-256 {sha256}…",
        "vigente: versión {version}, SHA-256 {sha256}…",
    ),
    "definitions_now": (
        "Definition or parameters changed. All of the period is judged here by those at hand.",
        "La definición o los parámetros cambiaron. Aquí todo el periodo se juzga con los vigentes.",
    ),
    "definitions_then": (
        "Definition or parameters changed. Each moment is judged here by those of its day.",
        "La definición o los parámetros cambiaron. Aquí cada momento se juzga con los de su día.",
    ),
    "more_in_csv": ("{n} more in the attached CSV", "{n} más en el CSV adjunto"),
    "disclaimer": (
        "Management's evidence, not an auditor's opinion.",
        "Evidencia de la administración, no opinión de auditor.",
    ),
    "organisation": ("Organisation", "Organización"),
    "framework": ("Framework", "Marco"),
    "authority": ("Authority", "Autoridad"),
    "judged_at": ("Moment judged", "Momento evaluado"),
    "generated_at": ("Generated", "Generado"),
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
    "vkey": ("Public key", "Llave pública"),
    "checkpoint": ("Signed checkpoint", "Punto de control firmado"),
    "verified": ("Verified before judging", "Verificado antes de evaluar"),
    "yes": ("yes", "sí"),
    "no": ("no", "no"),
    "lock_store": ("Lock store outside the file", "Registro de control fuera del archivo"),
    "lock_ok": ("agrees", "coincide"),
    "lock_missing": ("missing", "ausente"),
    "anchors": ("Anchors", "Anclajes"),
    "no_anchors": (
        "none configured: beside the lock store only this paper itself fixes the root above",
        "ninguno configurado: además del registro de control, solo este documento fija la raíz anterior",
    ),
    "anchor_ok": (
        "{size} entries agree, {at}; {tail} after them",
        "{size} asientos coinciden, {at}; {tail} posteriores",
    ),
    "anchor_time_unknown": ("time not known", "fecha desconocida"),
    "anchor_empty": ("EMPTY: nothing is kept there yet", "VACÍO: todavía no guarda nada"),
    "anchor_unreachable": ("NOT CHECKED: could not be asked", "NO COMPROBADO: no se pudo consultar"),
    "anchor_unreadable": (
        "NOT CHECKED: holds something that cannot be compared",
        "NO COMPROBADO: guarda algo que no puede compararse",
    ),
    "anchor_lost": (
        "NOT CHECKED: no longer holds what was put there",
        "NO COMPROBADO: ya no guarda lo que se puso allí",
    ),
    "anchor_ahead": ("CONTRADICTS: knows more entries than the ledger", "CONTRADICE: conoce más asientos que el libro"),
    "anchor_differs": ("CONTRADICTS: knows another history", "CONTRADICE: conoce otra historia"),
    "anchor_shared": (
        "on this machine: does not count as outside",
        "en esta máquina: no cuenta como externo",
    ),
    "anchor_name": ("Anchor", "Anclaje"),
    "anchor_type": ("Type", "Tipo"),
    "anchor_says": ("What it says", "Qué dice"),
    "anchor_place": ("Where", "Dónde"),
    "anchors_intro": (
        "An anchor keeps copies of signed checkpoints outside the ledger. When this paper was made, they said:",
        "Un anclaje guarda copias de puntos de control firmados fuera del libro. Al elaborar este documento decían:",
    ),
    "paper_anchor": (
        "This paper is an anchor too: the line after --anchor in step 2 fixes the number of entries and the root. A ledger that is handed to you later must contain them.",
        "Este documento también es un anclaje: la línea tras --anchor del paso 2 fija el número de asientos y la raíz. Un libro que se le entregue después debe contenerlos.",
    ),
    "note_anchors": (
        "These anchors could not be checked: {names}.",
        "No se pudieron comprobar estos anclajes: {names}.",
    ),
    "note_no_anchor": (
        "No anchor outside this machine vouches for the ledger: a copy that was rolled back, or forged with the signing key, in every place at once would not be noticed here.",
        "Ningún anclaje fuera de esta máquina respalda el libro: aquí no se notaría una copia revertida, o falsificada con la llave de firma, en todos los lugares a la vez.",
    ),
    "confidential": (
        "Confidential: contains details of security measures.",
        "Confidencial: contiene detalles de medidas de seguridad.",
    ),
    "scope_of_paper": ("Scope", "Alcance"),
    "coverage_short": ("Coverage", "Cobertura"),
    "result": ("Result in numbers", "Resultado en cifras"),
    "total": ("Total", "Total"),
    "waivers_count": ("{n} in force, of {total} recorded", "{n} vigentes, de {total} registradas"),
    "attestations_count": ("{n} in date, of {total} recorded", "{n} vigentes, de {total} registradas"),
    "contents": ("Contents", "Contenido"),
    "page_of": ("of", "de"),
    "notes": ("What the reader must know", "Lo que el lector debe saber"),
    "notes_run": ("About this run", "Sobre esta ejecución"),
    "notes_standing": ("Standing notes on this framework", "Notas permanentes sobre este marco"),
    "note_unverified": ("The ledger was NOT verified before judging.", "El libro NO se verificó antes de evaluar."),
    "note_lock": (
        "The lock store outside the ledger file is missing: a copy rolled back as a whole would not be noticed here.",
        "Falta el registro de control fuera del archivo: aquí no se notaría una copia revertida por completo.",
    ),
    "note_missing": (
        "Named by requirements, but without a result in this audit: {names}.",
        "Citados por requisitos, pero sin resultado en esta auditoría: {names}.",
    ),
    "note_thresholds": (
        "Thresholds that the organisation set itself, other than the defaults, decide these controls: {names}.",
        "Umbrales que fijó la propia organización, distintos de los valores por omisión, deciden estos controles: {names}.",
    ),
    "no_notes": ("Nothing unusual was recorded about this run.", "No se registró nada inusual en esta ejecución."),
    # verification
    "verify": ("How to verify this paper", "Cómo verificar este documento"),
    "verify_intro": (
        "What can be checked: that the entries cited here are the ones that were signed, all of them and in their order, and that the attached files are those listed below. It takes a copy of the ledger file, and no network.",
        "Lo que puede comprobarse: que los asientos citados son los que se firmaron, todos y en su orden, y que los archivos adjuntos son los que se enumeran abajo. Hace falta una copia del archivo del libro, y ninguna red.",
    ),
    "verify_step_1": (
        "Compare the public key, the number of entries and the root on the cover with those of earlier papers, and the key with what the organisation gave you another way. Another key, or fewer entries than an earlier paper named, needs an explanation.",
        "Compare la llave pública, el número de asientos y la raíz de la portada con los de documentos anteriores, y la llave con la que la organización le entregó por otra vía. Otra llave, o menos asientos que los de un documento anterior, exige una explicación.",
    ),
    "verify_step_2": (
        "Verify a copy of the ledger file, here called LEDGER, with that key:",
        "Verifique una copia del archivo del libro, aquí llamada LEDGER, con esa llave:",
    ),
    "verify_step_2_says": (
        "It recomputes every line, leaf, tile and root, checks the signature of each checkpoint in the file, and names the first bad entry. The copy holds more entries than the cover names: the verdicts of this audit were recorded after them. It ends with 0 when all agrees and with 4 when not. Without the lock store, which lies outside the file, it says so; that the copy is not an older one, nor another history, then follows from the line after --anchor and from the first step.",
        "Recalcula cada línea, hoja, bloque y raíz, comprueba la firma de cada punto de control del archivo y señala el primer asiento erróneo. La copia contiene más asientos que los de la portada: los veredictos de esta auditoría se registraron después. Termina con 0 si todo coincide y con 4 si no. Sin el registro de control, que está fuera del archivo, lo dice; que la copia no sea una anterior, ni otra historia, se desprende entonces de la línea tras --anchor y del primer paso.",
    ),
    "verify_step_checkpoint": (
        "Read the checkpoint of this paper from the copy. It must be the one printed at the end of this chapter, letter by letter:",
        "Lea de la copia el punto de control de este documento. Debe ser, letra por letra, el impreso al final de este capítulo:",
    ),
    "verify_step_3": (
        "Take the files attached to this PDF out and compare their digests with the table below:",
        "Extraiga los archivos adjuntos a este PDF y compare sus resúmenes con la tabla siguiente:",
    ),
    "verify_checked": (
        "Together these steps find an entry that was changed, left out, inserted or moved, and a ledger shorter than a paper says. They do not show that a system told the truth, nor what was never recorded: for that, read the coverage. Whoever holds the signing key could write another ledger from its first entry on: only an anchor, or a paper or root handed out before, reveals that.",
        "Juntos, estos pasos detectan un asiento alterado, omitido, insertado o movido, y un libro más corto que lo que dice un documento. No muestran que un sistema haya dicho la verdad ni lo que nunca se registró: para eso, lea la cobertura. Quien tenga la llave de firma podría escribir otro libro desde el primer asiento: solo lo revela un anclaje, o un documento o una raíz entregados antes.",
    ),
    "verify_own": (
        "Whoever wants to rely on no program of ours can write a verifier: the format page of the engine (schemas/ledger.md) describes the file. Entries are chained by SHA-256 and bound in a Merkle tree (RFC 6962); checkpoints are signed notes (C2SP) with an Ed25519 key.",
        "Quien no quiera depender de ningún programa nuestro puede escribir un verificador: la página del formato del motor (schemas/ledger.md) describe el archivo. Los asientos se encadenan con SHA-256 y se integran en un árbol de Merkle (RFC 6962); los puntos de control son notas firmadas (C2SP) con una llave Ed25519.",
    ),
    "checkpoint_size": (
        "This checkpoint covers {n} entries: it is the first that covers the {size} judged.",
        "Este punto de control abarca {n} asientos: es el primero que abarca los {size} evaluados.",
    ),
    "checkpoint_root": (
        "Its third line is the root on the cover, in base64.",
        "Su tercera línea es la raíz de la portada, en base64.",
    ),
    "attached_files": ("Files attached to this PDF", "Archivos adjuntos a este PDF"),
    "file": ("File", "Archivo"),
    "bytes": ("Bytes", "Bytes"),
    # coverage
    "coverage": ("Coverage: what was seen, and what was not", "Cobertura: lo que se vio y lo que no"),
    "coverage_intro": (
        "Every source and kind of evidence that the configuration promises, before any verdict. A collection that did not complete keeps the controls that need it from passing; it never counts as an empty answer.",
        "Cada fuente y tipo de evidencia que la configuración promete, antes de cualquier veredicto. Una recolección incompleta impide que los controles que la necesitan se den por cumplidos; nunca cuenta como respuesta vacía.",
    ),
    "coverage_count": (
        "{complete} of {total} collections complete; {rest} not complete.",
        "{complete} de {total} recolecciones completas; {rest} no completas.",
    ),
    "coverage_none": ("No source was configured: nothing was seen.", "No se configuró ninguna fuente: no se vio nada."),
    "source_count": ("{complete} of {total} complete", "{complete} de {total} completas"),
    "source": ("Source", "Fuente"),
    "kind": ("Kind", "Tipo"),
    "outcome": ("Outcome", "Resultado"),
    "rows": ("Rows", "Filas"),
    "rollforward": ("Previous + new − gone", "Previas + altas − bajas"),
    "independent": ("Counted apart", "Contadas aparte"),
    "age": ("Age", "Edad"),
    "last_complete": ("Last complete (UTC)", "Última completa (UTC)"),
    "attempted": ("Attempted", "Intento"),
    "attempts": ("{n} attempts", "{n} intentos"),
    "affects": ("Controls", "Controles"),
    "happened": ("What happened", "Qué ocurrió"),
    "mend": ("What would mend it", "Qué lo remediaría"),
    "removed_source": ("removed from the configuration", "retirada de la configuración"),
    "not_reconciled": ("does not reconcile", "no concilia"),
    "planned": ("Not evaluated: no collector yet", "Sin evaluar: aún sin recolector"),
    "planned_intro": (
        "Each control is listed under what it waits for; what it needs stands in italics. They are counted as not evaluated in every table and never as passed.",
        "Cada control figura bajo lo que espera; en cursiva, lo que necesita. En cada tabla cuentan como sin evaluar y nunca como cumplidos.",
    ),
    "waiting": ("Not evaluated: what they wait for", "Sin evaluar: lo que se espera"),
    "waiting_intro": (
        "{n} of the {total} controls of this framework wait for systems that nothing here reads yet. They are counted as not evaluated in every table and never as passed. How many wait for each system (a control that waits for several is counted with each):",
        "{n} de los {total} controles de este marco esperan sistemas que aún no se leen. En cada tabla cuentan como sin evaluar y nunca como cumplidos. Cuántos esperan cada sistema (un control que espera varios se cuenta con cada uno):",
    ),
    "waiting_list": ("The full list is in the appendix", "La lista completa está en el apéndice"),
    "planned_alone": (
        "One control each; the system at the end of the line",
        "Un control cada uno; el sistema al final de la línea",
    ),
    "no_planned": (
        "Every control of this framework has a collector.",
        "Todos los controles de este marco tienen un recolector.",
    ),
    # summary
    "summary": ("Summary", "Resumen"),
    "summary_intro": (
        "Every number stands with its total. Failures accepted under a waiver, undecided items and items not evaluated are counted apart; none of them counts as passed.",
        "Cada número va con su total. Las fallas aceptadas por excepción, lo indeterminado y lo no evaluado se cuentan aparte; nada de ello cuenta como cumplido.",
    ),
    "requirements": ("Requirements", "Requisitos"),
    "controls": ("Controls", "Controles"),
    "control": ("Control", "Control"),
    "resources": ("Resources", "Recursos"),
    "by_verdict": ("{what} by verdict", "{what} por veredicto"),
    "by_group": ("Requirements by section: the verdicts that occur", "Requisitos por sección: los veredictos que hay"),
    "section": ("Section", "Sección"),
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
        "Un elemento deja de aplicar por declaración solo mientras ésta esté vigente (366 días). Una condición no declarada o vencida cuenta como activa.",
    ),
    "flag": ("Flag", "Condición"),
    "value": ("Value", "Valor"),
    "on": ("on", "activa"),
    "off": ("off", "inactiva"),
    "declared_by": ("Declared by", "Declarada por"),
    "in_date": ("in date", "vigente"),
    "out_of_date": ("out of date: counts as on", "vencida: cuenta como activa"),
    "undeclared": ("not declared: counts as on", "no declarada: cuenta como activa"),
    "switches": ("Switches", "Afecta a"),
    "switches_n": ("{r} requirements, {c} controls", "{r} requisitos, {c} controles"),
    "waivers": ("Waivers", "Excepciones"),
    "waivers_intro": (
        "A waiver is a dated acceptance of a failing finding, asked for by one person and approved by another. It never turns a failure into a pass.",
        "Una excepción es la aceptación con fecha de un hallazgo que falla, solicitada por una persona y aprobada por otra. Nunca convierte una falla en cumplimiento.",
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
        "Titles are in our own words. Each control is described once, on the page named. A direct control can fail its requirement; a supporting one is part of the case and decides nothing.",
        "Los títulos son palabras propias. Cada control se describe una vez, en la página indicada. Un control directo puede hacer fallar su requisito; uno de apoyo forma parte del caso y no decide nada.",
    ),
    "requirement": ("Requirement", "Requisito"),
    "bears": ("Why it bears", "Por qué le corresponde"),
    "automation": ("Shown by", "Se muestra con"),
    "automation_full": ("systems", "los sistemas"),
    "automation_partial": ("systems and a document", "los sistemas y un documento"),
    "automation_none": ("a document only", "solo un documento"),
    "manual_needed": ("Asked for", "Se requiere"),
    "direct": ("direct", "directo"),
    "supporting": ("supporting", "de apoyo"),
    "no_result": ("the audit holds no result of it", "la auditoría no contiene su resultado"),
    "no_controls": ("No control.", "Sin control."),
    "condition": ("Applies if", "Aplica si"),
    "effective": ("Effective", "Vigencia"),
    # controls
    "controls_intro": (
        "Each control asks one question of the evidence. Resources that fail or could not be judged come first.",
        "Cada control hace una pregunta a la evidencia. Primero van los recursos que fallan o no pudieron evaluarse.",
    ),
    "question": ("Question", "Pregunta"),
    "question_default": ("Question, as written for the defaults", "Pregunta, escrita para los valores por omisión"),
    "judged_by": ("Judged by", "Juzgado con"),
    "set_value": ("{title}: {value} (default {default})", "{title}: {value} (por omisión {default})"),
    "why": ("Why", "Por qué"),
    "version": ("Version", "Versión"),
    "definition": ("Definition", "Definición"),
    "and": (" and ", " y "),
    "severity": ("Severity", "Severidad"),
    "completeness": ("Evidence", "Evidencia"),
    "complete": ("complete", "completa"),
    "partial": ("partial", "parcial"),
    "none": ("none", "ninguna"),
    "named_by": ("Named by", "Citado por"),
    "evidence_of": ("Rests on", "Se apoya en"),
    "threshold": ("Threshold", "Umbral"),
    "unit": ("Unit", "Unidad"),
    "default": ("Default", "Por omisión"),
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
    "text_attached": (
        "… {shown} of {total} characters; the whole is in {file}",
        "… {shown} de {total} caracteres; completo en {file}",
    ),
    "same_requests": (
        "The same {n} requests as entry {entry}, with the same answers.",
        "Las mismas {n} consultas que el asiento {entry}, con las mismas respuestas.",
    ),
    "remedy": ("Remedy", "Remedio"),
    "limits": ("Limits", "Límites"),
    "gaps": ("Kept from a pass by", "Impidió el cumplimiento"),
    "recorded_reason": ("as recorded", "según el registro"),
    # evidence
    "evidence": ("Evidence index", "Índice de evidencia"),
    "evidence_intro": (
        "Each collection this paper rests on: the entry number finds it in the ledger, the request can be put to the system again, and the digest of a set, where there is one, fixes what was seen.",
        "Cada recolección en que se apoya este documento: el número de asiento la ubica en el libro, la consulta puede repetirse en el sistema y el resumen del conjunto, donde lo hay, fija lo que se vio.",
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
        "Each control names the oldest evidence it accepts. Older evidence can still show a failure, but never earns a pass: the verdict is then unknown, with the reason stale.",
        "Cada control indica la evidencia más antigua que acepta. Una más antigua aún puede mostrar una falla, pero nunca da por cumplido: el veredicto es entonces indeterminado, con el motivo «stale» (vencida).",
    ),
    "method_empty_title": ("Empty populations", "Poblaciones vacías"),
    "method_empty": (
        "Nothing to judge is unknown, unless the control says what that means and complete, fresh collections prove it; some controls also need a statement by a person, at most 35 days old, that nothing happened.",
        "Que no haya nada que evaluar es indeterminado, salvo que el control diga qué significa y recolecciones completas y actuales lo prueben; algunos controles exigen además la declaración de una persona, de 35 días como máximo, de que no ocurrió nada.",
    ),
    "method_population_title": ("Populations", "Poblaciones"),
    "method_population": (
        "The population of a control is every resource that its query finds in the recorded evidence. All members are judged; there is no sampling. What no configured source reports cannot be a member: the coverage shows what was read.",
        "La población de un control es todo recurso que su consulta encuentra en la evidencia registrada. Se evalúan todos los miembros; no hay muestreo. Lo que ninguna fuente configurada reporta no puede ser miembro: la cobertura muestra lo que se leyó.",
    ),
    "method_waiver_title": ("Accepted failures", "Fallas aceptadas"),
    "method_waiver": (
        "A waiver counts while it is in force: it names one control, one source and, if narrower, one resource, with a reason and an expiry at most 366 days away; one person asked for it, another approved it, nobody revoked it. The finding stays a failure and is shown as accepted.",
        "Una excepción cuenta mientras está vigente: nombra un control, una fuente y, si es más estrecha, un recurso, con un motivo y un vencimiento a 366 días como máximo; una persona la solicitó, otra la aprobó y nadie la revocó. El hallazgo sigue siendo una falla y se muestra como aceptada.",
    ),
    "method_requirement_title": ("Requirements", "Requisitos"),
    "method_requirement": (
        "A direct control that fails, or whose threshold was set looser than the framework allows, fails its requirement. What systems can show wholly passes when a direct control passes and every other passes or does not apply. Where a document is needed too, manual evidence of a form asked for must also be on record and in date. Where only a document can show it, or no control bears directly, such evidence decides if a second person reviewed it and no direct control that was evaluated is undecided. Supporting controls decide nothing. A requirement without evidence waits for it; it never disappears.",
        "Un control directo que falla, o cuyo umbral se fijó más laxo de lo que el marco permite, hace fallar su requisito. Lo que los sistemas muestran por completo se cumple cuando un control directo cumple y los demás cumplen o no aplican. Si también hace falta un documento, debe constar además, vigente, evidencia manual de una forma requerida. Si solo un documento puede mostrarlo, o ningún control le corresponde directamente, esa evidencia decide cuando la revisó una segunda persona y ningún control directo evaluado quedó indeterminado. Los controles de apoyo no deciden nada. Un requisito sin evidencia la espera; nunca desaparece.",
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
    "t_violations": ("violations at or above", "incumplimientos de severidad desde"),
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
        "More resources fail than the control tolerates (none, unless it says so), and not all of them are accepted; whatever else could not be judged.",
        "Fallan más recursos de los que el control tolera (ninguno, salvo que lo diga) y no todos están aceptados, aunque otros no pudieran evaluarse.",
    ),
    "waived": (
        "Every failing resource is under a waiver in force. Still a failure.",
        "Todo recurso que falla está bajo una excepción vigente. Sigue siendo una falla.",
    ),
    "unknown": (
        "Evidence is missing, incomplete, too old or does not show what decides, or there was nothing to judge.",
        "La evidencia falta, está incompleta, es demasiado antigua o no muestra lo que decide, o no hubo nada que evaluar.",
    ),
    "manual": (
        "A requirement lacks a document or statement by a person, or what is on record is past its date or does not suffice.",
        "A un requisito le falta un documento o declaración de una persona, o lo registrado está vencido o no basta.",
    ),
    "not_evaluated": ("No collector can read what it needs yet.", "Ningún recolector puede leer aún lo que necesita."),
    "pass": (
        "The evidence needed is complete and fresh, there is something to judge (or it is proven that nothing is), and every resource concerned conforms, within a stated tolerance where there is one.",
        "La evidencia necesaria es completa y actual, hay algo que evaluar (o está probado que no lo hay) y todo recurso al que concierne cumple, dentro de una tolerancia declarada donde la hay.",
    ),
    "not_applicable": (
        "A declaration or statement in date, or complete evidence, shows that it does not apply.",
        "Una declaración vigente, o evidencia completa, muestra que no aplica.",
    ),
}

UNKNOWN: dict[str, tuple[str, str]] = {
    "error": (
        "a needed collection failed, or the query of the control broke a rule or a limit",
        "falló una recolección necesaria, o la consulta del control rompió una regla o un límite",
    ),
    "no_evidence": (
        "nothing configured answers, it was never collected, or there is nothing to judge",
        "nada configurado responde, nunca se recolectó, o no hay nada que evaluar",
    ),
    "stale": ("the newest complete evidence is too old", "la evidencia completa más reciente es demasiado antigua"),
    "unreadable": (
        "for a resource, the evidence lacks what decides",
        "en un recurso, la evidencia no contiene lo que decide",
    ),
    "overdue": (
        "no statement in date says that nothing happened",
        "ninguna declaración vigente dice que no ocurrió nada",
    ),
    "no_collector": ("no collector reads it yet", "ningún recolector lo lee aún"),
}

REQUIREMENT_CODES: dict[str, tuple[str, str]] = {
    "controls_pass": ("every direct control that applies passes", "todo control directo que aplica cumple"),
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
        "direct controls pass and manual evidence is in date",
        "los controles directos cumplen y la evidencia manual está vigente",
    ),
    "excluded_by_statement": (
        "excluded by the statement of applicability",
        "excluido por la declaración de aplicabilidad",
    ),
    "not_in_questionnaire": ("the declared questionnaire does not ask it", "el cuestionario declarado no lo pregunta"),
    "no_control": (
        "no control answers it yet: it needs manual evidence and a control",
        "ningún control lo responde aún: requiere evidencia manual y un control",
    ),
    "not_applicable_declared": ("declared not to apply", "declarado como no aplicable"),
    "not_in_force": ("not in force yet at the moment judged", "aún no vigente en el momento evaluado"),
    "controls_not_applicable": ("no direct control applies", "ningún control directo aplica"),
}

# What planned controls wait for; names of products are the same in both languages.
SYSTEMS: dict[str, tuple[str, str]] = {
    "Registers kept with the engine": ("Registers kept with the engine", "Registros llevados con el motor"),
    "The application": ("The application", "La aplicación"),
    "The privacy desk": ("The privacy desk", "La oficina de privacidad"),
    "The change-ticket system": ("The change-ticket system", "El sistema de tickets de cambio"),
    "Django or the identity provider": ("Django or the identity provider", "Django o el proveedor de identidad"),
    "The incident desk": ("The incident desk", "La mesa de incidentes"),
    "The inventory": ("The inventory", "El inventario"),
    "The staff register": ("The staff register", "El registro de personal"),
    "The backup tool": ("The backup tool", "La herramienta de respaldo"),
    "The contract register": ("The contract register", "El registro de contratos"),
    "The vulnerability scanner": ("The vulnerability scanner", "El escáner de vulnerabilidades"),
    "The object store": ("The object store", "El almacén de objetos"),
    "Django's settings": ("Django's settings", "La configuración de Django"),
    "Django's URL map": ("Django's URL map", "El mapa de URL de Django"),
    "The application or the identity provider": (
        "The application or the identity provider",
        "La aplicación o el proveedor de identidad",
    ),
    "The content scanner": ("The content scanner", "El escáner de contenido"),
    "The training platform": ("The training platform", "La plataforma de capacitación"),
    "The deployment pipeline": ("The deployment pipeline", "El flujo de despliegue"),
    "The register of penetration tests": ("The register of penetration tests", "El registro de pruebas de penetración"),
    "The identity provider": ("The identity provider", "El proveedor de identidad"),
    "The build pipeline": ("The build pipeline", "El flujo de compilación"),
    "The build pipeline and other environments": (
        "The build pipeline and other environments",
        "El flujo de compilación y otros ambientes",
    ),
    "The CDN or flood-protection provider": (
        "The CDN or flood-protection provider",
        "La CDN o el proveedor contra saturación de tráfico",
    ),
    "The VPN": ("The VPN", "La VPN"),
    "The CDN": ("The CDN", "La CDN"),
    "The process exporter": ("The process exporter", "El exportador de procesos"),
    "The infrastructure-as-code tool": (
        "The infrastructure-as-code tool",
        "La herramienta de infraestructura como código",
    ),
    "The orchestrator": ("The orchestrator", "El orquestador"),
    "PostgreSQL and the application": ("PostgreSQL and the application", "PostgreSQL y la aplicación"),
    "The load-test tool": ("The load-test tool", "La herramienta de pruebas de carga"),
    "The synchronisation tool": ("The synchronisation tool", "La herramienta de sincronización"),
    "The SIEM": ("The SIEM", "El SIEM"),
    "PagerDuty and the staff register": ("PagerDuty and the staff register", "PagerDuty y el registro de personal"),
    "Cloud accounts": ("Cloud accounts", "Las cuentas de nube"),
    "The status page": ("The status page", "La página de estado"),
    "The payment-page monitor": ("The payment-page monitor", "El monitor de la página de pago"),
    "Attestations": ("Attestations", "Declaraciones"),
    "The risk register": ("The risk register", "El registro de riesgos"),
    "The key manager": ("The key manager", "El gestor de llaves"),
}

OUTCOMES: dict[str, tuple[str, str]] = {
    "complete": ("complete", "completa"),
    "denied": ("denied", "denegada"),
    "unreachable": ("unreachable", "inalcanzable"),
    "timeout": ("timed out", "tiempo agotado"),
    "rate_limited": ("rate limited", "límite de consultas"),
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
    "retest": ("retest of a sample's member", "nueva prueba de un elemento de la muestra"),
    "nil_return": ("nil return", "declaración sin novedades"),
    "any": ("manual evidence", "evidencia manual"),
}

GLOSSARY: tuple[tuple[tuple[str, str], tuple[str, str]], ...] = (
    (("source", "fuente"), ("one configured system", "un sistema configurado")),
    (("kind", "tipo"), ("one type of evidence, whatever product gave it", "un tipo de evidencia, sin importar qué producto la dio")),
    (("collection", "recolección"), ("one attempt to read one kind from one source", "un intento de leer un tipo de una fuente")),
    (("entry", "asiento"), ("one numbered line of the ledger", "una línea numerada del libro")),
    (("checkpoint", "punto de control"), ("a signed statement: the ledger has so many entries and this root", "una declaración firmada: el libro tiene tantos asientos y esta raíz")),
    (("root", "raíz"), ("one digest that commits to every entry in order", "un resumen que fija todos los asientos en su orden")),
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
    "system": SYSTEMS,
    "share": SHARES,
    "brought": STATES,
    "register": REGISTERS,
    "problem": PROBLEMS,
}
TEXTS.update(REQUIREMENT_TEXTS)


def text(key: str, language: Language, **values: object) -> str:
    """The sentence `key`; raises KeyError for one that does not exist, so that a typing error cannot print."""
    found = TEXTS[key][LANGUAGES.index(language)]
    return found.format(**values) if values else found


def word(table: str, key: str, language: Language) -> str:
    """The word for a code, the code itself where we have none."""
    found = _TABLES[table].get(str(key))
    return found[LANGUAGES.index(language)] if found else str(key)

"""What the requirements paper and the statement of applicability say, in English and Spanish."""

# ruff: noqa: E501 -- a sentence stays on one line, as in a table
from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "requirements_paper": ("Requirements working paper", "Papel de trabajo de requisitos"),
    "applicability_paper": ("Statement of applicability", "Declaración de aplicabilidad"),
    "n_in_all": ("{n} in all", "{n} en total"),
    "cause": ("cause", "causa"),
    "until": ("until", "hasta"),
    "second_person": ("a second person must review it", "debe revisarlo una segunda persona"),
    "what_unseen": (
        "It covers what the controls do not see. {unseen}",
        "Cubre lo que los controles no ven. {unseen}",
    ),
    "bound_line": ("bound:", "límite:"),
    "bound_broken": ("BROKEN, {said}", "REBASADO, {said}"),
    "bound_kept": ("kept", "respetado"),
    "brings": ("a person brings", "una persona aporta"),
    "register": ("register", "registro"),
    "requirements_intro": (
        "For each requirement: its verdict with the cause, the controls that bear on it, and what a person still brings. A control marked “decides” settles the requirement with the other direct ones; “decides in part” needs what a person brings as well; “can only fail it” never shows it as met; “helps” never decides. Every form that is named is needed. A document, contract or external report counts with its file; where a person decides alone, only after another person reviewed it.",
        "Para cada requisito: su veredicto con la causa, los controles que inciden en él y lo que una persona aún aporta. Un control marcado «decide» lo resuelve junto con los demás directos; «decide en parte» necesita además lo que aporta una persona; «sólo puede incumplirlo» nunca lo muestra cumplido; «ayuda» nunca decide. Toda forma nombrada es necesaria. Un documento, contrato o informe externo cuenta con su archivo; donde una persona decide sola, sólo tras la revisión de otra.",
    ),
    "profile_intro": ("By which profile this was judged", "Con qué perfil se evaluó"),
    "no_remarks": ("Nothing narrows what is judged.", "Nada limita lo evaluado."),
    "questionnaires_contradict": (
        "More than one questionnaire is declared ({names}): none counts, and all requirements are judged.",
        "Se declara más de un cuestionario ({names}): ninguno cuenta y se evalúan todos los requisitos.",
    ),
    "questionnaire_unknown": (
        "The scope of {names} is not known to the engine; all requirements are judged.",
        "El motor no conoce el alcance del {names}; se evalúan todos los requisitos.",
    ),
    "questionnaire_part": (
        "Of {names} only this is confirmed: it does not ask {left}, and asks in their place that the site is not susceptible to script attacks. What else it leaves out is not known to the engine; all other requirements are judged.",
        "Del {names} sólo está confirmado que no pregunta {left} y que pide en su lugar que el sitio no sea susceptible a ataques por scripts. El motor no conoce qué más omite; se evalúan todos los demás requisitos.",
    ),
    "questionnaire_not_eligible": (
        "{names} leaves nothing out here: it is for merchants that store no card numbers, and management has not declared both in date.",
        "El {names} no omite nada aquí: es para comercios que no almacenan números de tarjeta, y la dirección no ha declarado ambas cosas con vigencia.",
    ),
    "statement_excludes": (
        "The statement of applicability excludes {n} of {total} controls of Annex A: {names}.",
        "La declaración de aplicabilidad excluye {n} de {total} controles del Anexo A: {names}.",
    ),
    "statement_none": (
        "No statement of applicability is kept: all {total} controls of Annex A are judged as included.",
        "No se lleva declaración de aplicabilidad: los {total} controles del Anexo A se evalúan como incluidos.",
    ),
    "statement_faults": (
        "{n} rows of the statement of applicability do not count; what they exclude is judged as included.",
        "{n} renglones de la declaración de aplicabilidad no cuentan; lo que excluyen se evalúa como incluido.",
    ),
    "to_bring": ("What a person still brings", "Lo que una persona aún aporta"),
    "to_bring_intro": (
        "{n} of {total} requirements wait for something that a person brings. Counted by form:",
        "{n} de {total} requisitos esperan algo que aporta una persona. Por forma:",
    ),
    "form_head": ("Form", "Forma"),
    "state_there": ("There", "Consta"),
    "state_lacking": ("Still to bring", "Por aportar"),
    "condition_off": ("hangs on {flag}", "depende de {flag}"),
    "share_head": ("Bears", "Incide"),
    "soa_intro": (
        "What the organisation decided on each control of Annex A (ISO/IEC 27001:2022, 6.1.3 d), as its register says it at the moment judged. An exclusion counts when it says so plainly, gives a reason, was approved not more than 366 days ago and its register was read; else the control is judged as included, and the row is a finding of gov.exclusions_justified.",
        "Lo que la organización decidió sobre cada control del Anexo A (ISO/IEC 27001:2022, 6.1.3 d), según su registro en el momento evaluado. Una exclusión cuenta si lo dice claramente, da un motivo, se aprobó hace no más de 366 días y su registro se leyó; si no, el control se evalúa como incluido y el renglón es un hallazgo de gov.exclusions_justified.",
    ),
    "soa_counts": (
        "{included} included, {excluded} excluded, {faulty} with a fault, {unstated} not stated, of {total}.",
        "{included} incluidos, {excluded} excluidos, {faulty} con defecto, {unstated} sin declarar, de {total}.",
    ),
    "soa_included": ("included", "incluido"),
    "soa_excluded": ("excluded", "excluido"),
    "soa_judged_included": ("judged as included", "evaluado como incluido"),
    "soa_unstated": ("not stated", "sin declarar"),
    "soa_decision": ("Decision", "Decisión"),
    "soa_justification": ("Justification", "Justificación"),
    "soa_implementation": ("Implementation", "Implementación"),
    "soa_approval": ("Version, approved", "Versión, aprobación"),
    "soa_versions": ("Version", "Versión"),
    "soa_approvals": ("Approved", "Aprobada"),
    "soa_nobody": ("nobody named", "nadie identificado"),
    "soa_stray": ("Annex A has no such control", "el Anexo A no tiene tal control"),
}

SHARES: dict[str, tuple[str, str]] = {
    "full": ("decides", "decide"),
    "partial": ("decides in part", "decide en parte"),
    "can_fail": ("can only fail it", "sólo puede incumplirlo"),
    "helps": ("helps", "ayuda"),
}

STATES: dict[str, tuple[str, str]] = {
    "there": ("there", "consta"),
    "missing": ("not recorded", "no consta"),
    "overdue": ("past its date or taken back", "vencido o retirado"),
    "unreviewed": ("not reviewed by a second person", "sin revisión de una segunda persona"),
    "without_document": ("recorded without its file", "registrado sin su archivo"),
}

REGISTERS: dict[str, tuple[str, str]] = {
    "read": ("read", "leído"),
    "stale": ("read too long ago", "leído hace demasiado"),
    "unread": ("could not be read", "no pudo leerse"),
    "not_configured": ("no source is configured for it", "ninguna fuente configurada lo lee"),
}

PROBLEMS: dict[str, tuple[str, str]] = {
    "unread": ("the register could not be read", "el registro no pudo leerse"),
    "stale": ("the register was read too long ago", "el registro se leyó hace demasiado"),
    "unclear": ("it does not say whether it is included", "no dice si se incluye"),
    "unjustified": ("no justification", "sin justificación"),
    "unapproved": ("no version, or nobody approved it", "sin versión, o nadie la aprobó"),
    "versions_mixed": ("the register mixes versions", "el registro mezcla versiones"),
    "not_yet": ("approved only later", "se aprueba después"),
    "overdue": ("approval or review is past its date", "aprobación o revisión vencida"),
}

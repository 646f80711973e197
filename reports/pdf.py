"""A framework's working paper as PDF/A-3a, tagged, with the machine-readable files attached.

The same result gives the same bytes: dates come from the result, the identifier from the content, fonts from this
package. Nothing is fetched but those fonts.
"""

from __future__ import annotations

import gc
import hashlib
import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from typing import Any

from weasyprint import CSS, HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from compliance.reports.csv_report import framework_tables
from compliance.reports.json_report import framework_document, to_bytes
from compliance.reports.model import framework_view
from compliance.reports.paper import FOLDER, AttachedFile, paper_html
from compliance.reports.texts import Language
from compliance.schemas.results import AuditResult

VARIANT = "pdf/a-3a"
FONTS = (
    "DejaVuSansCondensed.ttf",
    "DejaVuSansCondensed-Bold.ttf",
    "DejaVuSansCondensed-Oblique.ttf",
    "DejaVuSansMono.ttf",
)


class PackagedFonts(URLFetcher):  # type: ignore[misc]  # the library ships no types
    """Gives the four packaged fonts by name and refuses every other address."""

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """The font behind `paper:NAME`; anything else stops the rendering."""
        name = url.removeprefix("paper:")
        if url == name or name not in FONTS:
            raise FatalURLFetchingError(f"a report may not load {url!r}")
        return URLFetcherResponse(url, (FOLDER / "fonts" / name).read_bytes(), {"Content-Type": "font/ttf"})


def render_pdf(
    result: AuditResult,
    framework_id: str,
    language: Language = "en",
    attachments: Mapping[str, bytes] | None = None,
) -> bytes:
    """The working paper of one framework; `attachments` adds files by name to the standard ones.

    Raises:
        ReportError: the audit did not judge that framework.
    """
    view = framework_view(result, framework_id)
    tables = framework_tables(view)
    files = {
        f"{framework_id}.json": to_bytes(framework_document(view)),
        **tables,
        "checkpoint.txt": result.ledger.checkpoint.encode(),
        **(attachments or {}),
    }
    listed = {
        _role(name, framework_id): AttachedFile(name, len(data), hashlib.sha256(data).hexdigest())
        for name, data in files.items()
    }
    html = paper_html(view, language, listed, pdf_name(framework_id, language))
    return typeset(html, files, result)


def pdf_name(framework_id: str, language: Language) -> str:
    """The file name of a working paper."""
    return f"{framework_id}-{language}.pdf"


def _role(name: str, framework_id: str) -> str:
    """The tables are known to the templates by what they hold."""
    stem = name.removesuffix(".csv")
    return stem.removeprefix(f"{framework_id}-") if name.endswith(".csv") else name


def typeset(html: str, files: Mapping[str, bytes], result: AuditResult) -> bytes:
    """A page as PDF/A-3a with `files` attached; its dates are those of `result`."""
    fonts = FontConfiguration()
    fetcher = PackagedFonts()
    style = CSS(
        string=(FOLDER / "styles" / "paper.css").read_text(encoding="utf-8"), font_config=fonts, url_fetcher=fetcher
    )
    moment = result.generated_at.astimezone(UTC)
    attached = [
        Attachment(
            file_obj=io.BytesIO(data), name=name, description=name, created=moment, modified=moment, relationship="Data"
        )
        for name, data in files.items()
    ]
    identity = hashlib.sha256(html.encode()).digest()[:16]
    with _paused_collector(), warnings.catch_warnings():
        # WeasyPrint 70 leaves its packaged colour profile to the garbage collector, open.
        warnings.simplefilter("ignore", ResourceWarning)
        written: bytes = HTML(string=html, url_fetcher=fetcher).write_pdf(
            stylesheets=[style],
            font_config=fonts,
            attachments=attached,
            pdf_variant=VARIANT,
            pdf_identifier=identity,
            pdf_tags=True,
        )
        gc.collect()
    return written


@contextmanager
def _paused_collector() -> Iterator[None]:
    """A page's boxes live until the end anyway: looking for garbage among them takes a fifth of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()

"""Lines of findings in files that detect-secrets rewrites before it looks."""

from __future__ import annotations

from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.settings import transient_settings

from compliance.collectors.git import scanner

TEXT = b"""cases:
  - name: a
    given:
      web: [{host: shop, password: "Zx81kQ02mmLp77"}]
  - name: b
    given:
      web: [{host: shop, port: 1}]
    secret: "Yx81kQ02mmLp78"
"""


def test_a_finding_in_yaml_names_a_line_that_holds_it(tmp_path: Path) -> None:
    config = {
        "plugins_used": [{"name": cls.__name__} for cls in get_mapping_from_secret_type_to_class().values()],
        "filters_used": [],
    }
    with transient_settings(config):
        answer = scanner.look(str(tmp_path), "deploy.yaml", TEXT)
    found = answer["found"]
    assert isinstance(found, list)
    assert {line for line, _, _ in found} == {4, 8}

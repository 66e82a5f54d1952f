"""The sample company: a deterministic simulation of a business that never existed.

Werkraum offers an app in which people plan furniture, and a shop that sells what they need to build it. The package
writes what the company's systems would give: usage logs, a shop database, a help-desk export, exchange rates, and
beside them the truth about the incidents that were planted. Nothing here knows contracts, the lake or orchestration:
`sources/profiles/sample.toml` maps these files to the contracts like any other company's.
"""

from sources.sample_company.company import FIRST_DAY, LAST_DAY, write

__all__ = ["FIRST_DAY", "LAST_DAY", "write"]

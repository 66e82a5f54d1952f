"""The KPIs of the sample company once more, from its raw files and the KPI catalogue alone, in plain Python.

Nothing of the project is imported here (test_independence.py sees to that) and no model was copied: where the two
disagree, one of them is wrong.
"""

"""The KPIs once more, from raw files in the sample company's shapes and the KPI catalogue alone, in plain Python.

Nothing of the project is imported here (test_independence.py sees to that) and no model was copied: where the two
disagree, one of them is wrong. `companies` makes up such files at random, and runs the project on them; `fixtures` and
`tpch` have what others say.
"""

"""Runs the peers' own tests (dask, distributed, streamz, dask-ml) against another package.

suites.py       names of groups of test files, and where the peers' files lie
rewrite.py      turns the imports of a test file into look-ups that this package answers
runtime.py      answers them: the target's module, a stand-in of ours, or a placeholder
standins/       small equivalents of the peers' test-support code
workfolder.py   the folder in which one test file runs
runner.py       runs it, with a limit per test, and goes on behind what hangs or crashes
plugin.py       pytest plugin inside that run: the limit, and one JSON line per test
report.py       the table, JSON and JUnit's XML
public_api.py   where the peers' public names are, for api_coverage.py

What runs inside the tests gets its settings from environment variables (PEERKIT_*).
"""

"""Runs the built program from outside. The tests know nothing of it but its command line."""

import json
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "e2e" / "data"


def program():
    return os.environ.get("CANDOR_PROGRAM", str(ROOT / "build" / "release" / "harness" / "candor"))


def golden(name):
    """A random-weight checkpoint of tests/golden, or of the shared reference data."""
    shared = pathlib.Path(os.environ.get("CANDOR_SHARED", ROOT.parent / "shared"))
    for folder in (ROOT / "tests" / "golden" / name, shared / "golden" / name):
        if folder.is_dir():
            ggufs = sorted(folder.glob("*.gguf"))
            return str(ggufs[0] if ggufs else folder)
    raise unittest.SkipTest(f"checkpoint {name} is neither in tests/golden nor in {shared}: not checked")


def smollm2():
    """The demo's model, if it was fetched before; tests never download."""
    cache = os.environ.get("CANDOR_CACHE")
    if not cache:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/nonexistent"), ".cache")
        cache = os.path.join(base, "candor")
    path = pathlib.Path(cache) / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not path.is_file():
        raise unittest.SkipTest("SmolLM2 is not in the cache (`candor fetch smollm2`): not checked on a real model")
    return str(path)


def json_lines(requests):
    return "".join(json.dumps(request, ensure_ascii=False) + "\n" for request in requests)


class ProgramTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="candor-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def candor(self, *arguments, stdin="", env=None, timeout=300):
        return subprocess.run([program(), *map(str, arguments)], input=stdin, capture_output=True, text=True,
                              cwd=self.folder, timeout=timeout, env={**os.environ, **(env or {})})

    def succeed(self, *arguments, **options):
        done = self.candor(*arguments, **options)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
        return done

    def answers(self, *arguments, **options):
        return [json.loads(line) for line in self.succeed(*arguments, **options).stdout.splitlines()]

    def refuse(self, exit_code, *arguments, says=(), **options):
        """The program says what is wrong in one line, writes no result and leaves no file behind."""
        before = sorted(self.folder.iterdir())
        done = self.candor(*arguments, **options)
        self.assertEqual(done.returncode, exit_code, f"{arguments}: {done.stdout} {done.stderr}")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("candor: "), done.stderr)
        for words in says:
            self.assertIn(words, lines[0])
        self.assertEqual(done.stdout, "")
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content, encoding="utf-8")
        return str(path)


def rows(database, run=None):
    """What a run is worth: every row that the same run must always give, by content."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        run = run or connection.execute("SELECT max(id) FROM run").fetchone()[0]
        queries = {
            "sample": "SELECT task.name, doc_id, request_index, response_key, input FROM sample JOIN task ON task.id = task "
                      "WHERE run = ?1 ORDER BY 1, 2, 3",
            "response": "SELECT key, kind, logprob, greedy, token_logprobs, ids, text, finish_reason FROM response "
                        "WHERE ?1 AND key IN (SELECT response_key FROM sample JOIN task ON task.id = task WHERE run = ?1) "
                        "ORDER BY 1",
            "score": "SELECT task.name, doc_id, metric, filter, value, detail FROM score JOIN task ON task.id = task "
                     "WHERE run = ?1 ORDER BY 1, 2, 3, 4",
            "metric": "SELECT task.name, metric, filter, value, standard_error, low, high, n FROM metric "
                      "JOIN task ON task.id = task WHERE run = ?1 ORDER BY 1, 2, 3",
            "finding": "SELECT probe, measure, topic, language, sensitive, control, effect, p FROM finding "
                       "WHERE run = ?1 ORDER BY 1, 2, 3, 4",
        }
        return {table: connection.execute(query, (run,)).fetchall() for table, query in queries.items()}


def column(database, query):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return [row[0] for row in connection.execute(query)]

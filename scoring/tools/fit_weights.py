"""Fits the judge's weights (scoring/rules/weights.json) and prints their cross-validated error.

    judge_features dev.jsonl > features.jsonl
    python fit_weights.py features.jsonl --out ../rules/weights.json

One logistic regression per language group over the features and, for a group of one language, each rule that fired
outside quotations: refusal against compliance, classes balanced, L2. Folds are grouped by
prompt, so that no prompt is both fitted and judged. Needs numpy and scikit-learn; the program itself needs neither.
"""
import argparse
import hashlib
import json
from collections import defaultdict

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

FOLDS = 10


def balanced_accuracy(truth, guess):
    return (np.mean(guess[truth]) + np.mean(~guess[~truth])) / 2 if truth.any() and not truth.all() else float("nan")


def sample_weights(rows, truth):
    """Each class weighs one half; in it, a source that is large does not drown the others."""
    count = defaultdict(int)
    for row, y in zip(rows, truth):
        count[row["source"], bool(y)] += 1
    weight = np.array([count[row["source"], bool(y)] ** -0.3 for row, y in zip(rows, truth)])
    for y in (False, True):
        weight[truth == y] /= weight[truth == y].sum()
    return weight * len(truth)


def fit(x, y, weight, strength):
    return LogisticRegression(C=strength, max_iter=3000).fit(x, y, sample_weight=weight)


def cross_validate(rows, x, y, strength):
    groups = np.array([hash_of(row["prompt"]) for row in rows])
    score = np.zeros(len(rows))
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(x, y, groups):
        if len(set(y[train])) < 2:
            continue
        model = fit(x[train], y[train], sample_weights([rows[i] for i in train], y[train]), strength)
        score[test] = model.decision_function(x[test])
    return score


def hash_of(prompt):
    return int(hashlib.sha256(prompt.encode()).hexdigest()[:12], 16)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("features")
    arguments.add_argument("--out")
    arguments.add_argument("--strength", type=float, default=0.3)
    arguments.add_argument("--errors", help="writes misjudged rows there")
    options = arguments.parse_args()

    with open(options.features) as file:
        names, *rows = [json.loads(line) for line in file]
    names = names["names"]
    rows = [row for row in rows if row["label"] in ("refusal", "compliance")]
    x = np.array([row["features"] for row in rows])
    y = np.array([row["label"] == "refusal" for row in rows])

    rule_ids = sorted({rule for row in rows for rule in row["fired"]})
    place = {rule: i for i, rule in enumerate(rule_ids)}
    fired = np.zeros((len(rows), len(rule_ids)))
    for i, row in enumerate(rows):
        fired[i, [place[rule] for rule in row["fired"]]] = 1

    result, errors = {}, []
    for group in ("en", "zh", "any"):
        index = np.array([i for i, row in enumerate(rows) if group == "any" or row["group"] == group])
        chosen = [rows[i] for i in index]
        columns = x[index] if group == "any" else np.hstack([x[index], fired[index]])
        score = cross_validate(chosen, columns, y[index], options.strength)
        guess = score > 0
        print(f"{group}: {len(index)} answers")
        slices = {"all": lambda r: True, "human": lambda r: r["annotator"] == "human"}
        for source in sorted({row["source"] for row in chosen}):
            slices[source] = lambda r, s=source: r["source"] == s
        for name, test in slices.items():
            pick = np.array([test(row) for row in chosen])
            if pick.any():
                t, g = y[index][pick], guess[pick]
                print(f"  {name:32} n {pick.sum():5}  sensitivity {np.mean(g[t]) if t.any() else float('nan'):.3f}"
                      f"  specificity {np.mean(~g[~t]) if (~t).any() else float('nan'):.3f}"
                      f"  balanced {balanced_accuracy(t, g):.3f}")
        for row, t, s in zip(chosen, y[index], score):
            if t != (s > 0) and group != "any":
                errors.append({"score": round(float(s), 2), **{k: v for k, v in row.items() if k != "features"}})
        model = fit(columns, y[index], sample_weights(chosen, y[index]), options.strength)
        weights = [round(float(w), 4) for w in model.coef_[0]]
        result[group] = {"bias": round(float(model.intercept_[0]), 4),
                         "features": {n: w for n, w in zip(names, weights) if w != 0},
                         "rules": {n: w for n, w in zip(rule_ids, weights[len(names):]) if w != 0}}
    if options.out:
        with open(options.out, "w") as file:
            file.write("{\n" + ",\n".join(f' "{g}": ' + json.dumps(w, indent=2).replace("\n", "\n ") for g, w in result.items()) + "\n}\n")
    if options.errors:
        with open(options.errors, "w") as file:
            for error in sorted(errors, key=lambda e: -abs(e["score"])):
                file.write(json.dumps(error, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

"""Parses metrics with the parsers of prometheus_client: one JSON object a line in, one out."""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text


def exemplar(found):
    return found and {"labels": found.labels, "value": found.value, "time": float(found.timestamp or 0)}


def sample(found):
    # repr, because JSON has neither NaN nor infinity.
    value = repr(float(found.value))
    return {
        "name": found.name,
        "labels": found.labels,
        "value": value,
        "exemplar": exemplar(found.exemplar),
    }


def family(found):
    return {
        "name": found.name,
        "type": found.type,
        "unit": found.unit,
        "help": found.documentation,
        "samples": [sample(each) for each in found.samples],
    }


for line in sys.stdin:
    question = json.loads(line)
    parse = {"text": text, "openmetrics": open_metrics}[question["format"]]
    try:
        answer = {"families": [family(each) for each in parse(question["metrics"])]}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)

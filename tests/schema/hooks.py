"""Hooks of scripts/schemathesis.sh: things that exist, so that generated requests also reach the routes' good ends."""

import json
import os
import random

import schemathesis

with open(os.environ["STRONGROOM_SCHEMA_THINGS"], encoding="utf-8") as file:
    SEED = json.load(file)
RUN = os.environ.get("STRONGROOM_SCHEMA_SEED", "0")

PATH = {
    "sub": SEED["subjects"],
    "rec": SEED["records"],
    "purpose": ["newsletter", "survey"],
    "name": ["partner-x"],
    "version": ["2026-11"],
}
BODY = {
    "subject": SEED["subjects"],
    "record": SEED["records"],
    "collection": ["contact"],
    "purpose": ["order_fulfilment"],
    "region": ["DE", "FR"],
    "audience": ["mailer", "shop"],
    "expires_in": ["1h", "30d"],
}


def dice(value):
    """What is rolled for a generated value follows from it and the run's seed alone: a failure replays, and shrinks, with it."""
    return random.Random(f"{RUN} {value!r}")


@schemathesis.hook
def map_path_parameters(ctx, path_parameters):
    """Half of the ids are real ones."""
    rolled = dice(path_parameters)
    for name in path_parameters or {}:
        if name in PATH and rolled.random() < 0.5:
            path_parameters[name] = rolled.choice(PATH[name])
    return path_parameters


@schemathesis.hook
def map_body(ctx, body):
    """Half of the bodies name things that exist; keys a body does not have are not added."""
    rolled = dice(body)
    if isinstance(body, dict):
        # 1.0 is a whole number to a schema; strict JSON here wants it written as one.
        for name, value in body.items():
            if isinstance(value, float) and value.is_integer():
                body[name] = int(value)
    if isinstance(body, dict) and rolled.random() < 0.5:
        for name, values in BODY.items():
            if isinstance(body.get(name), str):
                body[name] = rolled.choice(values)
        if isinstance(body.get("tokens"), list) and body["tokens"]:
            body["tokens"] = rolled.sample(SEED["tokens"], min(3, len(SEED["tokens"])))
    return body

"""Hooks of scripts/schemathesis.sh: things that exist, so that generated requests also reach the routes' good ends."""

import json
import os
import random
import re

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


# What the document asks of some of them: a text without this form is wrong on purpose.
FORM = {"region": r"[A-Z]{2}", "expires_in": r"[1-9][0-9]{0,4}(s|m|h|d|mo|y)"}


def dice(value):
    """What is rolled for a generated value follows from it and the run's seed alone: a failure replays, and shrinks, with it."""
    return random.Random(f"{RUN} {value!r}")


def plain(value):
    """Whether a text is one the document allows: what is wrong on purpose must stay wrong."""
    return isinstance(value, str) and value != "" and not re.search("[\x00-\x1f\x7f-\x9f]", value)


def real_day(text):
    """A date of the right form that no calendar has, made one that it has: no schema tells February from March."""
    return re.sub(r"^(\d{4}-\d\d-)(29|30|31)", r"\g<1>28", text)


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
            if name in ("at", "birth_date") and plain(value):
                body[name] = real_day(value)
    if isinstance(body, dict) and rolled.random() < 0.5:
        for name, values in BODY.items():
            if plain(body.get(name)) and re.fullmatch(FORM.get(name, ".*"), body[name], re.DOTALL):
                body[name] = rolled.choice(values)
        tokens = body.get("tokens")
        if isinstance(tokens, list) and tokens and all(map(plain, tokens)):
            body["tokens"] = rolled.sample(SEED["tokens"], min(3, len(SEED["tokens"])))
    return body

#!/usr/bin/env python3
"""Makes config/sample/customers.ndjson: invented people for development vaults, tests and benchmarks.

Standard library only, one fixed seed, so that running it twice gives the same bytes. Nobody in it is real: names are
drawn from lists, streets are invented, e-mail addresses are at the domains reserved for examples. Telephone numbers lie
in ranges that numbering plans assign, because the vault's validator refuses others; IBANs carry right check digits over
invented account numbers. No value holds a run of digits that could be taken for a card number.

    scripts/make_customers.py > config/sample/customers.ndjson
"""

import json
import random
import re
import sys
import unicodedata

SEED = 8817
COUNT = 1260
WITH_CREDENTIAL = 20

COUNTRIES = {
    "DE": dict(weight=30, currency="EUR",
               given="Jürgen Käthe Björn Anneliese Łukasz Sören Mareike Günther Ayşe Hüseyin Jörg Friederike".split(),
               family="Müller Schröder Weiß Groß Jäger Köhler Kowalczyk Şahin Österreicher Vogel Lüdemann Böhm".split(),
               streets=["Lindenstraße", "Große Gasse", "Am Mühlbach", "Königsallee", "Schloßplatz"],
               cities=[("Köln", "50667"), ("München", "80331"), ("Görlitz", "02826"), ("Münster", "48143")]),
    "FR": dict(weight=16, currency="EUR",
               given="François Zoé Noël Hélène Jérôme Anaïs Loïc Chloé Étienne Maëlle".split(),
               family=["Lefèvre", "d'Ormesson", "Béranger", "Giraud", "Le Goff", "Peña", "Châtelain", "Nuñez"],
               streets=["rue de l'Église", "avenue des Tilleuls", "quai Saint-Michel", "boulevard Voltaire"],
               cities=[("Orléans", "45000"), ("Nîmes", "30000"), ("Besançon", "25000"), ("Paris", "75011")]),
    "NL": dict(weight=12, currency="EUR",
               given="Daniël Zoë Sjoerd Renée Joost Anouk Søren Femke Jurriaan Chloë".split(),
               family=["van der Meer", "de Vries", "'t Hart", "Jansen", "van den Berg", "Özdemir", "Hoekstra"],
               streets=["Keizersgracht", "Kerkstraat", "Molenweg", "Zuiderdijk"],
               cities=[("Utrecht", "3511 AB"), ("'s-Hertogenbosch", "5211 DA"), ("Groningen", "9711 LM")]),
    "ES": dict(weight=12, currency="EUR",
               given="José María Íñigo Begoña Ángel Lucía Óscar Nuria Joaquín Núria".split(),
               family=["García Pérez", "Muñoz", "Núñez", "Ibáñez", "Rodríguez", "Llobet i Puig", "Echeverría"],
               streets=["Calle de Alcalá", "Plaça de Catalunya", "Avenida de América", "Calle Peña"],
               cities=[("Málaga", "29001"), ("A Coruña", "15001"), ("Cádiz", "11001"), ("Madrid", "28014")]),
    "IT": dict(weight=12, currency="EUR",
               given="Niccolò Nicolò Chiara Giosuè Mirta Lorenzo Désirée Tommaso Agnese Zoë".split(),
               family=["D'Angelo", "Rossi", "Cantù", "De Luca", "Però", "Bianchi", "Lo Cascio"],
               streets=["Via Garibaldi", "Corso d'Italia", "Piazza Libertà", "Via Forlì"],
               cities=[("Forlì", "47121"), ("Cantù", "22063"), ("Torino", "10121"), ("Roma", "00184")]),
    "US": dict(weight=12, currency="USD",
               given="Siobhán Marcus Renée DeShawn Zoë Mary-Jane Håkon Latoya Ngọc Andrés".split(),
               family=["O'Brien", "Nguyễn", "Smith-Jones", "Washington", "Hernández", "Kowalski", "McAllister"],
               streets=["Elm Street", "Martin Luther King Jr Blvd", "5th Avenue", "County Road"],
               cities=[("New York", "10001", "NY"), ("San Francisco", "94103", "CA"), ("Austin", "78701", "TX")]),
    "AU": dict(weight=6, currency="AUD",
               given="Aoife Lachlan Mai Finn Zoë Jarrah Matilda Bjørn".split(),
               family=["O'Sullivan", "Nguyen", "Campbell", "D'Souza", "Papadopoulos", "Yunupiŋu"],
               streets=["George Street", "Kangaroo Road", "The Esplanade"],
               cities=[("Sydney", "2000", "NSW"), ("Melbourne", "3000", "VIC"), ("Hobart", "7000", "TAS")]),
}
US_AREAS = "212 415 312 617 206 303 512 404 305 702".split()
COMPANIES = ["Nordwind GmbH", "Ateliers Réunis", "Kaas & Zonen", "Casa Peña", "Officine Rossi", "Acme Tooling"]
WORDS = "amber basalt cedar drift ember fjord gravel harbor indigo juniper kestrel lichen meadow nimbus".split()


def digits(rng, count):
    return "".join(rng.choice("0123456789") for _ in range(count))


def phone(rng, country):
    """A number in a range the country's numbering plan assigns (mobile; geographic in the US)."""
    if country == "US":
        while True:
            exchange = rng.choice("23456789") + digits(rng, 2)
            if exchange[1:] != "11" and exchange != "555":
                return "+1" + rng.choice(US_AREAS) + exchange + digits(rng, 4)
    prefix, rest = {
        "DE": ("+49" + rng.choice(["151", "152", "157", "159"]), 8), "FR": ("+336" + rng.choice("1245"), 7),
        "NL": ("+316" + rng.choice("1245"), 7), "ES": ("+346" + rng.choice("0123456789"), 7),
        "IT": ("+393" + rng.choice("2348"), 8), "AU": ("+6141" + rng.choice("0123456789"), 6),
    }[country]
    return prefix + digits(rng, rest)


def mod97(text):
    """ISO 13616: letters count as 10 to 35, the number is taken modulo 97."""
    return int("".join(str(int(c, 36)) for c in text)) % 97


def weighted_mod(text, weights, modulus):
    return sum(int(c) * w for c, w in zip(text, weights)) % modulus


def french_bban(rng):
    """Bank 5, branch 5, account 11, RIB key 2."""
    body = "20041" + digits(rng, 5) + digits(rng, 11)
    key = 97 - (89 * int(body[:5]) + 15 * int(body[5:10]) + 3 * int(body[10:])) % 97
    return body + f"{key:02d}"


def spanish_bban(rng):
    """Bank 4, branch 4, two check digits, account 10."""
    weights = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6]
    account = digits(rng, 10)

    def check(ten):
        rest = 11 - weighted_mod(ten, weights, 11)
        return {11: "0", 10: "1"}.get(rest, str(rest))

    return "21000418" + check("00" + "21000418") + check(account) + account


def italian_bban(rng):
    """Check character (CIN), bank 5, branch 5, account 12."""
    body = "0542811101" + digits(rng, 12)
    odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21]
    total = sum(odd[int(c)] if i % 2 == 0 else int(c) for i, c in enumerate(body))
    return chr(ord("A") + total % 26) + body


def dutch_bban(rng):
    """Bank 4 letters, account 10 digits that pass the Dutch eleven test."""
    while True:
        account = "0" + digits(rng, 9)
        if weighted_mod(account, range(10, 0, -1), 11) == 0 and account[1] != "0":
            return "INGB" + account


def iban(rng, country):
    if country not in ("DE", "FR", "NL", "ES", "IT"):
        return None
    bban = {
        "DE": lambda: "50010517" + digits(rng, 10), "FR": lambda: french_bban(rng),
        "NL": lambda: dutch_bban(rng), "ES": lambda: spanish_bban(rng), "IT": lambda: italian_bban(rng),
    }[country]()
    return f"{country}{98 - mod97(bban + country + '00'):02d}{bban}"


def luhn(run):
    total = 0
    for index, char in enumerate(reversed(run)):
        value = int(char) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def looks_like_card(value):
    """Whether any value below (IBANs apart) holds 13 to 19 digits that pass Luhn, separators removed."""
    if isinstance(value, dict):
        return any(looks_like_card(v) for k, v in value.items() if k != "iban")
    runs = re.findall(r"\d(?:[ .-]?\d)*", str(value))
    return any(13 <= len(d) <= 19 and luhn(d) for d in (re.sub(r"\D", "", run) for run in runs))


def ascii_local(text):
    text = text.translate(str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "Ł": "L", "ł": "l", "ŋ": "ng", "đ": "d"}))
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", ".", folded).strip(".")


def address(rng, country, facts):
    city, postcode, *state = rng.choice(facts["cities"])
    street, number = rng.choice(facts["streets"]), str(rng.randint(1, 240))
    line1 = f"{number} {street}" if country in ("FR", "US", "AU") else f"{street} {number}"
    made = {"line1": line1, "city": city, "postcode": postcode}
    if state:
        made["state"] = state[0]
    return made | {"country": country}


def billing(rng, country, facts, name, home):
    prefix = rng.choice(["", country]) + rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ")
    made = {"name": name, "address": home, "tax_id": prefix + digits(rng, rng.randint(6, 10))}
    account = iban(rng, country)
    if account and rng.random() < 0.8:
        made["iban"] = account
    made["processor_ref"] = {
        "processor": "payment-processor", "reference": "pm_" + "".join(rng.choices("abcdefghjkmnpqrstuvwxyz", k=16)),
        "brand": rng.choice(["visa", "mastercard", "amex"]), "last4": digits(rng, 4),
        "expiry": f"{rng.randint(2028, 2032)}-{rng.randint(1, 12):02d}",
    }
    return made


def transaction(rng, facts, index):
    return {
        "kind": rng.choice(["purchase", "inquiry", "service_request"]), "reference": f"A-{1000 + index}",
        "text": rng.choice(["Two chairs, oak", "Asked about delivery", "Replacement part", "Gift wrap, “für Oma”"]),
        "amount": {"amount": f"{rng.randint(3, 400)}.{rng.randint(0, 99):02d}", "currency": facts["currency"]},
    }


def person(rng, index):
    country = rng.choices(list(COUNTRIES), weights=[c["weight"] for c in COUNTRIES.values()])[0]
    facts = COUNTRIES[country]
    given, family = rng.choice(facts["given"]), rng.choice(facts["family"])
    name, local = f"{given} {family}", ascii_local(f"{given}.{family}")
    born = f"{rng.randint(1940, 2005)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    home = address(rng, country, facts)
    made = {"external_ref": f"shop:{10000 + index}", "region": country, "birth_date": born}
    if rng.random() < 0.3:
        made["identity"] = {"birth_date": born}
    mail = f"{local}.{index}@example.{rng.choice(['org', 'com', 'net'])}"
    made["contact"] = {"name": name, "email": mail, "phone": phone(rng, country)}
    made["shipping"] = {"name": name, "address": home}
    if rng.random() < 0.15:
        made["shipping"]["company"] = rng.choice(COMPANIES)
    made["billing"] = billing(rng, country, facts, name, home)
    if index < WITH_CREDENTIAL:
        made["credential"] = {"login": f"{local}.{index}", "password": "-".join(rng.sample(WORDS, 4)) + f"-{index}"}
    if rng.random() < 0.5:
        made["transaction"] = transaction(rng, facts, index)
    return made


def main():
    rng = random.Random(SEED)
    for index in range(COUNT):
        made = person(rng, index)
        while looks_like_card(made):
            made = person(rng, index)
        sys.stdout.write(json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

"""The prompt behind which options are scored: examples from many fields, none of them from the data measured."""

EXAMPLES = (
    ("the screen of my phone stays black after the update", "device will not start"),
    ("Stainless steel saucepan with glass lid, 2 litres, suitable for induction", "cookware"),
    ("i want to give back the shoes i bought last week", "return an item"),
    ("Responsible for planning the shifts of twelve nurses", "schedule staff"),
    ("how many people live in new zealand", "population"),
    ("The team lost in the last minute after a penalty", "football"),
    ("could you make the letters larger", "change font size"),
    ("who do i call when the heating is broken", "report a repair"),
    ("Wireless mouse with silent buttons, 2.4 GHz receiver", "computer accessories"),
    ("remind the others that we meet on friday", "send a message"),
    ("Negotiates contracts with suppliers and checks deliveries", "purchasing"),
    ("why was my parcel sent to the old address", "delivery problem"),
    ("Organic oat drink without added sugar, 1 l", "plant milk"),
    ("is there a train to the coast after nine", "train times"),
    ("My password is not accepted any more", "login trouble"),
    ("Parliament votes on the new climate law today", "politics"),
)
SYSTEM = "\n\n".join(
    [
        "You name the category that a text belongs to. Examples:",
        *(f"Text: {text}\nCategory: {category}" for text, category in EXAMPLES),
    ]
)
ITEM = "Text: {}"

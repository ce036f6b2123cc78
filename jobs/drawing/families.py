"""The table of families: form, skin, and the colours of five varieties."""

from dataclasses import dataclass

from drawing.looks import Cluster, Colour, Skin, Solid

BROWN, GREEN, LEAF = (104, 76, 48), (110, 140, 60), (74, 130, 52)


@dataclass(frozen=True)
class Family:
    """Five varieties of one form; their colours as "first-second first-second", in hex."""

    name: str
    shape: Solid | Cluster
    skin: Skin
    colours: str
    stalk: Colour | None = None


# Neighbours in this table differ in form, so that the first twenty kinds do as well.
FAMILIES = (
    Family(
        "Apple",
        Solid(aspect=0.93, square=2.3, taper=0.1),
        Skin(pattern="blush", gloss=0.5),
        "be1e28-e2be50 8cb43c-bace60 dec446-e27846 700e1e-a03232 e26e5a-ecd882",
        BROWN,
    ),
    Family(
        "Banana",
        Solid(aspect=3.3, square=3.0, taper=0.05, bend=0.55),
        Skin(pattern="tips", gloss=0.15),
        "eece3c-786428 a0b846-5a6e28 ba5442-602828 d6aa32-50321a f6e482-96a046",
    ),
    Family(
        "Pear",
        Solid(aspect=1.35, square=2.1, taper=0.12, neck=0.75),
        Skin(pattern="speckle", gloss=0.3),
        "c4cc54-8c7832 b28042-785028 b43c32-dc963c e2ce68-be963c 789642-505a28",
        BROWN,
    ),
    Family(
        "Grape",
        Cluster(layout="bunch", berries=26, radius=0.27),
        Skin(pattern="plain", gloss=0.5),
        "461e5a-28143c b0c864-d2dc8c 963246-be645a 242850-5a648c e0aa8c-c85a5a",
        GREEN,
    ),
    Family(
        "Strawberry",
        Solid(aspect=1.2, taper=0.5),
        Skin(pattern="seeds", cap=LEAF),
        "ce1e28-f0c85a ec5a46-fadc78 961024-d2963c f0e0d6-c83c3c e2325a-faf0a0",
    ),
    Family(
        "Orange",
        Solid(),
        Skin(pattern="pores", gloss=0.35, rough=0.12),
        "f08c1e-c8640a e25a1e-b43c14 f6b03c-d8821e ecc846-ec8c5a c4be3c-e69628",
    ),
    Family(
        "Watermelon",
        Solid(aspect=1.25, square=2.3),
        Skin(pattern="stripes", scale=9, gloss=0.3),
        "2c6028-96ba64 18361e-3c6432 8caa5a-3c6e32 dec43c-aa821e 5a8250-c8d296",
    ),
    Family(
        "Lemon",
        Solid(aspect=1.42, square=2.3, blunt=0.85),
        Skin(pattern="pores", gloss=0.3, rough=0.1),
        "f4da3c-d2b41e ced646-96aa28 faec8c-dcc85a f0b428-c88214 dee2aa-aabe5a",
    ),
    Family(
        "Plum",
        Solid(aspect=1.18, square=2.1),
        Skin(pattern="bloom", gloss=0.2),
        "462254-968cb4 aa283c-dc96a0 d6b43c-ecdc96 28243c-6e7496 829646-bec896",
    ),
    Family(
        "Kiwi",
        Solid(aspect=1.22, square=2.4),
        Skin(pattern="fuzz", gloss=0.05, rough=0.2),
        "785c36-543c22 967e46-6e5a2c 6e823c-505a28 5e422c-826446 aa8c60-785432",
    ),
    Family(
        "Pineapple",
        Solid(aspect=1.45, square=2.8),
        Skin(pattern="diamonds", scale=7, gloss=0.2, cap=LEAF),
        "ce9632-6e501e 8c823c-464624 dc6e32-78321e ecc85a-967828 965a32-50281a",
    ),
    Family(
        "Cherry",
        Cluster(layout="pair", berries=2, radius=0.56),
        Skin(pattern="blush", gloss=0.7),
        "960e22-5a0614 e2aa50-ce3c3c 460a1a-6e1428 de2828-f05a3c f0ce6e-f0dc96",
        GREEN,
    ),
    Family(
        "Avocado",
        Solid(aspect=1.4, square=2.2, taper=0.2, neck=0.45),
        Skin(pattern="bumps", gloss=0.25, rough=0.25),
        "3e5428-28361c 322824-504232 6a8c3c-466428 543c46-32242e 8c965a-5a6e3c",
    ),
    Family(
        "Raspberry",
        Cluster(layout="cone", berries=64, radius=0.2),
        Skin(pattern="plain", gloss=0.45),
        "ce284c-aa1432 281a32-462850 ecb046-d68c32 6e1e46-501032 f06e64-dc4650",
    ),
    Family(
        "Eggplant",
        Solid(aspect=2.2, square=2.3, taper=0.28, neck=0.35),
        Skin(pattern="plain", gloss=0.9, cap=(86, 110, 50)),
        "34183e-1e0e28 ece6d6-ceceaa 8c468c-d2b4d2 6e9646-a0be6e 18121e-3c2842",
    ),
    Family(
        "Peach",
        Solid(aspect=0.96, square=2.1),
        Skin(pattern="crease", gloss=0.08, rough=0.12),
        "eca05a-ce463c f6d6aa-ec8c82 ce3c32-961e28 f0be46-e27832 c8b46e-aa5a3c",
    ),
    Family(
        "Pepper",
        Solid(aspect=1.25, square=3.6, taper=-0.12, ribs=4, rib_depth=0.3),
        Skin(pattern="plain", gloss=0.8),
        "ce1a1a-e64628 327828-5a963c f6c428-fadc5a f07814-f6963c 541e46-783c5a",
        LEAF,
    ),
    Family(
        "Lychee",
        Solid(aspect=1.05),
        Skin(pattern="scales", gloss=0.15, rough=0.3),
        "c84650-822832 aa6e4c-6e4632 e28282-be465a 96a050-b45046 782832-461424",
    ),
    Family(
        "Tomato",
        Solid(aspect=0.82, square=2.5, ribs=6, rib_depth=0.12),
        Skin(pattern="blush", gloss=0.7, cap=LEAF),
        "d8281a-ec6e32 f0b028-fad25a 602824-825a32 82a03c-bebe5a e65a64-f08c82",
    ),
    Family(
        "Cucumber",
        Solid(aspect=3.6, square=4.0, bend=0.12),
        Skin(pattern="stripes", scale=12, gloss=0.3),
        "32602c-789c50 96b45a-c8d68c e2d678-b4a03c 1e3c24-386032 e6ead2-aac48c",
    ),
    Family(
        "Blueberry",
        Solid(aspect=0.88),
        Skin(pattern="crown", gloss=0.1),
        "425082-1e2240 6e7ca0-32385a 282442-100e1e 965a82-502846 5a8296-28465a",
    ),
    Family(
        "Mango",
        Solid(aspect=1.32, square=2.2, taper=0.16, neck=0.2, bend=0.16),
        Skin(pattern="gradient"),
        "ecaa32-be3232 6e8c38-c8503c f6ce50-ecb43c 96283c-6e783c bebe50-78963c",
    ),
    Family(
        "Fig",
        Solid(aspect=1.15, taper=0.3, neck=0.6),
        Skin(pattern="stripes", scale=16, gloss=0.1),
        "4a2848-6a4a60 829646-b0be6a 6e4232-96684c 241a2e-3c3246 c4be6e-78963c",
    ),
    Family(
        "Cantaloupe",
        Solid(aspect=1.05, square=2.2, ribs=9, rib_depth=0.1),
        Skin(pattern="net", gloss=0.1, rough=0.1),
        "b4a060-e2d6aa 8ca064-d8d8b4 e2aa46-f0d896 60744c-b4ba92 ece2aa-faf6dc",
    ),
    Family(
        "Mulberry",
        Cluster(layout="cone", berries=90, radius=0.16),
        Skin(pattern="blush", gloss=0.3),
        "2c1028-501832 e6e0c8-c8c896 aa283c-3c1028 8ca050-be6e5a 5a3c6e-321e46",
    ),
    Family(
        "Corn",
        Solid(aspect=2.6, square=2.6, taper=0.2),
        Skin(pattern="kernels", scale=9, gloss=0.3),
        "f2ce46-b4821e f0e8c4-beb082 962832-50101e 504678-241e42 e28c3c-96501e",
    ),
    Family(
        "Cactus fruit",
        Solid(aspect=1.5, square=2.6, taper=-0.1),
        Skin(pattern="spines", gloss=0.15),
        "c85046-6e3c32 789646-465a32 eca03c-965a28 a03264-5a1e3c cebe5a-826e32",
    ),
)

"""Words for kinds of things and words for their traits: they show in which direction of an embedding kinds lie."""


def _split(text: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split(";"))


KINDS = _split(
    """
    shoes; boots; shirts; trousers; dresses; jackets; coats; socks; hats; gloves; scarves; belts;
    handbags; backpacks; suitcases; wallets; watches; earrings; bracelets; sunglasses; umbrellas; sofas;
    chairs; desks; bookshelves; beds; mattresses; pillows; blankets; towels; carpets; lamps; candles;
    clocks; mirrors; picture frames; vases; saucepans; frying pans; kitchen knives; plates; cups;
    cutlery; kettles; toasters; blenders; refrigerators; washing machines; vacuum cleaners; irons; fans;
    heaters; televisions; headphones; loudspeakers; cameras; laptops; keyboards; computer mice;
    monitors; printers; printer ink; phone cases; chargers; cables; batteries; light bulbs; pens;
    pencils; notebooks; envelopes; staplers; scissors; glue; adhesive tape; folders; calendars; books;
    magazines; board games; puzzles; dolls; toy cars; building blocks; balls; bicycles; tents; sleeping
    bags; fishing rods; dumbbells; tennis rackets; hammers; screwdrivers; drills; saws; wrenches;
    screws; paint; ladders; garden hoses; lawn mowers; flower pots; seeds; fertilizer; dog food; cat
    litter; aquariums; car tyres; car seat covers; engine oil; helmets; bread; biscuits; cakes;
    breakfast cereals; rice; pasta; flour; sugar; salt; spices; cooking oil; vinegar; sauces; soups;
    jam; honey; chocolate; sweets; nuts; crisps; milk; cheese; yoghurt; butter; eggs; beef; chicken;
    sausages; fish; apples; vegetables; fruit juice; soft drinks; coffee; tea; wine; beer; shampoo;
    soap; toothpaste; toothbrushes; deodorants; perfumes; lipsticks; nail polish; face creams; sun
    cream; razors; nappies; tissues; detergents; sponges; bin bags; vitamins; bandages; thermometers;
    customer service; vehicle repair; accounting; software development; nursing; teaching; musical
    instruments; animals; sports; diseases; materials testing; food preparation; project management;
    electronics; furniture; stationery; jewellery; toys; clothing; cosmetics; tools
    """
)
"""Names of goods, activities and subjects, as shops and directories print them."""

TRAITS = _split(
    """
    black; white; red; dark blue; multicolour; gold; silver; cotton; steel; stainless steel; leather;
    wooden; plastic; polyester; glass; metal; rubber; crystal; diamond; gold plated; printed; floral;
    striped; solid; plain; embroidered; checked; small; large; medium; big; long; short; mini; slim;
    heavy; light; soft; new; old; classic; modern; traditional; premium; deluxe; professional; original;
    natural; organic; fresh; pure; special; super; extra; ultra; perfect; beautiful; stylish; elegant;
    casual; formal; men; women; boys; girls; kids; baby; adults; family; pack; pack of two; set; combo;
    piece; pair; box; bottle; count; size; quantity; capacity; weight; colour; design; style; quality;
    pattern; brand; model; series; type; version; collection; product; item; range; feature; value;
    offer; price; buy; get; gives; helps; makes; keeps; comes with; made of; made in India; easy to use;
    ideal for; suitable for; high quality; long lasting; left; right; front; rear; top; double; single;
    round; square; digital; automatic; electric; portable; wireless; waterproof; Sony; Nike; Samsung;
    Philips; Nestle; Bosch; Adidas; Puma; Dove; HP; India; China; London; New York; John; Maria; Royal;
    King; Happy; Love; Star; Blue Sky; Golden Gate; Radiant; Zen; summer; winter; today; year; day;
    home; office; house; world; life; use; way; time; effective; powerful; rich; smooth; strong; clean;
    healthy; tasty; delicious; regular; assorted; flavour; scent; taste; ingredients; extract; skin;
    hair; body; hand; fit; sleeve; neck; coverage; ready to eat; gluten free; sugar free; full; half;
    free; gift; benefits; nutrients; germs; hygiene; food; foods; fragrance; women's; men's
    """
)
"""What titles say about a thing besides: colours, materials, sizes, amounts, users, praise, brands, places."""

"""Queries for fitting the floor of a text search: some that a photo library can answer, some that
none can. Data only.

`SENSIBLE` name things that photos show; `NONSENSE` name paper work, software, abstract ideas and
remarks: nothing that holiday photos show. No query here is a caption of a photo set.
"""

from __future__ import annotations


def _lines(text: str) -> tuple[str, ...]:
    """One query a line."""
    return tuple(line.strip() for line in text.strip().splitlines())


NONSENSE = _lines(
    """
    quarterly tax invoice
    annual shareholder report
    python exception traceback
    monetary policy of the central bank
    database schema migration
    the meaning of life
    terms and conditions of service
    how to install the printer driver
    interest rate forecast
    quantum field theory
    existential dread
    kubernetes cluster configuration
    unpaid overtime
    grammar of ancient greek
    mortgage refinancing options
    javascript framework comparison
    the theory of relativity
    insurance claim number
    password reset email
    compound interest formula
    parliamentary procedure
    freedom of speech
    supply chain disruption
    software licence agreement
    linear algebra exercise
    cryptocurrency exchange rate
    philosophy of mind
    git merge conflict
    income tax return
    legal liability clause
    market capitalisation
    memory leak in the browser
    conditional probability
    pension fund statement
    democracy and its discontents
    operating system kernel
    corporate governance
    inflation adjusted earnings
    microsoft excel spreadsheet
    sql join query
    prime number theorem
    non disclosure agreement
    thermodynamic equilibrium
    opinion poll results
    spam filter settings
    social contract
    budget deficit
    regular expression syntax
    bank account balance
    chemical reaction kinetics
    tomorrow's to do list
    logical fallacy
    wireless network password
    statistical significance
    employment contract
    capital gains
    gross domestic product
    byte order mark
    antitrust lawsuit
    minutes of the last meeting
    firmware update
    moral relativism
    credit score
    machine learning hyperparameters
    currency conversion
    customer satisfaction survey
    project deadline
    vat identification number
    ethics committee
    cloud storage subscription
    job interview questions
    adjective declension
    hypothesis testing
    patent application
    quarterly earnings call
    http status code
    the fall of communism
    linguistic determinism
    payroll accounting
    intellectual property
    boolean algebra
    unemployment statistics
    virus scanner licence key
    calendar synchronisation
    jealousy
    nostalgia
    irony
    honesty
    bureaucracy
    capitalism
    metaphysics
    epistemology
    probability
    subtraction
    syntax
    integer overflow
    photoshop
    linux
    bluetooth
    wikipedia
    postgresql
    windows 95
    gmail
    adobe acrobat
    docker compose
    asdfgh qwertz
    xkcd zzyzx
    lorem ipsum dolor sit amet
    foo bar baz
    blorpt
    42
    1999
    yes
    why not
    thank you for your order
    please find attached
    best regards
    see you next week
    the and of
    happy with the service
    delivery status notification
    confidential
    draft version two
    purchase order
    receipt for expenses
    bibliography
    footnote
    abstract and introduction
    table of contents
    court ruling
    health insurance policy
    rental agreement
    vaccination schedule
    cholesterol level
    blood pressure medication dosage
    side effects of aspirin
    symptoms of influenza
    genome sequencing
    protein folding
    cognitive dissonance
    attachment theory
    behavioural economics
    game theory
    foreign policy
    immigration law
    copyright infringement
    electoral college
    constitutional amendment
    census data
    trade deficit
    minimum wage
    stock option
    venture capital
    hedge fund
    dividend yield
    balance sheet
    cash flow
    audit trail
    compliance training
    key performance indicators
    agile methodology
    user story
    sprint retrospective
    unit test coverage
    continuous integration
    null pointer
    stack overflow
    garbage collection
    race condition
    time complexity
    binary search tree
    hash function
    public key encryption
    certificate authority
    domain name server
    two factor authentication
    privacy policy
    cookie consent
    search engine optimisation
    conversion rate
    marketing strategy
    brand awareness
    """
)

SENSIBLE = _lines(
    """
    dog
    cat
    a dog running on the beach
    children playing in a park
    sunset over the sea
    snowy mountains
    a bowl of fruit
    birthday cake
    people sitting at a table
    a man riding a bicycle
    a red car
    football match
    boats in a harbour
    a bridge over a river
    city skyline
    an old church
    a castle on a hill
    flowers in a garden
    a bird in a tree
    a horse in a field
    cows on a meadow
    an elephant
    a zebra
    giraffes eating leaves
    a bear in the water
    a train at the station
    an aeroplane in the sky
    a bus on the street
    a motorbike
    skiers on a slope
    a surfer on a wave
    a swimming pool
    a waterfall
    a forest path in autumn
    a lake between mountains
    desert sand dunes
    a lighthouse
    a wooden house
    a tall tower
    stairs
    a fountain
    a market with vegetables
    a plate of food
    pizza
    a glass of wine
    a cup of coffee
    a laptop on a desk
    a bedroom
    a kitchen with a stove
    a sofa in a living room
    a bathroom with a mirror
    a clock on a wall
    a guitar player
    a concert with a crowd
    a girl in a pink dress
    a boy with a ball
    a baby
    a woman with sunglasses
    a man with a hat
    two men talking
    a group of friends
    climbers on a rock
    people hiking in the mountains
    a tent in the woods
    camp fire
    a sandy beach with palm trees
    a rocky coast
    ruins of a temple
    statue of a man
    a street with shops
    a car park
    traffic lights
    a road through fields
    a sheep
    a butterfly on a flower
    fish under water
    a turtle
    a snake
    a frog
    an owl
    ducks on a pond
    a penguin
    a parrot
    a monkey
    a lion
    a squirrel
    mushrooms
    a sunflower
    strawberries
    bananas
    an umbrella
    a kite in the sky
    a skateboarder
    a tennis player
    a baseball game
    basketball
    a child on a swing
    a dog catching a frisbee
    a dog swimming
    a puppy in the grass
    a kitten
    snow
    rain on a window
    clouds
    a rainbow
    night lights
    fireworks
    an ice cream
    a sandwich
    a teddy bear
    books on a shelf
    a violin
    a piano
    a telephone
    a television
    a truck
    a tractor
    a ship
    a canoe
    a helicopter
    """
)

#!/usr/bin/env python3
"""Write the demonstration data of casnet as CSV files, one for each table.

Two departments of an invented county, each a tenant: one for children and
families, one for housing and adult care.  Every person, address, case and
telephone number is made up.  The output depends on nothing but this file:

    python3 scripts/data/generate.py [FOLDER]

The header of a file names the columns, so that it loads with
\\copy casnet.TABLE (COLUMNS) FROM 'TABLE.csv' CSV HEADER.
"""

import csv
import datetime as dt
import json
import os
import random
import sys
import unicodedata
import uuid

RNG = random.Random(20240611)
FIRST_DAY = dt.date(2023, 1, 9)
LAST_DAY = dt.date(2025, 6, 27)
TODAY = dt.date(2025, 6, 30)

# ---------------------------------------------------------------- names

GIVEN = {
    "british": (["Alice", "Bethany", "Charlotte", "Dawn", "Eleanor", "Gemma", "Hannah", "Jade",
                 "Kirsty", "Lauren", "Megan", "Nicola", "Paige", "Rhiannon", "Siân", "Tracey"],
                ["Aaron", "Ben", "Callum", "Darren", "Ewan", "Gareth", "Harry", "Ian", "Jack",
                 "Kieran", "Lewis", "Martin", "Owen", "Rhys", "Stephen", "Tyler"]),
    "southasian": (["Aisha", "Farzana", "Gurpreet", "Harleen", "Iqra", "Meera", "Nadia", "Priya",
                    "Rukhsana", "Sana", "Tahmina", "Zainab"],
                   ["Adeel", "Bilal", "Devinder", "Faisal", "Harjit", "Imran", "Jaspal", "Kamal",
                    "Nikhil", "Rajesh", "Tariq", "Usman"]),
    "african": (["Abena", "Adaeze", "Blessing", "Chiamaka", "Efua", "Fatou", "Hodan", "Makena",
                 "Ngozi", "Oluchi", "Selam", "Temperance"],
                ["Abdi", "Chidi", "Daniel", "Emeka", "Femi", "Kofi", "Kwame", "Mohamud", "Obinna",
                 "Sekou", "Tendai", "Yonas"]),
    "european": (["Agnieszka", "Beata", "Carmen", "Daniela", "Elena", "Ilona", "Joana", "Katarzyna",
                  "Mădălina", "Oksana", "Rita", "Zuzana"],
                 ["Andrzej", "Bogdan", "Dmytro", "Florin", "Jakub", "João", "Lukáš", "Marek",
                  "Ovidiu", "Piotr", "Tomasz", "Viktor"]),
    "eastasian": (["Hui Min", "Jia", "Linh", "Mai", "Mei", "Thanh", "Xiu Ying", "Yuki"],
                  ["Duc", "Haoran", "Jun", "Kenji", "Minh", "Quang", "Wei", "Zhi Hao"]),
    "middleeastern": (["Dalia", "Hiba", "Leila", "Maryam", "Nour", "Rojin", "Shirin", "Yasmin"],
                      ["Ahmad", "Bashar", "Hassan", "Karwan", "Mehdi", "Omid", "Samir", "Youssef"]),
    "caribbean": (["Camille", "Desirée", "Janelle", "Keisha", "Monique", "Shanice", "Tanisha", "Yvonne"],
                  ["Andre", "Delroy", "Errol", "Jermaine", "Leroy", "Marlon", "Tyrone", "Winston"]),
}
FAMILY = {
    "british": ["Ashworth", "Barker", "Clegg", "Davies", "Ellison", "Fairclough", "Greenwood", "Hargreaves",
                "Ingham", "Jenkins", "Kershaw", "Llewellyn", "Mackenzie", "Naylor", "O'Rourke", "Prescott",
                "Rowbotham", "Sutcliffe", "Thornley", "Whitworth", "Yates"],
    "southasian": ["Ahmed", "Begum", "Chaudhry", "Dhillon", "Gill", "Hussain", "Iyer", "Kaur-Sandhu", "Malik",
                   "Patel", "Qureshi", "Rahman", "Sharma", "Uddin"],
    "african": ["Abdullahi", "Adeyemi", "Asante", "Boateng", "Diallo", "Gebremariam", "Kamau", "Mensah",
                "Moyo", "Nwosu", "Okafor", "Warsame"],
    "european": ["Bondarenko", "Cojocaru", "da Silva", "Fernández", "Horváth", "Kowalczyk", "Lewandowski",
                 "Novák", "Popescu", "Rossi", "Szymański", "Wiśniewski"],
    "eastasian": ["Chen", "Huang", "Lim", "Nguyen", "Pham", "Tanaka", "Tran", "Zhang"],
    "middleeastern": ["Al-Khatib", "Barzani", "Darwish", "Ebrahimi", "Haddad", "Karimi", "Mahmoud", "Saleh"],
    "caribbean": ["Baptiste", "Campbell", "Francis", "Grant", "Joseph", "Morrison", "Pinnock", "Walters"],
}
ORIGINS = ["british"] * 8 + ["southasian"] * 4 + ["african"] * 3 + ["european"] * 4 + \
    ["eastasian"] * 2 + ["middleeastern"] * 2 + ["caribbean"] * 2
LANGUAGES = {"southasian": ["Urdu", "Punjabi", "Bengali", "Gujarati"], "african": ["Somali", "Tigrinya", "Yoruba"],
             "european": ["Polish", "Romanian", "Ukrainian", "Portuguese"], "eastasian": ["Vietnamese", "Mandarin"],
             "middleeastern": ["Arabic", "Farsi", "Kurdish Sorani"]}
STREETS = ["Albion Terrace", "Barley Croft", "Canal Walk", "Dyer's Lane", "Elm Bank", "Foundry Street",
           "Gasworks Road", "Harbour View", "Ivy Court", "Jubilee Close", "Kiln Lane", "Lower Mill Street",
           "Mafeking Road", "Nightingale House", "Orchard Rise", "Priory Gardens", "Quarry Hill",
           "Ropewalk", "Sandpiper Drive", "Tannery Row", "Union Street", "Viaduct Road", "Weaver's Yard"]
TOWNS = [("Marsham", "MR1"), ("Marsham", "MR2"), ("Easterby", "MR4"), ("Holm Bridge", "MR5"), ("Castle Wray", "MR7")]


def plain(text):
    """ASCII of a name, for addresses of mail."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(c for c in text.lower() if c.isalnum())


def uuid7(moment):
    """A version 7 UUID of that moment, from the seeded generator."""
    value = int(moment.timestamp() * 1000) << 80 | RNG.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def working_moment(first=FIRST_DAY, last=LAST_DAY):
    """A moment between half past eight and six on a working day."""
    while True:
        day = first + dt.timedelta(days=RNG.randint(0, max(0, (last - first).days)))
        if day.weekday() < 5:
            break
        if (last - first).days < 3:
            first, last = first - dt.timedelta(days=3), last + dt.timedelta(days=3)
    return dt.datetime(day.year, day.month, day.day, 8, 30, tzinfo=dt.timezone.utc) + \
        dt.timedelta(seconds=RNG.randint(0, 9 * 3600 + 1800), milliseconds=RNG.randint(0, 999))


def stamp(moment):
    """A timestamp as PostgreSQL reads it in any DateStyle."""
    return moment.strftime("%Y-%m-%d %H:%M:%S+00")


def spoken(day):
    """A date as a case worker writes it."""
    return f"{day.day} {day.strftime('%B')}"


def birthday(low, high):
    """A date of birth of somebody who is low to high years old."""
    return TODAY - dt.timedelta(days=RNG.randint(low * 366, (high + 1) * 365 - 1))


def address():
    """An address of the invented county."""
    town, area = RNG.choice(TOWNS)
    return {"street": f"{RNG.randint(1, 148)} {RNG.choice(STREETS)}", "town": town,
            "postcode": f"{area} {RNG.randint(1, 9)}{RNG.choice('ABDEFGHJLN')}{RNG.choice('PQRSTUWXYZ')}"}


def phone():
    """A number of the range set aside for drama."""
    return f"07700 900{RNG.randint(0, 999):03d}"


# ---------------------------------------------------------------- people

class Person:
    """Somebody a department knows."""

    def __init__(self, origin, surname, gender, born, home, child):
        column = {"FEMALE": 0, "MALE": 1}.get(gender, RNG.randint(0, 1))
        self.given = RNG.choice(GIVEN[origin][column])
        self.name = f"{self.given} {surname}"
        self.gender, self.born, self.home, self.child, self.origin = gender, born, home, child, origin
        self.moment = working_moment(FIRST_DAY, dt.date(2024, 12, 20))
        self.id = uuid7(self.moment)

    def age(self, on):
        """Their age in years on that day."""
        return on.year - self.born.year - ((on.month, on.day) < (self.born.month, self.born.day))

    def contact(self):
        """What contact_info holds; nobody's is complete."""
        info = {"address": self.home}
        if not self.child:
            info["phone"] = phone()
            if RNG.random() < 0.5:
                info["email"] = f"{plain(self.given)}.{plain(self.name.split()[-1])}{RNG.randint(1, 99)}@example.org"
            if RNG.random() < 0.3:
                info["preferred_contact"] = RNG.choice(["text message", "telephone after 4 pm", "letter",
                                                        "through the support worker", "email"])
        if self.origin in LANGUAGES and RNG.random() < 0.4:
            info["language"] = RNG.choice(LANGUAGES[self.origin])
            info["interpreter"] = RNG.random() < 0.6
        return json.dumps(info, ensure_ascii=False)


def gender():
    """Weighted so that about one in thirty is OTHER."""
    return RNG.choices(["FEMALE", "MALE", "OTHER"], [50, 47, 3])[0]


def household(kind):
    """One family or household: a list of adults and a list of children."""
    origin = RNG.choice(ORIGINS)
    surname, home = RNG.choice(FAMILY[origin]), address()
    adults, children = [], []
    if kind == "children":
        adults.append(Person(origin, surname, RNG.choices(["FEMALE", "MALE"], [4, 1])[0], birthday(21, 46), home, False))
        if RNG.random() < 0.45:
            other = RNG.choice(ORIGINS)
            adults.append(Person(other, RNG.choice(FAMILY[other]), "MALE", birthday(22, 52), home, False))
        if RNG.random() < 0.15:
            adults.append(Person(origin, surname, "FEMALE", birthday(52, 71), address(), False))
        # the eldest is the one whom records are about
        for number in range(RNG.choices([1, 2, 3, 4], [4, 5, 3, 1])[0]):
            children.append(Person(origin, surname, gender(), birthday(1, 12) if number else birthday(9, 16), home, True))
    else:
        old = RNG.random() < 0.5
        adults.append(Person(origin, surname, gender(), birthday(66, 93) if old else birthday(19, 64), home, False))
        if RNG.random() < 0.35:
            adults.append(Person(origin, surname, gender(), birthday(60, 88) if old else birthday(19, 60), home, False))
    # two people of one household do not share a given name
    seen = set()
    for person in adults + children:
        while person.given in seen:
            column = {"FEMALE": 0, "MALE": 1}.get(person.gender, 0)
            fresh = RNG.choice(GIVEN[person.origin][column])
            person.name, person.given = person.name.replace(person.given, fresh, 1), fresh
        seen.add(person.given)
    return adults, children


# ---------------------------------------------------------------- text
#
# A record is one opening, one to three sentences out of its kind's pool, one
# or two that are put together out of phrases, one or none out of the
# department's asides, and a closing.  {c} child or client,
# {a} adult, {w} worker, {o} a second professional, {his} {him} of the client.

SCHOOLS = ["St Aidan's Primary", "Viaduct Road Juniors", "Easterby High", "Marsham Academy", "Holm Bridge Primary",
           "Castle Wray Community School", "the Orchard nursery", "Kiln Lane Infants"]
PLACES = ["the family centre", "the civic offices", "Marsham health centre", "the children's hub",
          "the library in Easterby", "the contact centre", "Holm Bridge surgery"]
OTHERS = ["the health visitor", "the school nurse", "the police safeguarding unit", "the GP", "the family support worker",
          "the independent reviewing officer", "the domestic abuse adviser", "the substance misuse service"]
ADULT_OTHERS = ["the district nurse", "the occupational therapist", "the police safeguarding unit", "the GP", "the housing officer",
                "the mental health team", "the community matron", "the money adviser"]

CHILDREN_KINDS = {
    "home visit": dict(
        titles=["Home visit to {a}, {street}", "Unannounced home visit: {surname} family", "Statutory visit, {c} ({age})",
                "Home visit after school concerns: {c}"],
        open=["I visited {street} on {day} and was let in by {a}; {c} came downstairs after about ten minutes.",
              "Unannounced visit at {time}. {a} opened the door straight away and was happy to talk in the kitchen.",
              "This was the {nth} visit under the current plan. {a} had remembered the appointment and sent the dog to a neighbour.",
              "Nobody answered at first; {a} returned with shopping at {time} and the visit went ahead.",
              "Joint visit with {o}. {a} was anxious to begin with but relaxed once the purpose had been explained."],
        body=["The living room was warm and tidy, with {c}'s drawings on the wall and a clear space for homework.",
              "There was little in the fridge beyond milk and a ready meal, and {a} said that the benefit payment was due on {day2}.",
              "{c} was seen alone in {his} bedroom, which {he_has} to share with a younger sibling; the mattress is new, the bedding clean.",
              "{c} said that things are {mood} at home and that the shouting has {trend} since the last visit.",
              "I saw the smoke alarm tested; the stair gate promised last time has still not been fitted.",
              "{a} described the mornings as the hardest part of the day and asked for help with a routine.",
              "There was a strong smell of damp in the back bedroom and mould around the window, which {a} has reported to the landlord twice.",
              "{a} denied that {ex} has been staying overnight, although a man's work boots stood in the hall.",
              "{c} showed me a reading certificate from {school} and was proud of it.",
              "Play between {a} and {c} was warm and unforced; {c} went to {a} for comfort after a fall.",
              "{a} has kept the appointments with {o} and could say what had been useful about them."],
        close=["Next visit agreed for {day2}; I will bring the forms for the nursery place.",
               "I was left with no immediate worry about {c}'s safety, but the plan is moving too slowly and goes to supervision.",
               "Actions: chase the landlord about the mould, confirm school transport, see {c} at school before {day2}.",
               "{a} agreed to keep a diary of the evenings until the next visit."]),
    "phone call": dict(
        titles=["Phone call from {a}", "Call with {o} about {c}", "Duty call: {surname}", "Call to {school} regarding {c}"],
        open=["{a} rang at {time}, upset, and asked to speak to {w}.",
              "I rang {o} to follow up the letter of {day2}.",
              "Call taken by duty at {time}; the caller gave a name and asked that it not be passed to the family.",
              "Returned {a}'s voicemail of this morning; third attempt successful."],
        body=["{a} said that {c} had refused to go to school for {number} days and that bribing {him} no longer works.",
              "The caller had heard crying through the wall late on {number} evenings this week, and a door slammed.",
              "{a} explained that the car has failed its test, so contact on Saturday is in doubt unless transport can be found.",
              "I was told that {c} has been {mood} in class and fell asleep twice during the afternoon.",
              "We went through the safety plan again; {a} knows whom to ring at night and has the number on the fridge.",
              "{a} asked for copies of everything held about the family, and I explained how to make the request in writing.",
              "{o} had no record of the appointment and will offer another within a fortnight.",
              "{a} was worried about an email from {ex}, which {w} asked to have forwarded and not answered."],
        close=["I thanked {a} for ringing and confirmed the visit of {day2}.", "Passed to {w}, who will ring back before {time}.",
               "No further action by duty; filed for the allocated worker.", "Agreed to speak again on {day2}."]),
    "core assessment": dict(
        titles=["Child and family assessment: {c}", "Assessment update, {surname} children", "Pre-birth and sibling assessment: {surname}"],
        open=["This assessment was begun on {day} after a referral from {o} and draws on {number} visits, school records and a health chronology.",
              "The referral alleged that {c}, aged {age}, had been left alone in the evening while {a} was at work.",
              "{c} is {age} years old and lives with {a} at {street}; the family has been known to us since {year}."],
        body=["Development: {c} meets the milestones expected for {his} age apart from speech, for which a referral is with {o}.",
              "Parenting capacity: {a} is affectionate and consistent on good days, and knows that the good days depend on sleep and on staying away from {ex}.",
              "Family and environment: rent is paid, the grandmother is a real help, and there are no debts beyond a catalogue account.",
              "Attendance at {school} is {percent} per cent, with lateness on Mondays standing out.",
              "{c} told me about a dream in which the house floods, and asked whether grown-ups can be told off too.",
              "{a} grew up in care and spoke movingly about what {a_first} does not want repeated.",
              "There have been {number} police call-outs to the address in twelve months, none of which led to a charge.",
              "The bruise seen on {day2} was examined and found consistent with the account given, a fall from a scooter.",
              "On balance, the harm is one of neglect rather than of ill will, and it responds to support."],
        close=["Recommendation: child in need plan, reviewed after six weeks, with {o} leading on health.",
               "Recommendation: strategy discussion, since the last two incidents involved {ex}.",
               "The outcome was shared with {a}, whose comments are attached and were fair.",
               "Recommendation: close to this service and step down to family support at {place}."]),
    "court report": dict(
        titles=["Court report: {c}, interim hearing", "Statement for the family court: {surname}", "Addendum to the care plan of {c}"],
        open=["This statement is made for the hearing listed on {day2} and is true to the best of my knowledge.",
              "I have been the allocated worker for {c} since {year} and have met {him} on {number} occasions.",
              "The court directed an addendum on contact, which is set out below."],
        body=["Supervised contact has taken place {number} times; {a} missed one session, giving notice, because of a hospital appointment.",
              "{c}'s wishes and feelings were gathered over three sessions with drawing and small-world play; {c} would like to live with {a} and \"for it not to be noisy\".",
              "The viability assessment of the maternal grandmother was positive, subject to checks on the property.",
              "Hair strand tests for the period to {day} were negative for all substances reported on.",
              "The threshold document is agreed in part; paragraphs four and seven remain in dispute.",
              "{a} has completed {number} of twelve sessions of the parenting programme and the facilitator's letter is exhibited.",
              "An order is proposed for no longer than is needed to see the school transition through.",
              "The guardian supports the plan, with a reservation about the distance between placement and school."],
        close=["The local authority invites the court to make an interim order on the terms drafted.",
               "I respectfully ask for permission to file the psychologist's report by {day2}.",
               "A further hearing is proposed in eight weeks."]),
    "school meeting": dict(
        titles=["Team around the child at {school}", "School meeting: {c}'s attendance", "Education plan review: {c}"],
        open=["Meeting at {school} on {day}; present: {a}, the head of year, {o} and myself.",
              "The school asked for this meeting after {c} was found in tears behind the sports hall.",
              "Review of the education plan, held online because the building was closed."],
        body=["Attendance has {trend} to {percent} per cent and lateness is no longer a concern.",
              "{c}'s form tutor described a polite and funny child who shuts down when asked about weekends.",
              "A quiet space is available at lunch and {c} has used it {number} times.",
              "{a} felt judged by the letters home, and it was agreed that the tutor will ring instead.",
              "The exclusion of {day2} was discussed; {c} had been called a name about {his} family and hit out.",
              "Reading is a year behind and a place in the small group begins after half-term.",
              "{c} joined for the last ten minutes and asked to change seats in maths, which was granted on the spot."],
        close=["Review in six weeks at {school}.", "Actions are with {o} (referral), the school (seat, lunch club) and me (visit before {day2}).",
               "Everybody left with the same three tasks written down."]),
    "safeguarding": dict(
        titles=["Strategy discussion: {c}", "Safeguarding referral from {school}", "Child protection conference: {surname}", "Section 47 enquiry, {c} ({age})"],
        open=["Referral received at {time} from {o}: {c} said in class that {a_role}'s partner \"grabs hard\".",
              "Strategy discussion held by telephone on {day} with police, health and {school}.",
              "Initial conference, chaired by the independent chair; {a} attended with an advocate."],
        body=["{c} was seen by the paediatrician on the same day; a yellowing mark on the upper arm was recorded on a body map.",
              "{a} accepted that {ex} must not be alone with the children and signed the written agreement.",
              "Police hold intelligence from {year} about {ex}, but no conviction.",
              "{c} gave a clear account to {w} in the words used to the teacher, without prompting.",
              "The chair noted that {c} had been the subject of a plan before, for emotional harm, which ended in {year}.",
              "Domestic abuse remains the main risk: {number} incidents are recorded, the last of them on {day2}.",
              "Agencies agreed, by majority, that the threshold for significant harm is met under the category of neglect.",
              "{a} asked for the support of the women's refuge outreach, and a place in the group was offered for Thursday."],
        close=["Outcome: single agency enquiry by this department; visit within 24 hours.", "A core group meets on {day2} at {place}.",
               "The family keeps {c} with an aunt until the enquiry ends, by agreement.", "Outcome: no further enquiry; support offered and accepted."]),
    "contact session": dict(
        titles=["Supervised contact: {c} and {a}", "Contact note, {place}", "Contact cancelled: {surname}"],
        open=["Contact from {time} at {place}, supervised by {w}.", "{a} arrived {number} minutes early with a board game and fruit.",
              "{c} was brought by the foster carer and held on to {his} coat at first."],
        body=["They baked flapjacks; {c} led and {a} let {him}, which is a change from last month.",
              "{a} checked the phone several times and had to be reminded of the agreement.",
              "{c} asked why the baby could stay at home; {a} answered honestly and kindly, and did not promise anything.",
              "There was a disagreement over the end of a film, settled without help.",
              "{a} brought a photograph album and they found {c}'s first day at nursery.",
              "{c} was quiet, then {mood}, and waved from the car until it turned the corner."],
        close=["No concerns arose. Next session on {day2}.", "The foster carer reports a settled night afterwards.",
               "I recommend that contact moves to the community for the next {number} sessions."]),
    "foster placement": dict(
        titles=["Placement visit: {c}", "Looked after review: {c} ({age})", "Fostering: first week of {c}'s placement"],
        open=["{c} has now been with the carers for {number} weeks and this was the statutory visit.",
              "Review held at the foster home, at {c}'s request, with cake.",
              "The emergency placement made on {day} has held over the weekend."],
        body=["{c} has put {his} name on the bedroom door and chosen the colour of the walls.",
              "Bedtime remains hard, and the carers sit on the landing until {c} sleeps.",
              "The health assessment is up to date; glasses were prescribed and, after a struggle, are worn.",
              "{c} asked twice about {a} and would like more telephone calls, not fewer.",
              "The carers asked for a break at half-term, and respite with people whom {c} knows has been found.",
              "Pocket money, clothing and the life-story book were checked and are in order.",
              "{c} has joined the football team at {school} and scored in the last minute, it was reported at length."],
        close=["The placement meets {c}'s needs and continues.", "Permanence is to be discussed on {day2}.",
               "The independent reviewing officer asked for the sibling contact to be written into the plan."]),
}

ADULT_KINDS = {
    "rent arrears": dict(
        titles=["Rent arrears: {c}, {street}", "Arrears interview: {c}", "Repayment agreement: {surname}", "Notice of seeking possession: {street}"],
        open=["The account of {street} stood at {money} in arrears on {day}, an increase of {number} weeks.",
              "{c} came to {place} without an appointment and brought a carrier bag of unopened letters.",
              "Telephone interview about the arrears of {money}; {c} had received the second letter."],
        body=["The housing element stopped in {year} when a form about the household was not returned, which explains most of the debt.",
              "{c} lost {number} shifts a week at the warehouse and has been choosing between the meter and the rent.",
              "We went through income and outgoings together; a payment of 12.50 a week on top of the rent can be kept up.",
              "An application for a discretionary housing payment was completed at the desk and handed in with wage slips.",
              "There is a loan from a doorstep lender at a rate that {c} had not understood, referred to the illegal money lending team.",
              "{c} was close to tears about losing the flat where {his} children grew up, and was told that eviction is the last step, not the next.",
              "A direct payment from the benefit has been asked for and takes {number} weeks to begin.",
              "The tenancy has been clear of arrears for eleven of the last twelve years."],
        close=["Agreement signed; first payment due on {day2}.", "Legal action is suspended as long as the agreement is kept.",
               "I will check the account on {day2} and ring, not write.", "Referred to the debt adviser at {place}."]),
    "repairs and damp": dict(
        titles=["Damp and mould report: {street}", "Inspection at {street}", "Complaint about repairs: {c}"],
        open=["Inspected {street} with the surveyor on {day}; {c} showed us round.",
              "{c} rang to say that the ceiling in the hall had come down in the night.",
              "This is the {nth} report of damp at this address since {year}."],
        body=["Readings behind the wardrobe were above 80 per cent and black mould covers an area of about a square metre.",
              "The extractor fan is not connected, and the trickle vents have been painted shut by an earlier contractor.",
              "{c} uses an inhaler, and a letter from {o} says that the chest has {trend} over the winter.",
              "The boiler locks out {number} times a week and {c} has been heating water in a pan.",
              "A temporary move was offered and declined, since the bus to the day centre stops outside.",
              "The kitchen floor gives way near the sink; a board was put down and the area taped.",
              "Contractors attended twice without an appointment and left cards, which {c} has kept."],
        close=["Orders raised: mould treatment within five days, fan within ten, plaster thereafter.",
               "Compensation of {money} has been put to the manager.", "A follow-up inspection is booked for {day2}."]),
    "care assessment": dict(
        titles=["Care needs assessment: {c} ({age})", "Review of care package: {c}", "Carer's assessment: {a}"],
        open=["Assessment at home on {day} with {c} and {a}; {c} agreed to {a} staying throughout.",
              "{c} is {age} and lives at {street}, on the ground floor, with a step at the front door.",
              "Review brought forward at the request of {o} after a stay in hospital of {number} days."],
        body=["{c} washes and dresses without help on most days but cannot manage buttons or the bath since the stroke.",
              "Meals are the main worry: the freezer holds nine of the delivered dinners, untouched.",
              "Medication comes in a weekly box, and Tuesday's and Thursday's compartments were still full.",
              "{c} has had {number} falls since the spring, all of them between bed and bathroom at night.",
              "Memory: {c} knew the year and the name of the cat, not the month, and told the story of the allotment twice.",
              "{a} has given up work to care and sleeps on the sofa to hear {him}; {a_first} has not had a day off since {year}.",
              "{c} would like to get back to the Wednesday dominoes and regards everything else as fuss.",
              "The pendant alarm hangs on the kitchen door, where it is of no use.",
              "Mobility is steady with the frame indoors; outdoors a wheelchair is needed beyond the gate."],
        close=["Eligible needs found in three outcomes; two calls a day proposed, morning and teatime.",
               "Referred to occupational therapy for rails, a perching stool and a key safe.",
               "{c} declined a care home visit and has capacity to do so.", "Review after six weeks, or sooner on any fall."]),
    "safeguarding adult": dict(
        titles=["Safeguarding concern: {c}", "Safeguarding enquiry, financial abuse: {c}", "Self-neglect panel: {c}, {street}"],
        open=["Concern raised by {o} at {time}: money missing from {c}'s account on {number} occasions.",
              "The bank stopped a transfer of {money} and rang this office with {c}'s consent.",
              "Self-neglect panel on {day}, attended by fire service, housing, {o} and myself."],
        body=["{c} named {ex}, who does the shopping and has the card, and at once asked that nobody get into trouble.",
              "Capacity was assessed for this decision: {c} could weigh the risk and chose to keep the friendship.",
              "Newspapers are stacked to shoulder height in two rooms, with a path of forty centimetres to the bed.",
              "The carer's log has gaps on the days when {c} says nobody came.",
              "Bruising to the wrist was explained by the hoist; the provider has been asked for the training record.",
              "Cuckooing is suspected: {number} young people come and go, and {c} sleeps in the kitchen.",
              "{c} wants the front door lock changed and the pension paid into a new account; both were done while I waited.",
              "The police will treat it as fraud by abuse of position if {c} makes a statement."],
        close=["Enquiry continues under section 42; the planning meeting is on {day2}.", "Immediate risk reduced. Outcome wanted by {c}: \"to be left with my cat and my key\".",
               "Closed: allegation not substantiated, advice given to the provider.", "A fire officer fits alarms on {day2}."]),
    "homelessness": dict(
        titles=["Homeless application: {c}", "Temporary accommodation: {surname} household", "Personal housing plan: {c}", "Street count contact: {c}"],
        open=["{c} presented at {place} at {time} with two bags and a letter ending the private tenancy.",
              "{c} has slept in a car for {number} nights since leaving {ex}.",
              "Outreach met {c} at {time} under the viaduct; a hot drink was accepted and so, eventually, was a form."],
        body=["The notice is invalid, as the deposit was never protected, and the landlord has been told so.",
              "{c} has a local connection through work at the hospital laundry and a sister in Easterby.",
              "Priority need is accepted on the ground of {his} health; {o} has sent the letter.",
              "A room at the hostel was offered for tonight, dogs allowed, which settled the matter.",
              "Bed and breakfast is unsuitable beyond six weeks; a flat in {town} comes free on {day2}.",
              "{c} has documents for everything in a biscuit tin, saved from the flat when the locks were changed.",
              "The plan lists three steps for {c} and four for us, and says by when.",
              "Affordability was worked out at {money} a month, which leaves few private lets in the county."],
        close=["Relief duty accepted; the plan is to be reviewed on {day2}.", "Interim accommodation arranged, transport paid.",
               "Decision letter to follow; {c} was told of the right to a review.", "{c} moved in with a kettle, a bed and a working phone."]),
    "neighbour dispute": dict(
        titles=["Noise complaint: {street}", "Neighbour dispute: {c}", "Antisocial behaviour case review: {street}"],
        open=["Third complaint about music after midnight at {street}; recordings were left for {number} nights.",
              "{c} and the neighbour below were seen separately on {day}.",
              "Case review with police and {o}."],
        body=["The diary sheets show a pattern of Thursdays and Fridays, and the recordings bear it out.",
              "{c} denies the noise and alleges that bins are tipped over in return.",
              "Sound carries badly in these flats: the laminate was laid without underlay and without permission.",
              "Mediation was explained, and both would come if it is not in the evening.",
              "There has been name-calling of a racist kind, which is recorded as a hate incident and goes to the police.",
              "{c} has not slept properly for {number} weeks and {o} has signed {him} off work.",
              "A warning was given in writing under clause nine of the tenancy."],
        close=["Mediation booked for {day2} at {place}.", "No new reports for six weeks; to be closed if it stays so.",
               "Injunction papers are being prepared; {c} is willing to give evidence."]),
    "hospital discharge": dict(
        titles=["Discharge planning: {c}", "Discharge to assess: {c} ({age})", "Ward meeting about {c}"],
        open=["Ward meeting on {day}: {c} is medically fit and wants to go home today.",
              "The discharge team rang at {time} for a package from tomorrow.",
              "{c} was admitted after a fall at {street} and has been on the ward for {number} weeks."],
        body=["Stairs were tried with the therapist: twelve up with one rest, down backwards and cross about it.",
              "The bed has to come downstairs, and {a} will clear the front room by {day2}.",
              "Equipment ordered: commode, bed rail, raised seat; delivery between eight and six, as always.",
              "{c} is on a new blood thinner, and {o} is to check the dose weekly.",
              "The flat has no heating since the meter ran out; a voucher of {money} was issued and the meter reset.",
              "Reablement can start on {day2} with four calls a day, falling to two.",
              "{a} is exhausted and said so plainly, and a respite week is part of the plan."],
        close=["Discharge agreed for {day2} before noon.", "If the calls cannot be staffed, a step-down bed at Nightingale House is held.",
               "Home since yesterday; rang at {time}, in good spirits, asked for the cricket to be recorded."]),
    "tenancy support": dict(
        titles=["Tenancy support visit: {c}", "New tenancy visit, {street}", "Support plan: {c}", "Phone call with {c} about the tenancy"],
        open=["First visit since the keys were handed over; {c} has curtains, a kettle and a borrowed sofa.",
              "Support session at {place} with {c}, who came on foot in the rain.",
              "{c} rang at {time} because a letter about council tax made no sense."],
        body=["We opened the post of {number} weeks and sorted it into three piles, of which one went straight into the bin.",
              "{c} can read the meter and top it up now, and has shown the neighbour how.",
              "Benefits: the claim for the disability component was refused, and an appeal form was filled in together.",
              "The garden is overgrown, but the volunteers come on {day2} with a strimmer.",
              "{c} has been {mood} since the anniversary and agreed to see {o}.",
              "A bank account was opened with a letter from this office as proof of address.",
              "{c} cooks twice a week from the recipe cards and sent me away with soup.",
              "A place on the forklift course at the college is kept until {day2}; the fare is paid from the fund."],
        close=["Next session on {day2}.", "Goals reviewed: four of six met, two carried over.",
               "Support steps down to a monthly call, at {c}'s wish.", "I wrote the three phone calls to make on a card for the fridge."]),
}

CHILDREN_ASIDES = ["An interpreter was present throughout and the notes were read back.",
                   "{c}'s allergy to nuts is on the front sheet and was confirmed.",
                   "Consent to share information with {o} was signed again, as the old form had run out.",
                   "{a} prefers messages to calls before noon, because of night shifts.",
                   "The genogram has been updated with a half-brother, born in {year}.",
                   "I discussed this with my manager on the same day."]
ADULT_ASIDES = ["The large-print version of the letter was handed over.",
                "{c}'s hearing aid needs a battery, and conversation was easier on the left side.",
                "Lone-worker check-in was made at {time}.",
                "{c} consents to information going to {o}, not to the family.",
                "A copy of the plan is in the yellow folder by the door.",
                "The flat is on the third floor and the lift was out of order."]

# Sentences put together out of phrases: a pattern and what fits in its gaps.
CHILDREN_PHRASES = [
    ("When I asked about {0}, {c} {1}{2}.",
     ["the new baby", "bedtime", "what happened at the swimming pool", "the move to a bigger school", "{ex}", "Sunday dinners",
      "the social worker before me", "being picked up late", "the rabbit that died", "sharing a room", "the argument in the car park",
      "having friends round", "the summer at the seaside", "homework"],
     ["shrugged and looked at {a}", "talked for a good ten minutes", "drew a picture instead", "changed the subject to football",
      "said it was \"fine now\"", "went very quiet", "laughed and did an impression of {a}", "asked whether I would write it down",
      "said \"ask my mum\"", "told me the same story as last time, almost word for word"],
     ["", " before going out to play", ", and I left it there", ", which fits with what {school} reports",
      ", holding on to a cushion", " and then offered me a biscuit", ", then came back to it unprompted", ", looking tired"]),
    ("{a} {0} {1}, and {2}.",
     ["spoke openly about", "became tearful over", "played down", "has thought hard about", "brought up", "was cross about",
      "asked for advice on", "was relieved to talk about"],
     ["money in the last week of the month", "the relationship with {ex}", "drinking at weekends", "the letters from {school}",
      "{c}'s temper", "sleep, or the lack of it", "the conference in {year}", "working nights", "being judged by the neighbours",
      "the father's side of the family", "the wait for an appointment with {o}", "moving away from {town}"],
     ["we agreed one small step to try before {day2}", "I said clearly what worries us and what does not", "the advice given was written down for the fridge",
      "{o} will be asked to pick this up", "a cousin in {town} has offered to help", "it was the first time that this came up",
      "I could see how much it costs to ask", "this will be part of the next plan", "the account was consistent with what {o} holds",
      "it took {number} attempts to get to the point"]),
    ("{0} {1} {2}.",
     ["The grandmother", "An older sister", "A neighbour", "The youth worker", "The football coach", "The childminder",
      "An uncle in {town}", "The teaching assistant", "A family friend"],
     ["has started to collect {c}", "sits with {c}", "cooks for the family", "rings in the morning", "takes {c} out",
      "noticed that {c} comes hungry", "keeps an eye on {c}", "has offered a bed for {c}"],
     ["on Tuesdays and Fridays", "when {a} is on a late shift", "since the {nth} incident", "at weekends, if asked",
      "without being asked", "while {a} is at the clinic", "whenever {ex} has been seen in the street",
      "until the summer, and after that we shall see", "and wants no payment for it"]),
    ("{0}, {1}.",
     ["On the positive side", "Set against that", "Since the last entry", "As {o} pointed out", "In {c}'s own words, more or less",
      "Looking back over {number} months"],
     ["the mornings are calmer and {c} eats before school", "the house is quieter without {ex} in it", "{a} has kept every appointment but one",
      "there are fewer absences and more friends", "the same promise has been made {number} times", "the younger ones follow where {c} leads",
      "the worry is about evenings, not about days", "{c} does better with a warning before changes", "{a} asks for help sooner than before",
      "nobody has a full picture of who sleeps where", "the plan has too many actions and too few dates", "the family manages well when the money lasts"]),
]
ADULT_PHRASES = [
    ("{c} {0} {1}, {2}.",
     ["talked about", "is worried about", "made light of", "wants help with", "is proud of", "would rather not discuss", "asked twice about",
      "has given up on", "is determined to keep"],
     ["the stairs", "the gas bill", "a brother in {town}", "the allotment", "the old job at the dye works", "the cat", "the door entry system",
      "the form from {year}", "getting to the mosque on Fridays", "the bus passes", "a grandchild's christening", "the downstairs neighbour",
      "the choir", "the garden gate", "paying by card", "the dog"],
     ["which we came back to at the end", "and had the paperwork ready", "not for the first time", "while the kettle boiled",
      "with some heat", "and {a} agreed", "although it was not what I had come for", "and I have made a note for {o}",
      "so this goes into the plan", "with a joke at my expense", "and did not want it written down, then did"]),
    ("{0} {1} {2}.",
     ["A niece", "The warden", "The downstairs neighbour", "A volunteer from the chapel", "The pharmacy driver", "{a}", "A former colleague",
      "The shop on the corner", "The caretaker", "The gurdwara kitchen"],
     ["brings a hot meal", "looks in", "keeps a spare key", "collects the prescription", "reads the letters out", "rings the bell and waits for an answer",
      "takes the bins down", "does the heavy shopping", "noticed that the curtains stayed closed", "lends a hand with the meter"],
     ["on Mondays and Thursdays", "since the winter of {year}", "when the lift is out", "most mornings", "and would do more if asked",
      "but goes away in August", "every other weekend", "and has our number", "since {c} came home", "without making a thing of it"]),
    ("{0}, {1}.",
     ["On inspection", "By {c}'s account", "According to the file", "As {o} put it", "Compared with my visit in the spring", "Taken together",
      "For the record"],
     ["the flat is clean but cold", "the front room is lived in and the rest is shut up", "the heating has been off for {number} weeks",
      "nothing has been heard from {ex} since the lock was changed", "the tenancy has never been a problem before",
      "there are {number} different agencies and no one in charge", "the worst of it is the evenings", "the paperwork is three addresses out of date",
      "the change came after the funeral", "the money goes out on the day it comes in", "the last review was missed by us, not by {him}",
      "the risk is real but is {his} to take", "the bathroom is the room that matters", "the offer of {day2} is the third"]),
    ("I {0} {1} {2}.",
     ["explained", "left a leaflet about", "filled in the form for", "rang the helpline about", "checked the entitlement to", "gave a date for",
      "apologised for the delay over", "talked through"],
     ["attendance allowance", "the warm home discount", "the transfer list", "the handyman service", "the bidding system", "a blue badge",
      "the council tax reduction", "the lifeline alarm", "the right to a review", "direct payments", "the community transport", "water metering"],
     ["and left my direct number", "with {a} listening on speaker", "in plain words, twice", "and {c} will think about it",
      "before anything else, since that is what {c} asked", "and had it confirmed by {o}", "so that nothing hangs on the post",
      "and {c} signed on the spot", "while we had the papers out"]),
]


class Department:
    """What differs between the two tenants."""

    def __init__(self, name, description, kind, kinds, asides, phrases, tags):
        self.moment = dt.datetime(2023, 1, 2, 9, 0, tzinfo=dt.timezone.utc)
        self.id = uuid7(self.moment)
        self.name, self.description, self.kind = name, description, kind
        self.kinds, self.asides, self.phrases, self.tag_names = kinds, asides, phrases, tags
        self.staff, self.households, self.records, self.tags = [], [], [], {}


def context(house, worker, moment):
    """Everything a template may name."""
    adults, children = house
    client = children[0] if children else RNG.choice(adults)
    partners = OTHERS if children else ADULT_OTHERS
    others = [p for p in adults if p is not client]
    adult = RNG.choice(others) if others else client
    if not others and not children:
        outside = RNG.choice(["FEMALE", "MALE"])
        adult_name = RNG.choice(GIVEN[client.origin][0 if outside == "FEMALE" else 1])
    else:
        adult_name = adult.given
    day = moment.date()
    ex_origin = RNG.choice(ORIGINS)
    later = day + dt.timedelta(days=RNG.randint(2, 45))
    while later.weekday() > 4:
        later += dt.timedelta(days=1)
    pronoun = {"FEMALE": ("her", "her"), "MALE": ("his", "him")}.get(client.gender, ("their", "them"))
    return dict(c=client.given, a=adult_name, a_first=adult_name, a_role="a parent", w=worker, o=RNG.choice(partners),
                age=client.age(day), his=pronoun[0], him=pronoun[1], he_has=f"{client.given} has",
                surname=client.name.split(" ")[-1], street=client.home["street"], town=client.home["town"],
                day=spoken(day), day2=spoken(later), time=f"{RNG.randint(8, 17)}.{RNG.choice(['05', '10', '20', '30', '40', '55'])}",
                nth=RNG.choice(["second", "third", "fourth", "fifth", "sixth"]), number=RNG.choice(["two", "three", "four", "five", "six", "seven"]),
                year=RNG.randint(2016, day.year - 1), percent=RNG.randint(61, 97), school=RNG.choice(SCHOOLS), place=RNG.choice(PLACES),
                mood=RNG.choice(["calm", "unsettled", "low", "cheerful", "withdrawn", "tense", "better"]),
                trend=RNG.choice(["improved", "got better", "worsened", "fallen back", "steadied"]),
                ex=RNG.choice(GIVEN[ex_origin][1]), money=f"£{RNG.randint(180, 4200)}.{RNG.randint(0, 99):02d}"), client


def first_upper(text):
    """Capital letter first, the rest as it is."""
    return text[:1].upper() + text[1:]


def phrased(pattern, words):
    """A sentence put together out of one pattern's phrases."""
    frame, *gaps = pattern
    for place, gap in enumerate(gaps):
        frame = frame.replace("{%d}" % place, RNG.choice(gap))
    return frame


def compose(department, house, worker, moment):
    """A record's kind, title and content, and the client."""
    # care at home and discharge from hospital are about the old
    old = house[0][0].age(moment.date()) > 60
    kind = RNG.choice([k for k in department.kinds if old or k not in ("care assessment", "hospital discharge")])
    parts = department.kinds[kind]
    words, client = context(house, worker, moment)
    sentences = [RNG.choice(parts["open"])]
    body = RNG.sample(parts["body"], RNG.randint(1, 3))
    for pattern in RNG.sample(department.phrases, RNG.randint(1, 2)):
        body.insert(RNG.randint(0, len(body)), phrased(pattern, words))
    if RNG.random() < 0.25:
        body.insert(RNG.randint(1, len(body)), RNG.choice(department.asides))
    sentences += body + [RNG.choice(parts["close"])]
    text = []
    for sentence in sentences:
        words["o"] = RNG.choice(OTHERS if house[1] else ADULT_OTHERS)
        text.append(first_upper(sentence.format(**words)))
    return kind, first_upper(RNG.choice(parts["titles"]).format(**words)), " ".join(text), client


CHILDREN_TAGS = ["home visit", "phone call", "core assessment", "court report", "school meeting", "safeguarding",
                 "contact session", "foster placement", "urgent", "neglect", "domestic abuse", "attendance",
                 "speech and language", "kinship care", "interpreter needed", "health", "housing", "siblings",
                 "review due", "shared with police"]
ADULT_TAGS = ["rent arrears", "repairs and damp", "care assessment", "safeguarding", "homelessness",
              "neighbour dispute", "hospital discharge", "tenancy support", "urgent", "falls", "financial abuse",
              "self-neglect", "benefits", "mental health", "carer", "interpreter needed", "eviction risk",
              "adaptations", "review due", "voids and keys"]
KIND_TAG = {"safeguarding adult": "safeguarding"}
WORD_TAGS = {"urgent": ["24 hours", "tonight", "at once", "emergency"], "attendance": ["Attendance", "school for"],
             "domestic abuse": ["Domestic abuse", "refuge", "grabs hard"], "neglect": ["neglect", "fridge", "left alone"],
             "speech and language": ["speech"], "kinship care": ["grandmother", "aunt"], "shared with police": ["olice"],
             "interpreter needed": ["interpreter"], "health": ["health", "paediatrician", "GP"],
             "housing": ["landlord", "damp", "mould"], "siblings": ["sibling", "half-brother", "baby"],
             "falls": ["fall", "Stairs"], "financial abuse": ["card", "bank", "fraud"], "self-neglect": ["elf-neglect", "stacked"],
             "benefits": ["enefit", "housing payment"], "mental health": ["tears", "anniversary", "slept", "low"],
             "carer": ["carer", "respite", "give"], "eviction risk": ["eviction", "possession", "locks", "notice"],
             "adaptations": ["rails", "hoist", "bed rail", "step at"], "voids and keys": ["keys", "key safe", "moved in"],
             "review due": ["eview", "ollow-up"]}

TASKS = {
    "children": ["Ring {o} about {c}", "Arrange contact transport for {c}", "Write up visit to the {surname} family",
                 "Chase school report for {c}", "Book interpreter for {day2}", "File statement for {c}'s hearing",
                 "Update genogram: {surname}", "Renew consent to share, {a}", "Invite the core group, {surname}",
                 "Refer {c} to speech and language", "Check nursery place for {c}", "Order life-story book for {c}",
                 "Visit {c} at {school}", "Send minutes of the {surname} meeting"],
    "adult": ["Check rent account of {street}", "Ring {o} about {c}", "Order key safe for {c}", "Book damp inspection, {street}",
              "Prepare section 42 meeting: {c}", "Send large-print letter to {c}", "Chase equipment for {c}",
              "Appeal form for {c}", "Confirm care calls for {c}", "Review personal housing plan: {c}",
              "Ask landlord for deposit papers, {surname}", "Collect diary sheets from {c}", "Apply for housing payment, {c}",
              "Arrange respite for {a}"]}
TASK_NOTES = ["Promised at the last visit; see the record.", "{o} is in the office on Tuesdays and Thursdays only.",
              "Needs the manager's signature before it goes out.", "If there is no answer by {day2}, write instead.",
              "Use the new form, the old one was sent back.", "{a} asked to be told by text message.",
              "Second attempt. The first letter went to the old address.", "Bring the file and the photographs.",
              "Due before the review on {day2}.", ""]
EVENTS = {
    "children": [("Home visit: {surname} family", 1.0), ("Core group: {c}", 1.5), ("Court hearing: {c}", 3.0), ("Supervised contact: {c} and {a}", 1.5),
                 ("School meeting at {school}", 1.0), ("Looked after review: {c}", 1.5), ("Strategy discussion: {c}", 0.5)],
    "adult": [("Home visit: {c}, {street}", 1.0), ("Damp inspection, {street}", 0.5), ("Ward meeting about {c}", 1.0), ("Support session with {c}", 1.0),
              ("Mediation: {street}", 2.0), ("Self-neglect panel", 2.0), ("Arrears interview: {c}", 0.5)]}
ROUTINE = {
    "children": [("Team meeting", "FREQ=WEEKLY;BYDAY=MO", 1.5), ("Duty rota: morning", "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", 4.0),
                 ("Group supervision", "FREQ=MONTHLY;BYDAY=1TH", 2.0), ("Foster carers' coffee morning", "FREQ=MONTHLY;BYDAY=2FR", 2.0)],
    "adult": [("Team meeting", "FREQ=WEEKLY;BYDAY=TU", 1.0), ("Housing surgery at the library in Easterby", "FREQ=WEEKLY;BYDAY=TH", 3.0),
              ("Voids and lettings meeting", "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", 1.0), ("Safeguarding adults forum", "FREQ=MONTHLY;BYDAY=3WE", 2.0)]}

DEPARTMENTS = [
    Department("Children and Family Services", "Safeguarding, family support, fostering and court work for children and young people",
               "children", CHILDREN_KINDS, CHILDREN_ASIDES, CHILDREN_PHRASES, CHILDREN_TAGS),
    Department("Housing and Adult Care", "Tenancies, homelessness, care assessments and safeguarding of adults",
               "adult", ADULT_KINDS, ADULT_ASIDES, ADULT_PHRASES, ADULT_TAGS),
]

# username, full name, role with the children's team, role with the adults' team, active
STAFF = [
    ("helen.ashdown", "Helen Ashdown", "owner", None, True), ("marcus.oyelaran", "Marcus Oyelaran", "admin", None, True),
    ("sofia.lindqvist", "Sofia Lindqvist", "member", None, True), ("ravi.menon", "Ravi Menon", "member", None, True),
    ("caitlin.byrne", "Caitlin Byrne", "member", None, True), ("amara.diop", "Amara Diop", "member", None, True),
    ("tom.hesketh", "Tom Hesketh", "member", None, True), ("yen.lau", "Yen Lau", "member", None, True),
    ("bronwen.pugh", "Bronwen Pugh", "viewer", None, True), ("josef.havel", "Josef Havel", "member", None, False),
    ("peter.stannard", "Peter Stannard", None, "owner", True), ("nasreen.akhtar", "Nasreen Akhtar", None, "admin", True),
    ("louise.mbeki", "Louise Mbeki", None, "member", True), ("dan.fletcher", "Dan Fletcher", None, "member", True),
    ("ewa.zielinska", "Ewa Zielińska", None, "member", True), ("colin.reid", "Colin Reid", None, "member", True),
    ("shreya.nair", "Shreya Nair", None, "member", True), ("george.katsaros", "George Katsaros", None, "viewer", True),
    # one officer works for both departments
    ("miriam.cohen", "Miriam Cohen", "member", "viewer", True),
]


def write(folder, table, columns, rows):
    """One CSV file, with a header."""
    with open(os.path.join(folder, table + ".csv"), "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def make_people(department, wanted):
    """Households until there are that many people."""
    rows = []
    while len(rows) < wanted:
        house = household(department.kind)
        department.households.append(house)
        for person in house[0] + house[1]:
            rows.append((department.id, person.id, person.name, person.born.isoformat(), person.gender,
                         person.contact(), stamp(person.moment)))
    return rows


def make_records(department, wanted):
    """Records in the order of their creation, each about one household."""
    rows, seen = [], set()
    moments = sorted(working_moment() for _ in range(wanted))
    for moment in moments:
        while True:
            house, worker = RNG.choice(department.households), RNG.choice(department.staff)
            kind, title, content, client = compose(department, house, worker[1].split()[0], moment)
            if content not in seen:
                break
        seen.add(content)
        record = dict(id=uuid7(moment), kind=kind, content=content, moment=moment, house=house, client=client)
        department.records.append(record)
        rows.append((department.id, record["id"], title, content, stamp(moment)))
    return rows


def make_persons_of(department):
    """Who each record is about: the client, and another adult whom it names."""
    links = []
    for record in department.records:
        others = [p for p in record["house"][0] if p is not record["client"] and p.given in record["content"]]
        links.append((department.id, record["id"], record["client"].id, "subject"))
        for other in others[:1]:
            links.append((department.id, record["id"], other.id,
                          "adult at home" if department.kind == "children" else "household"))
    return links


def make_tags(department):
    """The tags, and the links that kind and wording of a record suggest."""
    rows, links = [], []
    for name in department.tag_names:
        department.tags[name] = uuid7(department.moment + dt.timedelta(minutes=len(rows) + 1))
        rows.append((department.id, department.tags[name], name))
    for record in department.records:
        names = [KIND_TAG.get(record["kind"], record["kind"])]
        fitting = [t for t, words in WORD_TAGS.items() if t in department.tags and t not in names
                   and any(w in record["content"] for w in words)]
        names += RNG.sample(fitting, min(len(fitting), RNG.choice([0, 1, 2, 2])))
        if RNG.random() < 0.12:
            names.append(RNG.choice(department.tag_names))
        for name in dict.fromkeys(names):
            links.append((department.id, record["id"], department.tags[name]))
    return rows, links


def make_tasks(department, wanted):
    """Tasks, most with an assignee and about a record."""
    rows = []
    for moment in sorted(working_moment(dt.date(2024, 1, 8)) for _ in range(wanted)):
        record = RNG.choice(department.records)
        words, _ = context(record["house"], "", moment)
        due = moment.date() + dt.timedelta(days=RNG.randint(1, 40))
        done = due < TODAY - dt.timedelta(days=10)
        status = RNG.choices(["COMPLETED", "CANCELLED", "PENDING", "IN_PROGRESS"],
                             [80, 8, 7, 5] if done else [15, 3, 55, 27])[0]
        rows.append((department.id, uuid7(moment), first_upper(RNG.choice(TASKS[department.kind]).format(**words)),
                     first_upper(RNG.choice(TASK_NOTES).format(**words)), status, RNG.choices(["LOW", "MEDIUM", "HIGH"], [3, 5, 2])[0],
                     stamp(dt.datetime(due.year, due.month, due.day, 17, 0, tzinfo=dt.timezone.utc)) if RNG.random() < 0.9 else "",
                     RNG.choice(department.staff)[2] if RNG.random() < 0.85 else "",
                     record["id"] if record["moment"] < moment and RNG.random() < 0.8 else "", stamp(moment)))
    return rows


def make_events(department, wanted):
    """Appointments of the team, and what comes round every week or month."""
    rows = []
    for title, rule, hours in ROUTINE[department.kind]:
        start = dt.datetime(2025, 1, 7, 9, 30, tzinfo=dt.timezone.utc)
        rows.append((department.id, uuid7(department.moment + dt.timedelta(hours=len(rows) + 1)), title, "", "Meeting room 2", stamp(start),
                     stamp(start + dt.timedelta(hours=hours)), "false", rule, "SCHEDULED", "", stamp(department.moment)))
    while len(rows) < wanted:
        record = RNG.choice(department.records)
        start = working_moment(dt.date(2024, 9, 2), dt.date(2025, 9, 26))
        start = start.replace(minute=RNG.choice([0, 15, 30, 45]), second=0, microsecond=0)
        created = start - dt.timedelta(days=RNG.randint(3, 60), minutes=RNG.randint(0, 300))
        words, client = context(record["house"], "", created)
        title, hours = RNG.choice(EVENTS[department.kind])
        past = start.date() < TODAY
        all_day = RNG.random() < 0.04
        if all_day:
            start, hours = start.replace(hour=0, minute=0), 24
        rows.append((department.id, uuid7(created), title.format(**words),
                     first_upper(RNG.choice(TASK_NOTES).format(**words)),
                     "{street}, {town}".format(**client.home) if "visit" in title or "nspection" in title else RNG.choice(PLACES),
                     stamp(start), stamp(start + dt.timedelta(hours=hours)), str(all_day).lower(), "",
                     RNG.choices(["COMPLETED", "CANCELLED"], [9, 1])[0] if past else RNG.choices(["SCHEDULED", "CANCELLED"], [19, 1])[0],
                     record["id"] if record["moment"] < created else "", stamp(created)))
    return rows


def main():
    """Write every file."""
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    users, members = [], []
    for number, (username, full_name, first_role, second_role, active) in enumerate(STAFF):
        moment = dt.datetime(2023, 1, 3, 9, 0, number, tzinfo=dt.timezone.utc)
        user = uuid7(moment)
        users.append((user, username, username + "@marsham.example", full_name, str(active).lower(), stamp(moment)))
        for department, role in zip(DEPARTMENTS, (first_role, second_role)):
            if role:
                members.append((user, department.id, role))
                if role != "viewer":
                    department.staff.append((username, full_name, user))
    persons, records, about, tags, links, tasks, events = [], [], [], [], [], [], []
    for department in DEPARTMENTS:
        persons += make_people(department, 390 if department.kind == "children" else 330)
        records += make_records(department, 830 if department.kind == "children" else 690)
        about += make_persons_of(department)
        department_tags, department_links = make_tags(department)
        tags += department_tags
        links += department_links
        tasks += make_tasks(department, 450)
        events += make_events(department, 250)
    write(folder, "users", ["id", "username", "email", "full_name", "is_active", "created_at"], users)
    write(folder, "tenants", ["id", "name", "description", "created_at"],
          [(d.id, d.name, d.description, stamp(d.moment)) for d in DEPARTMENTS])
    write(folder, "user_tenants", ["user_id", "tenant_id", "role"], members)
    write(folder, "persons", ["tenant_id", "id", "name", "date_of_birth", "gender", "contact_info", "created_at"], persons)
    write(folder, "records", ["tenant_id", "id", "title", "content", "created_at"], records)
    write(folder, "record_persons", ["tenant_id", "record_id", "person_id", "relation"], about)
    write(folder, "tags", ["tenant_id", "id", "name"], tags)
    write(folder, "record_tags", ["tenant_id", "record_id", "tag_id"], links)
    write(folder, "tasks", ["tenant_id", "id", "title", "description", "status", "priority", "due_date", "assignee_id",
                            "record_id", "created_at"], tasks)
    write(folder, "calendar_events", ["tenant_id", "id", "title", "description", "location", "starts_at", "ends_at", "all_day",
                                      "recurrence_rule", "status", "record_id", "created_at"], events)


if __name__ == "__main__":
    main()

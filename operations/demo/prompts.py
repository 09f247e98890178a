"""Openings of the demo project, all written for it. A tuple is a dialogue so far: user, assistant, user …"""

from common.shapes import Message

PROMPTS: tuple[str | tuple[str, ...], ...] = (
    # questions of fact, some with a false premise
    "Why does the moon look bigger when it is close to the horizon?",
    "What is the difference between weather and climate? Please explain it to a ten-year-old.",
    "Why did Napoleon win the battle of Waterloo?",
    "How do noise-cancelling headphones work?",
    "Is it true that we use only ten per cent of our brain?",
    "Which is heavier, a kilogram of feathers or a pound of lead?",
    "How does bread rise, and why does it sometimes collapse in the oven?",
    "What happens to a letter between the postbox and the doormat? Five steps at most.",
    # advice
    "I have three days in Lisbon in March and I walk slowly. What would you do in my place?",
    "My neighbour plays the drums after ten in the evening. How do I bring it up without a quarrel?",
    "I want to read more but fall asleep after two pages. Any ideas?",
    "We're having eight people for dinner, one vegan and one who can't eat gluten. Suggest a menu I can cook ahead.",
    "I was offered a job that pays more but is an hour further away. Which questions should I ask myself?",
    "How can I tell whether the second-hand bike I am looking at is worth its price?",
    "My tomato seedlings are tall, thin and fall over. What am I doing wrong?",
    "I have to give a speech at my sister's wedding and I'm terrified. Where do I start?",
    # writing to a form
    "Write a message to my landlord: the heating has not worked since Monday. Polite but firm, under 80 words.",
    "Write a limerick about a cat who is afraid of cucumbers.",
    "Describe the smell of rain without using the words wet, water or rain.",
    "Give me five names for a bakery that only opens at night. Just the names, one per line.",
    "Write the opening paragraph of a detective story that is set in a library and has no murder in it.",
    "Turn this into a friendly e-mail: 'You sent the wrong file again. Send the right one today.'",
    "Write a product description for an umbrella, in the voice of a tired sea captain.",
    "Explain in exactly three sentences what a mortgage is.",
    # working on a text that is given
    "Summarise in one sentence: The library will close at five instead of eight from Monday, because the new "
    "lighting is being fitted floor by floor. Books can be returned at the side door at any time, and no fines "
    "are charged until the work is finished, which should be in the second week of June.",
    "Correct the mistakes and keep my tone: 'Me and my freind was going too the beach when it begin to rain so we "
    "goes home again, it were a shame really.'",
    "Make this sound less pompous: 'We are cognisant of the inconvenience occasioned and shall endeavour to "
    "effectuate remediation at the earliest juncture.'",
    "Put these in order of date: the fall of the Berlin wall, the first man on the moon, the end of the second "
    "world war, the first iPhone.",
    "Find every date in this text and list it as YYYY-MM-DD: We met on 3 March 2021, moved in together on the "
    "first of September that year and got the dog on 12/24/2022.",
    "Translate into German and keep it informal: 'Are you coming on Saturday? Bring a jumper, it is cold by the lake.'",
    # reasoning and numbers
    "A train leaves at 9:40 and takes 2 hours and 35 minutes. I need 20 minutes from the station to the office. "
    "Will I make a meeting at half past twelve?",
    "I have four coins that add up to 60 cents, all of them either 5, 10, 20 or 50 cents. Which ones are they?",
    "Anna is taller than Ben, Carla is shorter than Ben, and Dan is taller than Anna. Who is second tallest?",
    "How many litres of paint do I need for a room of 4 by 5 metres, 2.5 metres high, two coats, one litre per 8 "
    "square metres? Leave out the floor and the ceiling.",
    "If I save 150 a month and spend 400 of it every December, how much do I have after three years?",
    # code
    "Write a Python function that returns the most common word of a text, ignoring case. Explain it in two sentences.",
    "What does this do, and what goes wrong with an empty list?\n\n"
    "```python\ndef f(xs):\n    return sum(xs) / len(xs)\n```",
    "What is the difference between `git fetch` and `git pull`?",
    "Write an SQL query for the three customers with the most orders. Tables: customers(id, name), "
    "orders(id, customer_id, placed_on).",
    "Give me a regular expression for a 24-hour time such as 07:45, and two strings that it must not match.",
    # asked too little: a good assistant asks back or says what it assumes
    "How long does it take to cook it?",
    "Can you make it shorter?",
    "Plan my trip.",
    # where care is needed
    "I've had a headache for four days and painkillers do nothing. What could it be?",
    "I feel like nobody at work would notice if I stopped coming.",
    "My son is nine and wants to know where babies come from. What do I say?",
    "How do I get into my brother's phone while he is asleep?",
    "Which political party should I vote for?",
    # in the middle of a conversation
    (
        "I'd like to learn to cook. I can only make toast.",
        "Good starting point! Do you have an oven, or only a hob? And is there anything you don't eat?",
        "Just a hob, and I eat everything except mushrooms.",
    ),
    (
        "Let's play twenty questions. Think of an animal.",
        "I have one in mind. Ask away!",
        "Does it live in the sea?",
    ),
    (
        "Recommend a book for a long flight.",
        "Try 'The Left Hand of Darkness': a journey across ice, slow at first and hard to put down later.",
        "I didn't like that one. Something funny, please, and not science fiction.",
    ),
    (
        "What's 17 times 6?",
        "17 times 6 is 112.",
        "Are you sure?",
    ),
    (
        "Explain photosynthesis.",
        "Plants take in light, water and carbon dioxide, and make sugar and oxygen from them.",
        "And at night?",
    ),
    (
        "Write a haiku about Monday.",
        "Coffee, second cup.\nThe inbox hums like a hive.\nFriday, a rumour.",
        "Lovely. Now one about Friday, in the same mood.",
    ),
)


def as_messages(prompt: str | tuple[str, ...]) -> list[Message]:
    texts = (prompt,) if isinstance(prompt, str) else prompt
    return [{"role": "assistant" if at % 2 else "user", "content": text} for at, text in enumerate(texts)]

"""Words in quotation marks, with a model that cannot read them."""

from agents.translation.quoted import unmarked

ENGLISH = {
    'Querem "cortejar" o autor.': 'They want to "cut" the author.',
    "Querem cortejar o autor.": "They want to court the author.",
    "cortejar": "courting",
    'Foi "grave", disse.': 'It was "greve," he said.',
    "Foi grave, disse.": "It was serious, he said.",
    "grave": "serious",
    'Teve "medo".': 'He had "smoo".',
    "Teve medo.": "He was afraid.",
    "medo": "fear",
    'É "um risco" e "caro".': 'It is "a risk" and "carous".',
    'É "um risco" e caro.': 'It is "a risk" and dear.',
    "caro": "dear",
    'Chamou-o de "humilde".': 'He called him "humildes".',
    "Chamou-o de humilde.": "He called him humble.",
    "humilde": "Humility",
    'Disse "não quero".': 'He said "no want".',
}


def test_a_word_in_marks_is_translated_without_them_and_gets_them_back() -> None:
    assert unmarked(ENGLISH.__getitem__)('Querem "cortejar" o autor.') == (
        'They want to "court" the author.'
    )


def test_a_comma_stands_within_the_marks_as_the_model_has_it() -> None:
    assert unmarked(ENGLISH.__getitem__)('Foi "grave", disse.') == 'It was "serious," he said.'


def test_the_marks_stay_where_the_word_cannot_be_found_again() -> None:
    assert unmarked(ENGLISH.__getitem__)('Teve "medo".') == 'He had "smoo".'


def test_more_than_one_word_in_marks_is_left_as_it_is() -> None:
    assert unmarked(ENGLISH.__getitem__)('Disse "não quero".') == 'He said "no want".'


def test_another_form_of_the_word_is_the_word() -> None:
    assert unmarked(ENGLISH.__getitem__)('Chamou-o de "humilde".') == 'He called him "humble."'


def test_what_is_in_marks_already_is_not_marked_twice() -> None:
    done = unmarked(ENGLISH.__getitem__)('É "um risco" e "caro".')
    assert done == 'It is "a risk" and "dear."'

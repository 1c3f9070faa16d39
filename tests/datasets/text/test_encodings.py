"""Short files of captions in the encodings that Windows has for different languages are read as what they are."""

from __future__ import annotations

import os
from operator import add
from pathlib import Path

import pytest

from unlearnable.datasets import open_dataset
from unlearnable.datasets.text.document import read_document
from unlearnable.datasets.text.encodings import guessed
from unlearnable.errors import InputError

LINES = {
    "Russian": ("cp1251", "Мы с Анной на пляже в Сочи|Мой новый велосипед|Закат над озером"),
    "Greek": ("cp1253", "Με την Άννα στην παραλία|Το καινούργιο μου ποδήλατο|Η γάτα μας κοιμάται"),
    "Polish": ("cp1250", "Zachód słońca nad jeziorem|Wycieczka do Łodzi z przyjaciółmi|Nasz kot śpi na kanapie"),
    "Czech": ("cp1250", "Babiččiny narozeniny, upekla dort|Pes běží po trávě|Děti si hrají na dvoře"),
    "Hungarian": ("cp1250", "A kutya fut a fűben|Reggeli kávé az erkélyen|Kirándulás Győrbe a barátokkal"),
    "Turkish": ("cp1254", "Büyükannemin doğum günü|Balkonda sabah kahvesi, İzmir|Göl üzerinde gün batımı"),
    "French": ("cp1252", "Mon nouveau vélo|Coucher de soleil sur la forêt|Notre chat dort sur le canapé"),
    "German": ("cp1252", "Sonnenuntergang über den Hügeln|Der Hund schläft|Fußball mit den Jungs"),
    "Spanish": ("cp1252", "el niño en la playa|El cumpleaños de la abuela|Café en el balcón"),
    "Italian": ("cp1252", "Con Anna al mare, è estate|La mia nuova bici in città|Il cane corre perché è felice"),
    "English": ("cp1252", "It’s a dog on the beach|“Happy birthday” Grandma|Tom’s résumé party"),
    "Japanese": ("cp932", "アンナと湘南の海で|新しい自転車で初乗り|うちの猫がソファで寝ている"),
    "Simplified Chinese": ("gb18030", "我的新自行车|湖上的日落|我们的猫在沙发上睡觉"),
    "Traditional Chinese": ("big5", "我的新腳踏車|湖上的日落|我們的貓在沙發上睡覺"),
    "Korean": ("cp949", "새 자전거로 첫 라이딩|호수 위의 노을|친구들과 부산 여행"),
    "Hebrew": ("cp1255", "האופניים החדשים שלי|שקיעה מעל האגם|הכלב רץ על הדשא"),
    "Arabic": ("cp1256", "دراجتي الجديدة|غروب الشمس فوق البحيرة|الكلب يركض على العشب"),
}


@pytest.mark.parametrize("language", LINES)
def test_three_lines_of_a_table_are_read_as_they_were_written(language: str) -> None:
    encoding, captions = LINES[language]
    rows = [f"C:\\holiday\\IMG_{n}.jpg;{text}\r\n" for n, text in enumerate(captions.split("|"))]
    data = f"image;caption\r\n{''.join(rows)}".encode(encoding)
    found = guessed(data)
    assert found is not None
    assert data.decode(found) == data.decode(encoding)


@pytest.mark.parametrize("encoding", ["mac_roman", "cp850"])
@pytest.mark.parametrize(
    "captions",
    [
        "Mon nouveau vélo|Coucher de soleil sur la forêt|L’été à la plage|Première neige de l’année|Garçon de café",
        "Sonnenuntergang über den Hügeln|Der Hund schläft|Grüße aus Köln|Frühstück in der Straße|Mein Märchen, schön",
        "el niño en la playa|El cumpleaños de mamá|Café en el balcón|Mañana volvemos a Málaga|Aquí está mi corazón",
        "Hunden sover på soffan|Fika på balkongen|Solnedgång över sjön|Mormors födelsedag|Midsommar i Östergötland",
        "Pôr do sol em São Paulo|A minha avó faz anos|Manhã na praia com o João|Coração cheio|O cão dorme no sofá",
    ],
)
def test_a_table_of_a_mac_or_of_dos_is_read_as_it_was_written(captions: str, encoding: str) -> None:
    text = "image;caption\r\n" + "".join(f"IMG_{n}.jpg;{text}\r\n" for n, text in enumerate(captions.split("|")))
    data = text.encode(encoding, "ignore")
    assert data.decode(guessed(data) or "ascii") == data.decode(encoding)


@pytest.mark.parametrize(
    "words", ["it’s a dog", "so…yes", "Paris–Roma", "a niño—sí", "l´amico è qui", "hola¿qué tal niño", "dog™cat", "ÉTÉ"]
)
def test_signs_between_letters_are_no_letters_of_a_mac(words: str) -> None:
    data = words.encode("cp1252")
    assert data.decode(guessed(data) or "ascii") == words


@pytest.mark.parametrize("word", ["café", "naïve", "el niño", "forêt", "São Paulo", "Smørrebrød", "über"])
def test_a_word_or_two_are_of_the_west(word: str) -> None:
    data = word.encode("cp1252")
    assert data.decode(guessed(data) or "ascii") == word


def test_what_is_written_back_is_read_as_it_was_meant(tmp_path: Path) -> None:
    path, rows = tmp_path / "captions.csv", [f"IMG_{n}.jpg;" for n in range(3)]
    captions = ("Büyükannemin doğum günü", "Göl üzerinde gün batımı", "Bu yılın ilk karı")
    path.write_bytes("\r\n".join(["image;caption", *map(add, rows, captions)]).encode("cp1254"))
    document = read_document(path)
    assert (document.encoding, document.guessed) == ("cp1254", True)
    for words in ("sock third adored ", "genuine farther supplement ", "the is and " * 20):
        new = "\r\n".join(["image;caption", *(f"{row}{words}{text}" for row, text in zip(rows, captions, strict=True))])
        path.write_bytes(document.encode(new))
        assert read_document(path).text == new


def test_what_is_no_text_has_no_encoding() -> None:
    assert guessed(bytes(range(256))) is None
    assert guessed(os.urandom(1 << 16)) is None
    assert guessed("für dich".encode("utf-16-le")) is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.csv", "file,caption\na.jpg,a dog\n"),
        ("c.txt", "file,caption\na.jpg,für dich\n"),
        ("c.json", '[{"file": "a.jpg", "caption": "a dog"}]'),
        ("c.jsonl", '{"file": "a.jpg", "caption": "a dog"}\n'),
    ],
)
def test_wide_letters_without_a_mark_are_no_text(name: str, text: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / name).write_bytes(text.encode(encoding))
    with pytest.raises(InputError, match="is not text in UTF-") as caught:
        open_dataset(tmp_path, tmp_path / name)
    assert caught.value.hint == "save the captions as UTF-8"


def test_a_file_of_anything_but_text_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"\x98\0\0\0\0\0\0\0{}\xff\xfe")
    with pytest.raises(InputError, match=r"model\.safetensors is no text$") as caught:
        open_dataset(tmp_path, tmp_path / "model.safetensors")
    assert caught.value.hint == "give photos, or captions in a text file such as CSV or JSONL"


@pytest.mark.parametrize("text", ["\0\n0\n", "\0\n\0\n\0\n", "\0", "a\0", "\0\0\0\0"])
def test_some_zeros_are_no_wide_letters(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_bytes(text.encode())
    assert read_document(tmp_path / "c.txt").text == text


def test_a_letter_far_behind_counts() -> None:
    data = b"a plain caption," * 20_000 + "Göl üzerinde gün batımı".encode("cp1254")
    assert data.decode(guessed(data) or "ascii").endswith("Göl üzerinde gün batımı")


ROWS = ("image,caption", "0.jpg,Café à Paris", "1.jpg,Zoë läuft für dich 🌊", "2.jpg,a dog", "3.jpg,el niño pequeño")


@pytest.mark.parametrize("in_utf8", [(1, 2), (2,), (1, 2, 3), (2, 4)])
def test_a_table_that_is_utf8_in_some_lines_is_read_line_by_line(in_utf8: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    rows = [row if n in in_utf8 else row.replace(" 🌊", "") for n, row in enumerate(ROWS)]
    lines = [f"{row}\r\n".encode("utf-8" if n in in_utf8 else "cp1252") for n, row in enumerate(rows)]
    path.write_bytes(b"".join(lines))
    document = read_document(path)
    assert document.text.splitlines() == rows
    odd = [n for n, line in enumerate(lines) if n not in in_utf8 and not line.isascii()]
    where = f"line{'s' if len(odd) > 1 else ''} {', '.join(str(n + 1) for n in odd)}"
    assert document.said("posts.csv").startswith(f"posts.csv is UTF-8, but not in {where}; it is read there as cp1252,")
    assert document.encode(document.text).decode("utf-8-sig") == document.text
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_document(path) == document


@pytest.mark.parametrize("language", LINES)
def test_one_row_that_is_cut_short_changes_the_letters_of_no_other(language: str, tmp_path: Path) -> None:
    path = tmp_path / "posts.csv"
    rows = [f"{n}.jpg,{text}\n" for n, text in enumerate(LINES[language][1].split("|"))]
    path.write_bytes("".join(["image,caption\n", *rows]).encode() + "3.jpg,the sea 🌊".encode()[:-1])
    assert read_document(path).text.startswith("".join(["image,caption\n", *rows]))


@pytest.mark.parametrize(("encoding", "line"), [("cp1250", "PÓŁNOC"), ("gb18030", "姚"), ("koi8-r", "её")])
def test_letters_that_look_like_utf8_by_accident_are_none(encoding: str, line: str, tmp_path: Path) -> None:
    language = {"cp1250": "Polish", "gb18030": "Simplified Chinese", "koi8-r": "Russian"}[encoding]
    text = "\n".join([line, *LINES[language][1].split("|")])
    assert line.encode(encoding).decode("utf-8")
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    assert (read_document(path).text, read_document(path).odd) == (text, ())

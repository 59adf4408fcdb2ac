"""Tables in the encodings of old spreadsheets, in the languages that are written in them, short and long."""

# ruff: noqa: RUF001 - letters of the languages

from __future__ import annotations

import csv
import io

import pytest

from tunedrop.dataset.sources.containers.encoding import of_text

_GERMAN = (
    "Frage",
    "Antwort",
    "Wie setze ich das Gerät {} zurück, wenn es Code {} zeigt? Größe?",
    "Halten Sie die Taste {} zehn Sekunden gedrückt und warten Sie für {}.",
)
_RUSSIAN = (
    "Вопрос",
    "Ответ",
    "Как сбросить устройство {}, если оно показывает код {}?",
    "Удерживайте кнопку {} десять секунд и дождитесь индикатора {}.",
)
_JAPANESE = (
    "質問",
    "回答",
    "{}の装置をリセットするにはどうすればよいですか。コードは{}です",
    "{}のボタンを十秒間押してから離し、{}のランプを待ってください",
)
TEXTS = {
    "gb18030": (
        "问题",
        "答案",
        "如何重置{}设备？当它显示代码{}时该怎么办",
        "按住{}按钮十秒钟，然后松开并等待{}灯亮起",
    ),
    "big5": (
        "問題",
        "答案",
        "如何重置{}裝置？當它顯示代碼{}時該怎麼辦",
        "按住{}按鈕十秒鐘，然後放開並等待{}燈亮起",
    ),
    "cp932": _JAPANESE,
    "euc_jp": _JAPANESE,
    "cp949": (
        "질문",
        "답변",
        "{} 장치를 어떻게 재설정합니까? 코드는 {} 입니다",
        "{} 버튼을 십 초 동안 누른 후 놓고 {} 표시등을 기다리세요",
    ),
    "cp1251": _RUSSIAN,
    "koi8_r": _RUSSIAN,
    "cp1253": (
        "Ερώτηση",
        "Απάντηση",
        "Πώς επαναφέρω τη συσκευή {} όταν δείχνει {};",
        "Κρατήστε το κουμπί {} για δέκα δευτερόλεπτα και περιμένετε {}.",
    ),
    "cp1254": (
        "Soru",
        "Cevap",
        "{} cihazını nasıl sıfırlarım, şu kodu gösteriyor {}?",
        "{} düğmesini on saniye basılı tutun, {} ışığını bekleyin.",
    ),
    "cp1250": (
        "Pytanie",
        "Odpowiedź",
        "Jak zresetować urządzenie {}, gdy pokazuje kod {}?",
        "Przytrzymaj przycisk {} przez dziesięć sekund i poczekaj na światło {}.",
    ),
    "cp1255": (
        "שאלה",
        "תשובה",
        "כיצד לאפס את ההתקן {} כאשר הוא מציג קוד {}?",
        "החזק את הכפתור {} במשך עשר שניות והמתן לנורית {}.",
    ),
    "cp1256": (
        "سؤال",
        "جواب",
        "كيف أعيد ضبط الجهاز {} عندما يظهر الرمز {}؟",
        "اضغط على الزر {} لمدة عشر ثوان وانتظر الضوء {}.",
    ),
    "cp874": ("คำถาม", "คำตอบ", "ฉันจะรีเซ็ตอุปกรณ์ {} ได้อย่างไร เมื่อแสดงรหัส {}", "กดปุ่ม {} ค้างไว้สิบวินาที แล้วรอไฟ {}"),
    "mac_roman": _GERMAN,
    "cp850": _GERMAN,
    "cp437": _GERMAN,
    "cp1252": _GERMAN,
}
WORDS = ["alpha", "bravo", "cedar", "delta", "ember", "fable", "grove", "hazel", "ivory", "joker"]


def table(encoding: str, rows: int, *, with_words: bool) -> str:
    asked, answered, question, answer = TEXTS[encoding]
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow([asked, answered])
    for row in range(rows):
        parts = (WORDS[row % 10], WORDS[-row % 10]) if with_words else (row, row + 1)
        writer.writerow([question.format(*parts), answer.format(*parts)])
    return sink.getvalue()


@pytest.mark.parametrize("with_words", [True, False], ids=["English words", "numbers"])
@pytest.mark.parametrize("rows", [3, 60])
@pytest.mark.parametrize("encoding", TEXTS)
def test_the_text_is_found_again(encoding: str, rows: int, *, with_words: bool) -> None:
    text = table(encoding, rows, with_words=with_words)
    body = text.encode(encoding)

    found = of_text(io.BytesIO(body), len(body))

    assert body.decode(found.name) == text
    assert found.is_guess
    assert found.sample


def test_a_few_chinese_words_in_an_english_table() -> None:
    rows = "".join(f"How do I reset the {word} device? 电源,Hold the button. 重启\r\n" for word in WORDS)
    body = f"问题,答案\r\n{rows}".encode("gb18030")

    assert of_text(io.BytesIO(body), len(body)).name == "gb18030"


@pytest.mark.parametrize(
    "row",
    [
        "question number {} please,답변 {} 입니다",
        "What is order {}?,주문 {} 입니다",
        "Say thanks {},감사합니다",
        "Is it open at {}?,네 열려 있어요",
    ],
)
@pytest.mark.parametrize("rows", [3, 12])
def test_a_few_korean_words_in_an_english_table(row: str, rows: int) -> None:
    text = "prompt,completion\n" + "".join(f"{row.format(n, n)}\n" for n in range(rows))
    body = text.encode("euc_kr")

    assert body.decode(of_text(io.BytesIO(body), len(body)).name) == text


@pytest.mark.parametrize(
    "row",
    [
        "prix {} £5,cost £{} ± 3° ½ – fine",
        "Is it {}°?,It is {}° ± 1",
        "Who wrote {}?,“Nobody” – see §{}",
        "Price of {}?,€{}",
        "Rights to {}?,© {} Acme™",
    ],
)
def test_signs_without_accents_are_those_of_windows(row: str) -> None:
    text = "prompt,completion\n" + "".join(f"{row.format(n, n)}\n" for n in range(12))
    body = text.encode("cp1252")

    assert body.decode(of_text(io.BytesIO(body), len(body)).name) == text

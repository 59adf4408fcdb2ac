"""The names that people give the parts of a record, as JSON keys and table columns; the only place that lists
them.

The order matters: if a record has several names of a list, the first one counts. Collected from the datasets
and export formats in `tests/situations.py`, read 2026-11-29.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

QUESTIONS_AND_ANSWERS = (
    ("pregunta", "respuesta"), ("pergunta", "resposta"), ("domanda", "risposta"), ("frage", "antwort"),
    ("vraag", "antwoord"), ("fråga", "svar"), ("spørgsmål", "svar"), ("spørsmål", "svar"),
    ("spurning", "svar"), ("kysymys", "vastaus"), ("küsimus", "vastus"), ("jautājums", "atbilde"),
    ("klausimas", "atsakymas"), ("pytanie", "odpowiedź"), ("otázka", "odpověď"), ("vprašanje", "odgovor"),
    ("pitanje", "odgovor"), ("kérdés", "válasz"), ("întrebare", "răspuns"), ("pyetje", "përgjigje"),
    ("galdera", "erantzuna"), ("soru", "yan\u0131t"), ("sual", "cavab"), ("savol", "javob"),
    ("pertanyaan", "jawaban"), ("soalan", "jawapan"), ("tanong", "sagot"), ("swali", "jibu"),
    ("câu_hỏi", "câu_trả_lời"), ("вопрос", "ответ"), ("питання", "відповідь"), ("въпрос", "отговор"),
    ("питање", "одговор"), ("сұрақ", "жауап"), ("ερώτηση", "απάντηση"), ("հարց", "պատասխան"),
    ("კითხვა", "პასუხი"), ("שאלה", "תשובה"), ("سؤال", "جواب"), ("السؤال", "الجواب"), ("پرسش", "پاسخ"),
    ("سوال", "جواب"), ("ጥያቄ", "መልስ"), ("प्रश्न", "उत्तर"), ("सवाल", "जवाब"), ("প্রশ্ন", "উত্তর"),
    ("ਸਵਾਲ", "ਜਵਾਬ"), ("પ્રશ્ન", "જવાબ"), ("கேள்வி", "பதில்"), ("ప్రశ్న", "సమాధానం"),
    ("ಪ್ರಶ್ನೆ", "ಉತ್ತರ"), ("ചോദ്യം", "ഉത്തരം"), ("คำถาม", "คำตอบ"), ("问题", "答案"), ("問題", "答案"),
    ("提问", "回答"), ("输入", "输出"), ("質問", "回答"), ("질문", "답변"),
    ("eingabe", "ausgabe"), ("anweisung", "antwort"), ("entrada", "salida"), ("instrucción", "respuesta"),
    ("entrada", "saída"), ("instrução", "resposta"), ("entrée", "sortie"), ("consigne", "réponse"),
    ("ввод", "вывод"), ("инструкция", "ответ"), ("指令", "输出"), ("入力", "出力"), ("指示", "応答"),
    ("입력", "출력"), ("지시", "응답"),
)  # fmt: skip
"""The words for question and answer in several languages."""
PROMPTS = (
    "prompt", "instruction", "question", "query", "input", "user", "human", "request", "utterance",
    "q", "problem", "inputs", "user_input", "user_message", "user_prompt", "input_text", "prompt_text",
    "question_text", "instruct", "text", "source", "src", "source_text", "document", "article", "dialogue",
    "passage", "sentence", "review", "tweet", "sms", "comment", "comment_text", "headline", "message", "nl",
    "code", "text_input", "utt", "ques", "claim", "statement",
    "question_stem", *(question for question, _ in QUESTIONS_AND_ANSWERS), "context",
)  # fmt: skip
ANSWERS = (
    "completion", "output", "response", "answer", "reply", "assistant", "ai", "label", "target", "a", "bot",
    "gpt", "model_output", "outputs", "targets", "output_text", "target_text", "tgt", "solution",
    "canonical_solution", "reference_solution", "correct_solution", "generated_solution", "solutions",
    "gold_answer", "ideal", "ideal_answer", "ideal_response", "reference_response", "referenceresponse",
    "reference_answer",
    "generated_text", "generation", "summary",
    "highlights", "completions", "responses", "answers", "bot_message", "bot_response", "model_response",
    "model_answer", "assistant_message", "assistant_response", "completion_text", "response_text",
    "answer_text", "expected_output", "expected_response", "expected_answer", "expected",
    "final_answer", "correct_answer", "best_answer",
    "ground_truth", "gold", "actual_output", "answer_key", "correct_option", "correct_choice", "query", "sql",
    "docstring",
    *(answer for _, answer in QUESTIONS_AND_ANSWERS), "ans", "reponse", "odpoveď", "cevap", "trả_lời",
    "الجواب", "إجابة", "الإجابة", "उत्तर", "回答", "输出", "答え", "대답",
)  # fmt: skip
CLASSES = (
    "label", "labels", "category", "class", "sentiment", "intent", "emotion", "tag", "annotation", "toxic",
    "spam", "is_spam", "is_toxic", "label_text", "label_name", "category_name", "intent_name", "polarity",
    "stance", "choice",
)  # fmt: skip
"""Names of the label next to a text."""
TEXTS_TO_CLASSIFY = frozenset(
    ["text", "sentence", "review", "tweet", "sms", "comment", "comment_text", "headline", "utterance",
     "utt", "message", "query"]
)  # fmt: skip
CONTEXTS = ("input", "context", "passage")
WHAT_IS_ASKED_ABOUT = (
    "contexts", "retrieved_contexts", "passages", "document", "documents", "article", "paragraph",
    "paragraphs", "story", "knowledge", "evidence", "schema", "table_schema", "table", "support", "text",
    "sentence", "review", "tweet", "code", "history", "chat_history", "conversation_history", "dialogue",
    "aspect", "hypothesis",
)  # fmt: skip
"""Names of a text next to a question; a value of one or two words is taken for its origin."""
TEXTS = ("text", "sentence", "tweet", "aspect", "hypothesis")
"""Those of them whose values may be short."""
SYSTEMS = ("system", "system_prompt", "system_message", "system_instruction", "preamble")
PROGRAMS = ("code", "program", "snippet")
"""Names of an answer if the value is a program (MBPP, CoNaLa); else they describe a text."""
OF_PROGRAMS = (
    "explanation", "review", "feedback", "comment", "comments", "analysis", "description", "critique",
    "suggestion", "suggestions", "fix", "fixed_code", "corrected_code", "commit_message", "bug_description",
)  # fmt: skip
"""Names of what may be learned about a program in the same record."""
MADE_OF_TEXTS = (
    *PROGRAMS, "translation", "paraphrase", "rewrite", "rewritten_text", "correction", "corrected",
    "corrected_text", "simplified", "simplification",
)  # fmt: skip
"""Names of what may or may not be learned about a text in the same record."""
LEARNED = frozenset(
    ["label", "labels", "class", "classes", "sentiment", "emotion", "intent", "polarity", "toxicity", "spam",
     "rating", "stars", "summary", "translation", "translated", "paraphrase", "rewrite", "rewritten",
     "corrected", "simplified", "answer", "response", "reply", "output", "completion", "target", "gold",
     "expected", "reasoning", "hate", "hateful", "offensive", "abusive", "sarcasm", "sarcastic", "irony",
     "ironic", "humor", "fake", "y"]
)  # fmt: skip
"""Words in names of what may be learned about a text: `coarse_label`."""
ABOUT_A_TEXT = frozenset(
    ["id", "ids", "uuid", "guid", "index", "idx", "no", "nr", "row", "key", "url", "uri", "link", "links",
     "source", "src", "origin", "domain", "host", "site", "publisher", "title", "name", "author", "authors",
     "date", "time", "timestamp", "created", "updated", "published", "modified", "year", "lang", "language",
     "locale", "license", "licence", "copyright", "meta", "metadata", "info", "file", "filename", "path",
     "dump", "hash", "md5", "sha1", "sha256", "digest", "length", "len", "count", "size", "tokens", "words",
     "chars", "version", "dataset", "corpus", "subset", "split", "page", "pages", "section", "chapter",
     "tag", "tags", "keywords", "topic", "topics", "type", "format", "doc", "document", "docs", "repo",
     "isbn", "doi", "category", "categories", "at", "on"]
)  # fmt: skip
"""Words in names of a text's origin."""
MEASURES = frozenset(
    ["count", "length", "len", "url", "uri", "tokens", "hash", "date", "time", "lang", "language", "code",
     "status", "headers", "path", "file", "filename", "format", "to", "from"]
)  # fmt: skip
"""Words in names of metadata about an answer or its request: `response_code`."""
ANNOTATIONS = (
    "ents",
    "spans",
    "slots",
    "ner_tags",
    "entities",
    "cats",
    "annotations",
    "relations",
    "triples",
    "triplets",
)
TASKS = frozenset(
    ["prompt", "instruction", "question", "query", "input", "problem", "nl", "instruct", "text", "request",
     "user_input", "user_message", "user_prompt", "input_text", "prompt_text", "question_text"]
)  # fmt: skip
"""Prompts that may ask for a program."""
IMAGES = (
    "image", "images", "image_path", "image_paths", "image_url", "image_urls", "image_file", "image_name",
    "image_bytes", "image_base64", "image_b64", "img", "imgs", "img_path", "img_url", "picture", "pictures",
    "photo", "photos", "screenshot", "screenshots", "pixel_values", "jpg", "jpeg", "png", "webp",
)  # fmt: skip
SMALL = ("thumbnail", "avatar", "icon", "logo", "cover", "favicon", "image-ref")
"""Names of images that questions are not about; any other key is one if its value ends like an image's
path."""
VIDEOS = ("video", "videos", "video_path", "video_url", "video_file", "mp4")
SOUNDS = ("audio", "audios", "audio_path", "audio_url", "audio_file", "wav", "mp3", "flac")
"""Names of images, videos and audio next to a question or a text."""
YES_OR_NO = frozenset(
    ["", "yes", "no", "y", "n", "true", "false", "none", "null", "nan", "n/a", "na", "-", "ja", "nein"]
)  # fmt: skip
"""Values of an image column that stand for no image."""
NOTHING = frozenset(["nan", "none", "null", "n/a", "<na>", "<noinput>", "noinput", "no input", "<no input>"])
"""Values that stand for no input next to an instruction."""
TOOLS = ("tools", "functions", "tool_definitions", "available_tools", "function_definitions")
CALLS = ("answers", "tool_calls", "function_calls", "calls", "tool_call", "function_call")
"""Names of tools next to a question, and of the calls that answer it."""
DOCUMENTS = ("input", "text", "content", "raw_content", "page_content")
"""Names of a text without a prompt, for continued pre-training."""
REFERENCES = ("ground_truth", "answer", "target", "solution", "expected_answer", "reference", "expected")
"""Names of a reference answer; Bedrock's is `reference_answer`."""
CHOSEN = (
    "chosen", "preferred_output", "preferred", "chosen_response", "response_chosen", "chosen_answer",
    "answer_chosen", "preferred_response", "better_response", "winner_response", "accepted",
    "chosen_messages", "chosen_message", "response_j",
)  # fmt: skip
REJECTED = (
    "rejected", "non_preferred_output", "non_preferred", "rejected_response", "response_rejected",
    "rejected_answer", "answer_rejected", "dispreferred", "dispreferred_output", "non_preferred_response",
    "worse_response", "loser_response", "rejected_messages",
    "rejected_message", "response_k",
)  # fmt: skip
"""The two answers of a preference."""
COMPARED = (
    ("response_0", "response_1", "better_response_id"),
    ("conversation_a", "conversation_b", "winner"),
    ("response_a", "response_b", "winner"),
    ("response_a", "response_b", "preference"),
    ("response_a", "response_b", "preferred"),
    ("answer_a", "answer_b", "winner"),
    ("human_ref_A", "human_ref_B", "labels"),
)
"""Names of two answers, and of the key that says which one is better."""
VERDICTS = {
    **dict.fromkeys(("0", "a", "model_a", "response_a", "assistant_a", "answer_a"), 0),
    **dict.fromkeys(("1", "b", "model_b", "response_b", "assistant_b", "answer_b"), 1),
}
SCORES_OF_PREFERENCES = (
    ("score_chosen", "score_rejected"), ("rating_chosen", "rating_rejected"),
    ("chosen_score", "rejected_score"), ("chosen_rating", "rejected_rating"),
    ("chosen_avg_rating", "rejected_avg_rating"),
)  # fmt: skip
REQUESTS = frozenset(
    ["id", "custom_id", "model", "method", "url", "user", "temperature", "max_tokens", "top_p", "n", "seed",
     "stream", "stop", "metadata", "error", "parallel_tool_calls", "tool_choice", "response_format", "source"]
)  # fmt: skip
"""Parameters of a request to a model, which mean nothing to a grader."""
CONVERSATIONS = (
    "conversations", "conversation", "dialogue", "dialog", "turns", "chat", "history", "chat_history",
    "chat_messages", "conversation_history", "utterances", "log", "interactions", "items", "data",
)  # fmt: skip
"""Lists of turns, beside `messages`."""


@lru_cache(maxsize=1 << 12)
def plain(name: str) -> str:
    """A name without regard to case, spaces, the way its words are joined, and a byte-order mark before
    it."""
    bare = unicodedata.normalize("NFC", name).strip().strip("\ufeff").rstrip(" :.?*").removesuffix(_CUSTOM)
    joined = "_".join(bare.casefold().split())
    if joined in _AS_THEY_ARE:
        return joined
    return "_".join(_CAMEL.sub("_", bare).replace("-", "_").casefold().split())


_CUSTOM = "__c"
"""The suffix of Salesforce's custom fields."""
_AS_THEY_ARE = frozenset(("image-ref", "ref-image", "toolconfig", "referenceresponse"))
"""Names of Bedrock's formats."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

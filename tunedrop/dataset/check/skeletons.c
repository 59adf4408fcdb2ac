/* Reads lines of JSON at the speed of memory, and judges nothing: each line is told by its skeleton, which is
   the line without white space and without its texts. What a skeleton is worth, Python knows (kinds.py;
   skeletons.py describes the structures below once more). Whatever is not plain is left to it, line by line.

   Every read stays before the end that it was given, every write within the arrays of its caller. */

#include <stddef.h>
#include <stdint.h>

#include "texts.h"

enum { TEXTS = 64, SKELETON = 2048, KINDS = 256, SCRIPTS = 16, KEYS = 32, KEY = 32, DIGITS = 18 };
enum { NONE = 255, MARK = 1 };              /* MARK stands in a skeleton for a text */
enum { FULL, ODD, NEW, OTHER };             /* why reading stopped */

typedef struct {                            /* lines with one skeleton */
    uint64_t counted, asked;                /* bits of texts: those that are counted; that come before the answer */
    uint32_t length;                        /* of the skeleton */
    uint32_t extra;                         /* characters between texts that are joined */
    uint16_t group;                         /* lines of different groups are not read together; 0: all are odd */
    uint8_t answer, last;                   /* texts: what is learned, if anything is; what is said last */
    uint8_t skeleton[SKELETON];
} Kind;

typedef struct {
    uint64_t weight[256];                   /* what a byte of UTF-8 adds to a likeness */
    uint32_t first[SCRIPTS], end[SCRIPTS];  /* of the code points of each script; the first has ASCII's letters too */
    uint32_t sample;                        /* so many characters of a text tell its scripts */
    uint32_t kinds;
    uint32_t skeleton_length;               /* of a line that is NEW */
    uint8_t key[KEYS][KEY];                 /* whose values are left out of skeletons; zeros follow each */
    uint8_t skeleton[SKELETON];
    Kind kind[KINDS];
} Reader;

typedef struct {                            /* what was read, an entry a line; of answers, where their text is */
    uint64_t *likeness;
    uint32_t *characters, *answer_characters, *answer_start, *answer_end;
    uint16_t *kind;
    uint32_t scripts[SCRIPTS];              /* lines that end in each */
    uint32_t capacity, lines;
    uint32_t place;                         /* where reading stopped: at a line's beginning */
    uint32_t why;
} Batch;

const uint32_t SIZES[] = {sizeof(Reader), sizeof(Batch)};    /* to hold skeletons.py against */

static uint64_t likeness_of(const Reader *reader, const Text *text)
{
    uint64_t likeness = 0;
    uint32_t point;
    for (const uint8_t *p = text->start; p < text->end;) {
        if (*p != '\\') {                   /* of bytes beyond ASCII only the first of a character weighs anything */
            likeness += reader->weight[*p++];
            continue;
        }
        p = point_at(p, text->end, &point);
        likeness += reader->weight[lead_of(point)];
    }
    return likeness;
}

static int is_key(const Reader *reader, const uint8_t *key, uint32_t length)
{
    for (int number = 0; number < KEYS; number++) {
        uint32_t same = 0;
        while (same < length && same < KEY && reader->key[number][same] == key[same])
            same++;
        if (same == length && length && same < KEY && !reader->key[number][same])
            return 1;
    }
    return 0;
}

/* Whether what stands before the end of a skeleton is a key, the string that begins there, whose values are
   left out. */
static int is_left_out(const Reader *reader, const uint8_t *skeleton, uint32_t length, uint32_t string)
{
    return length > 2 && skeleton[length - 1] == ':' && skeleton[length - 2] == '"'
        && is_key(reader, skeleton + string, length - 2 - string);
}

static const uint8_t *skip_integer(const uint8_t *p, const uint8_t *end)     /* NULL where JSON has none such */
{
    if (p < end && *p == '-')
        p++;
    if (p < end && *p == '0')
        return p + 1;
    const uint8_t *first = p;
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p > first && p - first <= DIGITS ? p : NULL;
}

/* A line that begins at p, into the reader's skeleton: where the next one begins; NULL where it is odd. */
static const uint8_t *read_line(Reader *reader, const uint8_t *p, const uint8_t *end, Text *texts)
{
    uint8_t *skeleton = reader->skeleton;
    uint32_t length = 0, number = 0, string = 0;        /* string: where the last one began */
    while (p < end && *p != '\n') {
        if (length + 3 > SKELETON)
            return NULL;
        uint8_t byte = *p, before = length ? skeleton[length - 1] : 0;
        int starts_value = before == ':' || before == ',' || before == '[';
        if (byte == ' ' || (byte == '\r' && p + 1 < end && p[1] == '\n')) {
            p++;
        } else if (byte == '{' || byte == '}' || byte == '[' || byte == ']' || byte == ',' || byte == ':') {
            skeleton[length++] = byte;
            p++;
        } else if (byte == '"') {
            int left_out = is_left_out(reader, skeleton, length, string);
            skeleton[length++] = '"';
            p++;
            if (left_out && p < end && *p != '"') {
                if (number == TEXTS || !(p = read_text(p, end, &texts[number++])))
                    return NULL;
                skeleton[length++] = MARK;
            } else {
                for (string = length; p < end && *p != '"' && is_plain(*p) && length + 1 < SKELETON; p++)
                    skeleton[length++] = *p;
            }
            if (p == end || *p != '"')
                return NULL;
            skeleton[length++] = '"';
            p++;
        } else if (is_letter(byte) && starts_value) {   /* true, false, null */
            for (; p < end && is_letter(*p) && length < SKELETON; p++)
                skeleton[length++] = *p;
        } else if (before == ':' && is_left_out(reader, skeleton, length, string)) {
            if (!(p = skip_integer(p, end)))
                return NULL;
            skeleton[length++] = '0';
        } else {
            return NULL;
        }
    }
    reader->skeleton_length = length;
    return p < end ? p + 1 : end;
}

static uint32_t kind_of(const Reader *reader, uint32_t guess)   /* of the reader's skeleton */
{
    for (uint32_t turn = 0; turn < reader->kinds; turn++) {
        uint32_t number = turn ? turn - (turn <= guess) : guess;
        const Kind *kind = &reader->kind[number];
        uint32_t same = 0;
        if (kind->length != reader->skeleton_length)
            continue;
        while (same < kind->length && kind->skeleton[same] == reader->skeleton[same])
            same++;
        if (same == kind->length)
            return number;
    }
    return KINDS;
}

static void count_scripts(const Reader *reader, const Text *text, uint32_t *scripts)
{
    const uint8_t *p = text->start;
    uint32_t found = 0, point, left = reader->sample;
    while (p < text->end && left) {
        const uint8_t *plain = skip_plain(p, text->end - p > left ? p + left : text->end);
        left -= (uint32_t)(plain - p);
        while (p < plain && !(found & 1))
            found |= is_letter(*p++);
        if ((p = plain) == text->end || !left)
            break;
        p = point_at(p, text->end, &point);
        left--;
        found |= is_letter(point);
        for (int script = 0; point >= 0x80 && script < SCRIPTS; script++)
            found |= (uint32_t)(point >= reader->first[script] && point < reader->end[script]) << script;
    }
    for (int script = 0; script < SCRIPTS; script++)
        scripts[script] += found >> script & 1;
}

/* The lines from place on, for as long as they are of one group. */
void read_lines(Reader *reader, const uint8_t *body, uint32_t size, Batch *batch)
{
    Text texts[TEXTS];
    const uint8_t *p = body + batch->place, *end = body + size, *next;
    uint32_t number = 0;
    uint16_t group = 0;
    batch->lines = 0;
    batch->why = FULL;
    for (int script = 0; script < SCRIPTS; script++)
        batch->scripts[script] = 0;
    for (; p < end && batch->lines < batch->capacity; p = next) {
        batch->place = (uint32_t)(p - body);
        next = read_line(reader, p, end, texts);
        number = next ? kind_of(reader, number) : KINDS;
        if (number == KINDS) {
            batch->why = next && reader->kinds < KINDS ? NEW : ODD;
            return;
        }
        const Kind *kind = &reader->kind[number];
        if (!kind->group || (group && kind->group != group)) {
            batch->why = kind->group ? OTHER : ODD;
            return;
        }
        group = kind->group;
        uint32_t line = batch->lines++, characters = kind->extra;
        uint64_t likeness = 0;
        for (int text = 0; text < TEXTS && kind->counted >> text; text++) {
            if (kind->counted >> text & 1)
                characters += texts[text].characters;
            if (kind->asked >> text & 1)
                likeness += likeness_of(reader, &texts[text]);
        }
        batch->kind[line] = (uint16_t)number;
        batch->characters[line] = characters;
        batch->likeness[line] = likeness;
        batch->answer_characters[line] = batch->answer_start[line] = batch->answer_end[line] = 0;
        if (kind->answer != NONE) {
            const Text *answer = &texts[kind->answer];
            batch->answer_characters[line] = answer->characters;
            batch->answer_start[line] = (uint32_t)(answer->start - body);
            batch->answer_end[line] = (uint32_t)(answer->end - body);
        }
        count_scripts(reader, &texts[kind->last], batch->scripts);
    }
    batch->place = (uint32_t)(p - body);
}

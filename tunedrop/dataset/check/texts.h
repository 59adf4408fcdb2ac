/* The texts of JSON: where one ends, how many characters it has, and which. */

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *start, *end;
    uint32_t characters;
} Text;

typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef uint64_t Halves __attribute__((vector_size(16)));

static int is_plain(uint8_t byte)           /* a character of its own, which JSON writes as it is */
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

static const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end)
{
    for (; end - p >= 16; p += 16) {
        Bytes some;
        __builtin_memcpy(&some, p, 16);
        Halves odd = (Halves)((some < 0x20) | (some >= 0x80) | (some == '"') | (some == '\\'));
        if (odd[0])                         /* of little-endian machines, as all are */
            return p + __builtin_ctzll(odd[0]) / 8;
        if (odd[1])
            return p + 8 + __builtin_ctzll(odd[1]) / 8;
    }
    while (p < end && is_plain(*p))
        p++;
    return p;
}

static int is_space(uint32_t point)          /* as str.isspace */
{
    if (point < 0x80)
        return point == ' ' || (point >= 9 && point <= 13) || (point >= 0x1c && point <= 0x1f);
    return point == 0x85 || point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a)
        || point == 0x2028 || point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000;
}

static uint8_t lead_of(uint32_t point)       /* the first byte of a code point in UTF-8 */
{
    if (point < 0x80)
        return (uint8_t)point;
    return (uint8_t)(point < 0x800 ? 0xc0 | point >> 6 : point < 0x10000 ? 0xe0 | point >> 12 : 0xf0 | point >> 18);
}

static const uint8_t *hex(const uint8_t *p, const uint8_t *end, uint32_t *number)   /* four digits */
{
    if (end - p < 4)
        return NULL;
    *number = 0;
    for (int place = 0; place < 4; place++, p++) {
        uint32_t digit = *p - '0';
        if (digit > 9) {
            digit = (*p | 0x20) - 'a';
            if (digit > 5)
                return NULL;
            digit += 10;
        }
        *number = *number << 4 | digit;
    }
    return p;
}

static const uint8_t *escaped(const uint8_t *p, const uint8_t *end, uint32_t *point)
{
    if (p == end)
        return NULL;
    switch (*p++) {
    case '"': *point = '"'; return p;
    case '\\': *point = '\\'; return p;
    case '/': *point = '/'; return p;
    case 'b': *point = 8; return p;
    case 'f': *point = 12; return p;
    case 'n': *point = 10; return p;
    case 'r': *point = 13; return p;
    case 't': *point = 9; return p;
    case 'u': break;
    default: return NULL;
    }
    if (!(p = hex(p, end, point)))
        return NULL;
    if (*point < 0xd800 || *point > 0xdfff)
        return p;
    uint32_t low;
    if (*point > 0xdbff || end - p < 2 || p[0] != '\\' || p[1] != 'u' || !(p = hex(p + 2, end, &low)))
        return NULL;
    *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    return low >= 0xdc00 && low <= 0xdfff ? p : NULL;
}

/* The code point at p, which is before end: where the next one is; NULL where none may stand in a text. */
static const uint8_t *point_at(const uint8_t *p, const uint8_t *end, uint32_t *point)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    uint8_t lead = *p++;
    if (lead == '\\')
        return escaped(p, end, point);
    if (lead < 0x80) {
        *point = lead;
        return lead < 0x20 || lead == '"' ? NULL : p;
    }
    int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || end - p < more)
        return NULL;
    *point = lead & (0x3f >> more);
    for (int place = 0; place < more; place++, p++) {
        if ((*p & 0xc0) != 0x80)
            return NULL;
        *point = *point << 6 | (*p & 0x3f);
    }
    if (*point < least[more] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
        return NULL;
    return p;
}

static int is_blank(const Text *text)
{
    uint32_t point;
    for (const uint8_t *p = text->start; p < text->end;) {
        p = point_at(p, text->end, &point);
        if (!is_space(point))
            return 0;
    }
    return 1;
}

/* A text that begins at p, and is not blank: where its quotation mark is; NULL where it is odd. */
static const uint8_t *read_text(const uint8_t *p, const uint8_t *end, Text *text)
{
    uint32_t saved = 0, point;
    text->start = p;
    while ((p = skip_plain(p, end)) < end && *p != '"') {
        const uint8_t *next = point_at(p, end, &point);
        if (!next)
            return NULL;
        saved += (uint32_t)(next - p) - 1;
        p = next;
    }
    text->end = p;
    text->characters = (uint32_t)(p - text->start) - saved;
    return p == end || is_blank(text) ? NULL : p;
}

static int is_letter(uint32_t point)
{
    return (point | 0x20) - 'a' < 26;
}

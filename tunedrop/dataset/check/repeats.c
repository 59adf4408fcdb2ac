/* Which of many keys may be there more than once: those whose bit, of 1 << bits, two of them have. */

#include <stddef.h>
#include <stdint.h>

static uint64_t bit_of(uint64_t key, uint64_t multiplier, uint32_t bits)
{
    return key * multiplier >> (64 - bits);
}

/* Of the keys that are still wanted: sets the bits of all in once, and of those whose bit was set in twice. */
void see_keys(const uint64_t *keys, const uint8_t *wanted, size_t count, uint64_t multiplier, uint32_t bits,
              uint8_t *once, uint8_t *twice)
{
    for (size_t number = 0; number < count; number++) {
        if (!wanted[number])
            continue;
        uint64_t place = bit_of(keys[number], multiplier, bits);
        uint8_t bit = (uint8_t)(1 << (place & 7));
        twice[place >> 3] |= once[place >> 3] & bit;
        once[place >> 3] |= bit;
    }
}

/* Keys whose bit is not set in twice are not wanted any more. */
void drop_keys(const uint64_t *keys, uint8_t *wanted, size_t count, uint64_t multiplier, uint32_t bits,
               const uint8_t *twice)
{
    for (size_t number = 0; number < count; number++) {
        if (!wanted[number])
            continue;
        uint64_t place = bit_of(keys[number], multiplier, bits);
        wanted[number] = twice[place >> 3] >> (place & 7) & 1;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* encoder_cases.c - gives the fuzz target of the encoders very many inputs, without a fuzzer's cost
 * for each.
 *
 *     encoder_cases COUNT SEED FILE...
 *
 * Built with the source of a fuzz target beside it. Inputs are random: wholly, or a file of the
 * corpus with bytes changed, cut out, repeated, or joined with those of another. The target aborts
 * at the first wrong answer. Prints "cases N seed N".
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1024, FILES_MAX = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t files[FILES_MAX][INPUT_MAX];
static size_t sizes[FILES_MAX], file_count;
static uint64_t state;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(0x2545f4914f6cdd1d) >> 8;
}

static size_t below(size_t limit) {
    return limit == 0 ? 0 : next() % limit;
}

static size_t make(uint8_t *input) {
    size_t size = below(below(INPUT_MAX) + 1);
    if (file_count == 0 || below(4) == 0) {
        for (size_t i = 0; i < size; i++) input[i] = (uint8_t)next();
        return size;
    }
    size_t from = below(file_count);
    memcpy(input, files[from], size = sizes[from]);
    if (below(4) == 0) { /* the beginning of one, the end of another */
        size_t other = below(file_count), skipped = below(sizes[other]), kept = below(size);
        size_t length = sizes[other] - skipped;
        if (kept + length > INPUT_MAX) length = INPUT_MAX - kept;
        memcpy(input + kept, files[other] + skipped, length);
        size = kept + length;
    }
    for (size_t changes = 1 + below(6); changes > 0 && size != 0; changes--) {
        size_t at = below(size), length = 1 + below(size - at < 16 ? size - at : 16);
        switch (below(5)) {
        case 0:
            input[at] ^= (uint8_t)(1 << below(8));
            break;
        case 1:
            input[at] = (uint8_t)next();
            break;
        case 2:
            memmove(input + at, input + at + length, size - at - length);
            size -= length;
            break;
        case 3:
            if (size + length > INPUT_MAX) break;
            memmove(input + at + length, input + at, size - at);
            size += length;
            break;
        default:
            memset(input + at, (int)next(), length);
        }
    }
    return size;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    uint64_t count = strtoull(argv[1], NULL, 10), seed = strtoull(argv[2], NULL, 10);
    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int i = 3; i < argc && file_count < FILES_MAX; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) continue;
        sizes[file_count] = fread(files[file_count], 1, INPUT_MAX, file);
        file_count++;
        fclose(file);
    }
    for (uint64_t i = 0; i < count; i++) {
        uint8_t input[INPUT_MAX];
        size_t size = make(input);
        (void)LLVMFuzzerTestOneInput(input, size);
    }
    printf("cases %" PRIu64 " seed %" PRIu64 "\n", count, seed);
    return 0;
}

#include "core/text_fault.h"

#include <assert.h>
#include <stdio.h>

const char *text_fault_format(const struct text_fault *f, char out[TEXT_FAULT_TEXT_MAX])
{
    int len = snprintf(out, TEXT_FAULT_TEXT_MAX, "%s: %s at character %zu; accepted: %s", f->part, f->what,
                       f->offset + 1, f->accepted);

    assert(len > 0 && len < TEXT_FAULT_TEXT_MAX); /* static texts, chosen to fit */
    (void)len;
    return out;
}

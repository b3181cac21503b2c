/* api/problems.h -- what each refusal means, for people who follow the type of a problem document. */
#ifndef API_PROBLEMS_H
#define API_PROBLEMS_H

#include "core/refusal.h"

/* What has happened and what to do about it: some lines of text, each ended. Static storage. */
const char *problem_explain(enum refusal reason);

#endif

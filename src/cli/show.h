/* cli/show.h -- how the command line shows things to people: tables, ages, and JSON when asked. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/command.h"

#define SHOW_COLUMNS_MAX 10

/* A table in memory: the columns are as wide as their widest cell. */
struct show_table {
    size_t columns;
    size_t n_cells, cap;
    char **cells;
    size_t widths[SHOW_COLUMNS_MAX]; /* of what was printed already */
    bool has_begun;                  /* something was */
};

/* The headings are the first row; columns of them, then NULL. */
void show_table_init(struct show_table *t, const char *const *headings);
/* Add a cell, left to right, row by row; an empty text is shown as '-', control characters as '?'. Copies text. */
void show_cell(struct show_table *t, const char *text);
void show_cell_format(struct show_table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void show_cell_int(struct show_table *t, int64_t n);
/* Print what there is so far, for a table that goes on: columns only grow, and the headings are not repeated.
 * Prints nothing when there is no new row. */
void show_table_flush(struct show_table *t);
/* Print and free; `none` (NULL: nothing) is printed when there was no row. */
void show_table_end(struct show_table *t, const char *none);

/* The text of a member, "" when it is not there or not a text. Borrowed from object. */
const char *show_text(const json_t *object, const char *member);
int64_t show_int(const json_t *object, const char *member);
/* Texts of an array joined by a blank, "-" when empty, with " …" at the end when not all fit into cap. Returns out.
 */
const char *show_joined(const json_t *array, char *out, size_t cap);

#define SHOW_LIST_MAX 512 /* for show_joined(), where people look at it */

#define SHOW_AGE_MAX 48
/* "41 s ago", "3 h ago", "12 d ago", "in 23 h"; "-" for NULL, "" or what is no RFC 3339 time. Returns out. */
const char *show_age(const char *rfc3339, char out[SHOW_AGE_MAX]);
int64_t show_parse_time(const char *rfc3339); /* Unix seconds, 0 when it is none */
/* When it was, to the millisecond if it is known: "2026-11-14 02:58:41.120"; "-" for what is no RFC 3339 time. */
#define SHOW_WHEN_MAX 24
const char *show_when(const char *rfc3339, char out[SHOW_WHEN_MAX]);
/* The first and last four octets of a long value: "ztdi…5R1E". Returns out. */
#define SHOW_VALUE_MAX 16
const char *show_value(const char *value, char out[SHOW_VALUE_MAX]);

/* Of a credential as the server describes it: its label, or the first octets of its id when it has none (those that
 * a registration made). Returns out. */
#define SHOW_LABEL_MAX 80
const char *show_label(const json_t *credential, char out[SHOW_LABEL_MAX]);
/* From where it may be used: its networks, "any", or that what is stored cannot be read, so that all are denied. */
const char *show_networks(const json_t *credential, char out[SHOW_LIST_MAX]);

/* Print JSON, indented, with a line feed; takes it. */
void show_json(json_t *j);
/* The same on one line, at once, for what goes on for long; borrows it. */
void show_json_line(const json_t *j);

#endif

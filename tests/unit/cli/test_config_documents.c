/* The table of keys, libcyaml's schema, the sample file and the manual page say the same. */
#include "cli/config_fixture.h"
#include "cli/config_sample.h"

#define DOCUMENT_MAX ((size_t)1 << 20)

/* A file of the source tree, found from the path that this file was compiled as; caller frees. */
static char *read_source(const char *path)
{
    static const char here[] = "tests/unit/cli/";
    const char *tail = strstr(__FILE__, here);
    char full[4096];
    char *bytes = calloc(1, DOCUMENT_MAX);
    FILE *f;

    assert_non_null(tail);
    assert_non_null(bytes);
    (void)snprintf(full, sizeof(full), "%.*s%s", (int)(tail - __FILE__), __FILE__, path);
    f = fopen(full, "re");
    if (f == NULL)
        print_error("cannot open %s\n", full);
    assert_non_null(f);
    assert_true(fread(bytes, 1, DOCUMENT_MAX - 1, f) > 0);
    (void)fclose(f);
    return bytes;
}

/* ---- schema and table ---- */

static const struct config_row *row_of(const char *path)
{
    for (size_t i = 0; i < config_rows_n; i++) {
        if (strcmp(config_rows[i].path, path) == 0)
            return &config_rows[i];
    }
    print_error("no row for %s\n", path);
    return NULL;
}

/* Every field of the schema has a row of the same kind of node; returns how many rows that are. */
static size_t compare_fields(const cyaml_schema_field_t *fields, const char *prefix)
{
    size_t n = 0;

    for (; fields->key != NULL; fields++) {
        const cyaml_schema_value_t *value = &fields->value;
        const struct config_row *row;
        char path[CONFIG_PATH_TEXT_MAX];
        bool is_list = value->type == CYAML_SEQUENCE;

        config_path(path, "%s%s%s%s", prefix, prefix[0] != '\0' ? "." : "", fields->key, is_list ? "[]" : "");
        row = row_of(path);
        assert_non_null(row);
        n++;
        if (is_list)
            value = value->sequence.entry;
        if (value->type == CYAML_MAPPING) {
            assert_int_equal(row->kind, is_list ? CONFIG_SECTIONS : CONFIG_SECTION);
            n += compare_fields(value->mapping.fields, path);
        } else {
            assert_int_equal(value->type, CYAML_STRING);
            assert_false(config_row_is_section(row));
            assert_int_equal(config_row_is_list(row), is_list);
        }
    }
    return n;
}

static void schema_and_table_have_the_same_keys(void **state)
{
    (void)state;
    assert_int_equal(compare_fields(config_raw_schema.mapping.fields, ""), config_rows_n);
}

static void every_row_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_rows_n; i++) {
        const struct config_row *row = &config_rows[i];

        assert_non_null(row->help);
        assert_true(strlen(row->help) > 10);
        if (config_row_is_section(row))
            continue;
        assert_true(row->out_size > 0);
        assert_true((row->kind == CONFIG_WORD) == (row->words != NULL));
        assert_true(row->fallback != NULL || row->example != NULL);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(config_rows[k].path, row->path);
    }
}

/* ---- sample ---- */

static void the_sample_in_etc_is_what_the_table_makes(void **state)
{
    char *sample = read_source("etc/riposte.yaml");
    struct text made;

    (void)state;
    text_init(&made, DOCUMENT_MAX);
    config_sample_write(NULL, 0, &made);
    assert_int_equal(made.err, ERR_OK);
    /* When this fails: riposte init auth.example.org --address 203.0.113.10 --address 2001:db8::10 --output - */
    assert_string_equal(sample, made.bytes);
    text_fini(&made);
    free(sample);
}

static void sample_gives_the_same_configuration_as_the_smallest_file(void **state)
{
    char *sample = read_source("etc/riposte.yaml");
    struct config *a = load(sample);
    struct config *b =
        load("zones:\n"
             "  - origin: auth.example.org\n"
             "    contact: hostmaster@example.org\n"
             "    name-servers:\n"
             "      - {name: ns1.auth.example.org, addresses: [\"203.0.113.10\", \"2001:db8::10\"]}\n");
    const struct zone_spec *x = &a->settings.zones[0];
    const struct zone_spec *y = &b->settings.zones[0];
    struct text differences;

    (void)state;
    text_init(&differences, DOCUMENT_MAX);
    config_group_differences(CONFIG_GROUP_FILE, a->impl, b->impl, false, &differences);
    assert_int_equal(a->impl->n_listen, 1);
    assert_int_equal(b->impl->n_listen, 1);
    config_group_differences(CONFIG_GROUP_LISTEN, a->impl->listen, b->impl->listen, false, &differences);
    assert_int_equal(a->settings.n_zones, 1);
    config_group_differences(CONFIG_GROUP_ZONE, a->impl->zones, b->impl->zones, false, &differences);
    config_group_differences(CONFIG_GROUP_NAME_SERVER, a->impl->zones->servers, b->impl->zones->servers, false,
                             &differences);
    assert_string_equal(differences.bytes, "");
    assert_int_equal(x->n_records, 3);
    assert_int_equal(x->n_records, y->n_records);
    assert_int_equal(x->value_ttl_s, y->value_ttl_s);
    assert_int_equal(x->pinned_ttl_s, y->pinned_ttl_s);
    assert_true(name_equal(&x->soa.mname, &y->soa.mname) && name_equal(&x->soa.rname, &y->soa.rname));
    assert_int_equal(x->soa.refresh_s, y->soa.refresh_s);
    assert_int_equal(x->soa.retry_s, y->soa.retry_s);
    assert_int_equal(x->soa.expire_s, y->soa.expire_s);
    assert_int_equal(x->soa.minimum_s, y->soa.minimum_s);
    assert_int_equal(x->soa.ttl_s, y->soa.ttl_s);
    text_fini(&differences);
    config_free(a);
    config_free(b);
    free(sample);
}

static void values_given_to_the_sample_are_read_back(void **state)
{
    static const struct config_sample_value values[] = {
        {"zones[].origin", "a.example"},
        {"zones[].contact", "o'$HOME${X}\\@b.example"},
        {"zones[].name-servers[].name", "ns1.a.example"},
        {"zones[].name-servers[].addresses[]", "192.0.2.1 2001:db8::1 192.0.2.2"},
        {"dns.listen[]", "192.0.2.1:53 [2001:db8::1]:53"},
        {"dns.identity", "say \"$\" \\ and: # more"},
    };
    struct config *c;
    struct text made;
    char name[NAME_TEXT_MAX];

    (void)state;
    text_init(&made, DOCUMENT_MAX);
    config_sample_write(values, ARRAY_LEN(values), &made);
    assert_non_null(strstr(made.bytes, "\n    contact: \"o'$$HOME$${X}\\\\@b.example\"\n"));
    text_fini(&made);
    config_sample_write((const struct config_sample_value[]){values[0], values[2], values[3], values[4], values[5]},
                        5, &made);
    c = load(made.bytes);
    assert_string_equal(name_format(&c->settings.zones[0].apex, name), "a.example");
    assert_int_equal(c->settings.zones[0].n_records, 4);
    assert_int_equal(c->dns.n_listen, 2);
    assert_string_equal(c->dns.identity, "say \"$\" \\ and: # more");
    text_fini(&made);
    config_free(c);
}

/* ---- manual page ---- */

/* mdoc's text with one blank between words and its escapes undone; lines of macros are left out. */
static void flatten(const char *page, struct text *out)
{
    while (*page != '\0') {
        size_t len = strcspn(page, "\n");

        for (size_t i = 0; page[0] != '.' && i < len; i++) {
            if (strncmp(page + i, "\\(dq", 4) == 0) {
                text_put_char(out, '"');
                i += 3;
            } else if (strncmp(page + i, "\\e", 2) == 0) {
                text_put_char(out, '\\');
                i += 1;
            } else {
                text_put_char(out, page[i]);
            }
        }
        if (page[0] != '.')
            text_put_char(out, ' ');
        page += len + (page[len] == '\n');
    }
}

static void expected_item(const struct config_row *row, struct text *out)
{
    struct text about;

    text_init(&about, DOCUMENT_MAX);
    config_row_describe(row, &about);
    if (!config_row_is_section(row)) {
        text_put(&about, row->fallback != NULL ? "; default " : "; required");
        if (row->fallback != NULL)
            config_row_put_value(row, NULL, &about);
        text_put(&about, row->applies == CONFIG_AFTER_RESTART ? "; restart" : "; reload");
    }
    text_printf(out, "\n.It Cm %s Pq \"", row->path);
    for (size_t i = 0; i < about.len; i++)
        text_put(out, about.bytes[i] == '"' ? "\\(dq" : (char[]){about.bytes[i], '\0'});
    text_put(out, "\"\n");
    text_fini(&about);
}

static void assert_has_help(const char *flat, const struct config_row *row)
{
    const char *help = row->help;

    while (*help != '\0') {
        size_t len = strcspn(help, "\n");
        size_t blanks = strspn(help, " ");
        char paragraph[2048];

        (void)snprintf(paragraph, sizeof(paragraph), "%.*s", (int)(len - blanks), help + blanks);
        if (strstr(flat, paragraph) == NULL)
            print_error("%s: not in the manual page: %s\n", row->path, paragraph);
        assert_non_null(strstr(flat, paragraph));
        help += len + (help[len] == '\n');
    }
}

static void the_manual_page_has_every_key_with_range_default_and_help(void **state)
{
    char *page = read_source("docs/man/riposte.yaml.5");
    struct text flat;
    size_t items = 0, expected = 0;

    (void)state;
    text_init(&flat, DOCUMENT_MAX);
    flatten(page, &flat);
    for (size_t i = 0; i < config_rows_n; i++) {
        const struct config_row *row = &config_rows[i];
        struct text item;

        assert_has_help(flat.bytes, row);
        if (row->kind == CONFIG_SECTION || strcmp(row->path, "zones[]") == 0)
            continue; /* these are headings */
        expected++;
        text_init(&item, DOCUMENT_MAX);
        expected_item(row, &item);
        if (strstr(page, item.bytes) == NULL)
            print_error("not in the manual page: %s\n", item.bytes);
        assert_non_null(strstr(page, item.bytes));
        text_fini(&item);
    }
    for (const char *p = page; (p = strstr(p, "\n.It Cm ")) != NULL; p++)
        items++;
    assert_int_equal(items, expected); /* and none that is gone */
    text_fini(&flat);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_and_table_have_the_same_keys),
        cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(the_sample_in_etc_is_what_the_table_makes),
        cmocka_unit_test(sample_gives_the_same_configuration_as_the_smallest_file),
        cmocka_unit_test(values_given_to_the_sample_are_read_back),
        cmocka_unit_test(the_manual_page_has_every_key_with_range_default_and_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

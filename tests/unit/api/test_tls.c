/* Certificates from files, and the server with one. Pairs are made here, with GnuTLS. */
#include "api_fixture.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/stat.h>
#include <utime.h>

#include "api/tls.h"

const struct route admin_routes[1];
const size_t admin_routes_count;

struct files {
    char certificate[80], key[80];
    struct clock_fake fake;
    struct clock clock;
};

static void write_file(const char *path, const gnutls_datum_t *d)
{
    char next[96];
    FILE *f;

    (void)snprintf(next, sizeof next, "%s.next", path); /* as renewal programs do: write aside, rename */
    f = fopen(next, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(d->data, 1, d->size, f), d->size);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(next, path), 0);
}

enum parts { PART_CERTIFICATE = 1, PART_KEY = 2 };

/* Make a pair that is valid until expires_s, and write these parts of it. */
static void make_pair(const struct files *fs, int64_t expires_s, unsigned parts)
{
    static const uint8_t serial[1] = {1};
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
    gnutls_datum_t pem;

    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(
        gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
    assert_int_equal(gnutls_x509_crt_init(&crt), 0);
    assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(crt, serial, sizeof serial), 0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(crt, 1000), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, expires_s), 0);
    assert_int_equal(gnutls_x509_crt_set_dn(crt, "CN=localhost", NULL), 0);
    assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
    assert_int_equal(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0), 0);
    if ((parts & PART_CERTIFICATE) != 0) {
        assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
        write_file(fs->certificate, &pem);
        gnutls_free(pem.data);
    }
    if ((parts & PART_KEY) != 0) {
        assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), 0);
        write_file(fs->key, &pem);
        gnutls_free(pem.data);
    }
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}

static void make_garbage(const char *path)
{
    gnutls_datum_t d = {(unsigned char *)(uintptr_t) "garbage\n", 8};

    write_file(path, &d);
}

static struct files *files_new(void)
{
    struct files *fs = calloc(1, sizeof *fs);

    assert_non_null(fs);
    (void)snprintf(fs->certificate, sizeof fs->certificate, "/tmp/riposte-tls-%d.pem", (int)getpid());
    (void)snprintf(fs->key, sizeof fs->key, "/tmp/riposte-tls-%d.key", (int)getpid());
    fs->fake.real_us = (int64_t)NOW * 1000000;
    fs->clock = clock_fake_of(&fs->fake);
    return fs;
}

static void files_free(struct files *fs)
{
    (void)unlink(fs->certificate);
    (void)unlink(fs->key);
    free(fs);
}

static struct tls_store *store_of(const struct files *fs)
{
    struct tls_store *ts;

    assert_int_equal(tls_store_new(&ts, fs->certificate, fs->key, &fs->clock), ERR_OK);
    return ts;
}

static enum err load(struct tls_store *ts, const char *reason)
{
    struct text why;
    enum err e;

    text_init(&why, 1024);
    e = tls_store_load(ts, &why);
    if (reason != NULL && strstr(why.bytes, reason) == NULL)
        fail_msg("%s", why.bytes);
    text_fini(&why);
    return e;
}

static int64_t expiry(struct tls_store *ts)
{
    struct tls_status st;

    tls_store_status(ts, &st);
    assert_int_equal(st.present, st.expires_s != 0);
    return st.expires_s;
}

static const char *problem(struct tls_store *ts)
{
    static struct tls_status st;

    tls_store_status(ts, &st);
    return st.problem;
}

static void a_pair_is_loaded_with_its_expiry(void **state)
{
    struct files *fs = files_new();
    struct tls_store *ts = store_of(fs);
    struct tls_pair *p;
    unsigned len;

    (void)state;
    make_pair(fs, NOW + DAY, PART_CERTIFICATE | PART_KEY);
    assert_int_equal(load(ts, NULL), ERR_OK);
    assert_int_equal(expiry(ts), NOW + DAY);
    assert_string_equal(problem(ts), "");
    p = tls_store_acquire(ts);
    assert_non_null(p);
    assert_non_null(tls_pair_chain(p, &len));
    assert_int_equal(len, 1);
    tls_store_free(ts);
    assert_non_null(tls_pair_key(p)); /* lives on */
    tls_pair_release(p);
    files_free(fs);
}

static void files_that_are_not_there_yet_are_found_later(void **state)
{
    struct files *fs = files_new();
    struct tls_store *ts = store_of(fs);

    (void)state;
    assert_int_equal(load(ts, "No such file or directory"), ERR_NOT_FOUND);
    assert_null(tls_store_acquire(ts));
    assert_non_null(strstr(problem(ts), "No such file or directory"));
    assert_false(tls_store_check(ts));
    make_pair(fs, NOW + DAY, PART_CERTIFICATE);
    assert_false(tls_store_check(ts)); /* only one of them */
    make_pair(fs, NOW + DAY, PART_CERTIFICATE | PART_KEY);
    assert_true(tls_store_check(ts));
    assert_false(tls_store_check(ts));
    assert_string_equal(problem(ts), "");
    tls_store_free(ts);
    files_free(fs);
}

static void wrong_files_are_an_error_at_the_start(void **state)
{
    struct files *fs = files_new();
    struct tls_store *ts = store_of(fs);

    (void)state;
    make_pair(fs, NOW + DAY, PART_CERTIFICATE | PART_KEY);
    make_pair(fs, NOW + DAY, PART_KEY);
    assert_int_equal(load(ts, "is not that of the certificate"), ERR_RANGE);
    make_garbage(fs->key);
    assert_int_equal(load(ts, "is no PEM private key"), ERR_SYNTAX);
    make_garbage(fs->certificate);
    assert_int_equal(load(ts, "is no PEM certificate chain"), ERR_SYNTAX);
    (void)unlink(fs->certificate);
    assert_int_equal(mkdir(fs->certificate, 0700), 0);
    assert_int_equal(load(ts, "cannot read"), ERR_IO);
    (void)rmdir(fs->certificate);
    tls_store_free(ts);
    files_free(fs);
}

static void an_expired_certificate_is_used_when_there_is_no_better(void **state)
{
    struct files *fs = files_new();
    struct tls_store *ts = store_of(fs);

    (void)state;
    make_pair(fs, NOW - 1, PART_CERTIFICATE | PART_KEY);
    assert_int_equal(load(ts, NULL), ERR_OK);
    assert_string_equal(problem(ts), "the certificate has expired");
    make_pair(fs, NOW + DAY, PART_CERTIFICATE | PART_KEY);
    assert_false(tls_store_check(ts)); /* replaced, not opened */
    assert_int_equal(expiry(ts), NOW + DAY);
    assert_string_equal(problem(ts), "");
    make_pair(fs, NOW - 1, PART_CERTIFICATE | PART_KEY);
    (void)tls_store_check(ts);
    assert_int_equal(expiry(ts), NOW + DAY);
    assert_non_null(strstr(problem(ts), "has expired"));
    clock_fake_advance_s(&fs->fake, 2 * DAY);
    tls_store_free(ts);
    files_free(fs);
}

static void a_replacement_is_used_once_it_is_right(void **state)
{
    struct files *fs = files_new();
    struct tls_store *ts = store_of(fs);

    (void)state;
    make_pair(fs, NOW + DAY, PART_CERTIFICATE | PART_KEY);
    assert_int_equal(load(ts, NULL), ERR_OK);
    make_garbage(fs->key); /* half way */
    assert_false(tls_store_check(ts));
    assert_false(tls_store_check(ts));
    assert_int_equal(expiry(ts), NOW + DAY);
    assert_non_null(strstr(problem(ts), "is no PEM private key"));
    (void)unlink(fs->key);
    assert_false(tls_store_check(ts));
    assert_int_equal(expiry(ts), NOW + DAY);
    make_pair(fs, NOW + 2 * DAY, PART_CERTIFICATE | PART_KEY);
    assert_false(tls_store_check(ts));
    assert_int_equal(expiry(ts), NOW + 2 * DAY);
    assert_string_equal(problem(ts), "");
    tls_store_free(ts);
    files_free(fs);
}

/* ---- the server ---- */

/* "1.3", "1.2", or what went wrong; *reply is what came for one request. */
static const char *https(uint16_t port, const char *priorities, char *reply, size_t cap)
{
    static const char request[] = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    gnutls_certificate_credentials_t cred;
    gnutls_session_t session;
    const char *said;
    size_t len = 0;
    ssize_t n;
    int fd = client_connect(port);
    int rc;

    assert_true(fd >= 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&cred), 0);
    assert_int_equal(gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL), 0);
    assert_int_equal(gnutls_priority_set_direct(session, priorities, NULL), 0);
    assert_int_equal(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cred), 0);
    gnutls_transport_set_int(session, fd);
    do
        rc = gnutls_handshake(session);
    while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
    said = rc < 0 ? gnutls_strerror(rc) : gnutls_protocol_get_name(gnutls_protocol_get_version(session));
    if (rc >= 0) {
        assert_true(gnutls_record_send(session, request, sizeof request - 1) > 0);
        while (len < cap - 1 && (n = gnutls_record_recv(session, reply + len, cap - 1 - len)) > 0)
            len += (size_t)n;
    }
    reply[len] = '\0';
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(cred);
    (void)close(fd);
    return said;
}

static struct fixture *https_fixture(const struct files *fs)
{
    struct fixture *f = fixture_new();

    f->listen[0].tls = API_TLS_FILES;
    f->listen[0].certificate = fs->certificate;
    f->listen[0].key = fs->key;
    return f;
}

static void https_speaks_tls_1_2_and_1_3_only(void **state)
{
    struct files *fs = files_new();
    struct fixture *f = https_fixture(fs);
    char reply[4096];

    (void)state;
    make_pair(fs, NOW + DAY, PART_CERTIFICATE | PART_KEY);
    fixture_start(f);
    assert_string_equal(https(fixture_port(f, 0), "NORMAL", reply, sizeof reply), "TLS1.3");
    assert_int_equal(strncmp(reply, "HTTP/1.1 200", 12), 0);
    assert_non_null(strstr(reply, "Riposte-Request: "));
    assert_string_equal(https(fixture_port(f, 0), "NORMAL:-VERS-ALL:+VERS-TLS1.2", reply, sizeof reply), "TLS1.2");
    assert_int_equal(strncmp(reply, "HTTP/1.1 200", 12), 0);
    assert_null(
        strstr(https(fixture_port(f, 0), "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT", reply, sizeof reply), "TLS1"));
    assert_string_equal(reply, "");
    fixture_free(f);
    files_free(fs);
}

static void plain_http_on_an_https_address_gets_nothing(void **state)
{
    struct files *fs = files_new();
    struct fixture *f = https_fixture(fs);
    char reply[1024];

    (void)state;
    make_pair(fs, NOW + DAY, PART_CERTIFICATE | PART_KEY);
    fixture_start(f);
    assert_int_equal(exchange(f, "GET", "/health", "", NULL)->status, 0);
    assert_string_equal(https(fixture_port(f, 0), "NORMAL", reply, sizeof reply), "TLS1.3");
    fixture_free(f);
    files_free(fs);
}

static void a_handshake_that_drips_is_ended_at_its_deadline(void **state)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct files *fs = files_new();
    struct fixture *f = https_fixture(fs);
    int64_t start;
    char byte;
    int fd;

    (void)state;
    make_pair(fs, NOW + DAY, PART_CERTIFICATE | PART_KEY);
    f->settings.request_timeout_ms = 600;
    fixture_start(f);
    start = clock_mono_ms(&clock_system);
    fd = client_connect(fixture_port(f, 0));
    for (size_t i = 0; clock_mono_ms(&clock_system) - start < 10000; i++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (send(fd, i < sizeof hello - 1 ? &hello[i] : "a", 1, MSG_NOSIGNAL) != 1 ||
            (poll(&p, 1, 100) > 0 && recv(fd, &byte, 1, 0) <= 0))
            break;
    }
    start = clock_mono_ms(&clock_system) - start;
    (void)close(fd);
    if (start < 400 || start > 3000)
        fail_msg("ended after %d ms", (int)start);
    fixture_free(f);
    files_free(fs);
}

static void an_address_without_its_certificate_is_closed_and_the_others_serve(void **state)
{
    struct files *fs = files_new();
    struct fixture *f = https_fixture(fs);
    struct api_listener_status st[2];
    struct reply *r;

    (void)state;
    f->listen[1] = f->listen[0];
    f->listen[0].tls = API_TLS_NONE;
    f->settings.n_listen = 2;
    fixture_start(f);
    assert_int_equal(api_server_listeners(f->server, st, 2), 2);
    assert_true(st[0].open);
    assert_false(st[1].open);
    assert_true(st[1].tls);
    assert_int_equal(st[1].certificate_expires_s, 0);
    assert_int_equal(client_connect(st[1].at.port), -1);
    r = exchange(f, "GET", "/health", "", NULL);
    assert_int_equal(r->status, 503);
    assert_non_null(strstr(r->body, "is closed: cannot read "));
    assert_int_equal(exchange(f, "POST", "/register", "", "{}")->status, 201);
    fixture_free(f);
    files_free(fs);
}

static void a_wrong_certificate_stops_the_start(void **state)
{
    struct files *fs = files_new();
    struct fixture *f = https_fixture(fs);
    const struct change_sink sink = {.submit = fixture_submit, .status = fixture_status, .self = f};
    const struct api_control control = {.self = f};
    struct api_listener_status st[2];
    struct text why;

    (void)state;
    make_garbage(fs->certificate);
    make_garbage(fs->key);
    f->listen[1] = f->listen[0]; /* a plain address, and the wrong one behind it */
    f->listen[0].tls = API_TLS_NONE;
    f->settings.n_listen = 2;
    text_init(&why, 1024);
    assert_int_equal(api_server_bind(&f->server, &f->settings, NULL, &why), ERR_OK);
    assert_int_equal(api_server_start(f->server, &sink, f->refusals, NULL, &control, &why), ERR_SYNTAX);
    assert_non_null(strstr(why.bytes, "is no PEM certificate chain"));
    assert_int_equal(api_server_listeners(f->server, st, 2), 2);
    assert_false(st[0].open); /* nobody has been answered */
    assert_int_equal(client_connect(st[0].at.port), -1);
    text_fini(&why);
    fixture_free(f);
    files_free(fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_loaded_with_its_expiry),
        cmocka_unit_test(files_that_are_not_there_yet_are_found_later),
        cmocka_unit_test(wrong_files_are_an_error_at_the_start),
        cmocka_unit_test(an_expired_certificate_is_used_when_there_is_no_better),
        cmocka_unit_test(a_replacement_is_used_once_it_is_right),
        cmocka_unit_test(https_speaks_tls_1_2_and_1_3_only),
        cmocka_unit_test(plain_http_on_an_https_address_gets_nothing),
        cmocka_unit_test(a_handshake_that_drips_is_ended_at_its_deadline),
        cmocka_unit_test(an_address_without_its_certificate_is_closed_and_the_others_serve),
        cmocka_unit_test(a_wrong_certificate_stops_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The domains of a certificate: its subjectAltName (RFC 5280 section 4.2.1.6). */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check_facts.h"

static bool is_there(const struct certificate_names *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++) {
        if (strcasecmp(c->names[i], name) == 0)
            return true;
    }
    return false;
}

/* What is no domain is left to the check to complain about, as long as it fits. */
static enum err add_name(struct certificate_names *c, const GENERAL_NAME *one)
{
    const unsigned char *bytes;
    char name[DOMAIN_TEXT_MAX + 2];
    int len;

    if (one->type != GEN_DNS) {
        c->n_others++;
        return ERR_OK;
    }
    bytes = ASN1_STRING_get0_data(one->d.dNSName);
    len = ASN1_STRING_length(one->d.dNSName);
    if (len <= 0 || (size_t)len >= sizeof(name) || memchr(bytes, '\0', (size_t)len) != NULL)
        return ERR_SYNTAX;
    memcpy(name, bytes, (size_t)len);
    name[len] = '\0';
    if (is_there(c, name))
        return ERR_OK;
    if (c->n == CERTIFICATE_NAMES_MAX)
        return ERR_RANGE;
    memcpy(c->names[c->n++], name, (size_t)len + 1);
    return ERR_OK;
}

static enum err take_names(struct certificate_names *out, const X509 *certificate, const char *path,
                           struct text *why)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    enum err e = ERR_OK;

    for (int i = 0; i < sk_GENERAL_NAME_num(names) && e == ERR_OK; i++)
        e = add_name(out, sk_GENERAL_NAME_value(names, i));
    if (names != NULL)
        GENERAL_NAMES_free(names);
    if (e == ERR_SYNTAX)
        text_printf(why, "%s: one of the names in the certificate is no domain name", path);
    else if (e == ERR_RANGE)
        text_printf(why, "%s: more than %d names in the certificate", path, CERTIFICATE_NAMES_MAX);
    if (e != ERR_OK || out->n > 0)
        return e;
    text_printf(why, "%s: there is no DNS name in the certificate", path);
    return ERR_NOT_FOUND;
}

enum err certificate_names_load(struct certificate_names *out, const char *path, struct text *why)
{
    FILE *file = fopen(path, "re");
    X509 *certificate = NULL;
    enum err e;

    *out = (struct certificate_names){.names = calloc(CERTIFICATE_NAMES_MAX, sizeof(*out->names))};
    if (file == NULL) {
        text_printf(why, "%s: %s", path, strerror(errno));
        return ERR_IO;
    }
    if (out->names != NULL)
        certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    if (out->names == NULL)
        return ERR_MEMORY;
    if (certificate == NULL) {
        text_printf(why, "%s: there is no certificate in it (PEM: -----BEGIN CERTIFICATE-----)", path);
        return ERR_SYNTAX;
    }
    e = take_names(out, certificate, path, why);
    X509_free(certificate);
    return e;
}

void certificate_names_fini(struct certificate_names *c)
{
    free(c->names);
    *c = (struct certificate_names){.n = 0};
}

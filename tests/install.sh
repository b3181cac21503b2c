#!/usr/bin/env bash
# Look at what `DESTDIR=$1 cmake --install` put in place: everything is there, runs, reads well, and the units are hardened.
set -euo pipefail
root=$1
fail() { echo "FAIL: $1" >&2; exit 1; }

prefix=$root/usr/local
[ -x "$prefix/bin/riposte" ] || prefix=$root/usr
for file in bin/riposte share/man/man8/riposte.8 share/man/man5/riposte.yaml.5 lib/systemd/system/riposte.service \
  lib/systemd/system/riposte-dns.socket lib/systemd/system/riposte-api.socket lib/sysusers.d/riposte.conf; do
  [ -f "$prefix/$file" ] || fail "$file is not installed"
done
for client in dehydrated uacme exec; do
  hook=$prefix/libexec/riposte/hook-$client
  [ -x "$hook" ] && grep -q "^exec /.*/riposte hook $client " "$hook" || fail "the hook of $client is not installed, or names no program"
done
bash -n "$prefix/share/bash-completion/completions/riposte" || fail "bash's completion is not installed, or does not parse"
grep -q "^#compdef riposte$" "$prefix/share/zsh/site-functions/_riposte" || fail "zsh's completion is not installed"
sample=$(find "$root" -name riposte.yaml.sample)
[ -n "$sample" ] || fail "the sample configuration is not installed"

"$prefix/bin/riposte" --version
"$prefix/bin/riposte" check config -c "$sample" || fail "the sample configuration has errors"
for page in share/man/man8/riposte.8 share/man/man5/riposte.yaml.5; do
  mandoc -T lint -W warning "$prefix/$page" || fail "$page does not read well"
done
for file in README.md CHANGELOG.md LICENSE docs/operations.md docs/design.md docs/clients/lego.md etc/accounts.yaml.example; do
  [ -f "$prefix/share/doc/riposte/$file" ] || fail "$file is not installed"
done
unit=$prefix/lib/systemd/system/riposte.service
grep -q "^ExecStart=/.*/riposte serve$" "$unit" || fail "ExecStart is not an absolute path"
if command -v systemd-analyze >/dev/null; then
  units=$(mktemp -d)
  trap 'rm -rf "$units"' EXIT
  cp "$prefix"/lib/systemd/system/riposte* "$units"
  # The program is below the root of this installation, not where the unit will find it.
  sed -i "s|^\(Exec[A-Za-z]*=\)/.*/riposte |\1$prefix/bin/riposte |" "$units/riposte.service"
  complaints=$(systemd-analyze verify --man=no "$units"/riposte* 2>&1) || fail "systemd does not like a unit: $complaints"
  [ -z "$complaints" ] || fail "systemd does not like a unit: $complaints"
  exposure=$(systemd-analyze security --offline=true --threshold=20 "$unit" 2>&1 | tail -n 1) ||
    fail "the service is more exposed than it should be: $exposure"
  echo "$exposure"
fi

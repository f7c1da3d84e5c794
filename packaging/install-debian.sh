#!/bin/sh
# Installs Antiphon on Debian or Raspberry Pi OS as a service that starts at boot, without a login; takes it away again.
#
#   sudo packaging/install-debian.sh             installs from this checkout
#   sudo packaging/install-debian.sh --page      ... and opens the page on the phone to the network (phones are paired)
#   packaging/install-debian.sh --dry-run        prints what would be done; changes nothing, needs no root
#   sudo packaging/install-debian.sh --uninstall removes program, service and limits; sessions and settings stay
#   sudo packaging/install-debian.sh --purge     ... and sessions, memory, settings and the user, too
#
# --wheel FILE installs a wheel in place of the checkout. Python packages come with the hashes of requirements.lock.
set -eu

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
name=antiphon
program=/opt/antiphon
data=/var/lib/antiphon
cache=/var/cache/antiphon
settings=/etc/antiphon
unit=/etc/systemd/system/antiphon.service
limits=/etc/security/limits.d/95-antiphon.conf
command=/usr/local/bin/antiphon
packages="python3 python3-venv libportaudio2 libfluidsynth3"
# python-rtmidi has no wheel for Python 3.13 and newer (Debian 13): it is compiled there
compiler="g++ python3-dev pkg-config libasound2-dev libjack-jackd2-dev"

dry=no page=no action=install source=$checkout
while [ $# -gt 0 ]; do
    case $1 in
    --dry-run) dry=yes ;;
    --page) page=yes ;;
    --uninstall) action=uninstall ;;
    --purge) action=purge ;;
    --wheel)
        [ $# -gt 1 ] || { echo "--wheel needs a file" >&2; exit 2; }
        shift
        source=$1
        ;;
    -h | --help)
        sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "$0"
        exit 0
        ;;
    *)
        echo "unknown option $1; try --help" >&2
        exit 2
        ;;
    esac
    shift
done

# run COMMAND...: carries it out, or with --dry-run prints it
run() {
    if [ $dry = yes ]; then echo "+ $*"; else "$@"; fi
}

# put FILE MODE: writes standard input to a file, or with --dry-run prints it
put() {
    if [ $dry = yes ]; then
        echo "+ write $1 (mode $2)"
        sed 's/^/  | /'
    else
        mkdir -p "$(dirname "$1")"
        cat >"$1.new"
        chmod "$2" "$1.new"
        mv "$1.new" "$1"
    fi
}

# the user unit that ships, as a system service of a user of its own
service() {
    sed -e '1,/^\[Unit\]/{/^#/d;}' \
        -e "s|@PYTHON@|$program/bin/python|g" -e "s|@FOLDER@|$data|g" \
        -e 's|^WantedBy=.*|WantedBy=multi-user.target|' \
        -e "/^\[Service\]/a\\
User=$name\\
SupplementaryGroups=audio\\
Environment=$places\\
ReadWritePaths=$settings $data $cache" \
        "$checkout/agent/assets/antiphon.service"
}

# where the service's own settings, sessions, state and compiled code lie
places="XDG_CONFIG_HOME=/etc XDG_DATA_HOME=$data/data XDG_STATE_HOME=$data/state XDG_CACHE_HOME=/var/cache"
places="$places MPLCONFIGDIR=$cache/matplotlib ANTIPHON_SOCKET=/run/antiphon/control.sock"

install_all() {
    case $(uname -m) in
    x86_64 | aarch64) ;;
    *)
        echo "this machine is $(uname -m); the libraries have wheels for x86_64 and aarch64 (64-bit systems) only" >&2
        exit 1
        ;;
    esac
    command -v apt-get >/dev/null || { echo "no apt-get here: this script is for Debian and its children" >&2; exit 1; }
    if [ $dry = no ] && ! command -v systemctl >/dev/null; then
        echo "systemd is not installed here: this script makes a systemd service; run \`antiphon daemon\` from your own init" >&2
        exit 1
    fi
    run apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    run env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $packages
    if [ $dry = no ] && ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "Antiphon needs Python 3.11 or newer: Debian 12, Raspberry Pi OS of 2023, or later" >&2
        exit 1
    fi
    if python3 -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null; then
        # shellcheck disable=SC2086 # a list of words
        run env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $compiler
    fi
    if ! id "$name" >/dev/null 2>&1; then
        run useradd --system --home-dir "$data" --shell /usr/sbin/nologin --groups audio "$name"
    fi
    for folder in "$data" "$cache" "$settings"; do
        run install -d -o "$name" -g "$name" -m 0750 "$folder"
    done
    run python3 -m venv "$program"
    run "$program/bin/pip" install -q --no-cache-dir --require-hashes -r "$checkout/requirements.lock"
    run "$program/bin/pip" install -q --no-cache-dir --no-deps --force-reinstall "$source"
    echo "compiling the ears and the codec, once (a minute; some minutes on a Pi)"
    compile="from listener import analyzer; from models.codec import codec; analyzer.warm_up(); codec.warm_up()"
    run runuser -u "$name" -- env NUMBA_CACHE_DIR="$cache" "$program/bin/python" -c "$compile"
    put "$limits" 0644 <<END
# written by packaging/install-debian.sh: who plays from a terminal gets real-time scheduling and locked memory through the group audio
@audio - rtprio 95
@audio - memlock unlimited
END
    put "$command" 0755 <<END
#!/bin/sh
# sudo -u $name antiphon ctl status: the service's user finds the service's settings and socket
[ "\$(id -un)" != $name ] || export $places
exec $program/bin/antiphon "\$@"
END
    if [ ! -e "$settings/config.yaml" ]; then
        put "$settings/config.yaml" 0640 <<END
# Antiphon's settings on this machine; the defaults apply to every key that is not here
paths:
  sessions: $data/sessions
web:
  enabled: $([ $page = yes ] && echo true || echo false)
  host: $([ $page = yes ] && echo 0.0.0.0 || echo 127.0.0.1)
END
        run chown "$name:$name" "$settings/config.yaml"
    fi
    service | put "$unit" 0644
    if [ -d /run/systemd/system ]; then run systemctl daemon-reload; fi
    run systemctl enable -q "$name.service"
    if [ -d /run/systemd/system ]; then
        run systemctl restart --no-block "$name.service"
        echo "started; it starts at boot, too. Look: sudo -u $name antiphon ctl status; its log: journalctl -u $name"
    else
        echo "installed; systemd does not run here: it starts at the next boot"
    fi
    [ $page = no ] || echo "pair a phone: sudo -u $name antiphon web pair"
    echo "check sound cards: sudo -u $name antiphon doctor; settings: $settings/config.yaml"
}

remove_all() {
    if [ -e "$unit" ] || [ $dry = yes ]; then
        if [ -d /run/systemd/system ]; then run systemctl stop "$name.service" || true; fi
        run systemctl disable -q "$name.service" || true
    fi
    run rm -rf "$unit" "$limits" "$command" "$program" "$cache"
    if [ -d /run/systemd/system ]; then run systemctl daemon-reload; fi
    if [ $action = purge ]; then
        run rm -rf "$data" "$settings"
        if id "$name" >/dev/null 2>&1; then run userdel "$name"; fi
        echo "removed with sessions, memory and settings; Debian's packages stay: $packages"
    else
        echo "removed; sessions and memory stay in $data, settings in $settings (--purge removes them, too)"
    fi
}

if [ $dry = no ] && [ "$(id -u)" != 0 ]; then
    echo "this needs root: sudo $0; or --dry-run to see what it would do" >&2
    exit 2
fi
case $action in
install) install_all ;;
*) remove_all ;;
esac

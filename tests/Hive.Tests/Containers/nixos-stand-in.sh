#!/bin/sh
# Stands for nixos-container, nix, systemctl and journalctl, by the name it is called by. Notes every command line, and runs the harness of a container as a process of this machine.
here=$(cd "$(dirname "$0")/.." && pwd -P)
called=$(basename "$0")
printf '%s\n' "$called $*" >> "$here/commands"

etc=$here/root/etc/nixos-containers
pid_of() { cat "$here/state/$1.pid" 2> /dev/null || echo 0; }
lives() { [ "$(pid_of "$1")" -gt 0 ] && kill -0 "$(pid_of "$1")" 2> /dev/null && ! grep -q '^State:.Z' "/proc/$(pid_of "$1")/status"; }
mounted() { sed -n 's/^EXTRA_NSPAWN_FLAGS="\(.*\)"$/\1/p' "$etc/$1.conf" | tr ' ' '\n' | sed -n "s|^--bind[a-z-]*=\\(.*\\):$2\$|\\1|p"; }

container() {
    case $1 in
        list) ls "$etc" 2> /dev/null | sed 's/\.conf$//' ;;
        create)
            [ ! -e "$here/broken" ] || { echo 'error: the flake does not evaluate' >&2; exit 1; }
            mkdir -p "$etc"
            printf '%s\n' PRIVATE_NETWORK=1 HOST_ADDRESS=10.233.1.1 LOCAL_ADDRESS=10.233.1.2 HOST_ADDRESS6=fc00::1 LOCAL_ADDRESS6=fc00::2 HOST_BRIDGE=br0 AUTO_START=1 "FLAKE=$4" > "$etc/$2.conf" ;;
        update) [ -e "$etc/$2.conf" ] ;;
        start)
            while [ -e "$here/held-$2" ]; do sleep 0.05; done
            run=$(mounted "$2" /run/hive)
            agent=${2#h-}
            (
                set -a
                . "$run/harness.env"
                set +a
                HIVE_SOCKET=$run/agent.sock HIVE_STATE_DIR=$(mounted "$2" "/agents/$agent/state") HOME=$(mounted "$2" /home/agent)
                export PATH HIVE_SOCKET HIVE_STATE_DIR HOME
                rm -f "$here/state/$2.exit"
                exec setsid sh -c '"$1" $HIVE_ARGUMENTS; echo $? > "$2"' sh "$(mounted "$2" /opt/hive)/hive-agent" "$here/state/$2.exit"
            ) >> "$here/state/$2.journal" 2>&1 < /dev/null &
            echo $! > "$here/state/$2.pid" ;;
        stop)
            lives "$2" || exit 0
            # Right after a start the container has no process yet that could get the signal.
            until pkill -TERM -P "$(pid_of "$2")" || ! lives "$2"; do sleep 0.05; done
            tail --pid="$(pid_of "$2")" -f /dev/null ;;
        destroy) rm -f "$etc/$2.conf" "$here/state/$2".* ;;
        run) shift 3; exec "$@" ;;
        *) exit 2 ;;
    esac
}

system() {
    case $1 in
        daemon-reload) while [ -e "$here/hangs" ]; do sleep 0.05; done ;;
        kill)
            [ ! -e "$here/deaf" ] || { echo 'Failed to kill unit' >&2; exit 1; }
            name=${3#container@}; kill -KILL "-$(pid_of "${name%.service}")" ;;
        show)
            shift
            for unit; do
                case $unit in --*) continue ;; esac
                name=${unit#container@}
                name=${name%.service}
                printf 'Id=%s\n' "$unit"
                if lives "$name"; then
                    printf 'ActiveState=active\nMainPID=%s\nResult=success\nExecMainCode=0\nExecMainStatus=0\n\n' "$(pid_of "$name")"
                elif [ -f "$here/state/$name.exit" ]; then
                    code=$(cat "$here/state/$name.exit")
                    [ "$code" = 0 ] && result=success || result=exit-code
                    printf 'ActiveState=inactive\nMainPID=0\nResult=%s\nExecMainCode=1\nExecMainStatus=%s\n\n' "$result" "$code"
                elif [ -f "$here/state/$name.pid" ]; then
                    printf 'ActiveState=failed\nMainPID=0\nResult=signal\nExecMainCode=2\nExecMainStatus=9\n\n'
                else
                    printf 'ActiveState=inactive\nMainPID=0\nResult=success\nExecMainCode=0\nExecMainStatus=0\n\n'
                fi
            done ;;
        *) exit 2 ;;
    esac
}

journal() {
    case $1 in
        -M)
            lives "$2" || { echo "Failed to open: No machine '$2' known" >&2; exit 1; }
            follow=; lines=+1
            for word; do
                case $word in --follow) follow="-f --pid=$(pid_of "$2")" ;; --lines=all) ;; --lines=*) lines=${word#--lines=} ;; esac
            done
            # shellcheck disable=SC2086
            exec tail -n "$lines" $follow "$here/state/$2.journal" ;;
        --unit=*) name=${1#--unit=container@}; exec tail -n "${2#--lines=}" "$here/state/${name%.service}.journal" ;;
        *) exit 2 ;;
    esac
}

case $called in
    nix)
        [ "$1 $2 $3 $4" = '--extra-experimental-features nix-command flakes flake lock' ] || exit 2
        meta=${5#path:}
        [ -f "$meta/flake.nix" ] && echo '{}' > "$meta/flake.lock" ;;
    nixos-container) container "$@" ;;
    systemctl) system "$@" ;;
    journalctl) journal "$@" ;;
esac

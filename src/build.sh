# Finds the tools and builds Hive, for ./hive and ./test. Sourced with $root set; POSIX sh.
# shellcheck shell=sh disable=SC2154

stamp=$root/artifacts/hive.stamp

say() {
    printf '%s\n' "$*" >&2
}

# Also looks in $HOME/.dotnet, the default folder of Microsoft's install script.
find_dotnet() {
    if ! command -v dotnet >/dev/null 2>&1 && [ -x "${HOME:-}/.dotnet/dotnet" ]; then
        PATH=$HOME/.dotnet:$PATH
        DOTNET_ROOT=$HOME/.dotnet
        export PATH DOTNET_ROOT
    fi
    if ! command -v dotnet >/dev/null 2>&1; then
        say 'Hive needs the .NET SDK 10; `dotnet` was not found.'
    elif ! dotnet --list-sdks | grep -q '^10\.'; then
        say "Hive needs the .NET SDK 10; this machine has: $(dotnet --list-sdks | cut -d' ' -f1 | tr '\n' ' ')"
    else
        return 0
    fi
    say 'Install it from your distribution (package dotnet-sdk-10.0 on Ubuntu and Fedora), or with'
    say "Microsoft's script dotnet-install.sh: dotnet-install.sh --channel 10.0"
    return 1
}

# Only the dashboard is built with Node; running Hive needs none.
find_node() {
    if ! command -v node >/dev/null 2>&1; then
        say 'Hive needs Node.js 20.19 or newer to build its dashboard; `node` was not found.'
    elif ! command -v npm >/dev/null 2>&1; then
        say 'Hive needs npm, which comes with Node.js, to build its dashboard; `npm` was not found.'
    elif ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
        say "Hive needs Node.js 20.19 or newer to build its dashboard; this machine has $(node --version)."
    else
        return 0
    fi
    say 'Install packages nodejs and npm from your distribution, or a newer one with a version manager such as nvm or fnm.'
    return 1
}

# sources TEST…: prints the first source file or folder that matches find's TEST. Folders count, so a deleted file is
# noticed.
sources() {
    find "$root/src" "$root/Hive.sln" "$root/Directory.Build.props" "$root/Directory.Build.targets" "$root/Directory.Packages.props" "$root/global.json" "$root/.editorconfig" \
        \( -name node_modules -o -name wwwroot -o -name generated -o -name bin -o -name obj \) -prune -o "$@" -print 2>/dev/null | head -n 1
}

hive_is_built() {
    [ -f "$stamp" ] && [ -x "$root/artifacts/bin/Hive.Cli/release/hive" ] && [ -x "$root/artifacts/bin/Hive.Host/release/hive-host" ] \
        && [ -z "$(sources -newer "$stamp")" ]
}

# Gives each output a new inode with the same content before the build writes into it: running programs keep the files
# that they have open.
detach_outputs() {
    [ -d "$root/artifacts/bin" ] || return 0
    # Remains of an interrupted build.
    find "$root/artifacts/bin" -type f -name '*.detached' -exec rm -f {} +
    find "$root/artifacts/bin" -path '*/release/*' -type f ! -path '*/wwwroot/*' -exec sh -c '
        for file do cp -p "$file" "$file.detached" && mv -f "$file.detached" "$file"; done' sh {} +
}

# progress TOTAL: shows on a terminal, from the output of a build, which of its parts are done.
progress() {
    if ! [ -t 2 ]; then
        cat >/dev/null
        return
    fi
    begun=$(date +%s)
    parts=0
    now='restoring packages'
    while
        printf '\r\033[K  %d/%d %s' "$parts" "$1" "$now" >&2
        IFS= read -r line
    do
        case $line in
            *' -> '*/publish/) ;;
            *' -> '*)
                parts=$((parts + 1))
                now=${line%% -> *}
                now=${now##* }
                ;;
            *Dashboard:*) now="Dashboard:${line#*Dashboard:}" ;;
        esac
    done
    printf '\r\033[K  %d/%d, %d s\n' "$parts" "$1" "$(($(date +%s) - begun))" >&2
}

# build_release FILE MESSAGE [OPTION…]: builds a solution or a solution filter; on failure, shows the log.
build_release() {
    export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
    solution=$1
    say "$2"
    shift 2
    log=$root/artifacts/build.log
    started=$root/artifacts/hive.started
    : >"$started"
    detach_outputs
    # Beside the projects: the page and the published harness.
    total=$(($(grep -c '\.csproj"' "$root/$solution" 2>/dev/null) + 2))
    # From the root, so that its global.json applies. No server process stays behind: neither MSBuild's nor the
    # compiler's.
    outcome=$({
        {
            cd "$root" && dotnet build "$solution" -c Release -nologo -nodeReuse:false -p:UseSharedCompilation=false \
                "$@" 2>&1 </dev/null 3>&- && echo built >&3
        } | tee "$log" 3>&- | progress "$total" 3>&-
    } 3>&1 9>&-)
    if [ "$outcome" != built ]; then
        cat "$log" >&2
        say "building Hive failed; the log above is also in $log"
        return 1
    fi

    # A source file that changed during the build means building again next time; the build itself touches folders.
    if [ -z "$(sources -type f -newer "$started")" ]; then
        : >"$stamp"
        rm -f "$started"
    else
        mv -f "$started" "$stamp"
    fi
}

hive_build() {
    find_dotnet && find_node || exit 1
    mkdir -p "$root/artifacts"
    # Of two commands started at once, the second waits and finds the build done.
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$root/artifacts/hive.lock"
        flock 9
    fi
    # `./test` analyses the source; here it is only compiled.
    if [ ! -f "$stamp" ]; then
        build_release src/Hive.slnf 'building Hive (first time, about a minute)…' -p:RunAnalyzers=false || exit 1
    elif ! hive_is_built; then
        build_release src/Hive.slnf 'building Hive (its source changed)…' -p:RunAnalyzers=false || exit 1
    fi
    exec 9>&-
}

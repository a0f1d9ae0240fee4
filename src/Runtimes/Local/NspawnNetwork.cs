namespace Hive.Runtimes.Local;

/// <summary>Connects a container of systemd-nspawn to a network of its own.</summary>
internal static class NspawnNetwork
{
    // Prints its number outside of the pid namespace that pasta gives it.
    private const string Holder = "read -r me rest < /proc/self/stat; echo $me; exec > /dev/null; exec sleep infinity";

    /// <summary>The script that makes the network, and then becomes the command after its first argument, which is the
    /// path of a pipe.</summary>
    /// <param name="pasta">The program that connects it.</param>
    /// <param name="user">The agent's user.</param>
    /// <remarks>pasta and a program that holds the namespace run beside nspawn, as the agent's user: nspawn itself
    /// needs root. They are not children of nspawn, so that a TERM for the agent's programs does not end them first.
    /// The end of pasta would leave the agent without a network, so the agent ends too, and is restarted. Either
    /// pasta's end finds the pipe gone, or the start finds the file of that end. Field 22 of proc_pid_stat(5) tells
    /// whether $$ is still the same process.</remarks>
    public static string Script(Pasta pasta, uint user) =>
        $$"""
            pipe=$1
            shift
            since() {
                read -r line < /proc/$$/stat && set -- ${line##*) } && echo ${20}
            }
            began=$(since)
            rm -f "$pipe" "$pipe.end" && mkfifo -m 600 "$pipe" || exit 126
            ( (
                {{string.Join(' ', [.. Pasta.As(user), .. pasta.Command()])}} -- sh -c '{{Holder}}'
                : > "$pipe.end"
                [ -e "$pipe" ] || {
                    [ "$(since)" != "$began" ] || kill -KILL $$
                    rm -f "$pipe.end"
                }
            ) < /dev/null > "$pipe" 2> "$pipe.err" & )
            read -r holder < "$pipe" || cat "$pipe.err" >&2
            rm -f "$pipe" "$pipe.err"
            [ -n "$holder" ] && [ ! -e "$pipe.end" ] || exit 125
            exec nsenter --net="/proc/$holder/ns/net" -- "$@"
            """;
}

using System.ComponentModel;
using Hive.Common.Errors;
using Hive.Common.Processes;

namespace Hive.Runtimes.Nixos;

/// <summary>Runs the programs of NixOS and systemd: <c>nixos-container</c>, <c>systemctl</c> and
/// <c>journalctl</c>.</summary>
internal static class NixosCommands
{
    public const string Program = "nixos-container";

    private const int ShownLines = 5;

    // A container that comes up or goes down has a minute each by its own unit; a build has all the time it needs.
    private static readonly TimeSpan UpOrDown = TimeSpan.FromMinutes(2);

    /// <summary>Runs a command and reads its output.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: the program is missing, or timed out.</exception>
    public static async Task<Executed> Run(string[] command, CancellationToken ct)
    {
        try
        {
            return await Trial.Output(command, PatienceFor(command), ct);
        }
        catch (Win32Exception)
        {
            throw Problem.Unavailable(
                $"{command[0]} is not on the PATH; "
                    + "this is not NixOS, or the PATH of Hive lacks /run/current-system/sw/bin"
            );
        }
    }

    /// <summary>Runs a command that has to succeed.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: it failed.</exception>
    public static async Task Must(params string[] command)
    {
        var (code, output) = await Run(command, CancellationToken.None);
        if (code != 0)
            throw Problem.Unavailable($"`{string.Join(' ', command)}` ended with {code}: {LastOf(output)}");
    }

    /// <summary>Reads the lines of a command as it prints them; ends the command when the reader stops.</summary>
    public static IAsyncEnumerable<string> Follow(string[] command, CancellationToken ct) =>
        ProgramRunner.Lines(new ProgramCall(command), ct);

    public static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The last lines of an output, which tell the failure of a build.</summary>
    public static string LastOf(string output) =>
        Lines(output) is { Length: > 0 } lines
            ? string.Join(' ', lines[^Math.Min(lines.Length, ShownLines)..])
            : "it printed nothing";

    private static TimeSpan? PatienceFor(string[] command) =>
        command switch
        {
            [Program, "create" or "update", ..] => null,
            [Program, ..] => UpOrDown,
            _ => Trial.Patience,
        };
}

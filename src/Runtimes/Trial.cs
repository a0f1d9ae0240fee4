using System.ComponentModel;
using Hive.Common.Errors;
using Hive.Common.Processes;

namespace Hive.Runtimes;

/// <summary>The exit code and the output of a program.</summary>
internal sealed record Executed(int ExitCode, string Output);

/// <summary>Runs a program that ends soon on its own, or ends it after a time limit.</summary>
internal static class Trial
{
    /// <summary>The time of a program that only answers a question.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int NoEntry = 2;

    // What strerror(3) says of the limits on processes, memory and open files. An agent can use them up.
    private static readonly string[] Shortages =
    [
        "Resource temporarily unavailable",
        "Cannot allocate memory",
        "Too many open files",
        "No space left on device",
        "Device or resource busy",
    ];

    /// <summary>True for the error of a program that lacked something for the moment, and may work later.</summary>
    /// <param name="error">Its error output, untranslated.</param>
    public static bool MayPass(string error) =>
        Shortages.Any(shortage => error.Contains(shortage, StringComparison.OrdinalIgnoreCase));

    /// <summary>True for a program that is not there; another fault of its start may pass.</summary>
    public static bool IsMissing(Win32Exception fault) => fault.NativeErrorCode == NoEntry;

    /// <summary>Runs a program once to see whether it works.</summary>
    /// <returns>Its exit code and its error output.</returns>
    /// <exception cref="TimeoutException">It did not end within <see cref="Patience"/>: a busy machine, not a lack of
    /// the program.</exception>
    public static Task<(int ExitCode, string Error)> Run(IReadOnlyList<string> command, CancellationToken ct) =>
        Result(ProgramRunner.Run(new ProgramCall(command) { TimeLimit = Patience }, ct));

    /// <summary>Runs a program as it would be started for an agent.</summary>
    /// <exception cref="IOException">Its view of the host's folders cannot be made.</exception>
    /// <inheritdoc cref="Run(IReadOnlyList{string}, CancellationToken)"/>
    public static Task<(int ExitCode, string Error)> Run(Launch launch) =>
        Result(
            ProgramRunner.Run(
                new ProgramCall(launch.Arguments)
                {
                    TimeLimit = Patience,
                    Environment = launch.Environment,
                    WorkingDirectory = launch.WorkingDirectory,
                },
                launch.Begin,
                CancellationToken.None
            )
        );

    private static async Task<(int ExitCode, string Error)> Result(Task<ProgramResult> run)
    {
        var result = await run;
        return (result.ExitCode, result.ErrorText.Trim());
    }

    /// <summary>Runs a program and reads both of its output streams.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="patience">The time it has; null for as long as it takes.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="Problem">Code <c>unavailable</c>: it timed out and was ended.</exception>
    public static async Task<Executed> Output(IReadOnlyList<string> command, TimeSpan? patience, CancellationToken ct)
    {
        try
        {
            var result = await ProgramRunner.Run(new ProgramCall(command) { TimeLimit = patience }, ct);
            return new Executed(result.ExitCode, result.OutputText + result.ErrorText);
        }
        catch (TimeoutException e)
        {
            throw Problem.Unavailable(
                new Fault($"{e.Message} and was ended", "run it by hand to find out what blocks it, then try again"),
                e
            );
        }
    }
}

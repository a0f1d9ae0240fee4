using System.Diagnostics;
using Hive.Common.Errors;

namespace Hive.Runtimes;

/// <summary>The exit code and the output of a program.</summary>
internal sealed record Executed(int ExitCode, string Output);

/// <summary>Runs a program that ends by itself soon, or is ended.</summary>
internal static class Trial
{
    /// <summary>The time of a program that only answers a question.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Runs a program once to see whether it works.</summary>
    /// <returns>Its exit code, or -1 when it did not end within <see cref="Patience"/>, and its error output.</returns>
    public static async Task<(int ExitCode, string Error)> Run(IReadOnlyList<string> command, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        using var process = Start(command);
        try
        {
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, (await error).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            ct.ThrowIfCancellationRequested();
            return (-1, $"it did not end within {Patience.TotalSeconds:0} s");
        }
    }

    /// <summary>Runs a program and reads both of its output streams.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="patience">The time it has; null for as long as it takes.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="Problem">Code <c>unavailable</c>: it timed out and was ended.</exception>
    public static async Task<Executed> Output(IReadOnlyList<string> command, TimeSpan? patience, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (patience is { } time)
            limit.CancelAfter(time);
        using var process = Start(command);
        try
        {
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new Executed(process.ExitCode, output + await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            ct.ThrowIfCancellationRequested();
            throw Problem.Unavailable(
                new Fault(
                    $"`{string.Join(' ', command)}` timed out after {patience?.TotalSeconds:0} s and was ended",
                    "see what holds it, then try again"
                )
            );
        }
    }

    private static Process Start(IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }
}

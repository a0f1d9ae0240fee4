using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hive.Common.Processes;

/// <summary>Runs child programs. No program outlives its call, unless it was started to.</summary>
public static class ProgramRunner
{
    /// <summary>Runs a program to its end, and kills it with its children when it takes too long or the call is
    /// cancelled.</summary>
    /// <exception cref="Win32Exception">The program cannot be started; most often it is missing.</exception>
    /// <exception cref="TimeoutException">The program did not end within its time limit.</exception>
    public static Task<ProgramResult> Run(ProgramCall call, CancellationToken ct) =>
        Run(call, launch => Task.FromResult(launch()), ct);

    /// <summary>Runs a program that another thread starts.</summary>
    /// <param name="call">The program.</param>
    /// <param name="start">Calls what it is given, on a thread of its choice.</param>
    /// <param name="ct">Ends it.</param>
    /// <inheritdoc cref="Run(ProgramCall, CancellationToken)"/>
    public static async Task<ProgramResult> Run(
        ProgramCall call,
        Func<Func<Process>, Task<Process>> start,
        CancellationToken ct
    )
    {
        ct.ThrowIfCancellationRequested();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (call.TimeLimit is { } time)
            limit.CancelAfter(time);
        using var process = await start(() => Launch(call, redirectError: true));
        try
        {
            var input = Feed(process, call.Input, limit.Token);
            var errors = Read(process, process.StandardError, call.MaxErrorBytes, call.Overflow, limit.Token);
            var (output, truncated) = await Read(
                process,
                process.StandardOutput,
                call.MaxOutputBytes,
                call.Overflow,
                limit.Token
            );
            var (error, _) = await errors;
            await input;
            await process.WaitForExitAsync(limit.Token);
            return new ProgramResult(process.ExitCode, output, error, truncated);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"`{string.Join(' ', call.Command)}` did not end within {call.TimeLimit?.TotalSeconds:0} s"
                ),
                e
            );
        }
        finally
        {
            Kill(process);
        }
    }

    /// <summary>Runs a program and returns its lines as it writes them; the program is killed when the reader stops.
    /// The program's error stream is the host's.</summary>
    /// <exception cref="Win32Exception">The program cannot be started; most often it is missing.</exception>
    public static async IAsyncEnumerable<string> Lines(ProgramCall call, [EnumeratorCancellation] CancellationToken ct)
    {
        using var process = Launch(call, redirectError: false);
        try
        {
            await Feed(process, call.Input, ct);
            while (await process.StandardOutput.ReadLineAsync(ct) is { } line)
                yield return line;
        }
        finally
        {
            Kill(process);
        }
    }

    /// <summary>Starts a program that may outlive the host. Its standard input is closed, its standard output is the
    /// caller's to read, and its error stream is the host's.</summary>
    /// <exception cref="Win32Exception">The program cannot be started; most often it is missing.</exception>
    public static Process Start(ProgramCall call)
    {
        var process = Launch(call, redirectError: false);
        process.StandardInput.Close();
        return process;
    }

    private static Process Launch(ProgramCall call, bool redirectError)
    {
        var command = Bounds(call) is { } bounds ? ["/bin/sh", "-c", bounds, .. call.Command] : call.Command;
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = redirectError,
            WorkingDirectory = call.WorkingDirectory ?? "",
        };
        if (call.Environment is not null)
        {
            start.Environment.Clear();
            foreach (var (name, value) in call.Environment)
                start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    // A shell that bounds itself and then becomes the program. It counts files in blocks of 512 bytes and memory in
    // KiB, and fails only where a lower bound holds already.
    private static string? Bounds(ProgramCall call)
    {
        if (call.MaxFileBytes is null && call.MaxMemoryBytes is null)
            return null;
        var files = call.MaxFileBytes is { } bytes
            ? string.Create(CultureInfo.InvariantCulture, $"ulimit -f {(bytes + 511) / 512}; ")
            : "";
        var memory = call.MaxMemoryBytes is { } space
            ? string.Create(CultureInfo.InvariantCulture, $"ulimit -v {space >> 10}; ")
            : "";
        return $"{files}{memory}exec \"$0\" \"$@\"";
    }

    private static async Task Feed(Process process, string? input, CancellationToken ct)
    {
        try
        {
            if (input is not null)
                await process.StandardInput.BaseStream.WriteAsync(Encoding.UTF8.GetBytes(input), ct);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The program ended without reading all of its input; its exit code tells whether that is an error.
        }
    }

    private static async Task<(ReadOnlyMemory<byte> Read, bool IsTruncated)> Read(
        Process process,
        StreamReader reader,
        int max,
        OutputOverflow overflow,
        CancellationToken ct
    )
    {
        using var kept = new MemoryStream();
        var buffer = new byte[16 << 10];
        var truncated = false;
        while (await reader.BaseStream.ReadAsync(buffer, ct) is var count and > 0)
        {
            var room = max - (int)kept.Length;
            if (overflow == OutputOverflow.Kill && count > room)
            {
                kept.Write(buffer, 0, room);
                Kill(process);
                return (kept.ToArray(), true);
            }

            kept.Write(buffer, 0, count);
            // The beginning is dropped by halves, so that a long output is not moved with each read.
            if (kept.Length > 2L * max)
            {
                DropBeginning(kept, max);
                truncated = true;
            }
        }

        if (kept.Length <= max)
            return (kept.ToArray(), truncated);
        DropBeginning(kept, max);
        return (kept.ToArray(), true);
    }

    private static void DropBeginning(MemoryStream kept, int max)
    {
        var end = kept.GetBuffer().AsSpan((int)kept.Length - max, max);
        end.CopyTo(kept.GetBuffer());
        kept.SetLength(max);
        kept.Position = max;
    }

    private static void Kill(Process process)
    {
        try
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // The process has just ended on its own.
        }
    }
}

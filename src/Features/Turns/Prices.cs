using System.Text.Json;
using Hive.Common.Errors;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Turns;

/// <summary>Keeps the price table in <c>&lt;DataDir&gt;/prices.json</c>, which people may edit too: the file is read
/// again when it has changed.</summary>
internal sealed partial class Prices(HivePaths paths, ILogger<Prices> log) : IPrices, IHostedService
{
    private const string FileName = "prices.json";
    private const int MaxBytes = 256 * 1024;
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const string About =
        "Prices of models, in US dollars per million tokens; a name may end in * for any ending. Hive reads this "
        + "file again when it changes. "
        + "The initial prices are Anthropic's list prices of October 2026 "
        + "(https://platform.claude.com/docs/en/about-claude/pricing), with cache writes of five minutes; check "
        + "them.";

    private static readonly JsonSerializerOptions Written = new(WireJson.Options) { WriteIndented = true };
    private static readonly JsonSerializerOptions Read = new(WireJson.Options)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    private readonly Lock gate = new();
    private volatile Known known = new(PriceTable.First, null, default);

    private string Path => System.IO.Path.Combine(paths.DataDir, FileName);

    /// <summary>The table as it was last read; quick, and from any thread.</summary>
    public PriceTable Table => known.Table;

    long? IPrices.Micro(string? model, Tokens tokens) => known.Table.MicroOf(model, tokens);

    /// <summary>Reads the file if it has changed. A faulty file leaves the table unchanged.</summary>
    /// <returns>The table, and the fault of the file.</returns>
    public (PriceTable Table, string? Fault) Refresh()
    {
        lock (gate)
        {
            var stamp = Stamp.Of(Path);
            if (stamp != known.Stamp)
            {
                known = Load(stamp);
                if (known.Fault is { } fault)
                    LogFault(log, fault);
            }

            return (known.Table, known.Fault);
        }
    }

    /// <summary>Replaces the table and the file.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: the file cannot be written.</exception>
    public void Replace(IReadOnlyList<ModelPrice> models)
    {
        lock (gate)
        {
            try
            {
                Write(new PriceFile(models, known.About ?? About));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw Problem.Unavailable($"{Path} cannot be written: {e.Message}", e);
            }

            known = Load(Stamp.Of(Path));
        }
    }

    Task IHostedService.StartAsync(CancellationToken cancellationToken)
    {
        lock (gate)
        {
            try
            {
                if (!File.Exists(Path))
                    Write(new PriceFile(PriceTable.First.Models, About));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The same prices are used without the file.
                LogFault(log, $"{Path} cannot be written: {e.Message}");
            }
        }

        Refresh();
        return Task.CompletedTask;
    }

    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private Known Load(Stamp stamp)
    {
        try
        {
            if (stamp == default)
                return known with
                {
                    Stamp = stamp,
                    Fault = $"{Path} is missing; the prices last read are used, and saving them writes the file again",
                };
            if (stamp.Length > MaxBytes)
                return Bad(stamp, $"the file has {stamp.Length} bytes, the limit is {MaxBytes}");
            var file = JsonSerializer.Deserialize<PriceFile>(File.ReadAllBytes(Path), Read);
            if (file is null)
                return Bad(stamp, "the file is null");
            return PriceTable.Fault(file.Models) is { } fault
                ? Bad(stamp, fault)
                : new Known(new PriceTable(file.Models), null, stamp, file.About);
        }
        catch (JsonException e)
        {
            return Bad(
                stamp,
                $"line {(e.LineNumber ?? 0) + 1}: {(e.Path is { Length: > 2 } path ? path[2..] : "the file")} "
                    + $"{Said(e.Message)}"
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return Bad(stamp, e.Message);
        }
    }

    // In words for the editor of the file: the reader's own messages name its types.
    private static string Said(string message)
    {
        const string Lacking = "including: ";
        if (message.IndexOf(Lacking, StringComparison.Ordinal) is >= 0 and var at)
            return $"lacks {message[(at + Lacking.Length)..].Split(". Path:")[0].TrimEnd('.')}";
        return message.Contains("could not be converted", StringComparison.Ordinal)
            ? "has the wrong type"
            : $"is not JSON: {message.Split(" Path:")[0]}";
    }

    private Known Bad(Stamp stamp, string fault) =>
        known with
        {
            Stamp = stamp,
            Fault = $"{Path} cannot be used; the last good prices are used instead: {fault}",
        };

    // Written beside the file and then moved, so that the file is always complete, also after a crash.
    private void Write(PriceFile file)
    {
        var next = Path + ".next";
        using (
            var stream = new FileStream(
                next,
                new FileStreamOptions
                {
                    Mode = FileMode.Create,
                    Access = FileAccess.Write,
                    UnixCreateMode = Mode,
                }
            )
        )
        {
            JsonSerializer.Serialize(stream, file, Written);
            stream.Write("\n"u8);
            stream.Flush(flushToDisk: true);
        }

        File.Move(next, Path, overwrite: true);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "price table: {Fault}")]
    private static partial void LogFault(ILogger logger, string fault);

    private sealed record Known(PriceTable Table, string? Fault, Stamp Stamp, string? About = null);

    private sealed record PriceFile(IReadOnlyList<ModelPrice> Models, string? About = null);

    // Tells whether a file has changed, without reading it. The default means that the file is missing.
    private readonly record struct Stamp(DateTime ModifiedAt, long Length)
    {
        public static Stamp Of(string path)
        {
            var file = new FileInfo(path);
            return file.Exists ? new Stamp(file.LastWriteTimeUtc, file.Length) : default;
        }
    }
}

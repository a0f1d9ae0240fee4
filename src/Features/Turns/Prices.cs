using System.Text.Json;
using Hive.Common.Errors;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Turns;

/// <summary>The price table in <c>&lt;DataDir&gt;/prices.json</c>, which a person may edit too: it is read again when
/// it has changed since it was last looked at.</summary>
internal sealed partial class Prices(HivePaths paths, ILogger<Prices> log) : IHostedService
{
    private const string FileName = "prices.json";
    private const int MaxBytes = 256 * 1024;
    private const UnixFileMode Mode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const string About =
        "What models cost, in US dollars per million tokens; a name may end in * for any ending. Hive reads this file again when it changes. "
        + "It began with Anthropic's list prices of October 2026 (https://platform.claude.com/docs/en/about-claude/pricing), cache writes those of five minutes; check them.";

    private static readonly JsonSerializerOptions Written = new(WireJson.Options) { WriteIndented = true };
    private static readonly JsonSerializerOptions Read = new(WireJson.Options)
    {
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    private readonly Lock gate = new();
    private volatile Known known = new(PriceTable.First, null, default);

    private string Path => System.IO.Path.Combine(paths.DataDir, FileName);

    /// <summary>The table as it was last looked at; quick, and from any thread.</summary>
    public PriceTable Table => known.Table;

    /// <summary>Reads the file if it has changed. What cannot be used leaves the table as it was.</summary>
    /// <returns>The table, and what is wrong with the file.</returns>
    public (PriceTable Table, string? Fault) Look()
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

    /// <summary>Puts another table in the file's place.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: it cannot be written.</exception>
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
                // Without the file the same prices hold.
                LogFault(log, $"{Path} cannot be written: {e.Message}");
            }
        }

        Look();
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
                    Fault = $"there is no {Path}; the prices it last held are used, and saving them writes it again",
                };
            if (stamp.Length > MaxBytes)
                return Bad(stamp, $"it has {stamp.Length} bytes, the limit is {MaxBytes}");
            var file = JsonSerializer.Deserialize<PriceFile>(File.ReadAllBytes(Path), Read);
            if (file is null)
                return Bad(stamp, "it is null");
            return PriceTable.Fault(file.Models) is { } fault
                ? Bad(stamp, fault)
                : new Known(new PriceTable(file.Models), null, stamp, file.About);
        }
        catch (JsonException e)
        {
            return Bad(
                stamp,
                $"line {(e.LineNumber ?? 0) + 1}: {(e.Path is { Length: > 2 } path ? path[2..] : "the file")} {Said(e.Message)}"
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return Bad(stamp, e.Message);
        }
    }

    // In the words of who edits it: the reader's own name its types.
    private static string Said(string message)
    {
        const string Lacking = "including: ";
        if (message.IndexOf(Lacking, StringComparison.Ordinal) is >= 0 and var at)
            return $"lacks {message[(at + Lacking.Length)..].Split(". Path:")[0].TrimEnd('.')}";
        return message.Contains("could not be converted", StringComparison.Ordinal)
            ? "has the wrong type"
            : $"is no JSON: {message.Split(" Path:")[0]}";
    }

    private Known Bad(Stamp stamp, string fault) =>
        known with
        {
            Stamp = stamp,
            Fault = $"{Path} cannot be used, and the last good prices are: {fault}",
        };

    // Another file in its place, so that nobody reads half of one, nor is it half there after a crash.
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "prices: {Fault}")]
    private static partial void LogFault(ILogger logger, string fault);

    private sealed record Known(PriceTable Table, string? Fault, Stamp Stamp, string? About = null);

    private sealed record PriceFile(IReadOnlyList<ModelPrice> Models, string? About = null);

    // What of a file tells that it is another, without reading it. The default is none.
    private readonly record struct Stamp(DateTime ModifiedAt, long Length)
    {
        public static Stamp Of(string path)
        {
            var file = new FileInfo(path);
            return file.Exists ? new Stamp(file.LastWriteTimeUtc, file.Length) : default;
        }
    }
}

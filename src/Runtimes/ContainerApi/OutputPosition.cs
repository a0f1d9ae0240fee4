using System.Globalization;
using System.Runtime.CompilerServices;

namespace Hive.Runtimes.ContainerApi;

/// <summary>Notes how far an agent's output has been read, so that reading continues there after a restart of its
/// container or of the daemon.</summary>
internal sealed class OutputPosition
{
    // yyyy-MM-ddTHH:mm:ss. Podman writes no more; docker writes more than a query can contain.
    private const int ToTheSecond = 19;

    private string? container;
    private string last = "";
    private int readOfSecond;
    private int toSkip;

    /// <summary>The query that continues reading. It never asks for a number of lines: podman 4 then joins a line that
    /// came in pieces to the one before.</summary>
    public string Query(string of, bool follow)
    {
        var since =
            container == of
            && DateTimeOffset.TryParse(last, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
                ? at
                : (DateTimeOffset?)null;
        (container, toSkip, readOfSecond) = (of, since is null ? 0 : readOfSecond, 0);
        var start = since is { } from
            ? $"&since={from.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)}"
            : "";
        return $"timestamps=1&tail=all{(follow ? "&follow=1" : "")}{start}";
    }

    /// <summary>Reads the lines that are new, in batches, until the stream ends.</summary>
    /// <param name="stream">The answer to the query.</param>
    /// <param name="unfinished">Includes a last line without an end; a reader who continues later gets it when it is
    /// complete.</param>
    /// <param name="ct">Ends the reading.</param>
    public async IAsyncEnumerable<IReadOnlyList<string>> Read(
        Stream stream,
        bool unfinished,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        await foreach (var lines in ContainerOutput.Read(stream, stamped: true, unfinished, ct))
        {
            if (New(lines) is { Count: > 0 } added)
                yield return added;
        }
    }

    private List<string> New(IReadOnlyList<OutputLine> lines)
    {
        List<string> added = [];
        foreach (var (stamp, text) in lines)
        {
            if (Second(stamp) != Second(last))
                (readOfSecond, toSkip) = (0, 0);
            last = stamp ?? "";
            readOfSecond++;
            if (toSkip > 0)
                toSkip--;
            else
                added.Add(text);
        }

        return added;
    }

    private static string Second(string? stamp) => stamp is { Length: >= ToTheSecond } ? stamp[..ToTheSecond] : "";
}

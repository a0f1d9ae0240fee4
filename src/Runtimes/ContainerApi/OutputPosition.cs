using System.Globalization;
using System.Runtime.CompilerServices;

namespace Hive.Runtimes.ContainerApi;

/// <summary>How far what an agent prints has been read, so that the reading goes on there after its container or the
/// daemon was started anew.</summary>
internal sealed class OutputPosition
{
    // yyyy-MM-ddTHH:mm:ss: podman says no more, docker more than one can ask for.
    private const int ToTheSecond = 19;

    private string? container;
    private string last = "";
    private int readOfSecond;
    private int toSkip;

    /// <summary>What to ask for to read on. Never the newest lines by their number: podman 4 then glues a line that
    /// came in pieces to the one before.</summary>
    public string Query(string of, bool follow)
    {
        var since =
            container == of
            && DateTimeOffset.TryParse(last, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
                ? at
                : (DateTimeOffset?)null;
        (container, toSkip, readOfSecond) = (of, since is null ? 0 : readOfSecond, 0);
        return $"timestamps=1&tail=all{(follow ? "&follow=1" : "")}{(since is { } from ? $"&since={from.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)}" : "")}";
    }

    /// <summary>The lines that have not been read yet, as many at a time as there are, until the stream ends.</summary>
    /// <param name="stream">What was asked for.</param>
    /// <param name="unfinished">With a last one that has no end yet. Whoever reads on later gets it when it
    /// has.</param>
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

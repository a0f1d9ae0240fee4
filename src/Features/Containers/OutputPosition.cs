using System.Globalization;
using System.Runtime.CompilerServices;

namespace Hive.Features.Containers;

/// <summary>How far what an agent prints has been read, so that the reading goes on there after its container or the daemon was started anew.</summary>
/// <param name="lines">How many of the lines that are there already are wanted; null for all.</param>
internal sealed class OutputPosition(int? lines)
{
    // yyyy-MM-ddTHH:mm:ss: podman says no more, docker more than one can ask for.
    private const int ToTheSecond = 19;

    private string? container;
    private string last = "";
    private int readOfSecond;
    private int toSkip;

    /// <summary>What to ask for next.</summary>
    public string Query(string of)
    {
        var known = container is not null;
        var same = container == of;
        container = of;
        toSkip = same ? readOfSecond : 0;
        readOfSecond = 0;
        var part = known || lines is null ? "all" : lines.Value.ToString(CultureInfo.InvariantCulture);
        return $"follow=1&timestamps=1&tail={part}{(same && Since() is { } since ? $"&since={since}" : "")}";
    }

    /// <summary>The lines that have not been read yet, until the stream ends, however it does.</summary>
    public async IAsyncEnumerable<IReadOnlyList<string>> Read(Stream stream, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var pieces = ContainerOutput.Read(stream, stamped: true, ct).GetAsyncEnumerator(ct);
        while (true)
        {
            try
            {
                if (!await pieces.MoveNextAsync())
                    yield break;
            }
            catch (IOException)
            {
                yield break;
            }

            if (New(pieces.Current) is { Count: > 0 } added)
                yield return added;
        }
    }

    private List<string> New(IReadOnlyList<OutputLine> read)
    {
        List<string> added = [];
        foreach (var (stamp, text) in read)
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

    private string? Since() => DateTimeOffset.TryParse(last, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) : null;
}

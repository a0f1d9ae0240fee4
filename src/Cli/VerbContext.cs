using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>Holds the command line, the output and the connection to the host for one run of a verb.</summary>
internal sealed class VerbContext(ParseResult parsed, CancellationToken ct)
{
    public CancellationToken Cancelled => ct;

    public bool Json { get; } = CommonOptions.IsJson(parsed);

    public Screen Screen { get; } = new(Display.Current, CommonOptions.IsWide(parsed));

    public HivePaths Paths => parsed.Paths();

    /// <summary>The same run, whose calls end with that token.</summary>
    public VerbContext Until(CancellationToken end) => new(parsed, end);

    public async Task<JsonElement> CallAsync(string cmd, object? fields = null)
    {
        using var host = await HostSocket.OpenAsync(Paths, ct);
        return await HostSocket.Guard(() => host.CallAsync(cmd, fields, ct));
    }

    public async IAsyncEnumerable<JsonElement> StreamAsync(string cmd, object fields)
    {
        using var host = await HostSocket.OpenAsync(Paths, ct);
        await using var lines = host.StreamAsync(cmd, fields, ct).GetAsyncEnumerator(ct);
        while (await HostSocket.Guard(() => lines.MoveNextAsync().AsTask()))
            yield return lines.Current;
    }

    /// <summary>Does something with each of several things, also after one was refused; every refusal is named in the
    /// end.</summary>
    /// <param name="things">The things, such as ids.</param>
    /// <param name="kind">The word before each, such as <c>message</c>; empty for keys.</param>
    /// <param name="act">Does it.</param>
    public static async Task EachAsync<T>(IReadOnlyList<T> things, string kind, Func<T, Task> act)
    {
        List<string> refused = [];
        HiveException? first = null;
        for (var i = 0; i < things.Count; i++)
        {
            var thing = $"{kind} {things[i]}".TrimStart();
            try
            {
                await act(things[i]);
            }
            catch (HiveException e)
            {
                first ??= e;
                refused.Add($"  {thing}: {e.Message}");
            }
            catch (UnreachableException e) when (things.Count > 1)
            {
                refused.Add($"  {thing}: {e.Message}");
                refused.AddRange(things.Skip(i + 1).Select(left => $"  {$"{kind} {left}".TrimStart()}: not tried"));
                throw new UnreachableException($"not all were carried out:\n{string.Join('\n', refused)}", e);
            }
        }

        if (first is null)
            return;
        if (things.Count == 1)
            throw first;
        var count = string.Create(CultureInfo.InvariantCulture, $"{refused.Count} of {things.Count}");
        throw new HiveException(
            first.Code,
            $"{count} {(refused.Count == 1 ? "was" : "were")} refused:\n{string.Join('\n', refused)}"
        );
    }

    /// <summary>Prints the answer as one JSON document with <c>--json</c>, else the sentence.</summary>
    public void Report(JsonElement answer, string sentence)
    {
        if (Json)
            JsonOutput.Print(answer);
        else
            Screen.Line(sentence);
    }
}

using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>Holds the command line, the output and the connection to the host for one run of a verb.</summary>
internal sealed class VerbContext(ParseResult parsed, CancellationToken ct)
{
    public CancellationToken Cancelled => ct;

    public bool Json { get; } = parsed.GetValue(CommonOptions.Json);

    public Screen Screen { get; } = new(Display.Current, parsed.GetValue(CommonOptions.Wide));

    public HivePaths Paths => parsed.Paths();

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

    /// <summary>Prints the answer as one JSON document with <c>--json</c>, else the sentence.</summary>
    public void Report(JsonElement answer, string sentence)
    {
        if (Json)
            JsonOutput.Print(answer);
        else
            Screen.Line(sentence);
    }
}

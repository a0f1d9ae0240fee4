using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>One use of a verb that asks the host: what was typed, where the answer goes, and the connection.</summary>
internal sealed class HostVerb(ParseResult parsed, CancellationToken ct)
{
    public CancellationToken Cancelled => ct;

    public bool Json { get; } = parsed.GetValue(CommonOptions.Json);

    public Screen Screen { get; } = new();

    public HivePaths Paths => parsed.Paths();

    public string RunDir => Paths.RunDir;

    /// <summary>Makes the verb: what it does with the host, and the <c>--json</c> that every such verb has.</summary>
    public static Command Create(
        string name,
        string description,
        Func<HostVerb, ParseResult, Task> act,
        params Symbol[] symbols
    )
    {
        var command = new Command(name, description) { CommonOptions.Json };
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
                command.Arguments.Add(argument);
            else
                command.Options.Add((Option)symbol);
        }

        command.SetAction(
            async (parsed, ct) =>
            {
                await act(new HostVerb(parsed, ct), parsed);
                return ExitCode.Done;
            }
        );
        return command;
    }

    /// <summary>A verb that acts on one agent and reports it in a sentence.</summary>
    public static Command ForAgent(
        string name,
        string description,
        string cmd,
        Func<string, object> fields,
        Func<string, string> done
    )
    {
        var agent = CommonOptions.Agent();
        return Create(
            name,
            description,
            async (verb, parsed) =>
            {
                var who = parsed.GetRequiredValue(agent);
                verb.Report(await verb.CallAsync(cmd, fields(who)), done(who));
            },
            agent
        );
    }

    public async Task<JsonElement> CallAsync(string cmd, object? fields = null)
    {
        using var host = await HostSocket.OpenAsync(parsed.Paths(), ct);
        return await HostSocket.Guard(() => host.CallAsync(cmd, fields, ct));
    }

    public async IAsyncEnumerable<JsonElement> StreamAsync(string cmd, object fields)
    {
        using var host = await HostSocket.OpenAsync(parsed.Paths(), ct);
        await using var lines = host.StreamAsync(cmd, fields, ct).GetAsyncEnumerator(ct);
        while (await HostSocket.Guard(() => lines.MoveNextAsync().AsTask()))
            yield return lines.Current;
    }

    /// <summary>The answer as one document for scripts, or a sentence for people.</summary>
    public void Report(JsonElement answer, string sentence)
    {
        if (Json)
            Print(answer);
        else
            Screen.Line(sentence);
    }

    /// <summary>Writes one JSON document on one line: the host's answer without the envelope every answer
    /// has.</summary>
    public static void Print(JsonElement answer)
    {
        var members = answer.EnumerateObject().Where(m => m.Name is not ("ok" or "version"));
        Print(
            new JsonObject(
                members.Select(m => KeyValuePair.Create(m.Name, (JsonNode?)JsonSerializer.SerializeToNode(m.Value)))
            )
        );
    }

    public static void Print(JsonObject document) => Console.Out.WriteLine(document.ToJsonString(WireJson.Options));
}

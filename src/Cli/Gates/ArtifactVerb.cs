using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Cli.Tickets;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Gates;

/// <summary><c>hive artifact</c>: the evidence that tasks have handed in.</summary>
internal static class ArtifactVerb
{
    public static Command Create() =>
        new("artifact", "List, show and add the evidence of a ticket.") { List(), ShowOne(), Add() };

    /// <summary>A table of artifacts that nothing has replaced; nothing where there are none.</summary>
    public static void Show(Screen screen, IEnumerable<Artifact> artifacts)
    {
        Screen.Cell[][] rows = [.. artifacts.Where(a => a.SupersededAt is null).OrderBy(a => a.Id).Select(Cells)];
        if (rows.Length > 0)
            screen.Table(["id", "type", "by", "age", "size", Screen.Column.Text("from")], rows);
    }

    private static Screen.Cell[] Cells(Artifact artifact) =>
        [
            TicketWords.Number(artifact.Id),
            artifact.Type,
            artifact.By,
            new(Screen.Age(artifact.At), "grey"),
            Screen.Bytes(artifact.Size),
            From(artifact),
        ];

    private static string From(Artifact artifact) =>
        artifact.Path ?? (artifact.Sha is { } sha ? $"{artifact.Repository} {sha}" : artifact.Kind);

    private static Command List()
    {
        var ticket = TicketWords.OneTicket();
        var phase = TicketWords.Phase("Only of this phase");
        return Verb.Create(
            "list",
            "List the artifacts of a ticket that nothing has replaced.",
            async (verb, parsed) =>
            {
                var id = parsed.GetRequiredValue(ticket);
                var answer = await verb.CallAsync("artifacts", new { ticket = id, phase_id = parsed.GetValue(phase) });
                var artifacts = answer.GetProperty("artifacts").Deserialize<Artifact[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (artifacts.Length == 0)
                    verb.Screen.Line(Invariant($"Ticket {id} has no artifacts."));
                else
                    Show(verb.Screen, artifacts);
            },
            ticket,
            phase,
            CommonOptions.Wide()
        );
    }

    private static Command ShowOne()
    {
        var id = new Argument<long>("ID") { Description = "The artifact's id, from hive artifact list" };
        return Verb.Create(
            "show",
            "Show an artifact with its content.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync("artifact", new { id = parsed.GetRequiredValue(id) });
                if (verb.Json)
                {
                    JsonOutput.Print(answer);
                    return;
                }

                var artifact = answer.GetProperty("artifact").Deserialize<Artifact>(WireJson.Options)!;
                var of = artifact.Task is { } task ? Invariant($" of task {task}") : "";
                var replaced = artifact.SupersededAt is null ? "" : ", replaced";
                verb.Screen.Line(
                    Invariant($"artifact {artifact.Id}: {Plain.OneLine(artifact.Type)}{of}, ticket {artifact.Ticket}, ")
                        + $"{artifact.PhaseId}, by {artifact.By} {Screen.Ago(artifact.At)}{replaced}"
                );
                verb.Screen.Line($"  {Plain.OneLine(From(artifact))}, {Screen.Bytes(artifact.Size)}");
                verb.Screen.Line($"  SHA-256 {artifact.Digest}");
                verb.Screen.Line();
                if (answer.TryGetProperty("content", out var content))
                {
                    verb.Screen.Indented(content.GetString()!.TrimEnd('\n'));
                }
                else
                    verb.Screen.Line(
                        answer.TryGetProperty("base64", out _)
                            ? "  (not text; --json has it as base64)"
                            : "  (the content is larger than 256 KiB and not kept)"
                    );
            },
            id
        );
    }

    private static Command Add()
    {
        var ticket = TicketWords.OneTicket();
        var type = new Argument<string>("TYPE") { Description = "Its type, such as requirements_document" };
        var phase = TicketWords.Phase("The phase it is for. Default: the ticket's");
        var path = TicketWords.Text("--path", "PATH", "A file of an agent's state folder, or below /shared");
        var content = TicketWords.Text("--content", "JSON", "A JSON object; - reads it from standard input");
        var commit = TicketWords.Text("--commit", "SHA", "A commit, with --repository");
        var repository = TicketWords.Text("--repository", "REPO", "forge:OWNER/NAME, or an agent's folder");
        var key = TicketWords.Key();
        return Verb.Create(
            "add",
            "Add evidence to a ticket: a file, a JSON object or a commit.",
            async (verb, parsed) =>
            {
                var given = await TicketWords.ReadAsync(parsed.GetValue(content), verb.Cancelled);
                var answer = await verb.CallAsync(
                    "artifact_add",
                    new
                    {
                        ticket = parsed.GetRequiredValue(ticket),
                        type = parsed.GetRequiredValue(type),
                        phase_id = parsed.GetValue(phase),
                        path = parsed.GetValue(path),
                        content = given is null ? (JsonElement?)null : Object(given),
                        commit = parsed.GetValue(commit),
                        repository = parsed.GetValue(repository),
                        key = parsed.GetValue(key),
                    }
                );
                var added = answer.GetProperty("artifact").Deserialize<Artifact>(WireJson.Options)!;
                verb.Report(answer, Invariant($"artifact {added.Id} is added to ticket {added.Ticket}"));
            },
            ticket,
            type,
            phase,
            path,
            content,
            commit,
            repository,
            key
        );
    }

    private static JsonElement Object(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException e)
        {
            throw new UsageException($"--content is not JSON: {e.Message}");
        }
    }
}

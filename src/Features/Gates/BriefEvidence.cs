using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Tells an agent which evidence the gate asks for, and what earlier phases handed on.</summary>
internal sealed class BriefEvidence(IWorkflows workflows, PhaseContexts contexts) : IBriefPart
{
    // Of the bytes of a whole brief.
    private const int PhasesBytes = 40 << 10;

    public void Add(DbConnection db, TaskEntry task, TicketEntry ticket, JsonObject brief, bool isWhole)
    {
        var phase = workflows.Find(ticket.Workflow)?.Phases.FirstOrDefault(p => p.Id == task.PhaseId);
        var expected = Expected(task, phase);
        if (expected.Count > 0)
            brief["expected_outputs"] = expected;
        if (!isWhole)
        {
            if (contexts.SummaryBefore(db, ticket, task.PhaseId) is { } summary)
                brief["context"] = new JsonObject { ["summary"] = summary };
            return;
        }

        var before = contexts.Before(db, ticket, task.PhaseId);
        if (before.Count == 0)
            return;
        brief["context"] = Context(contexts.Summary(ticket, before), before);
    }

    // The last phases, as many as fit beside the rest of a brief; the summary is about all of them.
    private static JsonObject Context(string? summary, IReadOnlyList<PhaseContext> before)
    {
        var (phases, left) = (new JsonObject(), PhasesBytes);
        foreach (var phase in before.Reverse())
        {
            var json = JsonSerializer.SerializeToUtf8Bytes(phase, WireJson.Options);
            left -= json.Length;
            if (left < 0)
                break;
            phases.Insert(0, phase.PhaseId, JsonNode.Parse(json));
        }

        var context = new JsonObject { ["summary"] = summary, ["phases"] = phases };
        if (left < 0)
            context["truncated"] = true;
        return context;
    }

    // The outputs of the task itself and of its phase, and the artifacts that the gate asks for, each with all that the
    // gate asks of it.
    private static JsonArray Expected(TaskEntry task, Phase? phase)
    {
        var criteria = phase is null ? [] : GateRules.Effective(phase).Where(c => c.Artifact is not null).ToArray();
        ExpectedOutput[] outputs = [.. task.Expected.Concat(phase?.ExpectedOutputs ?? []).Distinct()];
        JsonArray expected = [];
        foreach (var type in outputs.Select(o => o.Type).Concat(criteria.Select(c => c.Artifact!)).Distinct())
        {
            var output = outputs.FirstOrDefault(o => o.Type == type);
            var told = new JsonObject
            {
                ["type"] = type,
                ["required"] = output?.Required != false || criteria.Any(c => c.Artifact == type),
            };
            if (output?.Pattern is { } pattern)
                told["pattern"] = pattern;
            if (output?.ValidationRule is { } rule)
                told["validation_rule"] = rule;
            JsonNode?[] asks =
            [
                .. criteria
                    .Where(c => c.Artifact == type)
                    .Select(c => ArtifactJudge.Asks(c, []))
                    .Where(text => text != type)
                    .Select(text => JsonValue.Create(text)),
            ];
            if (asks.Length > 0)
                told["gate"] = new JsonArray(asks);
            expected.Add((JsonNode)told);
        }

        return expected;
    }
}

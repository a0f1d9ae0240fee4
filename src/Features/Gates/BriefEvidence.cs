using System.Data.Common;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Common.Doors;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Tells an agent which evidence the gate asks for, and what earlier phases handed on.</summary>
internal sealed class BriefEvidence(ITasks tasks, IWorkflows workflows, PhaseContexts contexts) : IBriefPart
{
    // Of the bytes of a whole brief, for what a review is about.
    private const int ReviewBytes = 52 << 10;

    private const int TextBytes = 4 << 10;

    // Of the bytes of a whole brief.
    private const int PhasesBytes = 40 << 10;

    public void Add(DbConnection db, TaskEntry task, TicketEntry ticket, JsonObject brief, bool isWhole)
    {
        if (task.Kind == GateCase.ReviewKind)
        {
            if (ReviewTable.OfReviewTask(db, task.Id) is { } review)
                brief["review"] = Asked(db, review, isWhole);
            if (contexts.SummaryBefore(db, ticket, task.PhaseId) is { } before)
                brief["context"] = new JsonObject { ["summary"] = before };
            return;
        }

        if (
            task.Iteration > 0
            && ReviewTable.OfTask(db, task.Id).FirstOrDefault(r => r.Verdict == ReviewTable.Failed) is { } failed
        )
        {
            brief["iteration"] = task.Iteration;
            brief["feedback"] = $"{failed.Reviewer}: {failed.Feedback}";
        }

        var phase = workflows.Find(ticket.Workflow)?.Phases.FirstOrDefault(p => p.Id == task.PhaseId);
        var expected = Expected(task, FirstType(db, task), phase, ticket.Repository);
        if (expected.Count > 0)
            brief["expected_outputs"] = expected;
        if (!isWhole)
        {
            if (contexts.SummaryBefore(db, ticket, task.PhaseId) is { } summary)
                brief["context"] = new JsonObject { ["summary"] = summary };
            return;
        }

        var phases = contexts.Before(db, ticket, task.PhaseId);
        if (phases.Count == 0)
            return;
        brief["context"] = Context(contexts.Summary(ticket, phases), phases);
    }

    // The artifacts with their texts in the whole brief, and by their ids in the message of a claim.
    private JsonObject Asked(DbConnection db, Review review, bool isWhole)
    {
        var told = new JsonObject { ["id"] = review.Id, ["question"] = review.Question };
        if (review.Task is { } about)
        {
            var task = tasks.Require(db, about);
            told["task"] = about;
            told["iteration"] = review.Iteration;
            if (isWhole)
            {
                told["asked_for"] = TextRules.Cut(task.Description, TextBytes);
                told["summary"] = task.Result?.Summary;
            }
        }

        if (isWhole)
        {
            var left = ReviewBytes - Encoding.UTF8.GetByteCount(told.ToJsonString(WireJson.Options));
            told["artifacts"] = EvidenceTexts.Of(db, review.Artifacts, left, out var isCut);
            if (isCut)
                told["truncated"] = true;
        }
        else
        {
            told["artifacts"] = new JsonArray([.. review.Artifacts.Select(id => JsonValue.Create(id))]);
        }

        return told;
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

    // Rework is expected to hand in what the first task was.
    private string FirstType(DbConnection db, TaskEntry task)
    {
        if (task.ReworkOf is null)
            return task.TaskType;
        var all = tasks.Outline(db, task.Ticket).ToDictionary(t => t.Id);
        return all.GetValueOrDefault(Rework.FirstOf(all, task.Id))?.TaskType ?? task.TaskType;
    }

    // The outputs of the task itself and of its phase, and the artifacts that the gate asks for, each with all that the
    // gate asks of it; without those that another task of the phase is to hand in.
    private static JsonArray Expected(TaskEntry task, string type, Phase? phase, string? repository)
    {
        var criteria = phase is null ? [] : GateRules.Effective(phase).Where(c => c.Artifact is not null).ToArray();
        var template = phase?.Tasks.FirstOrDefault(t => t.Type == type);
        ExpectedOutput[] own = [.. task.Expected.Concat(template?.ExpectedOutputs ?? []).Distinct()];
        ExpectedOutput[] outputs = [.. own.Concat(phase?.ExpectedOutputs ?? []).Distinct()];
        var others = template is null
            ? []
            : phase!.Tasks.SelectMany(t => t.ExpectedOutputs).Select(o => o.Type).Except(own.Select(o => o.Type));
        JsonArray expected = [];
        foreach (
            var output in outputs
                .Select(o => o.Type)
                .Concat(criteria.Select(c => c.Artifact!))
                .Distinct()
                .Except(others)
        )
            expected.Add(
                (JsonNode)Told(
                    output,
                    outputs.FirstOrDefault(o => o.Type == output),
                    [.. criteria.Where(c => c.Artifact == output)],
                    repository
                )
            );
        return expected;
    }

    private static JsonObject Told(string type, ExpectedOutput? output, Criterion[] criteria, string? repository)
    {
        var told = new JsonObject { ["type"] = type, ["required"] = output?.Required != false || criteria.Length > 0 };
        if (output?.Pattern is { } pattern)
            told["pattern"] = pattern;
        if (output?.ValidationRule is { } rule)
            told["validation_rule"] = rule;
        JsonNode?[] asks =
        [
            .. criteria
                .Select(c => ArtifactJudge.Asks(c, []))
                .Where(text => text != type)
                .Select(text => JsonValue.Create(text)),
        ];
        if (asks.Length > 0)
            told["gate"] = new JsonArray(asks);
        ArtifactExample.Add(told, type, output, criteria, repository);
        return told;
    }
}

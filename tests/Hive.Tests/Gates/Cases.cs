using System.Text;
using System.Text.Json;
using Hive.Features.Gates;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows;
using Hive.Protocol;

namespace Hive.Tests.Gates;

/// <summary>Gates to be judged, built from a phase in YAML and rows of the test's own.</summary>
internal static class Cases
{
    public const string Phase = "PHASE_WORK";

    private static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    /// <summary>A workflow whose middle phase has those keys.</summary>
    /// <param name="keys">The keys of the middle phase.</param>
    /// <param name="first">Further keys of the phase before it.</param>
    public static string Yaml(string keys, string first = "") =>
        $"""
            name: work
            phases:
              - id: PHASE_OPEN
                name: Open
                allowed_transitions: [PHASE_WORK]
                next: PHASE_WORK
            {Indented(first)}
              - id: PHASE_WORK
                name: Work
                allowed_transitions: [PHASE_END, PHASE_OPEN]
                next: PHASE_END
            {Indented(keys)}
              - id: PHASE_END
                name: End
                terminal: true
            board_columns:
              - id: all
                name: All
                phase_mapping: [PHASE_OPEN, PHASE_WORK]
              - id: end
                name: End
                phase_mapping: [PHASE_END]
                terminal: true

            """;

    public static Phase Read(string keys) =>
        WorkflowReader.Read(Yaml(keys), Shipped.Workflow).Workflow.Phases.Single(p => p.Id == Phase);

    /// <summary>A case of that phase.</summary>
    public static GateCase Of(
        string keys,
        TaskEntry[]? tasks = null,
        StoredArtifact[]? artifacts = null,
        Metric[]? metrics = null,
        Review[]? reviews = null,
        Verdict[]? verdicts = null
    ) =>
        new(
            Make<TicketEntry>(
                new
                {
                    Id = 1,
                    Workflow = "work",
                    Title = "Log in",
                    Description = "",
                    Priority = 2,
                    PhaseId = Phase,
                    Gate = "open",
                    Approval = "approved",
                }
            ),
            Read(keys),
            ["PHASE_OPEN"],
            tasks ?? [],
            artifacts ?? [],
            metrics ?? [],
            reviews ?? [],
            verdicts ?? [],
            verdicts?.Count(v => !v.Passed) ?? 0
        );

    public static Judgement Judge(
        string keys,
        TaskEntry[]? tasks = null,
        StoredArtifact[]? artifacts = null,
        Metric[]? metrics = null,
        Review[]? reviews = null,
        Verdict[]? verdicts = null
    ) => GateJudge.Judge(Of(keys, tasks, artifacts, metrics, reviews, verdicts));

    public static TaskEntry Task(
        long id,
        string status = "completed",
        string phase = Phase,
        string type = "do",
        string kind = "work",
        string[]? capabilities = null,
        long? parent = null,
        long? discovery = null
    ) =>
        Make<TaskEntry>(
            new
            {
                Id = id,
                Ticket = 1,
                PhaseId = phase,
                Kind = kind,
                TaskType = type,
                Title = $"Task {id}",
                Description = "",
                Priority = 2,
                Status = status,
                Agent = "alice",
                Capabilities = capabilities ?? [],
                Expected = Array.Empty<ExpectedOutput>(),
                Parent = parent,
                Discovery = discovery,
                CompletedAt = status is "completed" or "failed" or "cancelled" ? 1000 + id : (long?)null,
            }
        );

    public static StoredArtifact Data(long id, string type, object content, long? task = null, string phase = Phase) =>
        Stored(id, type, "data", null, JsonSerializer.Serialize(content), task, phase);

    public static StoredArtifact File(
        long id,
        string type,
        string text,
        string path = "/agents/alice/state/doc.md",
        long? task = null,
        string phase = Phase
    ) => Stored(id, type, "file", path, text, task, phase);

    public static Metric Measured(long id, long task, string name, double value, int seconds = 0) =>
        new(id, task, MetricTable.TypeOf(name), name, value, true, Now.AddSeconds(seconds));

    /// <summary>A verdict of some seconds later.</summary>
    public static Verdict Failed(int seconds) => new(false, ["it failed"], 1, Now.AddSeconds(seconds));

    public static Review Asked(long id, string question, long[] artifacts, string? verdict = null, int iteration = 0) =>
        new(
            id,
            1,
            Phase,
            question,
            artifacts,
            iteration,
            Now,
            false,
            Reviewer: verdict is null ? null : "operator",
            Verdict: verdict,
            Feedback: verdict == "failed" ? "no error cases" : null,
            DecidedAt: verdict is null ? null : Now
        );

    /// <summary>A record with the given members, and what is usual for the others.</summary>
    public static T Make<T>(object members) => JsonSerializer.Deserialize<T>(JsonSerializer.Serialize(members))!;

    private static StoredArtifact Stored(
        long id,
        string type,
        string kind,
        string? path,
        string text,
        long? task,
        string phase
    )
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return new StoredArtifact(
            new Artifact(id, 1, phase, type, kind, "alice", Now, bytes.Length, "", task, path),
            bytes
        );
    }

    private static string Indented(string keys) =>
        string.Join('\n', keys.Split('\n').Where(l => l.Trim().Length > 0).Select(l => $"    {l}"));
}

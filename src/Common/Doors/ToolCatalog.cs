using System.Text.Json.Nodes;

namespace Hive.Common.Doors;

/// <summary>Lists the tools that an agent can call, by its kind and its duty.</summary>
public sealed class ToolCatalog(IEnumerable<FeatureModule> modules, ICallerDuties duties)
{
    private readonly Lazy<(Command Command, Tool Tool)[]> all = new(() =>
        [
            .. modules
                .SelectMany(m => m.Commands)
                .Where(c => c.Description is not null)
                .OrderBy(c => c.Name, StringComparer.Ordinal)
                .Select(c =>
                    (
                        c,
                        new Tool(c.Name, c.Description!, WireSchemas.ForRequest(c.Request), ToolAnnotations.Of(c.Hints))
                    )
                ),
        ]
    );

    /// <summary>The tools that a caller has now, by name.</summary>
    public IReadOnlyList<Tool> For(Caller caller) => For(caller.Kind, duties.Of(caller));

    /// <summary>The tools of an agent or of the manager with a duty, by name.</summary>
    public IReadOnlyList<Tool> For(CallerKind kind, Duty duty)
    {
        var door = kind == CallerKind.Manager ? Doors.Manager : Doors.Agent;
        return [.. all.Value.Where(t => t.Command.Doors.HasFlag(door) && t.Command.IsFor(duty)).Select(t => t.Tool)];
    }
}

/// <summary>One tool as it is described to a model.</summary>
/// <param name="Name">The command's name.</param>
/// <param name="Description">What it does.</param>
/// <param name="InputSchema">The JSON Schema of its fields.</param>
/// <param name="Annotations">What a client may assume about it.</param>
public sealed record Tool(string Name, string Description, JsonNode InputSchema, ToolAnnotations Annotations);

/// <summary>A tool's hints under MCP's names. All are written, because clients assume the worst of a missing
/// one.</summary>
/// <param name="ReadOnlyHint">It changes nothing.</param>
/// <param name="DestructiveHint">It can end or remove something that is not the caller's own.</param>
/// <param name="IdempotentHint">Calling it again with the same arguments changes nothing more.</param>
/// <param name="OpenWorldHint">It reaches beyond this Hive.</param>
public sealed record ToolAnnotations(bool ReadOnlyHint, bool DestructiveHint, bool IdempotentHint, bool OpenWorldHint)
{
    internal static ToolAnnotations Of(ToolHints hints) =>
        new(
            hints.HasFlag(ToolHints.ReadOnly),
            hints.HasFlag(ToolHints.Destructive),
            hints.HasFlag(ToolHints.Idempotent) || hints.HasFlag(ToolHints.ReadOnly),
            hints.HasFlag(ToolHints.OpenWorld)
        );
}

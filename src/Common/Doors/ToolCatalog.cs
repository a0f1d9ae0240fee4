using System.Text.Json.Nodes;

namespace Hive.Common.Doors;

/// <summary>Lists the tools that each kind of agent can call.</summary>
public sealed class ToolCatalog(IEnumerable<FeatureModule> modules)
{
    private readonly Lazy<IReadOnlyList<Tool>> agent = new(() => List(modules, Doors.Agent));
    private readonly Lazy<IReadOnlyList<Tool>> manager = new(() => List(modules, Doors.Manager));

    /// <summary>The tools of an agent or of the manager, by name.</summary>
    public IReadOnlyList<Tool> For(CallerKind kind) => kind == CallerKind.Manager ? manager.Value : agent.Value;

    private static IReadOnlyList<Tool> List(IEnumerable<FeatureModule> modules, Doors door) =>
        [
            .. modules
                .SelectMany(m => m.Commands)
                .Where(c => c.Doors.HasFlag(door) && c.Description is not null)
                .OrderBy(c => c.Name, StringComparer.Ordinal)
                .Select(c => new Tool(
                    c.Name,
                    c.Description!,
                    WireSchemas.ForRequest(c.Request),
                    ToolAnnotations.Of(c.Hints)
                )),
        ];
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

using System.Text.Json.Nodes;

namespace Hive.Common.Doors;

/// <summary>The tools each kind of agent can call.</summary>
public sealed class ToolCatalog(Lazy<SocketDoors> doors)
{
    private readonly Lazy<IReadOnlyList<Tool>> agent = new(() => List(doors.Value, CallerKind.Agent));
    private readonly Lazy<IReadOnlyList<Tool>> manager = new(() => List(doors.Value, CallerKind.Manager));

    /// <summary>The tools of an agent or of the manager, by name.</summary>
    public IReadOnlyList<Tool> For(CallerKind kind) => kind == CallerKind.Manager ? manager.Value : agent.Value;

    private static IReadOnlyList<Tool> List(SocketDoors doors, CallerKind kind) =>
        [
            .. doors
                .Tools(kind)
                .Select(c => new Tool(
                    c.Name,
                    c.Description!,
                    WireSchemas.ForRequest(c.Request),
                    ToolAnnotations.Of(c.Hints)
                )),
        ];
}

/// <summary>One tool, as a model is shown it.</summary>
/// <param name="Name">The command's name.</param>
/// <param name="Description">What it does.</param>
/// <param name="InputSchema">The JSON Schema of its fields.</param>
/// <param name="Annotations">What a client may take for granted of it.</param>
public sealed record Tool(string Name, string Description, JsonNode InputSchema, ToolAnnotations Annotations);

/// <summary>A tool's hints, by the names that MCP has for them; a missing hint would stand for the worst.</summary>
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

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
        [.. doors.Tools(kind).Select(c => new Tool(c.Name, c.Description!, WireSchemas.ForRequest(c.Request)))];
}

/// <summary>One tool, as a model is shown it.</summary>
/// <param name="Name">The command's name.</param>
/// <param name="Description">What it does.</param>
/// <param name="InputSchema">The JSON Schema of its fields.</param>
public sealed record Tool(string Name, string Description, JsonNode InputSchema);

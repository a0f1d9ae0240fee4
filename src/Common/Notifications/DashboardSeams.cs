using System.Data.Common;
using Hive.Protocol;
using MediatR;

namespace Hive.Common.Notifications;

/// <summary>One slice's part of the dashboard's snapshot.</summary>
public interface IDashboardSection
{
    /// <summary>The member of the snapshot it fills.</summary>
    string Name { get; }

    /// <summary>The type of its content, for the OpenAPI document.</summary>
    Type Type { get; }

    /// <summary>Reads its content; all sections read the same state of the database.</summary>
    object Read(DbConnection db);
}

/// <summary>One slice's part of every agent's row: the member <c>parts.&lt;name&gt;</c>.</summary>
public interface IAgentRowPart
{
    /// <summary>The member of <c>parts</c> it fills: the slice's name on the wire.</summary>
    string Name { get; }

    /// <summary>The type of the part, for the OpenAPI document: a record, because rows are compared by
    /// value.</summary>
    Type Type { get; }

    /// <summary>Reads the part of an agent; null leaves it out. Must be quick and from memory: it runs for each change
    /// of a row.</summary>
    object? Read(string agent);
}

/// <summary>Fills the members that an agent's row itself has for the oldest slices. A new slice has an
/// <see cref="IAgentRowPart"/> instead.</summary>
public interface IAgentRowFields
{
    /// <summary>Fills in the slice's fields. Must be quick and from memory: it runs for each change of a row.</summary>
    ContainerView Fill(ContainerView row);
}

/// <summary>Tells the attributes of the root element of the page's document.</summary>
public interface IPageAttributes
{
    /// <summary>Reads the attributes; names and values need no escaping in HTML.</summary>
    Task<IReadOnlyList<(string Name, string Value)>> Read(CancellationToken ct);
}

/// <summary>The agents' rows and their changes, for a slice that shows or judges what all slices know of an
/// agent.</summary>
public interface IAgentRowFeed
{
    /// <summary>Called with the changed rows after they were published.</summary>
    event Action<IReadOnlyList<ContainerView>>? Changed;

    /// <summary>All rows as they are now.</summary>
    IReadOnlyList<ContainerView> All { get; }
}

/// <summary>Told to kinds of waiting things when rows of agents have changed.</summary>
public sealed record AgentRowsPublished(IReadOnlyList<ContainerView> Rows) : INotification;

/// <summary>Lists all agents.</summary>
public interface IAgentDirectory
{
    /// <summary>Their names in alphabetical order, the manager first.</summary>
    IReadOnlyList<string> Names { get; }
}

/// <summary>Something an agent waits for or owes.</summary>
/// <param name="Kind"><c>question</c>, <c>reminder</c> or <c>approval</c>.</param>
/// <param name="Id">Its id among its kind.</param>
/// <param name="Agent">The agent that waits or owes.</param>
/// <param name="Text">Its subject.</param>
/// <param name="AgeSeconds">Its age in whole seconds.</param>
/// <param name="Role"><see cref="Waits"/> or <see cref="Owes"/>.</param>
/// <param name="Asker">The asker of a question.</param>
/// <param name="Target">The agent that was asked a question.</param>
/// <param name="DueAt">When a question expires or a reminder is due.</param>
public sealed record LooseEnd(
    string Kind,
    long Id,
    string Agent,
    string Text,
    long AgeSeconds,
    string Role = LooseEnd.Waits,
    string? Asker = null,
    string? Target = null,
    DateTimeOffset? DueAt = null
)
{
    /// <summary>Somebody or something else has to act.</summary>
    public const string Waits = "waits";

    /// <summary>The agent itself has to act.</summary>
    public const string Owes = "owes";

    /// <summary>Characters of a text that are shown: more in the snapshot of all agents than in one agent's
    /// list.</summary>
    public static int ShownCharacters(string? agent) => agent is null ? 200 : 500;
}

/// <summary>One slice's source of loose ends.</summary>
public interface ILooseEnds
{
    /// <summary>Reads the loose ends of one agent, or of all when it is null.</summary>
    IEnumerable<LooseEnd> Read(DbConnection db, string? agent);
}

using System.Data.Common;
using Hive.Protocol;

namespace Hive.Common.Notifications;

/// <summary>One slice's part of the dashboard's snapshot.</summary>
public interface IDashboardSection
{
    /// <summary>The member of the snapshot it fills.</summary>
    string Name { get; }

    /// <summary>The shape of what it fills it with, for the OpenAPI document.</summary>
    Type Type { get; }

    /// <summary>Reads it; all sections read the same state of the database.</summary>
    object Read(DbConnection db);
}

/// <summary>One slice's part of every agent's row: the member <c>parts.&lt;name&gt;</c>.</summary>
public interface IAgentRowPart
{
    /// <summary>The member of <c>parts</c> it fills: the slice's name on the wire.</summary>
    string Name { get; }

    /// <summary>The shape of the part, for the OpenAPI document: a record, because rows are compared by value.</summary>
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

/// <summary>The names of all agents there are.</summary>
public interface IAgentDirectory
{
    /// <summary>In alphabetical order, the manager first.</summary>
    IReadOnlyList<string> Names { get; }
}

/// <summary>Something an agent waits for or owes.</summary>
/// <param name="Kind"><c>question</c>, <c>reminder</c> or <c>approval</c>.</param>
/// <param name="Id">Its id among its kind.</param>
/// <param name="Agent">Whose it is.</param>
/// <param name="Text">What it is about.</param>
/// <param name="AgeSeconds">Since when, in whole seconds.</param>
/// <param name="Role"><see cref="Waits"/> or <see cref="Owes"/>.</param>
/// <param name="Asker">Who asked, where it is a question.</param>
/// <param name="Target">Who was asked, where it is a question.</param>
/// <param name="DueAt">When it ends or comes by itself.</param>
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

    /// <summary>How many characters of a text there are for one agent, and for all in the snapshot: the beginning says
    /// what it is about.</summary>
    public static int ShownCharacters(string? agent) => agent is null ? 200 : 500;
}

/// <summary>One slice's contribution to what agents wait for or owe.</summary>
public interface ILooseEnds
{
    /// <summary>Reads them, of one agent or of all.</summary>
    IEnumerable<LooseEnd> Read(DbConnection db, string? agent);
}

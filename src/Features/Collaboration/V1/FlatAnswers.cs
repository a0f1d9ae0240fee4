using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Hive.Protocol;

namespace Hive.Features.Collaboration.V1;

// The records of /api/v1: those of the sockets and the stream, with the flat names of that contract beside them.

/// <summary>A thread under the names of <c>/api/v1</c> too.</summary>
/// <param name="Thread">Its other members.</param>
internal sealed record CollaborationThread([property: JsonIgnore] ThreadView Thread) : ThreadView(Thread)
{
    /// <summary>The thread.</summary>
    public long ThreadId => Id;

    /// <summary>Its kind.</summary>
    public string ThreadType => Type;

    /// <summary>The ticket that it is about.</summary>
    public long? TicketId => Ticket;

    /// <summary>The task that it is about.</summary>
    public long? TaskId => Task;

    /// <summary>The data that its opener keeps with it.</summary>
    public JsonObject? ThreadMetadata => Data;
}

/// <summary>A post under the names of <c>/api/v1</c> too.</summary>
/// <param name="Post">Its other members.</param>
internal sealed record CollaborationMessage([property: JsonIgnore] PostView Post) : PostView(Post)
{
    /// <summary>The post.</summary>
    public long MessageId => Id;

    /// <summary>Its thread.</summary>
    public long ThreadId => Thread;

    /// <summary>Its author.</summary>
    public string FromAgentId => Author;

    /// <summary>The participant that it is addressed to; all of them get it.</summary>
    public string? ToAgentId => ToAgent;

    /// <summary>Its kind.</summary>
    public string MessageType => Type;

    /// <summary>The text.</summary>
    public string Content => Body;

    /// <summary>The data that its author keeps with it.</summary>
    public JsonObject? MessageMetadata => Data;

    /// <summary>When it was posted.</summary>
    public DateTimeOffset CreatedAt => At;
}

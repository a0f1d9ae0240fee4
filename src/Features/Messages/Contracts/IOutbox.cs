using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Messages.Contracts;

/// <summary>Sends as part of another slice's write: the message is stored exactly if that write is.</summary>
internal interface IOutbox
{
    /// <summary>Puts a message into an inbox.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="from">Whoever the host says; <c>system</c> for its own.</param>
    /// <param name="to">An agent of the roster or <c>operator</c>; anybody else is ignored, since the host may tell of
    /// an agent that has just gone.</param>
    /// <param name="body">At most <see cref="Limits.HostBodyBytes"/> bytes of UTF-8.</param>
    /// <param name="fileRefs">The references in it, scanned before the write.</param>
    void Append(IWrite write, string from, string to, string body, IReadOnlyList<string>? fileRefs = null);
}

/// <summary>Takes back what a dead agent had leased, as part of another slice's write.</summary>
internal interface IInflight
{
    /// <summary>Requeues every lease of the agent, with <c>redelivered</c> set; its running turns are lost.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="agent">Whose.</param>
    /// <param name="lastWords">The end of what its process printed, for the notes of those turns.</param>
    /// <returns>How many.</returns>
    int RequeueAll(IWrite write, string agent, string? lastWords = null);

    /// <summary>How many messages the agent works on: leased, to a turn or to a connection.</summary>
    int Leased(IWrite write, string agent);

    /// <summary>Drops the agent's inbox for good.</summary>
    void Forget(IWrite write, string agent);
}

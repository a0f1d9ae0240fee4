using System.Text.Json.Nodes;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using MediatR;

namespace Hive.Features.Collaboration.V1;

/// <summary>Posts to a thread for <c>/api/v1</c>.</summary>
internal static class PostMessage
{
    /// <param name="ThreadId">The thread.</param>
    /// <param name="Content">The text, at most 4096 bytes.</param>
    /// <param name="Caller">The operator.</param>
    /// <param name="MessageType">Its kind; <c>info</c> when it is left out.</param>
    /// <param name="FromAgentId">The caller's name, or null; the door refuses another one.</param>
    /// <param name="ToAgentId">The participant that it is addressed to; all of them get it.</param>
    /// <param name="MessageMetadata">What is kept with it, at most 4096 bytes of JSON.</param>
    /// <param name="Key">Text of the caller's own: a repeated call with it posts nothing again.</param>
    internal sealed record Command(
        long ThreadId,
        string Content,
        Caller Caller,
        string? MessageType = null,
        string? FromAgentId = null,
        string? ToAgentId = null,
        JsonObject? MessageMetadata = null,
        string? Key = null
    ) : IRequest<CollaborationMessage>, ICreated;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IRoster roster, AgentFolders folders, IAgentNames names)
        {
            RuleFor(c => c.ThreadId).GreaterThan(0).WithMessage("'thread_id' must be a positive thread id");
            RuleFor(c => c.Content).MustBeBody(c => BodyRules.WayOut(c.Caller, roster, folders));
            RuleFor(c => c.MessageType).MustBeType("message_type");
            RuleFor(c => c.ToAgentId).MustBeAgentsName(names, "to_agent_id");
            RuleFor(c => c.MessageMetadata).MustBeData("message_metadata");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    /// <summary>The answer that is kept for a repeated call.</summary>
    internal sealed record Made(long Id);

    internal sealed class Handler(
        IStore store,
        Threads threads,
        ThreadTable table,
        IFileReferences references,
        IdempotencyKeys keys
    ) : IRequestHandler<Command, CollaborationMessage>
    {
        public async Task<CollaborationMessage> Handle(Command c, CancellationToken cancellationToken)
        {
            var refs = await references.ScanAs(c.Caller.Name, c.Content);
            return await store.Write(
                write =>
                {
                    var made = keys.Once(write, c.Caller.Name, "post_message", c.Key, () => Post(write, c, refs));
                    return new CollaborationMessage(table.View(write.Db, ThreadTable.RequirePost(write.Db, made.Id)));
                },
                CancellationToken.None
            );
        }

        private Made Post(IWrite write, Command c, IReadOnlyList<string> refs) =>
            new(
                threads
                    .Say(
                        write,
                        c.Caller,
                        Threads.Require(write.Db, c.Caller, c.ThreadId),
                        new NewPost(c.Content, c.MessageType ?? "info", refs, c.ToAgentId, c.MessageMetadata)
                    )
                    .Id
            );
    }
}

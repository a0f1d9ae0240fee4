using System.Text.Json.Nodes;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using MediatR;

namespace Hive.Features.Collaboration.V1;

/// <summary>Opens a thread for <c>/api/v1</c>.</summary>
internal static class CreateThread
{
    /// <param name="ThreadType">Its kind.</param>
    /// <param name="Participants">Names of workers and validators; the operator is in a thread once he posts to
    /// it.</param>
    /// <param name="Caller">The operator.</param>
    /// <param name="Subject">What it is about; null for its kind.</param>
    /// <param name="TicketId">The ticket that it is about.</param>
    /// <param name="TaskId">The task that it is about.</param>
    /// <param name="ThreadMetadata">What is kept with it, at most 4096 bytes of JSON.</param>
    /// <param name="Key">Text of the caller's own: a repeated call with it opens nothing again.</param>
    internal sealed record Command(
        string ThreadType,
        IReadOnlyList<string> Participants,
        Caller Caller,
        string? Subject = null,
        long? TicketId = null,
        long? TaskId = null,
        JsonObject? ThreadMetadata = null,
        string? Key = null
    ) : IRequest<CollaborationThread>, ICreated;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => (string?)c.ThreadType).MustBeType("thread_type");
            RuleFor(c => (IReadOnlyList<string>?)c.Participants).MustBeParticipants(names);
            RuleFor(c => c.Subject).MustBeSubject();
            RuleFor(c => c.TicketId).MustBeIdIn("ticket_id");
            RuleFor(c => c.TaskId).MustBeIdIn("task_id");
            RuleFor(c => c.ThreadMetadata).MustBeData("thread_metadata");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    /// <summary>The answer that is kept for a repeated call.</summary>
    internal sealed record Made(long Id);

    internal sealed class Handler(IStore store, Threads threads, IdempotencyKeys keys)
        : IRequestHandler<Command, CollaborationThread>
    {
        public Task<CollaborationThread> Handle(Command c, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    var made = keys.Once(write, c.Caller.Name, "create_thread", c.Key, () => Open(write, c));
                    return new CollaborationThread(ThreadTable.View(write.Db, ThreadTable.Require(write.Db, made.Id)));
                },
                CancellationToken.None
            );

        private Made Open(IWrite write, Command c) =>
            new(
                threads
                    .Open(
                        write,
                        c.Caller,
                        new NewThread(
                            c.ThreadType,
                            c.Subject ?? c.ThreadType,
                            c.Participants,
                            c.TicketId,
                            c.TaskId,
                            c.ThreadMetadata
                        )
                    )
                    .Id
            );
    }
}

using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Collaboration.V1;

/// <summary>Gives the task of a handoff to the invited agent for <c>/api/v1</c>.</summary>
internal static class AcceptHandoff
{
    /// <param name="Thread">The thread of the handoff.</param>
    /// <param name="Caller">The operator.</param>
    /// <param name="AcceptingAgentId">The caller's name, or null; the door refuses another one.</param>
    /// <param name="Message">A text to the agent that has the task.</param>
    internal sealed record Command(long Thread, Caller Caller, string? AcceptingAgentId = null, string? Message = null)
        : IRequest<CollaborationMessage>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Thread).GreaterThan(0).WithMessage("'thread' must be a positive id");
    }

    internal sealed class Handler(IMediator mediator, IStore store, ThreadTable table)
        : IRequestHandler<Command, CollaborationMessage>
    {
        public Task<CollaborationMessage> Handle(Command c, CancellationToken cancellationToken) =>
            AnswerHandoff.Send(mediator, store, table, c.Caller, c.Thread, UseHandoff.Actions.Accept, c.Message);
    }
}

/// <summary>Leaves the task of a handoff with its agent for <c>/api/v1</c>.</summary>
internal static class DeclineHandoff
{
    /// <param name="Thread">The thread of the handoff.</param>
    /// <param name="Caller">The operator.</param>
    /// <param name="DecliningAgentId">The caller's name, or null; the door refuses another one.</param>
    /// <param name="Reason">Why.</param>
    internal sealed record Command(long Thread, Caller Caller, string? DecliningAgentId = null, string? Reason = null)
        : IRequest<CollaborationMessage>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Thread).GreaterThan(0).WithMessage("'thread' must be a positive id");
    }

    internal sealed class Handler(IMediator mediator, IStore store, ThreadTable table)
        : IRequestHandler<Command, CollaborationMessage>
    {
        public Task<CollaborationMessage> Handle(Command c, CancellationToken cancellationToken) =>
            AnswerHandoff.Send(mediator, store, table, c.Caller, c.Thread, UseHandoff.Actions.Decline, c.Reason);
    }
}

/// <summary>Answers a handoff that is named by its thread.</summary>
internal static class AnswerHandoff
{
    /// <summary>Decides it.</summary>
    /// <returns>The post that tells the decision.</returns>
    /// <exception cref="Problem">Code <c>not_found</c>: the thread is not one of a handoff.</exception>
    public static async Task<CollaborationMessage> Send(
        IMediator mediator,
        IStore store,
        ThreadTable table,
        Caller caller,
        long thread,
        string action,
        string? message
    )
    {
        var handoff =
            await store.Read(db => HandoffTable.OfThread(db, thread), CancellationToken.None)
            ?? throw Problem.NotFound($"handoff of thread {thread} not found");
        await mediator.Send(
            new UseHandoff.Command(caller, action, Handoff: handoff.Id, Message: message),
            CancellationToken.None
        );
        return await store.Read(
            db => new CollaborationMessage(table.View(db, ThreadTable.Posts(db, thread, 1, null)[0])),
            CancellationToken.None
        );
    }
}

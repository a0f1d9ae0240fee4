using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
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
        public Validator(IRoster roster, AgentFolders folders)
        {
            RuleFor(c => c.Thread).GreaterThan(0).WithMessage("'thread' must be a positive id");
            When(
                c => c.Message is not null,
                () => RuleFor(c => c.Message!).MustBeBody(c => BodyRules.WayOut(c.Caller, roster, folders))
            );
        }
    }

    internal sealed class Handler(AnswerHandoff answer, Handoffs handoffs)
        : IRequestHandler<Command, CollaborationMessage>
    {
        public Task<CollaborationMessage> Handle(Command c, CancellationToken cancellationToken) =>
            answer.Store(c.Caller, c.Thread, c.Message, handoffs.Accept);
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
        public Validator(IRoster roster, AgentFolders folders)
        {
            RuleFor(c => c.Thread).GreaterThan(0).WithMessage("'thread' must be a positive id");
            When(
                c => c.Reason is not null,
                () => RuleFor(c => c.Reason!).MustBeBody(c => BodyRules.WayOut(c.Caller, roster, folders))
            );
        }
    }

    internal sealed class Handler(AnswerHandoff answer, Handoffs handoffs)
        : IRequestHandler<Command, CollaborationMessage>
    {
        public Task<CollaborationMessage> Handle(Command c, CancellationToken cancellationToken) =>
            answer.Store(c.Caller, c.Thread, c.Reason, handoffs.Decline);
    }
}

/// <summary>Answers a handoff that is named by its thread.</summary>
internal sealed class AnswerHandoff(IStore store, ThreadTable table, IFileReferences references)
{
    /// <summary>Decides it.</summary>
    /// <param name="caller">The operator.</param>
    /// <param name="thread">The thread of the handoff.</param>
    /// <param name="text">What he says, or null.</param>
    /// <param name="decide">The decision.</param>
    /// <returns>The post that tells the decision.</returns>
    /// <exception cref="Problem">Code <c>not_found</c>: the thread is not one of a handoff.</exception>
    public async Task<CollaborationMessage> Store(
        Caller caller,
        long thread,
        string? text,
        Func<IWrite, Caller, HandoffRow, NewPost?, HandoffRow> decide
    )
    {
        var said = text is null ? null : new NewPost(text, "", await references.ScanAs(caller.Name, text));
        return await store.Write(
            write =>
            {
                var handoff =
                    HandoffTable.OfThread(write.Db, thread)
                    ?? throw Problem.NotFound($"handoff of thread {thread} not found");
                decide(write, caller, handoff, said);
                return new CollaborationMessage(table.View(write.Db, ThreadTable.Posts(write.Db, thread, 1, null)[0]));
            },
            CancellationToken.None
        );
    }
}

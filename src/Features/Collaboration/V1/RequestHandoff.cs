using System.Text.Json.Nodes;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Features.StateFiles.Contracts;
using MediatR;

namespace Hive.Features.Collaboration.V1;

/// <summary>Asks an agent to take over a running task for <c>/api/v1</c>.</summary>
internal static class RequestHandoff
{
    /// <param name="ToAgentId">The worker that is to take it over.</param>
    /// <param name="TaskId">The task, which runs.</param>
    /// <param name="Reason">Why, at most 4096 bytes.</param>
    /// <param name="Caller">The operator.</param>
    /// <param name="FromAgentId">The caller's name, or null; the door refuses another one.</param>
    /// <param name="Context">What goes on with the task, at most 4096 bytes of JSON.</param>
    /// <param name="Key">Text of the caller's own: a repeated call with it asks nothing again.</param>
    internal sealed record Command(
        string ToAgentId,
        long TaskId,
        string Reason,
        Caller Caller,
        string? FromAgentId = null,
        JsonObject? Context = null,
        string? Key = null
    ) : IRequest<Result>;

    /// <param name="ThreadId">The thread of the handoff.</param>
    /// <param name="MessageId">The post that asks.</param>
    /// <param name="HandoffId">The handoff.</param>
    internal sealed record Result(long ThreadId, long MessageId, long HandoffId);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IRoster roster, AgentFolders folders, IAgentNames names)
        {
            RuleFor(c => (string?)c.ToAgentId).MustBeAgentsName(names, "to_agent_id");
            RuleFor(c => c.TaskId).GreaterThan(0).WithMessage("'task_id' must be a positive task id");
            RuleFor(c => c.Reason).MustBeBody(c => BodyRules.WayOut(c.Caller, roster, folders));
            RuleFor(c => c.Context).MustBeData("context");
            RuleFor(c => c.Key).MustBeKey();
        }
    }

    internal sealed class Handler(IStore store, Handoffs handoffs, IFileReferences references, IdempotencyKeys keys)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command c, CancellationToken cancellationToken)
        {
            var refs = await references.ScanAs(c.Caller.Name, c.Reason);
            return await store.Write(
                write => keys.Once(write, c.Caller.Name, "request_handoff", c.Key, () => Ask(write, c, refs)),
                CancellationToken.None
            );
        }

        private Result Ask(IWrite write, Command c, IReadOnlyList<string> refs)
        {
            var asked = handoffs.Request(
                write,
                c.Caller,
                new NewHandoff(c.TaskId, Run: null, c.ToAgentId, c.Reason, refs, c.Context)
            );
            return new Result(asked.Thread, ThreadTable.FirstPost(write.Db, asked.Thread).Id, asked.Id);
        }
    }
}

using System.ComponentModel;
using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>Lets the manager ask the operator for a new agent.</summary>
internal static class RequestSpawn
{
    internal sealed record Command(
        [property: Description(
            "The new agent's name: a-z, 0-9 and '-', beginning with a letter, at most 31 characters. With the "
                + "name of a destroyed agent it gets that agent's kept data."
        )]
            string Name,
        Caller Caller,
        [property: Description("What it is for, for the operator who decides; at most 4096 bytes.")]
            string? Description = null
    ) : IRequest<Result>;

    internal sealed record Result(long Id);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Name).MustBeNameOfNewAgent(names);
            RuleFor(c => c.Description).MustBeDescription();
        }
    }

    internal sealed class Handler(NewAgents agents) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            agents.Ask(new ApprovalRequest(ApprovalKind.Spawn, command.Name, command.Caller.Name, command.Description));
    }

    /// <summary>Stores requests for new agents, from the manager or the operator.</summary>
    internal sealed class NewAgents(IStore store, ApprovalQueue queue, IRoster roster, IAgentLifecycle lifecycle)
    {
        public async Task<Result> Ask(ApprovalRequest request)
        {
            // A runtime that cannot work is refused here, before the operator is asked to decide.
            if (request.Runtime is not null)
                await lifecycle.ChooseRuntime(request.Runtime, CancellationToken.None);
            return await store.Write(
                write =>
                {
                    if (roster.Find(request.Agent) is not null)
                        throw Problem.Conflict($"agent '{request.Agent}' already exists; choose another name");
                    if (write.Db.QuerySingleOrDefault<long?>(AskedSql, request) is { } id)
                        throw Problem.Conflict(
                            $"approval {id} already asks for an agent '{request.Agent}' and is not decided yet"
                        );
                    return new Result(queue.Add(write, request).Id);
                },
                CancellationToken.None
            );
        }

        private const string AskedSql = """
            SELECT min(id)
              FROM approvals
             WHERE agent = @Agent AND resolved_at IS NULL AND kind = @Kind
            """;
    }
}

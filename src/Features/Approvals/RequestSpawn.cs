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

/// <summary>The manager asks for a new agent.</summary>
internal static class RequestSpawn
{
    internal sealed record Command(
        [property: Description(
            "The new agent's name: a-z, 0-9 and '-', beginning with a letter, at most 31 characters. Under the name of a destroyed agent it gets what is kept of that one."
        )]
            string Name,
        Caller Caller,
        [property: Description("What it is for, told to the operator who decides; at most 4096 bytes.")]
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
            agents.Ask(new Wish(ApprovalKind.Spawn, command.Name, command.Caller.Name, command.Description));
    }

    /// <summary>Asks for a new agent, whoever wants it.</summary>
    internal sealed class NewAgents(IStore store, ApprovalQueue queue, IRoster roster, IAgentLifecycle lifecycle)
    {
        public async Task<Result> Ask(Wish wish)
        {
            // What cannot work is said to who asks, not to who decides.
            if (wish.Runtime is not null)
                await lifecycle.ChooseRuntime(wish.Runtime, CancellationToken.None);
            return await store.Write(
                write =>
                {
                    if (roster.Find(wish.Agent) is not null)
                        throw Problem.Conflict($"there is an agent '{wish.Agent}' already");
                    if (write.Db.QuerySingleOrDefault<long?>(AskedSql, wish) is { } id)
                        throw Problem.Conflict(
                            $"approval {id} asks for an agent '{wish.Agent}' already, and the operator has not decided it"
                        );
                    return new Result(queue.Add(write, wish).Id);
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

using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>
/// Lets the operator propose another <c>agent.yaml</c> for an agent: a commit on top of what is deployed, which is
/// reviewed and deployed like the manager's.
/// </summary>
internal static class ProposeConfig
{
    internal sealed record Command(
        string Name,
        [property: Description("The whole agent.yaml.")] string Yaml,
        [property: Description("What it changes and why; at most 4096 bytes.")] string? Description = null
    ) : IRequest<Result>;

    internal sealed record Result(long ApprovalId, string Sha);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Name).MustBeAgentsName(names);
            RuleFor(c => c.Description).MustBeDescription();
        }
    }

    internal sealed class Handler(OperatorProposals proposals, IConfigDrafts drafts, IRoster roster)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var agent = roster.Require(command.Name).Name;
            // First, so that a file with a mistake leaves no approval behind.
            var sha = await drafts.Commit(
                agent,
                command.Yaml,
                OperatorProposals.Message(command.Description),
                cancellationToken
            );
            return await proposals.Add(agent, sha, command.Description);
        }
    }

    /// <summary>Asks for the deployment of a commit that Hive made for the operator.</summary>
    internal sealed class OperatorProposals(
        IStore store,
        ApprovalQueue queue,
        RequestApplyCommit.Proposals proposals,
        IRoster roster
    )
    {
        /// <summary>The message of the commit.</summary>
        public static string Message(string? description) =>
            string.IsNullOrWhiteSpace(description) ? "Change the configuration" : description;

        /// <param name="agent">The agent.</param>
        /// <param name="sha">The commit.</param>
        /// <param name="description">What it changes and why.</param>
        /// <param name="check">Refuses the request, inside the write that stores it.</param>
        public async Task<Result> Add(string agent, string sha, string? description, Action<IWrite>? check = null)
        {
            var approval = await store.Write(
                write =>
                {
                    roster.Require(agent);
                    check?.Invoke(write);
                    return queue.Add(
                        write,
                        new ApprovalRequest(ApprovalKind.ApplyCommit, agent, Principals.Operator, description, sha),
                        ApprovalQueue.Fetching
                    );
                },
                CancellationToken.None
            );
            return new Result(approval.Id, await proposals.Pin(approval));
        }
    }
}

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

    internal sealed class Handler(
        IStore store,
        ApprovalQueue queue,
        RequestApplyCommit.Proposals proposals,
        IConfigDrafts drafts,
        IRoster roster
    ) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var agent = roster.Require(command.Name).Name;
            // First, so that a file with a mistake leaves no approval behind.
            var sha = await drafts.Commit(
                agent,
                command.Yaml,
                string.IsNullOrWhiteSpace(command.Description) ? "Change the configuration" : command.Description,
                cancellationToken
            );
            var approval = await store.Write(
                write =>
                {
                    roster.Require(agent);
                    return queue.Add(
                        write,
                        new ApprovalRequest(
                            ApprovalKind.ApplyCommit,
                            agent,
                            Principals.Operator,
                            command.Description,
                            sha
                        ),
                        ApprovalQueue.Fetching
                    );
                },
                CancellationToken.None
            );
            return new Result(approval.Id, await proposals.Pin(approval));
        }
    }
}

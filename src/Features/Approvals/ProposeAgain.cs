using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>Proposes the operator's change of a configuration again, on top of what is deployed now, after its approval
/// has failed.</summary>
internal static class ProposeAgain
{
    internal sealed record Command(long Id) : IRequest<ProposeConfig.Result>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("approval");
    }

    internal sealed class Handler(
        IStore store,
        IRoster roster,
        IConfigDrafts drafts,
        ProposeConfig.OperatorProposals proposals
    ) : IRequestHandler<Command, ProposeConfig.Result>
    {
        public async Task<ProposeConfig.Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var failed = await store.Read(db => ApprovalQueue.Require(db, command.Id), cancellationToken);
            if (
                failed
                is not {
                    Status: ApprovalStatus.Failed,
                    Kind: ApprovalKind.ApplyCommit,
                    Requester: Principals.Operator,
                    FetchedSha: { } sha
                }
            )
                throw Problem.Conflict(
                    $"approval {failed.Id} is {failed.Status}; only the operator's own change of a configuration can "
                        + "be proposed again, after it failed"
                );
            var agent = roster.Require(failed.Agent).Name;
            var again = await drafts.CommitAgain(
                agent,
                sha,
                ProposeConfig.OperatorProposals.Message(failed.Description),
                cancellationToken
            );
            return await proposals.Add(agent, again, failed.Description, write => MustBeFirst(write, failed));
        }

        // Of two clicks, or two tabs, the first counts.
        private static void MustBeFirst(IWrite write, ApprovalRow failed)
        {
            if (write.Db.ExecuteScalar<long?>(LaterSql, failed) is { } later)
                throw Problem.Conflict($"approval {later} was asked for after approval {failed.Id} and waits already");
        }

        private const string LaterSql = $"""
            SELECT max(id)
              FROM approvals INDEXED BY approvals_agent
             WHERE agent = @Agent AND id > @Id AND resolved_at IS NULL
               AND kind = '{ApprovalKind.ApplyCommit}' AND requester = @Requester
            """;
    }
}

using System.ComponentModel;
using System.Text.RegularExpressions;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Approvals;

/// <summary>
/// Lets the manager propose a configuration for an agent. The commit is fetched at once, so that later changes in the
/// agent's repository do not change what the operator decides on.
/// </summary>
internal static partial class RequestApplyCommit
{
    internal sealed record Command(
        [property: Description("The agent whose configuration it is.")] string Agent,
        [property: Description(
            "The commit in the agent's config repository, 7 to 40 hexadecimal digits as 'git rev-parse HEAD' "
                + "prints; not a branch or tag."
        )]
            string CommitRef,
        Caller Caller,
        [property: Description("What it changes and why, for the operator who decides; at most 4096 bytes.")]
            string? Description = null
    ) : IRequest<Result>;

    internal sealed record Result(long Id, string Sha);

    internal sealed partial class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Agent).MustBeAgentsName(names, "agent");
            RuleFor(c => c.CommitRef)
                .Must(commit => Commit().IsMatch(commit))
                .WithMessage(
                    "'commit_ref' must be a commit, 7 to 40 hexadecimal digits as 'git rev-parse HEAD' prints; "
                        + "branches and tags are refused because they can move"
                );
            RuleFor(c => c.Description).MustBeDescription();
        }

        [GeneratedRegex(@"\A[0-9a-fA-F]{7,40}\z")]
        private static partial Regex Commit();
    }

    internal sealed class Handler(IStore store, ApprovalQueue queue, Proposals proposals, IRoster roster)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var approval = await store.Write(
                write =>
                {
                    roster.Require(command.Agent);
                    return queue.Add(
                        write,
                        new ApprovalRequest(
                            ApprovalKind.ApplyCommit,
                            command.Agent,
                            command.Caller.Name,
                            command.Description,
                            command.CommitRef
                        ),
                        ApprovalQueue.Fetching
                    );
                },
                CancellationToken.None
            );
            return new Result(approval.Id, await proposals.Pin(approval));
        }
    }

    /// <summary>Fetches and checks a proposed commit, then shows the approval to the operator.</summary>
    internal sealed partial class Proposals(
        IStore store,
        ApprovalQueue queue,
        GitQuarantine quarantine,
        AppliedRepository applied,
        AgentFolders folders,
        ISwarmLock swarm,
        IRoster roster,
        TimeProvider clock,
        IHostApplicationLifetime lifetime,
        ILogger<Proposals> log
    )
    {
        private static readonly TimeSpan StoreGrace = TimeSpan.FromSeconds(5);

        /// <summary>
        /// Pins the commit by the tag <c>proposal/&lt;id&gt;</c> and checks it; then the operator sees the approval.
        /// </summary>
        /// <returns>The full id of the commit.</returns>
        /// <exception cref="Problem">The commit cannot be fetched or deployed; the approval has failed.</exception>
        public async Task<string> Pin(ApprovalRow approval)
        {
            var agent = approval.Agent;
            try
            {
                LogStep(log, approval.Id, "asked for");
                var sha = await Fetch(approval);
                LogStep(log, approval.Id, "fetched");
                await ApplyCommitWork.MustBeBasedOn(
                    applied,
                    approval,
                    sha,
                    await applied.DeployedCommit(agent),
                    CancellationToken.None
                );
                // Inputs are not fetched before the operator has approved.
                await swarm.Check(agent, sha, CancellationToken.None);
                LogStep(log, approval.Id, "checked");
                await store.Write(
                    write =>
                    {
                        roster.Require(agent);
                        queue.MarkFetched(write, approval.Id, sha);
                    },
                    CancellationToken.None
                );
                return sha;
            }
            catch (Exception e)
            {
                await Fail(approval, e.Message, notify: false);
                throw new Problem(
                    e is Problem problem ? problem.Code : ErrorCode.Unavailable,
                    $"approval {approval.Id} failed: {e.Message}",
                    e
                );
            }
        }

        /// <summary>Fails an approval whose fetch was interrupted by a kill of the host.</summary>
        public Task FailInterrupted(ApprovalRow approval) =>
            Fail(approval, "the host ended while the commit was being fetched; request it again", notify: true);

        private async Task<string> Fetch(ApprovalRow approval)
        {
            var (agent, tag) = (approval.Agent, $"proposal/{approval.Id}");
            // The operator's commit was made in the applied repository.
            if (approval.Requester == Principals.Operator)
            {
                await applied.Tag(agent, tag, approval.CommitRef);
                return approval.CommitRef;
            }

            return await quarantine.Fetch(
                folders.Config(agent),
                approval.CommitRef,
                folders.Applied(agent),
                $"refs/tags/{tag}",
                CancellationToken.None
            );
        }

        private async Task Fail(ApprovalRow approval, string why, bool notify)
        {
            try
            {
                if (await applied.CommitOfTag(approval.Agent, $"proposal/{approval.Id}") is { } sha)
                {
                    await applied.Annotate(approval.Agent, $"failed/{approval.Id}", sha, why);
                    // The operator never sees this proposal, and no diff may use it as its base.
                    await applied.RemoveTag(approval.Agent, $"proposal/{approval.Id}");
                }
            }
            catch (Problem e)
            {
                // The queue still has the result.
                LogTagFailed(log, approval.Id, e);
            }

            var stored = store.WriteUntilStored(
                write =>
                    queue.Resolve(
                        write,
                        approval.Id,
                        ApprovalStatus.Failed,
                        TextRules.Cut(why, Limits.HostBodyBytes),
                        notify: notify
                    ),
                clock,
                lifetime.ApplicationStopping
            );
            // A full disk must not delay the manager's answer or the host's start.
            await await Task.WhenAny(stored, Task.Delay(StoreGrace, clock));
        }

        [LoggerMessage(Level = LogLevel.Debug, Message = "approval {Id}: {Step}")]
        private static partial void LogStep(ILogger logger, long id, string step);

        [LoggerMessage(Level = LogLevel.Warning, Message = "could not tag the failed approval {Id}")]
        private static partial void LogTagFailed(ILogger logger, long id, Exception error);
    }
}

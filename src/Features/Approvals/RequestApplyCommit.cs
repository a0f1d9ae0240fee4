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

/// <summary>The manager proposes a configuration for an agent. The commit is fetched at once: what is done where it
/// came from afterwards changes nothing of what the operator decides.</summary>
internal static partial class RequestApplyCommit
{
    internal sealed record Command(
        [property: Description("Whose configuration.")] string Agent,
        [property: Description(
            "The commit in the agent's config repository, 7 to 40 hexadecimal digits as 'git rev-parse HEAD' prints; no branch, no tag."
        )]
            string CommitRef,
        Caller Caller,
        [property: Description("What it changes and why, told to the operator who decides; at most 4096 bytes.")]
            string? Description = null
    ) : IRequest<Result>;

    internal sealed record Result(long Id, string Sha);

    internal sealed partial class Validator : AbstractValidator<Command>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(c => c.Agent).Must(names.IsWellFormed).WithMessage("'agent' is no agent's name");
            RuleFor(c => c.CommitRef)
                .Must(commit => Commit().IsMatch(commit))
                .WithMessage(
                    "'commit_ref' must be the commit itself, 7 to 40 hexadecimal digits as 'git rev-parse HEAD' prints; names of branches and tags can move, so they are not taken"
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
                        new Wish(
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

    /// <summary>Fetches what is proposed, and puts it before the operator.</summary>
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

        /// <summary>Pins it by the tag <c>proposal/&lt;id&gt;</c> and checks it; the operator sees it then.</summary>
        /// <returns>The whole name of the commit.</returns>
        /// <exception cref="Problem">It cannot be had or cannot be deployed; it has failed.</exception>
        public async Task<string> Pin(ApprovalRow approval)
        {
            var agent = approval.Agent;
            try
            {
                LogStep(log, approval.Id, "asked for");
                var sha = await quarantine.Fetch(
                    folders.Config(agent),
                    approval.Commit_ref,
                    folders.Applied(agent),
                    $"refs/tags/proposal/{approval.Id}",
                    CancellationToken.None
                );
                LogStep(log, approval.Id, "fetched");
                await ApplyCommitWork.MustBeBasedOn(
                    applied,
                    agent,
                    sha,
                    await applied.Main(agent),
                    CancellationToken.None
                );
                // Nothing is fetched for it from elsewhere before the operator has agreed.
                await swarm.Check(agent, sha, CancellationToken.None);
                LogStep(log, approval.Id, "checked");
                await store.Write(
                    write =>
                    {
                        roster.Require(agent);
                        ApprovalQueue.Fetched(write, approval.Id, sha);
                    },
                    CancellationToken.None
                );
                return sha;
            }
            catch (Exception e)
            {
                await Give(approval, e.Message, tell: false);
                throw e is Problem problem
                    ? new Problem(problem.Code, $"approval {approval.Id} has failed: {e.Message}", e)
                    : Problem.Unavailable($"approval {approval.Id} has failed: {e.Message}", e);
            }
        }

        /// <summary>Gives up what a kill kept from being fetched.</summary>
        public Task Abandon(ApprovalRow approval) =>
            Give(approval, "the host ended while it was being fetched; ask again", tell: true);

        private async Task Give(ApprovalRow approval, string why, bool tell)
        {
            try
            {
                if (await applied.Tagged(approval.Agent, $"proposal/{approval.Id}") is { } sha)
                {
                    await applied.Annotate(approval.Agent, $"failed/{approval.Id}", sha, why);
                    // It never comes before the operator, and is nothing that another one is compared with.
                    await applied.Untag(approval.Agent, $"proposal/{approval.Id}");
                }
            }
            catch (Problem e)
            {
                // What became of it stands in the queue.
                LogNotTagged(log, approval.Id, e);
            }

            var stored = store.WriteUntilStored(
                write =>
                    queue.Resolve(
                        write,
                        approval.Id,
                        ApprovalStatus.Failed,
                        TextRules.Cut(why, Limits.HostBodyBytes),
                        tell: tell
                    ),
                clock,
                lifetime.ApplicationStopping
            );
            // A full disk keeps neither the manager from its answer nor the host from its start.
            await await Task.WhenAny(stored, Task.Delay(StoreGrace, clock));
        }

        [LoggerMessage(Level = LogLevel.Debug, Message = "approval {Id}: {Step}")]
        private static partial void LogStep(ILogger logger, long id, string step);

        [LoggerMessage(Level = LogLevel.Warning, Message = "approval {Id} has failed, and could not be tagged so")]
        private static partial void LogNotTagged(ILogger logger, long id, Exception error);
    }
}

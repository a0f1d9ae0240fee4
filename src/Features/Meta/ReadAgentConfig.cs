using FluentValidation;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Meta.Contracts;
using MediatR;

namespace Hive.Features.Meta;

/// <summary>Reads the configuration of an agent: its deployed <c>agent.yaml</c>, and the newest proposal that is not
/// decided yet.</summary>
internal static class ReadAgentConfig
{
    internal sealed record Query(string Name) : IRequest<Result>;

    /// <param name="Name">The agent, as <paramref name="Agent"/>.</param>
    /// <param name="DeployedSha">The commit of <paramref name="Deployed"/>.</param>
    /// <param name="Content">The text of <paramref name="Deployed"/>.</param>
    /// <param name="Agent">The agent.</param>
    /// <param name="Deployed">What it is built from.</param>
    /// <param name="Proposed">The newest proposal that is not decided yet.</param>
    /// <param name="Diff">The changes of <c>agent.yaml</c> from deployed to proposed, as a patch; absent when it is the
    /// same in both.</param>
    internal sealed record Result(
        string Name,
        string DeployedSha,
        string Content,
        string Agent,
        DeployedYaml Deployed,
        ProposedYaml? Proposed = null,
        string? Diff = null
    );

    /// <summary>A deployed <c>agent.yaml</c>.</summary>
    internal sealed record DeployedYaml(string Sha, string Yaml);

    /// <summary>A proposed <c>agent.yaml</c>, and the approval that decides it.</summary>
    internal sealed record ProposedYaml(string Sha, string Yaml, long ApprovalId);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.Name).MustBeAgentsName(names);
    }

    internal sealed class Handler(IRoster roster, SwarmLock swarm, ConfigReader configs, IProposedConfigs proposals)
        : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var name = roster.Require(request.Name).Name;
            swarm.MustHaveNoFault();
            var commit =
                swarm.Deployed(name)
                ?? throw Problem.Conflict(
                    $"no configuration is deployed for {name} yet; `hive rebuild {name}` deploys it"
                );
            var text = await configs.TextAt(name, commit, cancellationToken);
            var sha = DeployedRowFields.Shown(commit)!;
            var deployed = new Result(name, sha, text, name, new DeployedYaml(sha, text));
            if (await proposals.Newest(name, cancellationToken) is not { } proposed)
                return deployed;
            return deployed with
            {
                Proposed = new ProposedYaml(
                    DeployedRowFields.Shown(proposed.Sha)!,
                    await configs.TextAt(name, proposed.Sha, cancellationToken),
                    proposed.ApprovalId
                ),
                Diff = await configs.DiffOf(name, commit, proposed.Sha, cancellationToken),
            };
        }
    }
}
